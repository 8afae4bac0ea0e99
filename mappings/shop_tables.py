"""The tables of what the shop's own systems say, of targets, and of alerts."""

from datetime import datetime

from sqlalchemy import Column, Text, UniqueConstraint
from sqlmodel import Field

from mappings.columns import key, moment, partial_index, reference, words
from mappings.types import BigId, StateName, TableBase


class ShopFact(TableBase, table=True):
    """What the shop's server told of a customer: `subject` is `c:` and a conversation, or `h:` and a handle that the
    client will bring. `value` is JSON: context, profile.
    """

    __tablename__ = "shop_fact"

    account: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    value: str = Field(sa_column=Column(Text, nullable=False))
    until: datetime = Field(sa_column=moment(index=True))
    at: datetime = Field(sa_column=moment())


class ShopMessage(TableBase, table=True):
    """A message that the shop's server asked for: `given` is its own id, by which a repeat is known. `outcome` is set
    where the message ended before it became a step.
    """

    __tablename__ = "shop_message"
    __table_args__ = (UniqueConstraint("account", "given"),)

    id: str = Field(primary_key=True)
    account: str
    given: str
    link_id: int = Field(sa_column=reference("link.id"))
    message_id: str
    step_id: int | None = Field(default=None, sa_column=Column(BigId, nullable=True))
    outcome: str = Field(default="", sa_column=words())
    at: datetime = Field(sa_column=moment(index=True))


class Goal(TableBase, table=True):
    """A target of one conversation, as it was when the clock began. Kinds: first, next, resolve. `next_at` is when
    something is due by the clock; `outcome` is met, missed or void once it has ended.
    """

    __tablename__ = "goal"
    __table_args__ = (
        partial_index("goal_next", "next_at", where="next_at IS NOT NULL"),
        partial_index("goal_open", "due_at", where="ended_at IS NULL"),
    )

    id: int | None = Field(default=None, sa_column=key())
    link_id: int = Field(sa_column=reference("link.id"))
    kind: str = Field(sa_type=StateName)
    target: str
    seconds: int
    level: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    outcome: str = Field(default="", sa_type=StateName, sa_column_kwargs={"server_default": ""})
    started_at: datetime = Field(sa_column=moment())
    due_at: datetime = Field(sa_column=moment())
    next_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class Alert(TableBase, table=True):
    """One cause that somebody is to hear of, at one receiver, and that it is well again. `facts` is JSON without a
    customer's words. States: new, told, well, over.
    """

    receiver: str = Field(primary_key=True)
    cause: str = Field(primary_key=True)
    state: str = Field(sa_type=StateName)
    facts: str = Field(sa_column=Column(Text, nullable=False))
    since: datetime = Field(sa_column=moment())
    due_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    tries: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    told_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    error: str = Field(default="", sa_column=words())
