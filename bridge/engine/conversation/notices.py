"""What the bridge tells agents, in plain words."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bridge.contract import (
    Audience,
    Author,
    AuthorKind,
    Card,
    Message,
    Part,
    Phrases,
    Text,
    to_plain,
)
from bridge.engine.conversation.handover_texts import TEXTS
from bridge.engine.conversation.routing_texts import ROUTING_TEXTS
from bridge.engine.conversation.ticket_texts import TICKET_TEXTS

LANGUAGES = ("en", "zh")
_LINE = "\n> "  # between two lines that are quoted
_QUOTED = 40  # messages that a note quotes at most

_TEXTS: dict[str, dict[str, str]] = {
    "window.spent": {
        "en": "Not delivered yet: all replies that {channel} allows are used up. It goes out when the customer writes "
        "again. To give it up, write a private note: #cancel",
        "zh": "尚未送达：{channel} 允许的回复次数已用完。客户再次发来消息后会自动发送。"
        "如需放弃，请添加内部备注：#cancel",
    },
    "window.over": {
        "en": "Not delivered yet: the time in which {channel} allows replies is over. It goes out when the customer "
        "writes again. To give it up, write a private note: #cancel",
        "zh": "尚未送达：{channel} 允许回复的时间已过。客户再次发来消息后会自动发送。如需放弃，请添加内部备注：#cancel",
    },
    "window.short": {
        "en": "Not delivered yet: it needs {cost} replies, and {channel} allows only {left} until the customer writes "
        "again. Then it goes out. To give it up, write a private note: #cancel; to send files as links: #text",
        "zh": "尚未送达：需要 {cost} 次回复，而在客户再次发来消息之前 {channel} 只允许 {left} 次。"
        "客户发来消息后会自动发送。如需放弃，请添加内部备注：#cancel；如需将文件改为链接发送：#text",
    },
    "window.rest": {
        "en": "Delivered only in part: it is longer than all replies that {channel} allows at once. The rest goes out "
        "when the customer writes again. To give it up, write a private note: #cancel",
        "zh": "仅部分送达：内容超过 {channel} 一次允许的全部回复次数。其余部分将在客户再次发来消息后自动发送。"
        "如需放弃，请添加内部备注：#cancel",
    },
    "colleague": {
        "en": "{name} answered the customer in {channel} itself:",
        "zh": "{name} 已在{channel}中直接回复客户：",
    },
    "platform": {
        "en": "{channel} says:",
        "zh": "{channel} 提示：",
    },
    "invited": {
        "en": "{channel} accepted a service notification that invites the customer back into the chat.",
        "zh": "{channel} 已接受一条服务通知，邀请客户回到会话。",
    },
    "invite.failed": {
        "en": "The customer could not be invited back: {reason} The answer goes out when they write again.",
        "zh": "未能邀请客户回到会话：{reason} 客户再次发来消息后，回复会自动发送。",
    },
    "invite.unknown": {
        "en": "Whether the customer was invited back is not known: {channel} gave no answer. The answer goes out when "
        "they write again.",
        "zh": "无法确认邀请通知是否已发出：{channel} 没有应答。客户再次发来消息后，回复会自动发送。",
    },
    "failed": {
        "en": "Not delivered: {reason} It is not sent again by itself. To send it again, write a private note: #retry",
        "zh": "未送达：{reason} 系统不会自动重发。如需重新发送，请添加内部备注：#retry",
    },
    "dead": {
        "en": "Not delivered: {channel} could not be reached or did not accept it in time ({code}). To send it again, "
        "write a private note: #retry",
        "zh": "未送达：{channel} 无法连接或未在规定时间内接受（{code}）。如需重新发送，请添加内部备注：#retry",
    },
    "unconfirmed": {
        "en": "May not have been delivered: {channel} gave no answer, so nobody knows. It is not sent again by itself, "
        "because the customer might see it twice. To send it again, write a private note: #retry",
        "zh": "可能未送达：{channel} 没有应答，无法确认结果。为避免客户收到两次，系统不会自动重发。"
        "如需重新发送，请添加内部备注：#retry",
    },
    "expired": {
        "en": "Not delivered: it waited too long for the customer to write again and was given up. To try it all the "
        "same, write a private note: #retry",
        "zh": "未送达：等待客户再次发来消息的时间过长，已放弃发送。如仍需尝试发送，请添加内部备注：#retry",
    },
    "delayed": {
        "en": "Waiting: {channel} cannot be reached or does not accept it right now ({code}). It is tried again by "
        "itself. To give it up, write a private note: #cancel",
        "zh": "等待中：{channel} 暂时无法连接或未接受（{code}），系统会自动重试。如需放弃，请添加内部备注：#cancel",
    },
    "throttled": {
        "en": "Waiting: {channel} takes no more messages at this moment ({code}). It goes out by itself, not before "
        "{until}. To give it up, write a private note: #cancel",
        "zh": "等待中：{channel} 暂时不再接受更多消息（{code}），将于 {until} 之后自动发送。"
        "如需放弃，请添加内部备注：#cancel",
    },
    "paused": {
        "en": "Waiting: the connection to {channel} is stopped because its credentials were refused ({code}). An "
        "administrator has to repair it; then it goes out by itself. To give it up, write a private note: #cancel",
        "zh": "等待中：{channel} 拒绝了连接凭据（{code}），连接已暂停。管理员修复后会自动发送。"
        "如需放弃，请添加内部备注：#cancel",
    },
    "erased": {
        "en": "Not delivered: this customer's data was erased at their request. Nothing written here reaches them.",
        "zh": "未送达：该客户的数据已应其要求删除。在此工单中填写的内容均无法送达客户。",
    },
    "nothing.left": {
        "en": "Not sent: nothing of your answer can be shown in {channel}. No reply was used. Write it in words, or "
        "attach it as a file.",
        "zh": "未发送：您的回复中没有可在 {channel} 显示的内容，未占用回复次数。请改用文字重新回复，或将其添加为附件。",
    },
    "went": {
        "en": "Sent meanwhile: {channel} has accepted an answer that waited.",
        "zh": "已补发：之前等待发送的回复，{channel} 现已接受。",
    },
    "cancelled": {"en": "Cancelled before it was delivered.", "zh": "已在送达前取消。"},
    "changed.edited": {
        "en": "This answer was edited after it had been delivered. {channel} cannot change a message that was sent: "
        "the customer still sees the earlier text.",
        "zh": "该回复在送达后被修改。{channel} 无法修改已发送的消息，客户看到的仍是原内容。",
    },
    "changed.waiting": {
        "en": "This answer was edited before it was delivered. The change is not carried over: the earlier text goes "
        "out. To stop it, write a private note: #cancel, then answer anew.",
        "zh": "该回复在送达前被修改，但修改内容不会同步，仍会发送原内容。"
        "如需停止，请添加内部备注：#cancel，然后重新回复。",
    },
    "changed.deleted": {
        "en": "This answer was deleted or hidden after it had been delivered. {channel} cannot take a message back: "
        "the customer still sees it.",
        "zh": "该回复在送达后被删除或隐藏。{channel} 无法撤回已发送的消息，客户仍能看到。",
    },
    "warn.closing": {
        "en": "The customer has no answer yet, and {channel} allows replies only until {until}.",
        "zh": "客户尚未得到答复，{channel} 仅允许在 {until} 之前回复。",
    },
    "warn.last": {
        "en": "One reply is left until the customer writes again (until {until}).",
        "zh": "在客户再次发来消息之前只剩一次回复（截至 {until}）。",
    },
    "unrendered": {
        "en": "Not sent: something in your answer cannot be prepared for {channel}. This is a fault of the bridge; its "
        "log names it. It is tried again when the customer writes. To give it up, write a private note: #cancel",
        "zh": "未发送：您的回复中有内容无法转换为 {channel} 可接收的格式。这是系统故障，详情见系统日志。"
        "客户再次发来消息后会重试。如需放弃，请添加内部备注：#cancel",
    },
    "file.late": {
        "en": "A file of this answer cannot be fetched yet. The words go without it; it follows by itself, or you are "
        "told here. To give it up, write a private note: #cancel",
        "zh": "该回复中的文件暂时无法获取。文字会先行发送，文件取得后自动补发；如最终无法取得，将在此告知。"
        "如需放弃，请添加内部备注：#cancel",
    },
    "file.missing": {
        "en": "Not delivered: a file of this answer could not be fetched. The words were sent without it. To send it, "
        "attach it to a new answer.",
        "zh": "未送达：该回复中的文件无法获取，文字已单独发送。如需发送文件，请在新回复中重新添加附件。",
    },
    "missing": {
        "en": "One message of the customer could not be brought here ({code}). An administrator finds it with "
        "`bridge dead list`.",
        "zh": "客户的一条消息无法转入此处（{code}）。管理员可用 `bridge dead list` 查看。",
    },
    "bounced": {
        "en": "A message of the customer did not get through to this mailbox or ticket ({reason}). An administrator "
        "finds it with `bridge dead list`.",
        "zh": "客户的一条消息未能送达此处（{reason}）。管理员可用 `bridge dead list` 查看。",
    },
    "another": {
        "en": "This ticket was merged into one that belongs to another customer. The conversation does not follow it; "
        "the customer's next message opens a new ticket.",
        "zh": "该工单被合并到另一位客户的工单。会话不会跟随合并；客户的下一条消息将新建工单。",
    },
    "status": {
        "en": "Replies left: {left}. Window closes: {until}. Accepted by {channel} since the customer last wrote: "
        "{accepted}. Waiting: {waiting}. Not delivered: {failed}.",
        "zh": "剩余回复次数：{left}。窗口关闭时间：{until}。客户上次发言后 {channel} 已接受：{accepted}。"
        "等待发送：{waiting}。未送达：{failed}。",
    },
    "retried": {"en": "Sending again: {count}.", "zh": "正在重新发送：{count} 条。"},
    "nothing": {"en": "There is nothing to do for {command}.", "zh": "没有可执行 {command} 的内容。"},
    "cancelled.count": {"en": "Cancelled: {count}.", "zh": "已取消：{count} 条。"},
    "texted": {"en": "Files are sent as links now: {count}.", "zh": "文件将改为以链接发送：{count} 条。"},
    "no.consent": {
        "en": "The customer cannot be notified: no template is configured, or they have not agreed to one.",
        "zh": "无法通知客户：未配置模板，或客户尚未同意接收。",
    },
    "greeting": {
        "en": "Hello! How can we help you?",
        "zh": "您好！请问有什么可以帮您？",
    },
    "greeting.closed": {
        "en": "Hello! Nobody is here right now. Please leave a message; we answer as soon as we are back.",
        "zh": "您好！现在是非工作时间。请留言，我们上班后会尽快回复。",
    },
    "unknown.command": {
        "en": "{command} is not known. Known: #retry, #cancel, #text, #status, #notify, #move, #bot, #send",
        "zh": "无法识别 {command}。可用命令：#retry、#cancel、#text、#status、#notify、#move、#bot、#send",
    },
    **TEXTS,
    **ROUTING_TEXTS,
    **TICKET_TEXTS,
}


def is_of_an_end(message: Message) -> bool:
    """Whether a note says that an answer came to nothing: somebody must act, and now."""
    return message.id.startswith("note:") and message.id.count(":") > 1


def say(language: str, what: str, **values: object) -> str:
    """One sentence in a language; English where a language is missing. Values may be texts by language, too."""
    texts = _TEXTS[what]
    said = {name: _in(language, value) if isinstance(value, Mapping) else value for name, value in values.items()}
    text = (texts.get(language) or texts["en"]).format(**said)
    return text.replace("。 ", "。") if language == "zh" else text  # a reason ends its own sentence


def by_language(what: str, **values: object) -> dict[str, str]:
    """A part of a sentence in every language, as a value for another."""
    return {language: say(language, what, **values) for language in LANGUAGES}


def _in(language: str, texts: Mapping[str, str]) -> str:
    return texts.get(language) or texts.get("en") or ""


def quote(messages: Sequence[Message], language: str = "en", limit: int = 80) -> str:
    """The beginnings of what messages say, each on a line of its own, for a note that must name them all."""
    begun = []
    for message in messages:
        words = " ".join(" ".join(_words(part, language) for part in message.parts).split())
        begun.append(words if len(words) <= limit else words[: limit - 1] + "…")
    lines = [line for line in begun if line]
    if len(lines) > _QUOTED:
        lines[_QUOTED:] = [f"… (+{len(lines) - _QUOTED})"]
    return _LINE.join(lines)


def quoted_beside(text: str, quoted: str) -> str:
    """A note with further lines quoted in it; those that it has already stand once."""
    if not quoted:
        return text
    there = text.split("\n")
    return _LINE.join([text, *(line for line in quoted.split(_LINE) if f"> {line}" not in there)])


def _words(part: Part, language: str) -> str:
    match part:
        case Text():
            return to_plain(part.body, part.format)
        case Card():
            return f"[{part.title or part.url or part.path}]"
        case _:
            return Phrases(language).part(part, lambda media, kind: f"[{media.name or Phrases(language).word(kind)}]")


def note(
    identifier: str,
    text: str,
    *,
    at: datetime,
    quoted: str = "",
    about: str = "",
    words: Mapping[str, str] | None = None,
) -> Message:
    """A private note of the bridge itself; `words` are the same in further languages."""
    quote = f"\n\n> {quoted}" if quoted else ""
    said = {language: f"{other}{quote}" for language, other in (words or {}).items()}
    return Message(
        id=identifier,
        conversation="",
        author=Author(kind=AuthorKind.BRIDGE),
        audience=Audience.AGENTS,
        parts=(Text(body=f"{text}{quote}", words=said),),
        sent_at=at,
        reply_to=about,
    )
