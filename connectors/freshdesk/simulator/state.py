"""What a simulated Freshdesk remembers: people, tickets, conversations, files."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

_HIDDEN = re.compile(
    r"<!--.*?-->|<script\b.*?</script\s*>|\s+data-[\w-]+=(?:\"[^\"]*\"|'[^']*')", re.DOTALL | re.IGNORECASE
)
_BREAK = re.compile(r"<br\s*/?>|</(?:div|p|li|tr|h\d)>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")

File = tuple[str, str, bytes]
"""(name, MIME type, bytes)"""


@dataclass(slots=True)
class Contact:
    id: int
    name: str
    created: datetime
    updated: datetime
    fields: dict[str, Any] = field(default_factory=dict)
    deleted: bool = False


@dataclass(slots=True)
class Agent:
    """`scope` 1 sees everything. One without `rights` is known, but may do nothing."""

    id: int
    name: str
    email: str
    key: str
    scope: int = 1
    rights: bool = True
    available: bool = False


@dataclass(slots=True)
class Attachment:
    id: int
    name: str
    mime: str
    data: bytes
    created: datetime


@dataclass(slots=True)
class Conversation:
    id: int
    user: int | None
    body: str
    source: int
    private: bool
    incoming: bool
    created: datetime
    updated: datetime
    files: list[Attachment] = field(default_factory=list)
    edited: datetime | None = None
    edited_by: int | None = None
    structured: dict[str, Any] | None = None


@dataclass(slots=True)
class Ticket:
    id: int
    requester: int
    subject: str
    description: str
    created: datetime
    updated: datetime
    status: int = 2
    fields: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    custom: dict[str, Any] = field(default_factory=dict)
    files: list[Attachment] = field(default_factory=list)
    conversations: list[Conversation] = field(default_factory=list)
    deleted: bool = False
    spam: bool = False
    archived: bool = False
    ratings: list[dict[str, Any]] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of all files of the ticket, its notes and its replies."""
        files = self.files + [file for said in self.conversations for file in said.files]
        return sum(len(file.data) for file in files)


@dataclass(frozen=True, slots=True)
class Seen:
    """One entry of a ticket as its agent reads it, as text. `kind` is description, reply, note or private note."""

    who: str
    kind: str
    text: str
    files: tuple[tuple[str, bytes], ...] = ()
    id: str = ""


class State:
    """The database of one account."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.contacts: dict[int, Contact] = {}
        self.agents: dict[int, Agent] = {}
        self.tickets: dict[int, Ticket] = {}
        self.groups: dict[int, str] = {81: "Support", 82: "WeChat"}
        self.products: dict[int, str] = {91: "Shop"}
        self.inline: dict[int, Attachment] = {}
        self._last = {"contact": 60_000_000_000, "ticket": 70, "conversation": 9000, "file": 700}

    @property
    def now(self) -> datetime:
        """Times have a precision of one second."""
        return self.clock().astimezone(UTC).replace(microsecond=0)

    def next(self, kind: str) -> int:
        self._last[kind] += 1
        return self._last[kind]

    def add_contact(self, name: str, fields: dict[str, Any]) -> Contact:
        contact = Contact(self.next("contact"), name, self.now, self.now, fields)
        self.contacts[contact.id] = contact
        return contact

    def owner(self, name: str, value: Any) -> Contact | None:
        """Whoever has a value that must be unique. A deleted contact keeps it."""
        for contact in self.contacts.values():
            mine = contact.fields.get(name)
            same = str(mine).lower() == str(value).lower() if name == "email" else mine == value
            if mine is not None and same:
                return contact
        return None

    def add_ticket(self, requester: int, subject: str, description: str, **more: Any) -> Ticket:
        ticket = Ticket(self.next("ticket"), requester, subject, sanitised(description), self.now, self.now, **more)
        self.tickets[ticket.id] = ticket
        return ticket

    def say(self, ticket: Ticket, body: str, *, user: int | None, source: int, **more: Any) -> Conversation:
        said = Conversation(
            id=self.next("conversation"),
            user=user,
            body=sanitised(body),
            source=source,
            private=more.get("private", False),
            incoming=more.get("incoming", False),
            created=self.now,
            updated=self.now,
            files=self.keep(more.get("files", ())),
            structured=more.get("structured"),
        )
        ticket.conversations.append(said)
        ticket.updated = self.now
        return said

    def keep(self, files: Any) -> list[Attachment]:
        return [Attachment(self.next("file"), name, mime, data, self.now) for name, mime, data in files]

    def name_of(self, user: int | None) -> str:
        if user in self.agents:
            return self.agents[user].name
        return self.contacts[user].name if user in self.contacts else ""

    def seen(self, ticket: Ticket) -> list[Seen]:
        """The ticket as its agent reads it, oldest first."""
        found = [Seen(self.name_of(ticket.requester), "description", text_of(ticket.description), _files(ticket.files))]
        for said in ticket.conversations:
            kind = "reply" if said.source == 0 else "private note" if said.private else "note"
            text = text_of(said.body)
            found.append(Seen(self.name_of(said.user), kind, text, _files(said.files), str(said.id)))
        return found


def _files(files: list[Attachment]) -> tuple[tuple[str, bytes], ...]:
    return tuple((file.name, file.data) for file in files)


def sanitised(body: str) -> str:
    """Comments, scripts and data attributes do not survive."""
    return _HIDDEN.sub("", body)


def text_of(body: str) -> str:
    """What a reader sees of HTML."""
    return html.unescape(_TAG.sub("", _BREAK.sub("\n", body))).strip()


def stamp(at: datetime | None) -> str | None:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at is not None else None
