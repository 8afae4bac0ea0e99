"""The tables, nothing else.

They hold account names, opaque ids and JSON they do not interpret. Every id of an account is stored with its account.
Messages, steps and receipts are the contract's models as JSON text.
"""

from datetime import datetime

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from mappings.callback_table import Callback  # noqa: F401 - all tables are found here
from mappings.types import BigId, Reason, StateName, TableBase, UtcDateTime


def _key() -> Column[int]:
    return Column(BigId, primary_key=True, autoincrement=True)


def _ref(target: str, *, index: bool = True, nullable: bool = False) -> Column[int]:
    return Column(BigId, ForeignKey(target), index=index, nullable=nullable)


def _moment(*, nullable: bool = False, index: bool = False) -> Column[datetime]:
    return Column(UtcDateTime, nullable=nullable, index=index)


def _text(default: str = "") -> Column[str]:
    return Column(Text, nullable=False, server_default=default)


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=text(where), info={"where": where})


def name_postgresql() -> None:
    """Completes the partial indexes for whoever compares the tables with a PostgreSQL. SQLAlchemy loads a dialect to
    hear of its options: 3 MB that a bridge on SQLite does without, and a running one needs the migrations only.
    """
    for table in SQLModel.metadata.tables.values():
        for index in table.indexes:
            if "where" in index.info:
                index.dialect_options["postgresql"]["where"] = text(index.info["where"])


class Person(TableBase, table=True):
    """A human being. `joined_into` points to the person that this one turned out to be."""

    id: int | None = Field(default=None, sa_column=_key())
    created_at: datetime = Field(sa_column=_moment())
    joined_into: int | None = Field(default=None, sa_column=_ref("person.id", nullable=True))


class Identity(TableBase, table=True):
    """How one account knows a person. `profile` is a Contact as JSON."""

    __table_args__ = (UniqueConstraint("account", "external_id"),)

    id: int | None = Field(default=None, sa_column=_key())
    account: str
    external_id: str
    person_id: int = Field(sa_column=_ref("person.id"))
    customer_id: str = Field(default="", index=True, sa_column_kwargs={"server_default": ""})
    profile: str = Field(default="{}", sa_column=_text("{}"))
    seen_at: datetime = Field(sa_column=_moment())


class PersonMerge(TableBase, table=True):
    """Two people found to be one: suggested, joined, and what is needed to undo it."""

    __tablename__ = "joining"

    id: int | None = Field(default=None, sa_column=_key())
    kept_id: int = Field(sa_column=_ref("person.id"))
    joined_id: int = Field(sa_column=_ref("person.id"))
    proof: str = Field(default="", sa_column=_text())
    state: str = Field(default="suggested", sa_type=StateName)  # suggested | joined | undone | declined
    moved: str = Field(default="[]", sa_column=_text("[]"))  # identity ids that were moved
    by: str = ""
    at: datetime = Field(sa_column=_moment())


class Link(TableBase, table=True):
    """One channel conversation and one ticket. States: open, solved, closed, ended (a newer one follows)."""

    __table_args__ = (
        _partial("link_open", "channel", "conversation", unique=True, where="state <> 'ended'"),
        Index("link_ticket", "desk", "ticket"),
        _partial("link_warn", "warn_at", where="warn_at IS NOT NULL"),
    )  # fmt: skip

    id: int | None = Field(default=None, sa_column=_key())
    channel: str
    conversation: str
    desk: str
    ticket: str | None = None
    person_id: int = Field(sa_column=_ref("person.id"))
    state: str = Field(default="open", sa_type=StateName)
    previous: str = ""
    generation: int = 1
    peer: str = ""
    url: str = ""
    contact: str = Field(default="{}", sa_column=_text("{}"))
    context: str = Field(default="{}", sa_column=_text("{}"))
    fields: str = Field(default="{}", sa_column=_text("{}"))
    ledger: str = Field(default="{}", sa_column=_text("{}"))
    shown: str = Field(default="", sa_column=_text())  # what the ticket's tags and fields say of the ledger
    warn_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    created_at: datetime = Field(sa_column=_moment())
    touched_at: datetime = Field(sa_column=_moment())
    solved_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))


class MessageRef(TableBase, table=True):
    """A message id of one account: the inbox row it came with and the step that carries it on (`carrier_id`), or the
    step that made it (`outbox_id`).
    """

    __tablename__ = "pair"

    __table_args__ = (UniqueConstraint("account", "message_id"),)

    id: int | None = Field(default=None, sa_column=_key())
    account: str
    message_id: str
    link_id: int = Field(sa_column=_ref("link.id"))
    inbox_id: int | None = Field(default=None, sa_column=Column(BigId, nullable=True))
    outbox_id: int | None = Field(default=None, sa_column=Column(BigId, nullable=True))
    carrier_id: int | None = Field(default=None, sa_column=Column(BigId, nullable=True))
    at: datetime = Field(sa_column=_moment())


class Inbox(TableBase, table=True):
    """Authentic payloads as received. States: ready (may repeat a key, mappings/inbox.py), done, quarantined."""

    __table_args__ = (
        _partial("inbox_once", "account", "key", unique=True, where="state <> 'ready'"),
        _partial("inbox_ready", "account", "id", where="state = 'ready'"),
        _partial("inbox_quarantined", "id", where="state = 'quarantined'"),
    )  # fmt: skip

    id: int | None = Field(default=None, sa_column=_key())
    account: str
    key: str
    payload: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    received_at: datetime = Field(sa_column=_moment(index=True))
    state: str = Field(default="ready", sa_type=StateName, sa_column_kwargs={"server_default": "ready"})
    due_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    tries: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    error: str = Field(default="", sa_column=_text())
    done_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))


class Waiting(TableBase, table=True):
    """Routed messages that no step carries yet. `lane` is link.id * 4, plus 1 towards the channel."""

    __table_args__ = (Index("waiting_lane", "lane", "id"), _partial("waiting_free", "account", "id", where="held = ''"))

    id: int | None = Field(default=None, sa_column=_key())
    lane: int = Field(sa_column=Column(BigId, nullable=False))
    link_id: int = Field(sa_column=_ref("link.id"))
    account: str
    message_id: str
    message: str = Field(sa_column=Column(Text, nullable=False))
    due_at: datetime = Field(sa_column=_moment())
    held: str = Field(default="", sa_type=Reason, sa_column_kwargs={"server_default": ""})  # "" when it may go now
    created_at: datetime = Field(sa_column=_moment())
    inbox_id: int | None = Field(default=None, sa_column=Column(BigId, nullable=True))


_UNFINISHED = "state IN ('ready', 'parked')"


class Outbox(TableBase, table=True):
    """Steps. States: ready, parked, done, failed, unconfirmed, dead, dropped.

    `unknown` marks a ready step whose last attempt may have taken effect: look before sending again.
    """

    __table_args__ = (
        _partial("outbox_due", "due_at", "id", where="state = 'ready'"),
        _partial("outbox_lane", "lane", "id", where=_UNFINISHED),
        _partial("outbox_sad", "state", "id", where="state IN ('failed', 'unconfirmed', 'dead')"),
    )  # fmt: skip

    id: int | None = Field(default=None, sa_column=_key())
    key: str = Field(unique=True)
    lane: int = Field(sa_column=Column(BigId, nullable=False))
    link_id: int = Field(sa_column=_ref("link.id"))
    account: str
    state: str = Field(default="ready", sa_type=StateName, sa_column_kwargs={"server_default": "ready"})
    step: str = Field(sa_column=Column(Text, nullable=False))
    messages: str = Field(default="[]", sa_column=_text("[]"))  # what it carries, to render anew or to quote
    batch: str = ""  # steps rendered together
    ledger: str = Field(default="", sa_column=_text())  # the allowance at the moment of rendering
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    tries: int = Field(default=0, sa_column_kwargs={"server_default": "0"})  # failures in a row of the same code
    claims: int = Field(default=0, sa_column_kwargs={"server_default": "0"})  # claims without a recorded result
    unknown: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    due_at: datetime = Field(sa_column=_moment())
    lease: str = Field(default="", sa_column_kwargs={"server_default": ""})
    lease_until: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    begun_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    tried_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    code: str = Field(default="", sa_column=_text())
    error: str = Field(default="", sa_column=_text())
    receipt: str = Field(default="", sa_column=_text())
    created_at: datetime = Field(sa_column=_moment())
    done_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))


class Attempt(TableBase, table=True):
    """The journal of one step: when each try began, and how it ended. One under way is the step's own `begun_at`."""

    id: int | None = Field(default=None, sa_column=_key())
    outbox_id: int = Field(sa_column=_ref("outbox.id"))
    number: int
    begun_at: datetime = Field(sa_column=_moment())
    ended_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    outcome: str = Field(default="", sa_column=_text())
    code: str = Field(default="", sa_column=_text())
    detail: str = Field(default="", sa_column=_text())


class MediaFile(TableBase, table=True):
    """A file an account named, and where its bytes are. States: wanted, done, failed."""

    __tablename__ = "media"
    __table_args__ = (
        UniqueConstraint("account", "external_id"),
        _partial("media_wanted", "due_at", where="state = 'wanted'"),
    )  # fmt: skip

    id: int | None = Field(default=None, sa_column=_key())
    account: str
    external_id: str
    state: str = Field(default="wanted", sa_type=StateName, sa_column_kwargs={"server_default": "wanted"})
    sha256: str = Field(default="", index=True, sa_column_kwargs={"server_default": ""})
    mime: str = ""
    name: str = Field(default="", sa_column=_text())
    size: int | None = None
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    due_at: datetime = Field(sa_column=_moment())
    lease_until: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    error: str = Field(default="", sa_column=_text())
    created_at: datetime = Field(sa_column=_moment())


class Notice(TableBase, table=True):
    """What an agent was told about a conversation: one note per cause."""

    __table_args__ = (UniqueConstraint("link_id", "cause"),)

    id: int | None = Field(default=None, sa_column=_key())
    link_id: int = Field(sa_column=_ref("link.id", index=False))
    cause: str
    at: datetime = Field(sa_column=_moment())


class Consent(TableBase, table=True):
    """How many messages of a template a customer has allowed."""

    __table_args__ = (UniqueConstraint("account", "conversation", "template"),)

    id: int | None = Field(default=None, sa_column=_key())
    account: str
    conversation: str
    template: str
    count: int = 0
    at: datetime = Field(sa_column=_moment())


class Cursor(TableBase, table=True):
    """How far an account was collected."""

    account: str = Field(primary_key=True)
    value: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    at: datetime = Field(sa_column=_moment())


class StoredToken(TableBase, table=True):
    """A credential, encrypted."""

    __tablename__ = "token"

    account: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    value: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    expires_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    at: datetime = Field(sa_column=_moment())


class Pause(TableBase, table=True):
    """An account whose sending rests: until a moment (throttle, breaker), or until somebody acts."""

    account: str = Field(primary_key=True)
    reason: str = Field(default="", sa_column=_text())
    until: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    since: datetime = Field(sa_column=_moment())


class Lease(TableBase, table=True):
    """Who does a job that only one process may do."""

    name: str = Field(primary_key=True)
    owner: str
    until: datetime = Field(sa_column=_moment())


class Audit(TableBase, table=True):
    """Who did what. Append only."""

    id: int | None = Field(default=None, sa_column=_key())
    at: datetime = Field(sa_column=_moment(index=True))
    who: str
    what: str
    detail: str = Field(default="", sa_column=_text())


class Record(TableBase, table=True):
    """Data of a connector that has no vendor behind it: one JSON object by account, kind and key."""

    account: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    value: str = Field(sa_column=Column(Text, nullable=False))
    version: int = 1
    at: datetime = Field(sa_column=_moment(index=True))


class Entry(TableBase, table=True):
    """One entry of a connector's stream, numbered without gaps."""

    __table_args__ = (
        _partial("entry_once", "account", "stream", "once", unique=True, where="once <> ''"),
    )  # fmt: skip

    account: str = Field(primary_key=True)
    stream: str = Field(primary_key=True)
    number: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    once: str = Field(default="", sa_column_kwargs={"server_default": ""})
    value: str = Field(sa_column=Column(Text, nullable=False))
    at: datetime = Field(sa_column=_moment())
