"""Subjects: prefixes, helpdesks' ticket tags, and our own short tag."""

import re

from connectors.email.token import ALPHABET

_PREFIX = re.compile(
    r"\s*(?:re|fw|fwd|aw|wg|sv|vs|tr|rv|rif|ref|odp|ynt|antw|回复|答复|回覆|答覆|转发|轉寄|轉發|自动回复|自動回覆)"
    r"\s?(?:\[\d{1,3}\]|\(\d{1,3}\)|\^\d{1,3})?\s?[:：]\s*",
    re.IGNORECASE,
)
_GATEWAY = re.compile(r"\s*(?:\[external\]|【外部邮件】|\[外部邮件\]|\[spam\]|\*{3}\s?spam\s?\*{3})\s*", re.IGNORECASE)
_TICKET = re.compile(
    r"\[(?:[^\[\]\s#]{0,40}\s?)?(?:#\s?\d{1,12}|ticket\s?#\s?\d{1,20})\]|\bTicket#\d{4,20}", re.IGNORECASE
)
_ZENDESK = re.compile(r"\[([A-Z0-9]{6}-[A-Z0-9]{4,6})\]")
_OWN = re.compile(rf"\[c-([{ALPHABET}]{{8}})\]")
_MAX = 200


def stem(subject: str) -> str:
    """The subject without reply prefixes and gateway labels, however many piled up."""
    for _ in range(50):
        for pattern in (_PREFIX, _GATEWAY):
            found = pattern.match(subject)
            if found:
                subject = subject[found.end() :]
                break
        else:
            return subject.strip()
    return subject.strip()


def ticket_tags(subject: str) -> list[str]:
    """Ticket keys as helpdesks write them: [#12], [desk.example #12], [Ticket#12], and our own tag."""
    return [*dict.fromkeys(found.lower() for found in _TICKET.findall(subject)), *own_tags(subject)]


def own_tags(subject: str) -> list[str]:
    """Our own tags in a subject."""
    return [f"[c-{found}]" for found in _OWN.findall(subject)]


def own_tag(conversation: str) -> str:
    """The tag of a conversation's first mail. Short, so it proves nothing by itself."""
    return f"[c-{conversation[:8]}]"


def body_code(text: str) -> str:
    """The encoded ticket id that Zendesk hides at the end of its mails, with brackets."""
    found = _ZENDESK.findall(text)
    return f"[{found[-1]}]" if found else ""


def reply_subject(subject: str) -> str:
    """Re: before exactly what the other side wrote, tag included; no localised prefix, no second one."""
    kept = stem(subject)[:_MAX]
    return f"Re: {kept}" if kept else "Re:"


def first_subject(text: str, conversation: str) -> str:
    """The first words of what was said, and our tag."""
    words = re.sub(r"\s+", " ", text).strip()
    if len(words) > 60:
        cut = words[:60].rfind(" ")
        words = words[: cut if cut > 30 else 60].rstrip() + "…"
    return f"{words or 'Message'} {own_tag(conversation)}"
