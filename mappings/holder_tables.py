"""Who held a conversation when, and why it changed hands; what a bot was asked, and what came of it. No text."""

from datetime import datetime

from sqlmodel import Field

from mappings.columns import key, moment, reference, words
from mappings.types import TableBase


class Handover(TableBase, table=True):
    """A conversation went from one holder to another. `left_id` is the link it left: another one when it changed desks.

    `why` is a cause of `bridge.engine.conversation.handover`, `who` an agent or admin, empty for the engine itself.
    """

    id: int | None = Field(default=None, sa_column=key())
    link_id: int = Field(sa_column=reference("link.id"))
    left_id: int = Field(sa_column=reference("link.id"))
    from_account: str
    to_account: str
    why: str
    who: str = Field(default="", sa_column=words())
    term: int
    at: datetime = Field(sa_column=moment(index=True))


class BotTurn(TableBase, table=True):
    """A bot was asked: `outbox_id` is the question's step. States: asked, answered, superseded, late, failed.

    `mode` says whether it answers customers, suggests to agents, or is only compared. `tokens` are what it cost.
    """

    __tablename__ = "bot_turn"

    id: int | None = Field(default=None, sa_column=key())
    outbox_id: int = Field(sa_column=reference("outbox.id"))
    link_id: int = Field(sa_column=reference("link.id"))
    account: str
    term: int
    mode: str
    state: str
    verdict: str = ""
    why: str = Field(default="", sa_column=words())
    tokens: int = 0
    at: datetime = Field(sa_column=moment(index=True))
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
