"""From what the poll found to events. Pure."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bridge.contract import (
    Audience,
    Author,
    AuthorKind,
    Event,
    File,
    Format,
    Image,
    Malformed,
    Media,
    Message,
    MessageReceived,
    OwnersChanged,
    Part,
    Raw,
    Status,
    StatusChanged,
    Text,
    carry_pictures,
)
from connectors.rt.text import is_customer, key_of, marked

_STATUS = {"resolved": Status.SOLVED, "rejected": Status.CLOSED, "deleted": Status.CLOSED}
_EMPTY_END = ("<p>&nbsp;</p>", "<p></p>", "<br />", "<br>")


def normalise(raw: Raw, account: str, domain: str) -> Sequence[Event]:
    """One transaction: something said, or a change of the ticket."""
    try:
        return _events(json.loads(raw.payload), account, domain)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Malformed("not a transaction as the poller writes it") from None


def _events(found: dict[str, Any], account: str, domain: str) -> Sequence[Event]:
    if "unreadable" in found:
        raise Malformed(f"RT could not give out transaction {found.get('id')}: {found['unreadable']}")
    kind, ticket = found["type"], str(found["ticket"])
    if kind == "Merged":
        return (StatusChanged(conversation=ticket, status=Status.OPEN, moved_to=str(found.get("into", ""))),)
    if kind == "Requestor":
        return (OwnersChanged(conversation=ticket, owners=tuple(map(str, found["owners"]))),)
    if kind == "Status":
        status = _STATUS.get(str(found.get("new", "")), Status.OPEN)
        return (StatusChanged(conversation=ticket, status=status),)
    begun = str(found.get("requestor") or "") if kind == "Create" else ""  # an agent's own, for a customer of ours
    if kind not in {"Correspond", "Comment"} and not begun:
        return ()
    parts = _parts(found.get("attachments", ()), account)
    creator = str(found.get("creator", ""))
    message = Message(
        id=str(found["id"]),
        conversation=ticket,
        author=Author(kind=_author(found, creator, domain), id=creator, name=str(found.get("name") or "")),
        audience=Audience.AGENTS if kind == "Comment" else Audience.CUSTOMER,
        parts=tuple(parts) or (Text(body=""),),  # the bridge tells its author that nothing is left
        sent_at=moment(found.get("created")),
        origin=_origin(found, domain),
    )
    return (MessageReceived(message=message, requester=begun),)


def _origin(found: dict[str, Any], domain: str) -> str:
    """The key of the step that wrote this; "" for what others wrote."""
    return marked(str(found.get("subject", ""))) or key_of(str(found.get("message_id", "")), domain)


def _author(found: dict[str, Any], creator: str, domain: str) -> AuthorKind:
    """Staff are RT's privileged users. Whoever else writes by mail (a requestor, a Cc) is no agent."""
    if _origin(found, domain):
        return AuthorKind.BRIDGE
    if is_customer(creator, domain) or found.get("privileged") is False:
        return AuthorKind.CUSTOMER
    return AuthorKind.SYSTEM if creator == "RT_System" else AuthorKind.AGENT


def _parts(attachments: Any, account: str) -> list[Part]:
    """The first text says which format was written in; the same words in another format are left out. Whatever has a
    file name is a file.
    """
    parts: list[Part] = []
    spoken = ""
    entries = attachments if isinstance(attachments, list) else []
    has_files = any(str(entry.get("mime", "")).lower().startswith("image/") for entry in entries)
    for entry in entries:
        mime = str(entry.get("mime", "")).partition(";")[0].strip().lower()
        name = str(entry.get("name", ""))
        if mime.startswith("multipart/"):
            continue
        if not name and mime in {"text/plain", "text/html", ""}:
            text = _trimmed(str(entry.get("text", "")), html=mime == "text/html")
            if mime == "text/html" and has_files:
                text, _ = carry_pictures(text, lambda source: source.lower().startswith("cid:"))
            if text and spoken in {"", mime}:
                parts.append(Text(body=text, format=Format.HTML if mime == "text/html" else Format.PLAIN))
                spoken = mime
            continue
        media = Media(account=account, id=str(entry["id"]), mime=mime, name=name, size=_size(entry.get("size")))
        parts.append(Image(media=media) if mime.startswith("image/") else File(media=media))
    return parts


def _trimmed(text: str, *, html: bool) -> str:
    """RT's editor ends every answer with an empty paragraph."""
    text = text.strip() if html else text.strip("\r\n")
    while html and text.endswith(_EMPTY_END):
        text = text[: max(text.rfind("<p"), text.rfind("<br"))].rstrip()
    return text


def _size(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def moment(value: Any) -> datetime | None:
    """A time of RT's; None for what is none."""
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None
