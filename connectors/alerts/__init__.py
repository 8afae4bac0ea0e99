"""Where alerts go: group robots of WeCom, DingTalk and Feishu, a webhook, a mailbox."""
