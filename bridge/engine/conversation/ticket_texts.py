"""What agents read about a ticket itself: how its channel works, whose it is, what was left out, what is known now."""

TICKET_TEXTS: dict[str, dict[str, str]] = {
    "rules": {
        "en": "What you answer publicly here goes to the customer in {channel}; private notes do not. {window}You "
        "are told here of every answer that waits or does not arrive. Private notes that begin with # are "
        "commands: #status, #retry, #cancel, #text, #notify.",
        "zh": "您在此处的公开回复会发送给 {channel} 的客户，内部备注不会发送。{window}如有回复等待发送或未送达，"
        "会在此处告知。以 # 开头的内部备注是命令：#status、#retry、#cancel、#text、#notify。",
    },
    "rules.window": {
        "en": "Each message of the customer allows {replies} replies within {hours} hours; what does not fit waits "
        "until they write again. ",
        "zh": "客户每发来一条消息，{channel} 允许在 {hours} 小时内回复 {replies} 次；"
        "超出的回复会等到客户再次发来消息后发送。",
    },
    "arrived": {
        "en": "It had arrived: {channel} shows the answer of which nobody knew. Do not send it again.",
        "zh": "现已确认送达：{channel} 显示此前无法确认的回复已送达，请勿重复发送。",
    },
    "arrived.not": {
        "en": "It has not arrived: {channel} does not have the answer of which nobody knew. To send it, write a "
        "private note: #retry",
        "zh": "现已确认未送达：{channel} 没有此前无法确认的回复。如需发送，请添加内部备注：#retry",
    },
    "arrived.here": {
        "en": "The customer's message that was said to be missing is here: it had arrived.",
        "zh": "此前提示未能转入的客户消息其实已在此处。",
    },
    "omitted": {
        "en": "The customer does not get all of this answer: {kinds} is left out ({count} characters, see below). "
        "Write what they need above it, or as an answer of its own. `bridge trace {id}` tells an "
        "administrator what was left out. This is said once per ticket.",
        "zh": "该回复未全部发送给客户：其中的{kinds}已略去（{count} 个字符，见下文）。"
        "需要客户看到的内容，请写在其上方，或另行回复。管理员可用 `bridge trace {id}` 查看每条回复略去的内容。"
        "每个工单仅提示一次。",
    },
    "omitted.history": {
        "en": "quoted history",
        "zh": "引用的历史内容",
    },
    "omitted.signature": {
        "en": "a signature",
        "zh": "签名",
    },
    "omitted.and": {"en": " and ", "zh": "和"},
    "given.away": {
        "en": "This ticket belongs to another customer now. What you answer here no longer goes to the customer in "
        "{channel}, whose next message opens a new ticket. Is it the same person, make them the ticket's "
        "customer again. To send what was not sent, write a private note: #send",
        "zh": "该工单已改属另一位客户。您在此处的回复不会再发送给 {channel} 的客户，该客户的下一条消息将新建工单。"
        "如为同一人，请将工单的客户改回。如需发送未送出的回复，请添加内部备注：#send",
    },
    "given.back": {
        "en": "This ticket belongs to the customer in {channel} again. What you answer from now on goes to them.",
        "zh": "该工单已改回 {channel} 的客户，此后的回复会发送给该客户。",
    },
    "paced": {
        "en": "The customer writes faster than this desk takes updates of one ticket ({count} in {minutes} "
        "minutes). What they write is joined and stands here up to {seconds} seconds later; nothing is lost.",
        "zh": "客户发送消息的速度超过了工单系统对单个工单的更新限制（{minutes} 分钟内 {count} 次）。"
        "消息会合并显示，最多延迟 {seconds} 秒，不会丢失。",
    },
}
