"""The bytes of the mails we write. Pure and repeatable: the same input gives the same bytes."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from mimetypes import guess_extension

from connectors.email.intake import LOOP
from connectors.email.memory import Thread
from connectors.email.settings import EmailConfig
from connectors.email.subject import first_subject, reply_subject
from connectors.email.thread import shorten
from connectors.email.token import Signer, digest

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f]")
_POLICY = SMTP.clone(cte_type="7bit", max_line_length=76)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a mail that is being written."""

    name: str
    mime: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """A finished mail: its bytes, envelope and ids. `mail` names it; the thread remembers `subject` and `chain`."""

    data: bytes
    message_id: str
    mail: str
    envelope_from: str
    to: str
    text: str
    subject: str
    chain: tuple[str, ...]


def compose(  # noqa: PLR0913 - the parts of a mail, by name
    config: EmailConfig,
    signer: Signer,
    thread: Thread,
    body: dict[str, str],
    files: Sequence[Attachment],
    *,
    key: str,
    now: datetime,
    instance: str,
) -> Letter:
    """One mail of a thread. To a helpdesk it looks like what it is: a person's message that was relayed.

    It carries no Auto-Submitted, Precedence or List header: Zendesk suspends, FreeScout and Discourse drop such mail
    (https://support.zendesk.com/hc/en-us/articles/4408828416282). X-Auto-Response-Suppress never says "All", which
    Zammad takes as proof of automatic mail.
    """
    conversation = thread.conversation
    mail = digest(key)
    message_id = signer.message_id(conversation, mail, config.domain)
    desk = config.is_desk
    answers = conversation_address(config, signer, conversation)
    sender = config.address if config.one_sender else answers
    to = config.desk_address if desk else thread.to
    root = signer.root(conversation, config.domain)
    before = [found for found in thread.chain if found not in {root, message_id}]
    references = shorten([root, *before] if desk else before)
    subject = reply_subject(thread.subject) if thread.subject else first_subject(body.get("about", ""), conversation)
    name = (body.get("name") or f"Customer {conversation[:4]}") if desk else config.from_name
    fields = [
        ("From", mailbox(name, sender)),
        ("To", to),
        ("Subject", encoded(subject)),
        ("Date", format_datetime(now)),
        ("Message-ID", message_id),
    ]
    if answers != sender:
        fields.append(("Reply-To", answers))
    if before:
        fields.append(("In-Reply-To", before[-1]))
    if references:
        fields.append(("References", "\r\n ".join(references)))
    fields += [
        ("X-Auto-Response-Suppress", "OOF, AutoReply"),
        (LOOP, instance),
        ("X-Bridge-Conversation", conversation),
    ]
    head = "".join(f"{field}: {value}\r\n" for field, value in fields)
    text = body.get("text", "")
    if desk and thread.code and thread.code not in text:
        text = f"{text}\n\n{thread.code}"  # the helpdesk finds its ticket by this when all else was lost
    data = head.encode("ascii") + _content(text, body.get("html", ""), files, key)
    return Letter(
        data=data,
        message_id=message_id,
        mail=mail,
        envelope_from=_envelope_from(config, signer, conversation, mail),
        to=to,
        text=body.get("text", ""),
        subject=thread.subject or subject,
        chain=tuple(shorten([*thread.chain, message_id] if thread.chain else [*([root] if desk else []), message_id])),
    )


def conversation_address(config: EmailConfig, signer: Signer, conversation: str) -> str:
    """The address of one conversation: constant, and the only one that the other side needs to answer to."""
    if config.address_mode == "single":
        return config.address
    token = signer.address_token(conversation)
    local, _, domain = config.address.rpartition("@")
    if config.address_mode == "catch_all":
        return f"{token}@{domain}"
    return f"{local}{config.separator}{token}@{domain}"


def _envelope_from(config: EmailConfig, signer: Signer, conversation: str, mail: str) -> str:
    """Where bounces go: an address that names this very mail, if it fits into 64 octets (RFC 5321 4.5.3.1.1)."""
    if config.one_sender:
        return config.address
    local, _, domain = config.address.rpartition("@")
    token = signer.bounce_token(conversation, mail)
    whole = token if config.address_mode == "catch_all" else f"{local}{config.separator}{token}"
    return f"{whole}@{domain}" if len(whole) <= 64 else conversation_address(config, signer, conversation)


def clean(text: str) -> str:
    """No control, direction or line characters: a nickname must not be able to write headers."""
    return re.sub(r"\s+", " ", _CONTROL.sub(" ", text)).strip()


def mailbox(name: str, address: str) -> str:
    """A display name and an address."""
    name = _EMOJI.sub("", clean(name)).strip()[:64]
    if not name:
        return address
    if name.isascii():
        quoted = name.replace("\\", "").replace('"', "")
        return f'"{quoted}" <{address}>'
    return f"{encoded(name)} <{address}>"


def encoded(text: str) -> str:
    """A header's text: ASCII as it is, else RFC 2047 words of at most 75 octets that split no character."""
    text = clean(text)
    if text.isascii() and len(text) < 900:
        return text
    words, chunk = [], b""
    for char in text:
        piece = char.encode("utf-8", "replace")
        if len(chunk) + len(piece) > 42:
            words.append(chunk)
            chunk = b""
        chunk += piece
    words.append(chunk)
    return "\r\n ".join(f"=?utf-8?B?{base64.b64encode(word).decode()}?=" for word in words)


def ending(mime: str) -> str:
    """The ending of a file without a name: by it programs choose how to show it. "" when the type says nothing."""
    kind = mime.partition(";")[0].strip().lower()
    return {"image/jpeg": ".jpg", "audio/amr": ".amr", "audio/silk": ".silk"}.get(kind) or guess_extension(kind) or ""


def _content(text: str, html: str, files: Sequence[Attachment], key: str) -> bytes:
    message = EmailMessage(policy=_POLICY)
    message.set_content(text.replace("\x00", "") + "\n", cte=_encoding(text))
    if html:
        message.add_alternative(f"<!DOCTYPE html><html><body>{html}</body></html>\n", subtype="html", cte="base64")
    for file in files:
        kind, _, sub = file.mime.partition("/")
        if not re.fullmatch(r"[\w.+-]+/[\w.+-]+", file.mime) or kind in {"multipart", "message"}:
            kind, sub = "application", "octet-stream"
        message.add_attachment(file.data, maintype=kind, subtype=sub, filename=clean(file.name) or f"file.{sub}")
    for number, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{digest(key, 20)}_{number}")
        if part is not message:
            del part["MIME-Version"]
    if "MIME-Version" not in message:
        message["MIME-Version"] = "1.0"
    return message.as_bytes()


def _encoding(text: str) -> str:
    """Never 8bit: not every server on the way has 8BITMIME, and lines may be longer than 998 octets."""
    return "quoted-printable" if sum(char > "\x7f" for char in text) * 6 < len(text) else "base64"
