"""Delivery reports: which of our mails came back, and why, in plain words."""

import re
from dataclasses import dataclass
from email.message import Message as Mail

from connectors.email import mime
from connectors.email.thread import recipients, references
from connectors.email.token import ALPHABET, Own, Signer

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_OWN_IN_TEXT = re.compile(rf"[{ALPHABET}]{{13}}\.[{ALPHABET}]{{13}}\.[{ALPHABET}]{{16}}@[\w.-]{{1,200}}", re.IGNORECASE)
_SENDERS = re.compile(r"(?:mailer-daemon|postmaster|mail-daemon|mdaemon)@")
_SUBJECTS = (
    "undeliverable",
    "undelivered mail",
    "delivery status notification",
    "mail delivery failed",
    "returned mail",
    "delivery failure",
    "failure notice",
    "系统退信",
    "退信",
    "邮件退回",
    "無法傳遞",
    "无法投递",
    "未送达",
    "unzustellbar",
    "non remis",
)
# RFC 3463 codes; the sentences are for agents
REASONS: dict[str, tuple[str, str]] = {
    "5.1.1": ("the address does not exist", "收件地址不存在"),
    "5.1.2": ("the domain does not exist", "收件域名不存在"),
    "5.1.10": ("the address does not exist", "收件地址不存在"),
    "5.2.1": ("the mailbox is disabled", "收件邮箱已停用"),
    "5.2.2": ("the mailbox is full", "收件邮箱已满"),
    "5.2.3": ("the mail is too large for the receiver", "邮件过大，对方不接收"),
    "5.3.4": ("the mail is too large for the receiver", "邮件过大，对方不接收"),
    "5.4.1": ("the domain has no mail server that answers", "对方域名没有可用的邮件服务器"),
    "5.4.4": ("the domain has no mail server that answers", "对方域名没有可用的邮件服务器"),
    "5.7.1": ("refused by the receiver's policy or spam filter", "被对方的策略或垃圾邮件过滤拒收"),
    "5.7.26": ("our domain is not authenticated (SPF, DKIM)", "我方域名未通过验证（SPF、DKIM）"),
    "5.7.60": ("we are not allowed to send as this address", "无权以该地址发信"),
    "4.2.2": ("the mailbox is full; the server keeps trying", "收件邮箱已满，服务器仍在重试"),
    "4.4.": (
        "the network or the receiving server fails; the server keeps trying",
        "网络或对方服务器故障，服务器仍在重试",
    ),
    "4.7.": ("the receiver slows us down; the server keeps trying", "对方限流，服务器仍在重试"),
}


@dataclass(frozen=True, slots=True)
class Bounce:
    """`own` is our mail it speaks of, None when it names none. `action`: failed, delayed or delivered."""

    action: str
    status: str
    reason: str
    own: Own | None


def plain_reason(status: str, language: str = "en") -> str:
    """The sentence for an enhanced status code, "" when there is none for it."""
    found = REASONS.get(status) or next(
        (words for code, words in REASONS.items() if code.endswith(".") and status.startswith(code)), None
    )
    return found[1 if language.startswith("zh") else 0] if found else ""


def read_bounce(mail: Mail, signer: Signer, language: str = "en") -> Bounce | None:
    """What a delivery report says, or None when the mail is none."""
    status_part = next((part for part in _parts(mail) if mime.media_type(part) == "message/delivery-status"), None)
    sender = next((address for _, address in mime.addresses(mail, "From")), "")
    subject = mime.header(mail, "Subject").lower()
    by_form = bool(_SENDERS.match(sender)) or bool(mime.header(mail, "X-Failed-Recipients"))
    if (
        status_part is None
        and not (by_form and any(word in subject for word in _SUBJECTS))
        and not (mime.header(mail, "X-Failed-Recipients"))
    ):
        return None
    action, status, diagnostic = _delivery_status(status_part) if status_part is not None else ("failed", "", "")
    text = _text(mail)
    if not status:
        found = _STATUS.search(text)
        status = found[0] if found else ""
        if status.startswith("4.") and "delay" in f"{subject} {text[:2000]}".lower():
            action = "delayed"
    reason = plain_reason(status, language) or diagnostic or text.strip().partition("\n")[0][:200]
    return Bounce(
        action, status, f"{reason} ({status})" if status and reason else reason or status, _own(mail, signer, text)
    )


def _parts(mail: Mail) -> list[Mail]:
    return [leaf.part for leaf in mime.leaves(mail)]


def _delivery_status(part: Mail) -> tuple[str, str, str]:
    """The worst action among the recipients, with its status and the other server's words."""
    payload = part.get_payload()
    blocks = payload if isinstance(payload, list) else [mime.parse(mime.body(part))]
    found = []
    for block in blocks:
        if not isinstance(block, Mail):
            continue
        action = mime.header(block, "Action").partition(";")[0].strip().lower()
        if action:
            status = _STATUS.search(mime.header(block, "Status"))
            words = mime.header(block, "Diagnostic-Code").partition(";")[2].strip()[:200]
            found.append((action, status[0] if status else "", words))
    for wanted in ("failed", "delayed", "delivered", "relayed", "expanded"):
        for row in found:
            if row[0] == wanted:
                return row
    return ("failed", "", "") if not found else found[0]


def _own(mail: Mail, signer: Signer, text: str) -> Own | None:
    """VERP address first, then the original's headers, then any of our ids in the report's own words."""
    for address in recipients(mail):
        own = signer.read_address(address.rpartition("@")[0])
        if own and own.mail:
            return own
    for part in _parts(mail):
        if mime.media_type(part) in {
            "message/rfc822",
            "text/rfc822-headers",
            "message/global",
            "message/global-headers",
        }:
            inner = part.get_payload()
            original = inner[0] if isinstance(inner, list) and inner else mime.parse(mime.body(part))
            if isinstance(original, Mail):
                for message_id in mime.ids(mime.header(original, "Message-ID")):
                    own = signer.read_id(message_id)
                    if own and own.mail:
                        return own
    for message_id in [*references(mail), *(f"<{found}>" for found in _OWN_IN_TEXT.findall(text))]:
        own = signer.read_id(message_id)
        if own and own.mail:
            return own
    return None


def _text(mail: Mail) -> str:
    texts = [
        leaf.text_body
        for leaf in mime.leaves(mail)
        if leaf.kind.startswith("text/") or leaf.kind == "message/delivery-status"
    ]
    return "\n".join(texts)[:64_000]
