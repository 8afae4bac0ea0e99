"""From what was read at Zendesk to events. Pure."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

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
    Unsupported,
    carry_pictures,
    to_plain,
)
from connectors.zendesk.api import dumps, id_of

_STATUS = {"solved": Status.SOLVED, "closed": Status.CLOSED, "deleted": Status.CLOSED}
_STAFF = frozenset({"agent", "admin"})
_CHANGES = {"redacted": Change.EDITED, "hidden": Change.HIDDEN}
_REDACTED_FILE = "redacted.txt"  # what Zendesk puts in the place of a redacted attachment
_TOKEN = "/attachments/token/"  # noqa: S105 # a path
_LONGEST = 500_000  # characters of a body


def normalise(raw: Raw, account: str) -> Sequence[Event]:
    """One thing that `reading` found, or that a signed event said."""
    try:
        found = json.loads(raw.payload)
        return _READERS[found["what"]](found, account)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        raise Malformed("not something the poller writes") from None


def key_in(thing: Mapping[str, Any]) -> str:
    """The step's key in the metadata of a comment or an audit; "" for what others wrote."""
    metadata = thing.get("metadata")
    custom = metadata.get("custom") if isinstance(metadata, dict) else None
    bridge = custom.get("bridge") if isinstance(custom, dict) else None
    key = bridge.get("d") if isinstance(bridge, dict) else None
    return key if isinstance(key, str) else ""


def media_id(attachment: str, url: str) -> str:
    """What `fetch` needs to get the file again."""
    return dumps({"a": attachment, "u": url}).decode()


def _comment(found: Mapping[str, Any], account: str) -> Sequence[Event]:
    comment, ticket, author = found["comment"], found["ticket"], found["author"]
    parts = _parts(comment, account)
    if not id_of(comment["id"]) or not id_of(ticket["id"]):
        return ()
    message = Message(
        id=id_of(comment["id"]),
        conversation=id_of(ticket["id"]),
        author=Author(
            kind=_author(comment, ticket, author), id=id_of(comment.get("author_id")), name=_text(author.get("name"))
        ),
        # what is not said to be public is private; what a merge writes tells of another customer's request
        audience=Audience.CUSTOMER if comment.get("public") is True and not _is_of_merge(comment) else Audience.AGENTS,
        parts=tuple(parts) or (Text(body=""),),  # the bridge tells its author that nothing is left
        sent_at=_moment(comment.get("created_at")),
        origin=key_in(comment),
    )
    requester = id_of(ticket.get("requester_id")) if ticket.get("begun") is True else ""  # an agent's own, with our tag
    return (MessageReceived(message=message, requester=requester),)


def _is_of_merge(comment: Mapping[str, Any]) -> bool:
    """Source: https://support.zendesk.com/hc/en-us/articles/4408882445594 (public where the requester may see it)."""
    via = comment.get("via")
    source = via.get("source") if isinstance(via, dict) else None
    return isinstance(source, dict) and source.get("rel") == "merge"


def _author(comment: Mapping[str, Any], ticket: Mapping[str, Any], author: Mapping[str, Any]) -> AuthorKind:
    """Only staff speak for the desk. End users are customers, whether they asked or were copied in."""
    if key_in(comment):
        return AuthorKind.BRIDGE
    via = comment.get("via")
    writer = id_of(comment.get("author_id"))
    if (isinstance(via, dict) and str(via.get("channel")) in {"rule", "system"}) or writer.startswith("-"):
        return AuthorKind.SYSTEM
    role = _text(author.get("role"))
    if role in _STAFF:
        return AuthorKind.AGENT
    return AuthorKind.CUSTOMER if role or writer == id_of(ticket.get("requester_id")) else AuthorKind.AGENT


def _parts(comment: Mapping[str, Any], account: str) -> list[Part]:
    html = _text(comment.get("html_body"))[:_LONGEST]
    plain = _text(comment.get("plain_body")) or _text(comment.get("body"))
    rows = comment.get("attachments")
    attachments = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    parts: list[Part] = []
    words, pictures = carry_pictures(html, _is_pasted)
    if to_plain(words, Format.HTML).strip():
        parts.append(Text(body=words, format=Format.HTML))
    elif plain.strip() and not html:
        parts.append(Text(body=plain[:_LONGEST]))
    shown = {_text(row.get("content_url")) for row in attachments}
    parts += [_attachment(row, account) for row in attachments]
    for source in dict.fromkeys(pictures):
        if source not in shown:
            name = source.partition("name=")[2][:100]
            parts.append(Image(media=Media(account=account, id=media_id("", source), name=name)))
            shown.add(source)
    return parts


def _withheld(english: str, chinese: str, name: str) -> Part:
    return Unsupported(what=english, text=name, words={"zh": f"[{chinese}] {name}".strip()})


def _attachment(row: Mapping[str, Any], account: str) -> Part:
    name, url, identifier = _text(row.get("file_name")), _text(row.get("content_url")), id_of(row.get("id"))
    if row.get("malware_scan_result") == "malware_found" and row.get("malware_access_override") is not True:
        return _withheld("file withheld: Zendesk found malware in it", "文件已被拦截：Zendesk 在其中发现恶意内容", name)
    if row.get("deleted") is True or name == _REDACTED_FILE:
        return _withheld("file removed by an agent", "文件已被客服删除", name)
    if not url and not identifier:
        return _withheld("file without an address", "文件没有下载地址", name)
    mime = _text(row.get("content_type")).partition(";")[0].strip().lower()
    size = row.get("size")
    media = Media(
        account=account,
        id=media_id(identifier, url),
        mime=mime,
        name=name,
        size=size if isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 2**53 else None,
    )
    return Image(media=media) if mime.startswith("image/") else File(media=media)


def _is_pasted(source: str) -> bool:
    """Whether an agent pasted it here; those of other hosts stay in the words, with their address."""
    return _TOKEN in source


def _changed(found: Mapping[str, Any], _account: str) -> Sequence[Event]:
    change = _CHANGES[found["change"]]
    ticket, comment = id_of(found["ticket"]), id_of(found["comment"])
    return (MessageChanged(conversation=ticket, message=comment, change=change),) if ticket and comment else ()


def _status(found: Mapping[str, Any], _account: str) -> Sequence[Event]:
    ticket, moved_to = id_of(found["ticket"]), id_of(found.get("moved_to", ""))
    if not ticket:
        return ()
    status = _STATUS.get(_text(found["status"]).lower(), Status.OPEN)
    return (StatusChanged(conversation=ticket, status=status, moved_to=moved_to),)


def _user(found: Mapping[str, Any], _account: str) -> Sequence[Event]:
    user, into = id_of(found["user"]), id_of(found["merged_into"])
    return (ContactChanged(contact=Contact(id=user), merged_into=into),) if user and into else ()


def _given(found: Mapping[str, Any], _account: str) -> Sequence[Event]:
    ticket, requester = id_of(found["ticket"]), id_of(found["requester"])
    return (OwnersChanged(conversation=ticket, owners=(requester,)),) if ticket and requester else ()


_READERS = {"requester": _given, "comment": _comment, "changed": _changed, "status": _status, "user": _user}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _moment(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(_text(value))
    except ValueError:
        return None
    return found if found.tzinfo else None
