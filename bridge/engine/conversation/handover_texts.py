"""What agents read about hand-overs and bots."""

TEXTS: dict[str, dict[str, str]] = {
    "handed.facts": {
        "en": "This conversation was handed over from {left} to {taken}: {why}{who}.\nReplies left: {replies}.{more}",
        "zh": "此会话已由 {left} 转交给 {taken}：{why}{who}。\n剩余回复次数：{replies}。{more}",
    },
    "handed.replies": {"en": "{left}, until {until}", "zh": "{left} 条，截至 {until}"},
    "colon": {"en": ": ", "zh": "："},
    "handed.ticket": {"en": "\nEarlier ticket: {ticket} {url}", "zh": "\n此前的工单：{ticket} {url}"},
    "handed.entry": {"en": "\nCame from: {entry}", "zh": "\n来源：{entry}"},
    "handed.summary": {"en": "\nThe bot's summary: {summary}", "zh": "\n机器人的小结：{summary}"},
    "handed.on": {
        "en": "This conversation goes on at {taken}: {why}{who}. What you answer here no longer reaches the customer.",
        "zh": "此会话已转至 {taken} 继续处理：{why}{who}。在此处的回复不会再发送给客户。",
    },
    "handed.bot": {
        "en": "{taken} answers this customer from now on: {why}{who}. Your next answer here takes the conversation "
        "back.",
        "zh": "此后由 {taken} 答复该客户：{why}{who}。您在此处的下一次回复会将会话收回。",
    },
    "not.forwarded": {
        "en": "Not sent: this conversation goes on at {taken}. To send this answer to the customer all the same, write "
        "a private note: #send",
        "zh": "未发送：此会话已转至 {taken}。如仍需将此回复发送给客户，请添加内部备注：#send",
    },
    "sent": {"en": "Sending: {count}.", "zh": "正在发送：{count} 条。"},
    "sent.own": {"en": "Sending your words instead:\n{text}", "zh": "正在改发您写的内容：\n{text}"},
    "move.where": {
        "en": "{command} needs the name of a desk. Known: {known}",
        "zh": "{command} 需要写明服务台名称。可用：{known}",
    },
    "move.here": {"en": "This conversation is at {taken} already.", "zh": "此会话已在 {taken}。"},
    "no.bot": {
        "en": "No bot answers on this route, so it cannot be given to one.",
        "zh": "此路由未配置机器人，无法转交。",
    },
    "transcript": {"en": "Conversation so far (times in {zone}):", "zh": "此前的对话（时区：{zone}）："},
    "transcript.earlier": {"en": "… {count} earlier messages", "zh": "…… 更早的 {count} 条消息"},
    "transcript.empty": {"en": "(nothing was said yet)", "zh": "（尚无消息）"},
    "who.customer": {"en": "Customer", "zh": "客户"},
    "who.agent": {"en": "Agent", "zh": "客服"},
    "who.bot": {"en": "Bot", "zh": "机器人"},
    "not.yet": {"en": "(not delivered yet)", "zh": "（尚未送达）"},
    "by": {"en": " ({who})", "zh": "（{who}）"},
    "why.asked": {"en": "the bot asks for a person", "zh": "机器人请求人工协助"},
    "why.words": {"en": "the customer asks for a person", "zh": "客户要求人工服务"},
    "why.agent": {"en": "an agent answered", "zh": "客服已答复"},
    "why.command": {"en": "an agent asked for it", "zh": "客服要求转交"},
    "why.admin": {"en": "an administrator asked for it", "zh": "管理员要求转交"},
    "why.target": {"en": "a target was missed", "zh": "未达到服务目标"},
    "why.fallback": {"en": "the desk could not be reached for too long", "zh": "服务台长时间无法连接"},
    "why.failure": {"en": "the bot failed", "zh": "机器人出现故障"},
    "why.doubt": {"en": "the bot does not know", "zh": "机器人无法解答"},
    "why.turns": {"en": "the bot has answered as often as it may", "zh": "机器人已达到答复次数上限"},
    "why.money": {"en": "the bot has cost as much as it may", "zh": "机器人已达到费用上限"},
    "why.allowance": {"en": "the replies that are left are for people", "zh": "剩余回复次数保留给人工"},
    "why.content": {"en": "the bot cannot make sense of what was sent", "zh": "机器人无法识别客户发送的内容"},
    "why.filter": {"en": "the bot's answer was held back", "zh": "机器人的答复未通过检查"},
    "why.unreadable": {"en": "the bot gave no readable answer", "zh": "机器人的答复无法读取"},
    "why.held": {"en": "answers are held back", "zh": "回复已被暂停发送"},
    "why.closed": {"en": "the channel takes no answer now", "zh": "渠道目前不接受回复"},
    "why.consent": {"en": "the customer did not agree to a bot", "zh": "客户未同意由机器人答复"},
    "why.refused": {"en": "the customer wants no bot", "zh": "客户不希望由机器人答复"},
    "why.paused": {"en": "the bot is paused", "zh": "机器人已暂停"},
    "why.done": {"en": "the last conversation was over", "zh": "上一次会话已结束"},
}
"""Causes are `why.…`: the engine names them by what comes after the dot."""
