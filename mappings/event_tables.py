"""The table of what other systems are told."""

from datetime import datetime

from sqlalchemy import Column, Index, Integer, Text
from sqlmodel import Field

from mappings.columns import key, moment, partial_index, reference, words
from mappings.types import StateName, TableBase


class OutgoingEvent(TableBase, table=True):
    """One event for one receiver. States: ready, done, dead, dropped. `thread` is the conversation in which the order
    holds, over all its tickets; `data` is JSON, with words only where the receiver asks for them.
    """

    __tablename__ = "outgoing_event"
    __table_args__ = (
        partial_index("outgoing_ready", "receiver", "thread", "id", where="state = 'ready'"),
        partial_index("outgoing_dead", "id", where="state = 'dead'"),
        Index("outgoing_receiver", "receiver", "id"),
        Index("outgoing_done", "done_at"),
    )

    id: int | None = Field(default=None, sa_column=key())
    receiver: str
    name: str  # webhook-id: the same at each repeat, another one for each event
    kind: str
    link_id: int = Field(sa_column=reference("link.id"))
    thread: str
    at: datetime = Field(sa_column=moment())
    data: str = Field(sa_column=Column(Text, nullable=False))
    state: str = Field(default="ready", sa_type=StateName)
    tries: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    ready_at: datetime = Field(sa_column=moment())  # since when it is to be sent, or sent again
    due_at: datetime = Field(sa_column=moment())
    done_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    code: str = Field(default="", sa_column=words())
