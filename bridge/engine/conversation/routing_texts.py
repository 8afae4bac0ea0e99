"""The words about routes, targets, what the shop's own systems say, and those that customers hear while they wait."""

ROUTING_TEXTS: dict[str, dict[str, str]] = {
    "survey.shut": {
        "en": "The customer could not be asked how it was: {channel} allows no reply any more until they write again.",
        "zh": "未能邀请客户评价本次服务：在客户再次发来消息之前，{channel} 已不允许回复。",
    },
    "survey.keep": {
        "en": "The customer was not asked how it was: too few replies would have been left for you.",
        "zh": "未邀请客户评价本次服务：若发送邀请，留给您的回复次数将不足。",
    },
    "survey.rated": {
        "en": "The customer rated this service {score} of 5.",
        "zh": "客户对本次服务的评分为 {score} 分（满分 5 分）。",
    },
    "survey.corrected": {
        "en": "The customer corrected the rating: {score} of 5.",
        "zh": "客户修改了评分，现为 {score} 分（满分 5 分）。",
    },
    "target.late.answer": {
        "en": "The customer waits for an answer that was due at {due} ({zone}).",
        "zh": "客户仍在等待答复，应答期限为 {due}（{zone}）。",
    },
    "target.late.resolve": {
        "en": "This ticket should have been solved by {due} ({zone}).",
        "zh": "该工单应在 {due}（{zone}）之前解决。",
    },
    "target.closing": {
        "en": "Answer by {last} ({zone}): after that nobody is in the office until {channel} allows no reply any more.",
        "zh": "请在 {last}（{zone}）之前答复：此后直到 {channel} 不再允许回复为止，都不在工作时间内。",
    },
    "target.lost": {
        "en": "{channel} allows replies until {until} ({zone}), and nobody is in the office before that. Later only a "
        "service notification reaches the customer: #notify",
        "zh": "{channel} 仅允许在 {until}（{zone}）之前回复，而此前都不在工作时间内。"
        "此后只能通过服务通知联系客户：#notify",
    },
    "begun.elsewhere": {
        "en": "An agent began anew with this customer at ticket {ticket}. What the customer writes goes there.",
        "zh": "客服已在工单 {ticket} 中与该客户重新开始会话，客户的后续消息会进入该工单。",
    },
    "served.by": {
        "en": "Last served by {name}.",
        "zh": "上次由 {name} 接待。",
    },
    "profile": {
        "en": "Who this is, as your own system says: {profile}.",
        "zh": "您的系统提供的客户资料：{profile}。",
    },
    "shop.sent": {
        "en": "Your own system wrote to the customer:",
        "zh": "您的系统向客户发送了消息：",
    },
    "shop.held": {
        "en": "Your own system has a message for the customer. No reply is spare, so it waits until they write:",
        "zh": "您的系统有一条消息要发给客户。当前没有可用的回复次数，将在客户再次发来消息后发送：",
    },
    "shop.dropped": {
        "en": "Your own system had a message for the customer. It was not sent: no reply or consent was there for it.",
        "zh": "您的系统有一条消息要发给客户，但没有可用的回复次数或订阅授权，未发送。",
    },
    "shop.notified": {
        "en": "Your own system notified the customer with a subscription message:",
        "zh": "您的系统已通过订阅消息通知客户：",
    },
    "fields.refused": {
        "en": "The desk did not take what the route asks for: {fields}. The ticket was opened without it. {reason}",
        "zh": "工单系统未接受路由指定的内容：{fields}。工单已在不含该内容的情况下创建。{reason}",
    },
    "unverified": {
        "en": "The customer came with facts that claim to be signed by your server and are not: none of them counts.",
        "zh": "客户携带的资料声称由您的服务器签名，但签名无效，均不予采信。",
    },
    "rerouted": {
        "en": "By what the bot said, the route {rule!r} applies now: {fields}. Give this ticket to them by hand.",
        "zh": "根据机器人的判断，现适用路由“{rule}”：{fields}。请手动将该工单转给相应人员。",
    },
    "away.text": {
        "en": "Nobody is here right now. We are back {opens} and answer then.",
        "zh": "您好，现在是非工作时间，我们{opens}恢复服务，届时会尽快回复您。",
    },
    "waiting.known": {
        "en": "We have your message. An answer usually takes {range} minutes.",
        "zh": "我们已收到您的消息，预计 {range} 分钟内回复您。",
    },
    "waiting.unknown": {
        "en": "We have your message and answer as soon as we can.",
        "zh": "我们已收到您的消息，会尽快回复您。",
    },
    "contact.changed": {
        "en": "The customer's profile changed. {changes}",
        "zh": "客户资料已变更。{changes}",
    },
}
