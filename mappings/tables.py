"""The tables that map people, tickets and messages. Those of accounts are in `account_tables`, those
of the console in `console_tables`, of bots and hand-overs in `holder_tables`, of the shop, goals and alerts in
`shop_tables`, figures in `figure_tables`, read with these.

They hold account names, opaque ids and JSON they do not interpret. Every id of an account is stored with its account.
Messages, steps and receipts are the contract's models as JSON text.
"""

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from mappings import (  # noqa: F401 - readers need all
    account_tables,
    api_tables,
    console_tables,
    event_tables,
    figure_tables,
    holder_tables,
    shop_tables,
)
from mappings.columns import key, moment, partial_index, reference, words
from mappings.types import BigId, Reason, StateName, TableBase


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

    id: int | None = Field(default=None, sa_column=key())
    created_at: datetime = Field(sa_column=moment())
    joined_into: int | None = Field(default=None, sa_column=reference("person.id", nullable=True))


class Identity(TableBase, table=True):
    """How one account knows a person. `profile` is a Contact as JSON."""

    __table_args__ = (UniqueConstraint("account", "external_id"),)

    id: int | None = Field(default=None, sa_column=key())
    account: str
    external_id: str
    person_id: int = Field(sa_column=reference("person.id"))
    customer_id: str = Field(default="", index=True, sa_column_kwargs={"server_default": ""})
    shared_id: str = Field(default="", index=True, sa_column_kwargs={"server_default": ""})
    profile: str = Field(default="{}", sa_column=words("{}"))
    seen_at: datetime = Field(sa_column=moment())


class PersonMerge(TableBase, table=True):
    """Two people found to be one: suggested, joined, and what is needed to undo it."""

    __tablename__ = "person_merge"

    id: int | None = Field(default=None, sa_column=key())
    kept_id: int = Field(sa_column=reference("person.id"))
    joined_id: int = Field(sa_column=reference("person.id"))
    proof: str = Field(default="", sa_column=words())
    state: str = Field(default="suggested", sa_type=StateName)  # suggested | joined | undone | declined
    moved: str = Field(default="[]", sa_column=words("[]"))  # identity ids that were moved
    by: str = ""
    at: datetime = Field(sa_column=moment())


class Link(TableBase, table=True):
    """One channel conversation and one ticket. States: open, solved, closed, ended (a newer one follows)."""

    __table_args__ = (
        partial_index("link_open", "channel", "conversation", unique=True, where="state <> 'ended'"),
        partial_index("link_past", "channel", "conversation", where="state = 'ended'"),
        Index("link_ticket", "desk", "ticket"),
        partial_index("link_warn", "warn_at", where="warn_at IS NOT NULL"),
    )  # fmt: skip

    id: int | None = Field(default=None, sa_column=key())
    channel: str
    conversation: str
    desk: str
    ticket: str | None = None
    person_id: int = Field(sa_column=reference("person.id"))
    state: str = Field(default="open", sa_type=StateName)
    previous: str = ""
    generation: int = 1
    peer: str = ""
    url: str = ""
    contact: str = Field(default="{}", sa_column=words("{}"))
    context: str = Field(default="{}", sa_column=words("{}"))
    fields: str = Field(default="{}", sa_column=words("{}"))
    allowance: str = Field(default="{}", sa_column=words("{}"))
    shown: str = Field(default="", sa_column=words())  # what the ticket's tags and fields say of the allowance
    decided: str = Field(default="", sa_column=words())  # which rule took it, as JSON
    proven: str = Field(default="{}", sa_column=words("{}"))  # what a signature or the API says of the customer
    entry: str = Field(default="", sa_column=words())  # the way in, by its name
    held_by: str = Field(default="", sa_column=words())  # who holds the answers back; "" for nobody
    warn_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    created_at: datetime = Field(sa_column=moment())
    touched_at: datetime = Field(sa_column=moment())
    solved_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    holder: str = Field(default="", sa_column_kwargs={"server_default": ""})  # who may speak: the desk, or a bot
    term: int = Field(default=1, sa_column_kwargs={"server_default": "1"})  # +1 each time the holder changes
    memory: str = Field(default="", sa_column=words())  # a bot's own id of this conversation


class MessageRef(TableBase, table=True):
    """A message id of one account: the inbox row it came with and the step that carries it on (`carrier_id`), or the
    step that made it (`outbox_id`). `short` is the vendor's own number, where the id holds more than that.
    """

    __tablename__ = "message_ref"

    __table_args__ = (
        UniqueConstraint("account", "message_id"),
        partial_index("message_ref_short", "short", where="short IS NOT NULL"),
    )

    id: int | None = Field(default=None, sa_column=key())
    account: str
    message_id: str
    link_id: int = Field(sa_column=reference("link.id"))
    inbox_id: int | None = Field(default=None, sa_column=Column(BigId, nullable=True))
    outbox_id: int | None = Field(default=None, sa_column=Column(BigId, nullable=True))
    carrier_id: int | None = Field(default=None, sa_column=Column(BigId, nullable=True))
    short: str | None = None
    at: datetime = Field(sa_column=moment())


class Inbox(TableBase, table=True):
    """Authentic payloads as received. States: ready (may repeat a key, mappings/inbox.py), done, quarantined."""

    __table_args__ = (
        partial_index("inbox_once", "account", "key", unique=True, where="state <> 'ready'"),
        partial_index("inbox_ready", "account", "id", where="state = 'ready'"),
        partial_index("inbox_quarantined", "id", where="state = 'quarantined'"),
    )  # fmt: skip

    id: int | None = Field(default=None, sa_column=key())
    account: str
    key: str
    payload: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    received_at: datetime = Field(sa_column=moment(index=True))
    state: str = Field(default="ready", sa_type=StateName, sa_column_kwargs={"server_default": "ready"})
    due_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    tries: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    error: str = Field(default="", sa_column=words())
    done_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class Waiting(TableBase, table=True):
    """Routed messages that no step carries yet. `lane` is as `mappings.lanes` counts them."""

    __table_args__ = (
        Index("waiting_lane", "lane", "id"),
        partial_index("waiting_free", "account", "id", where="held = ''"),
        partial_index("waiting_files", "due_at", where="cause = 'files'"),
    )

    id: int | None = Field(default=None, sa_column=key())
    lane: int = Field(sa_column=Column(BigId, nullable=False))
    link_id: int = Field(sa_column=reference("link.id"))
    account: str
    message_id: str
    message: str = Field(sa_column=Column(Text, nullable=False))
    due_at: datetime = Field(sa_column=moment())
    held: str = Field(default="", sa_type=Reason, sa_column_kwargs={"server_default": ""})  # "" when it may go now
    created_at: datetime = Field(sa_column=moment())
    inbox_id: int | None = Field(default=None, sa_column=Column(BigId, nullable=True))
    cause: str = Field(default="", sa_column_kwargs={"server_default": ""})  # `WaitingCause`


_UNFINISHED = "state IN ('ready', 'parked')"


class Outbox(TableBase, table=True):
    """Steps. States: ready, parked, done, failed, unconfirmed, dead, dropped.

    `unknown` marks a ready step whose last attempt may have taken effect: look before sending again. That it is not
    there counts from `settles_at` on: until then the vendor may still be at it.
    """

    __table_args__ = (
        partial_index("outbox_due", "due_at", "id", where="state = 'ready'"),
        partial_index("outbox_lane", "lane", "id", where=_UNFINISHED),
        partial_index("outbox_failed", "state", "id", where="state IN ('failed', 'unconfirmed', 'dead')"),
    )  # fmt: skip

    id: int | None = Field(default=None, sa_column=key())
    key: str = Field(unique=True)
    lane: int = Field(sa_column=Column(BigId, nullable=False))
    link_id: int = Field(sa_column=reference("link.id"))
    account: str
    state: str = Field(default="ready", sa_type=StateName, sa_column_kwargs={"server_default": "ready"})
    step: str = Field(sa_column=Column(Text, nullable=False))
    messages: str = Field(default="[]", sa_column=words("[]"))  # what it carries, to render anew or to quote
    batch: str = ""  # steps rendered together
    allowance: str = Field(default="", sa_column=words())  # the allowance at the moment of rendering
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    tries: int = Field(default=0, sa_column_kwargs={"server_default": "0"})  # failures in a row of the same code
    claims: int = Field(default=0, sa_column_kwargs={"server_default": "0"})  # claims without a recorded result
    unknown: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    due_at: datetime = Field(sa_column=moment())
    lease: str = Field(default="", sa_column_kwargs={"server_default": ""})
    lease_until: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    begun_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    tried_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    settles_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))  # of an unknown one: see there
    code: str = Field(default="", sa_column=words())
    error: str = Field(default="", sa_column=words())
    reason: str = Field(default="", sa_column=words())  # the same for people: JSON by language, "" for none
    receipt: str = Field(default="", sa_column=words())
    created_at: datetime = Field(sa_column=moment())
    done_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    automatic: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})  # nobody's words
    aside: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})  # nothing waits behind it
    term: int | None = None  # of a bot's question or answer: it counts in this term of its conversation only


class Attempt(TableBase, table=True):
    """The journal of one step: when each try began, and how it ended. One under way is the step's own `begun_at`."""

    id: int | None = Field(default=None, sa_column=key())
    outbox_id: int = Field(sa_column=reference("outbox.id"))
    number: int
    begun_at: datetime = Field(sa_column=moment())
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    outcome: str = Field(default="", sa_column=words())
    code: str = Field(default="", sa_column=words())
    detail: str = Field(default="", sa_column=words())


class MediaFile(TableBase, table=True):
    """A file an account named, and where its bytes are. States: wanted, done, failed."""

    __tablename__ = "media"
    __table_args__ = (
        UniqueConstraint("account", "external_id"),
        partial_index("media_wanted", "due_at", where="state = 'wanted'"),
    )  # fmt: skip

    id: int | None = Field(default=None, sa_column=key())
    account: str
    external_id: str
    state: str = Field(default="wanted", sa_type=StateName, sa_column_kwargs={"server_default": "wanted"})
    sha256: str = Field(default="", index=True, sa_column_kwargs={"server_default": ""})
    mime: str = ""
    name: str = Field(default="", sa_column=words())
    size: int | None = None
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    due_at: datetime = Field(sa_column=moment())
    lease_until: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    error: str = Field(default="", sa_column=words())
    created_at: datetime = Field(sa_column=moment())


class Notice(TableBase, table=True):
    """What an agent was told about a conversation: one note per cause."""

    __table_args__ = (UniqueConstraint("link_id", "cause"),)

    id: int | None = Field(default=None, sa_column=key())
    link_id: int = Field(sa_column=reference("link.id", index=False))
    cause: str
    at: datetime = Field(sa_column=moment())


class Consent(TableBase, table=True):
    """How many messages of a template a customer has allowed."""

    __table_args__ = (UniqueConstraint("account", "conversation", "template"),)

    id: int | None = Field(default=None, sa_column=key())
    account: str
    conversation: str
    template: str
    count: int = 0
    at: datetime = Field(sa_column=moment())
