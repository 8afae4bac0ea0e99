"""The tables of accounts: cursors, tokens, pauses, leases, records, the audit, what became of callbacks."""

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary, Text
from sqlmodel import Field

from mappings.columns import key, moment, partial_index, words
from mappings.types import BigId, TableBase, UtcDateTime


class Cursor(TableBase, table=True):
    """How far an account was collected."""

    account: str = Field(primary_key=True)
    value: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    at: datetime = Field(sa_column=moment())


class StoredToken(TableBase, table=True):
    """A credential, encrypted."""

    __tablename__ = "token"

    account: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    value: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    expires_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    at: datetime = Field(sa_column=moment())


class Pause(TableBase, table=True):
    """An account whose sending rests: until a moment (throttle, breaker), or until somebody acts. `code`: the
    vendor's, where it refused the account.
    """

    account: str = Field(primary_key=True)
    reason: str = Field(default="", sa_column=words())
    code: str = Field(default="", sa_column=words())
    until: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    since: datetime = Field(sa_column=moment())


class Lease(TableBase, table=True):
    """Who does a job that only one process may do."""

    name: str = Field(primary_key=True)
    owner: str
    until: datetime = Field(sa_column=moment())


class Audit(TableBase, table=True):
    """Who did what. Append only."""

    id: int | None = Field(default=None, sa_column=key())
    at: datetime = Field(sa_column=moment(index=True))
    who: str
    what: str
    detail: str = Field(default="", sa_column=words())


class Record(TableBase, table=True):
    """Data of a connector that has no vendor behind it: one JSON object by account, kind and key."""

    account: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    value: str = Field(sa_column=Column(Text, nullable=False))
    version: int = 1
    at: datetime = Field(sa_column=moment(index=True))


class Entry(TableBase, table=True):
    """One entry of a connector's stream, numbered without gaps."""

    __table_args__ = (
        partial_index("entry_once", "account", "stream", "once", unique=True, where="once <> ''"),
        Index("entry_at", "at"),
    )  # fmt: skip

    account: str = Field(primary_key=True)
    stream: str = Field(primary_key=True)
    number: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    once: str = Field(default="", sa_column_kwargs={"server_default": ""})
    value: str = Field(sa_column=Column(Text, nullable=False))
    at: datetime = Field(sa_column=moment())


class Callback(TableBase, table=True):
    """What became of an account's callbacks, by outcome: accepted, or why it was refused. No word of what they held."""

    account: str = Field(primary_key=True)
    outcome: str = Field(primary_key=True)  # "" when accepted
    count: int = 0
    remedy: str = Field(default="{}", sa_column=Column(Text, nullable=False, server_default="{}"))  # by language
    since: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
