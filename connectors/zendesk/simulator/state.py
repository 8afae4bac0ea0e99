"""What a simulated Zendesk knows, and the words in which it says so."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

Row = dict[str, Any]
FIRST_ID = 9_100_000_000_000_001  # above 2^53: whoever reads ids as floating point loses them

KNOWN_KEYS = {
    "additional_tags",
    "assignee_id",
    "brand_id",
    "collaborator_ids",
    "comment",
    "custom_fields",
    "custom_status_id",
    "description",
    "due_at",
    "email_ccs",
    "external_id",
    "fields",
    "follower_ids",
    "group_id",
    "id",
    "is_public",
    "metadata",
    "organization_id",
    "priority",
    "problem_id",
    "recipient",
    "requester",
    "requester_id",
    "safe_update",
    "status",
    "subject",
    "submitter_id",
    "tags",
    "ticket_form_id",
    "type",
    "updated_stamp",
    "via",
    "via_followup_source_id",
    "via_id",
}


class Refuse(Exception):
    """The vendor says no."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = headers or {}


def invalid(name: str, description: str, error: str = "InvalidValue") -> Refuse:
    """422 in the shape of validation errors."""
    details = {name: [{"description": f"{name.capitalize()}: {description}", "error": error}]}
    return Refuse(422, {"error": "RecordInvalid", "description": "Record validation errors", "details": details})


def not_found() -> Refuse:
    return Refuse(404, {"error": "RecordNotFound", "description": "Not found"})


@dataclass(slots=True)
class User:
    id: int
    name: str
    role: str = "end-user"
    external_id: str | None = None
    email: str | None = None
    details: str | None = None
    active: bool = True
    merged_into: int = 0
    created: str = ""
    updated: str = ""
    suspended: bool = False
    only_private_comments: bool = False
    status: str = "offline"


@dataclass(slots=True)
class Attachment:
    id: int
    name: str
    mime: str
    data: bytes
    token: str
    inline: bool = False
    deleted: bool = False
    scan: str = "not_scanned"


@dataclass(slots=True)
class Comment:
    id: int
    audit: int
    author: int
    html: str
    text: str
    public: bool
    created: str
    via: Row
    custom: Row = field(default_factory=dict)
    attachments: list[Attachment] = field(default_factory=list)


@dataclass(slots=True)
class Audit:
    id: int
    ticket: int
    author: int
    created: str
    via: Row
    events: list[Row]
    custom: Row = field(default_factory=dict)


@dataclass(slots=True)
class Ticket:
    id: int
    subject: str
    requester: int
    submitter: int
    status: str
    created: str
    updated: str
    generated: float
    external_id: str | None = None
    tags: list[str] = field(default_factory=list)
    group: int | None = None
    brand: int | None = 13
    assignee: int | None = None
    priority: str | None = None
    custom_fields: dict[int, Any] = field(default_factory=dict)
    is_public: bool = True
    via: Row = field(default_factory=dict)
    followups: list[int] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    audits: list[Audit] = field(default_factory=list)
    deleted: bool = False
    rating: Row | None = None


class State:
    """One account."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self._ids = count(FIRST_ID)
        self._ticket_ids = count(71)
        self.users: dict[int, User] = {}
        self.tickets: dict[int, Ticket] = {}
        self.uploads: dict[str, tuple[list[Attachment], datetime]] = {}
        self.attachments: dict[str, Attachment] = {}
        self.groups = {14: "Support", 15: "WeChat"}
        self.brands = {13: "Acme"}
        self.omnichannel = True
        self.fields: dict[int, Row] = {900: {"id": 900, "type": "text", "title": "Channel"}}
        self.bridge = self.add_user("Bridge", role="admin", email="bridge@acme.example")
        self.agent = self.add_user("Agent", role="agent", email="agent@acme.example")

    def next_id(self) -> int:
        return next(self._ids)

    def next_ticket_id(self) -> int:
        return next(self._ticket_ids)

    def now(self) -> str:
        return f"{self.clock():%Y-%m-%dT%H:%M:%SZ}"

    def add_user(self, name: str, **more: Any) -> User:
        user = User(self.next_id(), name, created=self.now(), updated=self.now(), **more)
        self.users[user.id] = user
        return user

    def user(self, value: Any) -> User | None:
        found = self.users.get(number(value))
        return found if found is not None and found.active else None

    def by_external_id(self, external: str) -> User | None:
        """Compared without case, as Zendesk does."""
        wanted = external.lower()
        return next((u for u in self.users.values() if u.active and (u.external_id or "").lower() == wanted), None)

    def ticket(self, value: Any) -> Ticket:
        """Deleted ones are not there."""
        found = self.tickets.get(number(value))
        if found is None or found.deleted:
            raise not_found()
        return found

    def comments(self) -> Iterator[tuple[Ticket, Comment]]:
        for ticket in self.tickets.values():
            for comment in ticket.comments:
                yield ticket, comment

    def merge_users(self, loser: User, winner: User) -> None:
        """The path's user is folded into the other one, and its tickets with it."""
        loser.active = False
        loser.merged_into = winner.id
        loser.external_id = None
        for ticket in self.tickets.values():
            if ticket.requester == loser.id:
                ticket.requester = winner.id
        winner.updated = self.now()


def number(value: Any) -> int:
    """An id, which may come as a string; 0 for none."""
    text = str(value)
    return int(text) if text.isdigit() else 0
