"""Messages as RT's agents read them, and the marks by which the bridge knows its own writes."""

import base64
import hashlib
import re
from collections.abc import Sequence

from bridge.contract import (
    Card,
    File,
    Image,
    Location,
    Media,
    Message,
    Part,
    Progress,
    Text,
    Unsupported,
    Video,
    Voice,
    to_plain,
)

# the whole subject, so that "Re: [tag] ref …", an agent's answer by mail, is not taken for ours
_MARK = re.compile(r"ref (\S+)\s*")
# a header that holds any of these is refused, and a name goes into one
_LINE_ENDS = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_LINE = 120
_LONGEST = 60  # what stands before the @ has 64 characters at most


def mark(key: str) -> str:
    """What a write carries in its subject, so that it can be found again: RT has no idempotency."""
    return f"ref {key}"


def marked(subject: str) -> str:
    """The step's key in the subject of a write; "" when the bridge did not make it."""
    found = _MARK.fullmatch(subject.strip())
    return found[1] if found else ""


def message_id(key: str, domain: str) -> str:
    """The Message-ID of a mail that carries a step."""
    return f"<{key}@{domain}>"


def key_of(message_id: str, domain: str) -> str:
    """The step's key in a Message-ID that `message_id` made; "" for any other."""
    key, _, found = message_id.strip().strip("<>").rpartition("@")
    return key if found == domain else ""


def squeezed(text: str) -> str:
    """A text without its white space, for comparing what a mail system may have folded."""
    return "".join(text.split())


def address(customer: str, domain: str) -> str:
    """The address under which RT files a customer. Addresses are folded to lower case, customers' ids are not."""
    encoded = _lower(customer.encode())
    if len(encoded) <= _LONGEST:
        return f"c-{encoded}@{domain}"
    return f"h-{_lower(hashlib.sha256(customer.encode()).digest())}@{domain}"


def _lower(data: bytes) -> str:
    return base64.b32hexencode(data).decode().rstrip("=").lower()


def is_customer(address_or_name: str, domain: str) -> bool:
    """Whether it is an address that `address` made."""
    return re.fullmatch(rf"[ch]-[0-9a-v]*@{re.escape(domain)}", address_or_name.lower()) is not None


def body_of(messages: Sequence[Message]) -> str:
    """What was said, in order. Files are named; they stand beside the text."""
    return "\n\n".join(filter(None, (_said(message) for message in messages)))


def files_of(messages: Sequence[Message]) -> tuple[Media, ...]:
    """The files whose bytes are here, in order."""
    return tuple(media for message in messages for part in message.parts for media in _media(part) if media.sha256)


def first_line(messages: Sequence[Message]) -> str:
    """A subject."""
    for line in body_of(messages).splitlines():
        if line.strip():
            return line.strip()[:_LINE]
    return ""


def _said(message: Message) -> str:
    return "\n".join(filter(None, (_words(part) for part in message.parts)))


def _words(part: Part) -> str:
    match part:
        case Text():
            return to_plain(part.body, part.format)
        case Image() | File() | Video():
            return "\n".join(filter(None, (_file(part.media, part.kind), part.caption)))
        case Voice():
            return "\n".join(filter(None, (_file(part.media, part.kind), part.transcript)))
        case Card():
            lines = (part.title, part.description, part.url, part.path and f"page: {part.path}")
            thumb = [_file(part.thumb, "thumbnail")] if part.thumb else []
            return "\n".join(["[card]", *filter(None, lines), *thumb])
        case Location():
            return f"[location] {part.label} {part.latitude}, {part.longitude}".strip()
        case Unsupported():
            return f"[{part.what}] {part.text}".strip()
        case Progress():
            return ""


def _file(media: Media, kind: str) -> str:
    name = media.name or kind
    return (
        f"[{kind}: {name}, could not be fetched: {media.error}]"
        if not media.sha256
        else f"[{kind}: {file_name(media)}]"
    )


def file_name(media: Media) -> str:
    """A name with an ending: agents' browsers go by it."""
    name = _LINE_ENDS.sub(" ", media.name.replace("/", "_")).strip()
    if "." in name:
        return name
    ending = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "audio/amr": "amr", "video/mp4": "mp4"}
    extension = ending.get(media.mime, media.mime.rpartition("/")[2] if media.mime else "bin")
    return f"{name or media.sha256[:8] or 'file'}.{extension}"


def _media(part: Part) -> list[Media]:
    match part:
        case Image() | File() | Voice():
            return [part.media]
        case Video():
            return [part.media, *([part.thumb] if part.thumb else [])]
        case Card():
            return [part.thumb] if part.thumb else []
        case _:
            return []
