"""What happened here, as payloads for the inbox, and the events they mean. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from bridge.contract import (
    Audience,
    Author,
    AuthorKind,
    Contact,
    DeliveryState,
    Entered,
    Event,
    File,
    Image,
    Malformed,
    Media,
    Message,
    MessageReceived,
    Part,
    Raw,
    ReceiptReceived,
    Retried,
    Status,
    StatusChanged,
    Text,
    Unsupported,
    Video,
    Voice,
)
from connectors.webchat.uploads import kind_of

_Id = Annotated[str, Field(min_length=1, max_length=200)]


def _words(value: Any) -> Any:
    """Facts are texts: what a later version may put beside them is left out."""
    if not isinstance(value, dict):
        return value
    return {key: fact for key, fact in value.items() if isinstance(fact, str)}


def _person(value: Any) -> Any:
    return {**value, "extra": _words(value.get("extra", {}))} if isinstance(value, dict) else value


_Context = Annotated[dict[str, str], BeforeValidator(_words)]
_Contact = Annotated[Contact, BeforeValidator(_person)]


class _Payload(BaseModel):
    """Stored in the inbox: fields are added with defaults, never renamed."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Said(_Payload):
    """A visitor said something."""

    what: Literal["said"] = "said"
    visitor: _Id
    id: _Id
    text: str = ""
    files: tuple[Media, ...] = ()
    contact: _Contact
    context: _Context = {}
    at: datetime


class Came(_Payload):
    """A visitor opened the chat."""

    what: Literal["came"] = "came"
    visitor: _Id
    contact: _Contact
    context: _Context = {}
    at: datetime


class Answered(_Payload):
    """An agent wrote on a ticket, for the customer or (`note`) for colleagues."""

    what: Literal["answered"] = "answered"
    ticket: _Id
    id: _Id
    agent: str
    text: str = ""
    files: tuple[Media, ...] = ()
    note: bool = False
    begun_for: str = ""  # the agent opened the ticket for this customer
    at: datetime


class Settled(_Payload):
    """An agent solved or reopened a ticket."""

    what: Literal["settled"] = "settled"
    ticket: _Id
    status: Status
    at: datetime


class Saw(_Payload):
    """One side's screen showed messages of the other: a visitor's (`conversation` a visitor) or an agent's."""

    what: Literal["saw"] = "saw"
    conversation: _Id
    messages: tuple[_Id, ...]
    state: DeliveryState


class Again(_Payload):
    """An agent wants one message that failed to be sent once more."""

    what: Literal["again"] = "again"
    ticket: _Id
    message: _Id


Payload = Said | Came | Answered | Settled | Saw | Again
_PAYLOADS: TypeAdapter[Payload] = TypeAdapter(Annotated[Payload, Field(discriminator="what")])


def raw_of(key: str, payload: Payload, at: datetime) -> Raw:
    """A payload for the inbox. `key` names the thing, so that a repeat of the request is known."""
    return Raw(key=key, payload=payload.model_dump_json(exclude_defaults=False).encode(), at=at)


def normalise(raw: Raw, account: str) -> Sequence[Event]:
    """The events of one payload. Raises Malformed."""
    try:
        payload = _PAYLOADS.validate_json(raw.payload)
    except ValidationError as error:
        raise Malformed(f"unreadable payload: {error.error_count()} faults") from None
    match payload:
        case Said():
            return [_said(payload, account)]
        case Came():
            return [
                Entered(conversation=payload.visitor, contact=payload.contact, context=payload.context, at=payload.at)
            ]
        case Answered():
            return [_answered(payload, account)]
        case Settled():
            return [StatusChanged(conversation=payload.ticket, status=payload.status)]
        case Again():
            return [Retried(conversation=payload.ticket, message=payload.message)]
        case Saw():
            return [
                ReceiptReceived(conversation=payload.conversation, message=message, state=payload.state)
                for message in payload.messages
            ]


def _said(payload: Said, account: str) -> MessageReceived:
    author = Author(kind=AuthorKind.CUSTOMER, id=payload.contact.id, name=payload.contact.name)
    message = Message(
        id=payload.id,
        conversation=payload.visitor,
        author=author,
        parts=_parts(payload.text, payload.files, account),
        sent_at=payload.at,
    )
    return MessageReceived(message=message, contact=payload.contact, context=payload.context)


def _answered(payload: Answered, account: str) -> MessageReceived:
    message = Message(
        id=payload.id,
        conversation=payload.ticket,
        author=Author(kind=AuthorKind.AGENT, id=payload.agent, name=payload.agent),
        audience=Audience.AGENTS if payload.note else Audience.CUSTOMER,
        parts=_parts(payload.text, payload.files, account),
        sent_at=payload.at,
    )
    return MessageReceived(message=message, requester=payload.begun_for)


_SHAPES: dict[str, type[Image | Voice | Video | File]] = {"image": Image, "voice": Voice, "video": Video, "file": File}


def _parts(text: str, files: Sequence[Media], account: str) -> tuple[Part, ...]:
    parts: list[Part] = [Text(body=text)] if text else []
    for file in files:
        media = file.model_copy(update={"account": account, "id": file.id or file.sha256 or "lost"})
        parts.append(_SHAPES[kind_of(file.mime)](media=media))
    return tuple(parts) or (Unsupported(what="empty"),)
