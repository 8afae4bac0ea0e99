"""The tables of the console: who may sign in, who is signed in, callbacks that were refused, replays under way."""

from datetime import datetime

from sqlalchemy import Column, Text
from sqlmodel import Field

from mappings.columns import key, moment, words
from mappings.types import BigId, StateName, TableBase


class ConsoleUser(TableBase, table=True):
    """A sign-in for the console. `name` is what is compared, `shown` as it was written."""

    __tablename__ = "console_user"

    name: str = Field(primary_key=True)
    shown: str
    role: str = Field(sa_type=StateName)  # admin | operator | viewer
    hash: str = Field(sa_column=Column(Text, nullable=False))
    language: str = ""
    theme: str = ""
    created_at: datetime = Field(sa_column=moment())


class ConsoleSession(TableBase, table=True):
    """A signed-in browser. `key` is the hash of its token, `mark` ends it with the password it was begun with."""

    __tablename__ = "console_session"

    key: str = Field(primary_key=True)
    name: str = Field(index=True)
    since: datetime = Field(sa_column=moment())
    seen: datetime = Field(sa_column=moment())
    network: str = ""
    browser: str = ""
    mark: str = ""


class RefusedCallback(TableBase, table=True):
    """One callback that was refused: when, from where, why. No word of what it held."""

    __tablename__ = "refused_callback"

    id: int | None = Field(default=None, sa_column=key())
    account: str
    cause: str
    client: str = ""
    at: datetime = Field(sa_column=moment(index=True))


class ReplayJob(TableBase, table=True):
    """All of one cause, tried again bit by bit. `after` is the id up to which it is done, `until` where it ends."""

    __tablename__ = "replay_job"

    id: int | None = Field(default=None, sa_column=key())
    who: str
    cause: str = Field(sa_column=words())  # the group's fingerprint, as JSON
    state: str = Field(default="running", sa_type=StateName)  # running | done | stopped
    after: int = Field(default=0, sa_column=Column(BigId, nullable=False))
    until: int = Field(default=0, sa_column=Column(BigId, nullable=False))
    total: int = 0
    done: int = 0
    created_at: datetime = Field(sa_column=moment())
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
