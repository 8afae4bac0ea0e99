"""From what came in to what it means: the automation's call, and what the poller read. Pure."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from bridge.contract import (
    Audience,
    Author,
    AuthorKind,
    Change,
    Contact,
    ContactChanged,
    Event,
    File,
    Format,
    Image,
    Malformed,
    Media,
    Message,
    MessageChanged,
    MessageReceived,
    OwnersChanged,
    Part,
    Raw,
    Status,
    StatusChanged,
    Text,
    Video,
    to_plain,
)
from connectors.freshdesk.api import id_of
from connectors.freshdesk.body import html_of, is_of_merge, merged_into, omitted_in, pictures_in, said_in
from connectors.freshdesk.marks import is_signed

REPLY, NOTE = 0, 2  # "source" of a conversation: https://developers.freshdesk.com/api/#conversations
OPEN, PENDING, RESOLVED, CLOSED = 2, 3, 4, 5
_STATUS = {RESOLVED: Status.SOLVED, CLOSED: Status.SOLVED}  # both can be reopened here
_NAMED = re.compile(r"ticket[_-]id\b[^0-9A-Za-z#]{0,20}(?:type=.integer.\s?>)?\s{0,5}([#A-Za-z0-9_-]{1,40})")
_DIGITS = re.compile(r"(\d{1,18})\s*$")


def ticket_in(body: bytes) -> str:
    """The ticket an automation's call names, whatever its encoding (JSON, XML, form) and template.

    Placeholders are not always escaped inside templates, so that what should be JSON may be none; and an account may
    put a prefix before its numbers ("#INC-12"). Raises Malformed without a number.
    """
    text = body[:100_000].decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    value = _named(found)
    if value is None:
        hit = _NAMED.search(unquote_plus(text))
        value = hit[1] if hit else ""
    number = _DIGITS.search(str(value)[:60])
    if number is None or isinstance(value, bool):
        raise Malformed('no ticket_id in the call; its content must be {"ticket_id":"{{ticket.id}}"}')
    return number[1].lstrip("0") or "0"


def _named(found: Any) -> Any:
    if not isinstance(found, dict):
        return None
    inside = found.get("freshdesk_webhook")
    for place in (found, inside):
        if isinstance(place, dict) and isinstance(place.get("ticket_id"), int | str):
            return place["ticket_id"]
    return None


def normalise(raw: Raw, account: str) -> Sequence[Event]:
    """One raw of the poller: something said, a message changed, or the state of a ticket."""
    try:
        found = json.loads(raw.payload)
        ticket = id_of(found["ticket"])
        if not ticket:
            raise Malformed("a payload without a ticket")
        if "conversation" in found:
            return _said(found["conversation"], found["ticket"], ticket, account)
        if "merge" in found:
            former, now = id_of(found["merge"], "contact"), id_of(found["merge"], "merged_into")
            return (ContactChanged(contact=Contact(id=former), merged_into=now),)
        if "changed" in found:
            change = MessageChanged(conversation=ticket, message=str(found["changed"]), change=Change(found["change"]))
            return (change,)
        return (*_owned(found["ticket"], ticket), *_status(found, ticket))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        raise Malformed("not a payload as the poller writes it") from None


def _owned(of: dict[str, Any], ticket: str) -> Sequence[Event]:
    return (OwnersChanged(conversation=ticket, owners=owners),) if (owners := _owners(of)) else ()


def _owners(of: dict[str, Any]) -> tuple[str, ...]:
    """Whose the ticket is, where the poller knows whose it was."""
    return (owner,) if (owner := id_of(of, "owner")) else ()


def _status(found: dict[str, Any], ticket: str) -> Sequence[Event]:
    moved_to = found.get("moved_to")
    if isinstance(moved_to, str) and moved_to:
        return (StatusChanged(conversation=ticket, status=Status.CLOSED, moved_to=moved_to),)
    if found.get("finished"):
        return (StatusChanged(conversation=ticket, status=Status.CLOSED),)
    status = found["ticket"].get("status")
    if isinstance(status, bool) or not isinstance(status, int | str):
        return ()
    known = int(status) if isinstance(status, int) or status.isdecimal() else OPEN
    return (StatusChanged(conversation=ticket, status=_STATUS.get(known, Status.OPEN)),)


def _said(conversation: dict[str, Any], of: dict[str, Any], ticket: str, account: str) -> Sequence[Event]:
    """What was said, if somebody said it: surveys, tweets, forwarded mail and the like are no part of the chat."""
    if conversation.get("source") not in {REPLY, NOTE}:
        return ()
    if str(of.get("status")) == str(CLOSED) and merged_into(conversation):
        return ()
    number = id_of(conversation)
    if not number:
        raise Malformed("a conversation without an id")
    html = html_of(conversation)
    author = _author(conversation, of, html)
    # what is not plainly public is private, and so is what nobody wrote
    # and what a merge writes, which tells of another customer's ticket
    nobodys = author.kind is AuthorKind.SYSTEM or is_of_merge(conversation)
    public = conversation.get("private") is False and not nobodys
    parts = _parts(conversation, html, f"{ticket}:{number}", account, formatted=public)
    message = Message(
        id=number,
        conversation=ticket,
        author=author,
        audience=Audience.CUSTOMER if public else Audience.AGENTS,
        parts=tuple(parts) or (Text(body=""),),  # the bridge tells its author that nothing is left
        sent_at=moment(conversation.get("created_at")),
        omitted=omitted_in(html) if public else (),
    )
    begun = of.get("begun") is True and author.kind is not AuthorKind.CUSTOMER
    requester = id_of(of, "requester_id") if begun else ""
    return (MessageReceived(message=message, requester=requester, owners=_owners(of)),)


def _author(conversation: dict[str, Any], of: dict[str, Any], html: str) -> Author:
    """The bridge writes as the customer, or privately with its reference at the end: never publicly as an agent."""
    user = id_of(conversation, "user_id")
    if conversation.get("incoming") or (user and user == id_of(of, "requester_id")):
        return Author(kind=AuthorKind.CUSTOMER, id=user)
    if conversation.get("private") is not False and is_signed(to_plain(html, Format.HTML)):
        return Author(kind=AuthorKind.BRIDGE, id=user)
    return Author(kind=AuthorKind.AGENT if user else AuthorKind.SYSTEM, id=user)


def _parts(conversation: dict[str, Any], html: str, place: str, account: str, *, formatted: bool) -> list[Part]:
    """Private notes are plain, because a command is known by its first character."""
    parts: list[Part] = []
    text = said_in(html)
    plain = to_plain(text, Format.HTML)
    if plain:
        parts.append(Text(body=text, format=Format.HTML) if formatted else Text(body=plain))
    for index, _ in enumerate(pictures_in(html)):
        parts.append(Image(media=Media(account=account, id=f"{place}:inline-{index}")))
    attachments = conversation.get("attachments")
    entries = attachments if isinstance(attachments, list) else ()
    return parts + [_file(entry, place, account) for entry in entries if isinstance(entry, dict) and id_of(entry)]


def _file(entry: dict[str, Any], place: str, account: str) -> Part:
    """An attachment. Its address expires within minutes, so the id says where to find a fresh one."""
    mime = str(entry.get("content_type") or "").partition(";")[0].strip().lower()
    size = entry.get("size", entry.get("file_size"))
    media = Media(
        account=account,
        id=f"{place}:{id_of(entry)}",
        mime=mime,
        name=str(entry.get("name") or ""),
        size=size if isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 2**53 else None,
    )
    if mime.startswith("image/"):
        return Image(media=media)
    return Video(media=media) if mime.startswith("video/") else File(media=media)


def moment(value: Any) -> datetime | None:
    """A time of Freshdesk's, in UTC; some carry an offset."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if found is None:
        return None
    try:
        return found.astimezone(UTC) if found.tzinfo is not None else found.replace(tzinfo=UTC)
    except OverflowError:
        return None
