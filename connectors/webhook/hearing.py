"""What a program that is a desk says: answers, notes, states of tickets. Pure, but for the bytes that come along.

`{"type": "answer" | "note", "ticket", "id", "text", "format", "files", "author", "origin"}`,
`{"type": "status", "ticket", "status"}`, `{"type": "deleted", "ticket", "id"}`. `origin` is the `id` of a request of
ours, where a program tells of everything that stands on its ticket: such a thing is known as our own.
"""

import binascii
import json
from base64 import b64decode
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bridge.contract import (
    Account,
    Audience,
    Author,
    AuthorKind,
    Change,
    Event,
    File,
    Format,
    Image,
    Malformed,
    Media,
    Message,
    MessageChanged,
    MessageReceived,
    Part,
    Raw,
    Status,
    StatusChanged,
    Text,
    Video,
    Voice,
)

Id = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
_KINDS: dict[str, type[Image] | type[Voice] | type[Video]] = {"image": Image, "audio": Voice, "video": Video}


class Given(BaseModel):
    """Unknown fields are left alone: programs may say more."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class GivenFile(Given):
    """By `url`, or with its bytes as base64 in `data`; these are replaced by `sha256` before it is kept."""

    name: Annotated[str, Field(max_length=300)] = ""
    mime: Annotated[str, Field(max_length=200)] = ""
    url: Annotated[str, Field(max_length=2000, pattern=r"^https?://\S+$")] = ""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$|^$")] = ""
    size: Annotated[int, Field(ge=0)] | None = None


class GivenAuthor(Given):
    """Who of the program's people wrote it."""

    id: Annotated[str, Field(max_length=100)] = ""
    name: Annotated[str, Field(max_length=100)] = ""


class Said(Given):
    """An answer for the customer, or a note for agents."""

    type: Literal["answer", "note"]
    ticket: Id
    id: Id
    text: Annotated[str, Field(max_length=200_000)] = ""
    format: Format = Format.PLAIN
    files: Annotated[tuple[GivenFile, ...], Field(max_length=20)] = ()
    author: GivenAuthor = GivenAuthor()
    origin: Annotated[str, Field(max_length=200)] = ""


class Ended(Given):
    """A ticket's new state."""

    type: Literal["status"]
    ticket: Id
    id: Id
    status: Status


class Deleted(Given):
    """An entry that was taken back."""

    type: Literal["deleted"]
    ticket: Id
    id: Id


Heard = Annotated[Said | Ended | Deleted, Field(discriminator="type")]
_HEARD: TypeAdapter[Said | Ended | Deleted] = TypeAdapter(Heard)


class Unusable(Exception):
    """Authentic, and not what was agreed: the sentence is the answer to the program."""


async def keep(body: dict[str, Any], identifier: str, account: Account) -> Raw:
    """The evidence of what was said; files that came along are stored first. Raises Unusable."""
    body = {"id": identifier, **{name: value for name, value in body.items() if value is not None}}
    files = body.get("files")
    if isinstance(files, list):
        body["files"] = [await _stored(file, account) if isinstance(file, dict) else file for file in files]
    heard = _read(body)
    if isinstance(heard, Said) and not heard.text.strip() and not heard.files:
        raise Unusable("give a `text` or `files`")
    payload = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    name = "message" if isinstance(heard, Said) else heard.type
    return Raw(f"{name}:{heard.ticket}:{heard.id}", payload)


async def _stored(file: dict[str, Any], account: Account) -> dict[str, Any]:
    rest = {name: value for name, value in file.items() if name not in {"data", "sha256", "size"}}
    data = file.get("data")
    if data is None:
        if not rest.get("url"):
            raise Unusable("files: give a `url`, or the bytes as base64 in `data`")
        return rest
    try:
        content = b64decode(data, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise Unusable("files.data: must be base64") from None
    named = str(file.get("name") or "")[:300], str(file.get("mime") or "")[:200]
    media = await account.media.keep(content, name=named[0], mime=named[1])
    return {"name": media.name, "mime": media.mime, "sha256": media.sha256, "size": media.size}


def _read(body: Any) -> Said | Ended | Deleted:
    try:
        return _HEARD.validate_python(body)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, fault["loc"][1:] or fault["loc"])) or "body"
        raise Unusable(f"{where}: {fault['msg'].removeprefix('Value error, ')}") from None


def read(body: Any, account: str) -> Sequence[Event]:
    """Events of one payload. Raises Malformed."""
    try:
        heard = _read(body)
    except Unusable as error:
        raise Malformed(str(error)) from None
    match heard:
        case Ended():
            return (StatusChanged(conversation=heard.ticket, status=heard.status),)
        case Deleted():
            return (MessageChanged(conversation=heard.ticket, message=heard.id, change=Change.DELETED),)
        case Said():
            return (MessageReceived(message=_message(heard, account)),)


def _message(said: Said, account: str) -> Message:
    parts: list[Part] = [Text(body=said.text, format=said.format)] if said.text.strip() else []
    parts += [_file(file, account) for file in said.files]
    return Message(
        id=said.id,
        conversation=said.ticket,
        author=Author(kind=AuthorKind.AGENT, id=said.author.id, name=said.author.name),
        parts=tuple(parts) or (Text(body=""),),
        audience=Audience.AGENTS if said.type == "note" else Audience.CUSTOMER,
        origin=said.origin,
    )


def _file(file: GivenFile, account: str) -> Part:
    media = Media(
        account=account,
        id=file.url or file.sha256 or "none",
        name=file.name,
        mime=file.mime,
        size=file.size,
        sha256=file.sha256,
    )
    return _KINDS.get(file.mime.partition("/")[0], File)(media=media)
