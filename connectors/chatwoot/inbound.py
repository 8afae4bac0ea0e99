"""What agents did, as events. Pure.

Webhooks write `message_type` as a word, lists as a number. Text is Markdown of the editor; versions differ in how they
write a line's end. https://developers.chatwoot.com (webhooks), `app/presenters/messages/` in the source.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.contract import (
    Audience,
    Author,
    AuthorKind,
    Card,
    Change,
    Event,
    File,
    Format,
    Image,
    Location,
    Malformed,
    Media,
    Message,
    MessageChanged,
    MessageReceived,
    Part,
    Raw,
    Retried,
    Status,
    StatusChanged,
    Text,
    Video,
    Voice,
)
from connectors.chatwoot.api import LINK_MARK, id_of, moment_of

TYPES = {0: "incoming", 1: "outgoing", 2: "activity", 3: "template"}
STATUS = {"open": Status.OPEN, "pending": Status.OPEN, "snoozed": Status.OPEN, "resolved": Status.SOLVED}
_HARD_BREAK = re.compile(r"\\\n")
Found = Mapping[str, Any]


def normalise(raw: Raw, account: str) -> Sequence[Event]:
    """Events of one payload."""
    try:
        event = json.loads(raw.payload)
    except (ValueError, RecursionError):
        raise Malformed("the payload is no JSON") from None
    if not isinstance(event, dict):
        raise Malformed("the payload is no object")
    match event.get("event"):
        case "message_created":
            return _said(event, account)
        case "message_updated":
            return _changed(event)
        case "message_retried":
            return (Retried(conversation=_conversation(event), message=id_of(event)),)
        case "conversation_status_changed" | "conversation_updated":
            status = STATUS.get(str(event.get("status")))
            number = id_of(event)
            return (StatusChanged(conversation=number, status=status),) if status is not None and number else ()
        case _:
            raise Malformed("the payload is no event of a conversation")


def _said(event: Found, account: str) -> Sequence[Event]:
    place, number = _conversation(event), id_of(event)
    kind = event.get("message_type")
    kind = TYPES.get(kind, "") if isinstance(kind, int) else str(kind)
    if not place or not number:
        raise Malformed("the message names no conversation")
    if kind not in {"outgoing", "template", "incoming"} or _is_deleted(event) or _is_foreign(event):
        return ()
    sender = event.get("sender")
    sender = sender if isinstance(sender, dict) else {}
    private = event.get("private") is True
    message = Message(
        id=number,
        conversation=place,
        author=_author(kind, sender),
        parts=tuple(_parts(event, account, place)),
        audience=Audience.AGENTS if private else Audience.CUSTOMER,
        sent_at=moment_of(event.get("created_at")),
        origin=_origin(event),
    )
    owners = tuple(map(str, event.get("owners") or ()))
    return (MessageReceived(message=message, requester=_contact(event), owners=owners),)


def _contact(event: Found) -> str:
    """Whose conversation it is. Whatever agents write in our inbox is for a customer of ours: where the conversation is
    none of the bridge's, they began it.
    """
    inside = event.get("conversation")
    inside = inside if isinstance(inside, dict) else {}
    meta = inside.get("meta")
    sender = meta.get("sender") if isinstance(meta, dict) else None
    return id_of(inside.get("contact_inbox"), "contact_id") or id_of(sender)


def _author(kind: str, sender: Found) -> Author:
    name = str(sender.get("available_name") or sender.get("name") or "")[:100]
    if kind == "incoming":
        return Author(kind=AuthorKind.CUSTOMER, id=id_of(sender), name=name)
    if kind == "template" or sender.get("type") == "agent_bot" or not sender:
        return Author(kind=AuthorKind.SYSTEM, id=id_of(sender), name=name)
    return Author(kind=AuthorKind.AGENT, id=id_of(sender), name=name)


def _origin(event: Found) -> str:
    """The step's key, which the bridge wrote as `source_id`. A conversation's own ids never look like one."""
    found = event.get("source_id")
    return found if isinstance(found, str) else ""


def _is_foreign(event: Found) -> bool:
    """Whether the conversation shows its attributes, and none of them is our mark: a number that is used anew."""
    inside = event.get("conversation")
    attributes = inside.get("additional_attributes") if isinstance(inside, dict) else None
    return isinstance(attributes, dict) and LINK_MARK not in attributes


def _conversation(event: Found) -> str:
    inside = event.get("conversation")
    return id_of(inside) or id_of(event, "conversation_id")


def _is_deleted(event: Found) -> bool:
    attributes = event.get("content_attributes")
    return isinstance(attributes, dict) and attributes.get("deleted") is True


def _changed(event: Found) -> Sequence[Event]:
    """Only what takes words back. Changes of the delivery state are our own writes."""
    place, number = _conversation(event), id_of(event)
    if not place or not number or not _is_deleted(event):
        return ()
    return (MessageChanged(conversation=place, message=number, change=Change.DELETED),)


def _parts(event: Found, account: str, place: str) -> list[Part]:
    parts: list[Part] = []
    content = event.get("content")
    text = _HARD_BREAK.sub("\n", content).strip("\n") if isinstance(content, str) else ""
    if text.strip():
        parts.append(Text(body=text, format=Format.MARKDOWN))
    parts += _items(event)
    files = event.get("attachments")
    for entry in files if isinstance(files, list) else ():
        if isinstance(entry, dict):
            parts.append(_file(entry, account, f"{place}:{id_of(event)}:{id_of(entry)}"))
    return parts or [Text(body="")]


def _items(event: Found) -> list[Part]:
    """Cards, articles and choices of the desk's own kinds, said as what customers can use: words and links."""
    attributes = event.get("content_attributes")
    items = attributes.get("items") if isinstance(attributes, dict) else None
    found: list[Part] = []
    for item in items if isinstance(items, list) else ():
        if not isinstance(item, dict):
            continue
        title = str(item.get("title") or item.get("label") or "")
        actions = item.get("actions")
        links = [one.get("uri") for one in actions if isinstance(one, dict)] if isinstance(actions, list) else []
        url = str(item.get("link") or next(filter(None, links), ""))
        description = str(item.get("description") or "")
        if title or url:
            found.append(Card(title=title, description=description, url=url))
    return found


def _file(entry: Found, account: str, identifier: str) -> Part:
    kind = str(entry.get("file_type"))
    if kind == "location":
        try:
            latitude, longitude = float(entry["coordinates_lat"]), float(entry["coordinates_long"])
        except (KeyError, TypeError, ValueError):
            latitude = longitude = 0.0
        return Location(latitude=latitude, longitude=longitude, label=str(entry.get("fallback_title") or ""))
    size = entry.get("file_size")
    ending = str(entry.get("extension") or "")
    media = Media(
        account=account,
        id=identifier,
        name=str(entry.get("file_name") or (f"file.{ending}" if ending else "")),
        size=size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
    )
    match kind:
        case "image":
            return Image(media=media)
        case "audio":
            return Voice(media=media)
        case "video":
            return Video(media=media)
        case _:
            return File(media=media)
