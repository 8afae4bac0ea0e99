"""Figures: what happened, without a word of what was said; spans and sums made of it; and questions to customers."""

from datetime import datetime

from sqlalchemy import Column, Index, Integer, Text, UniqueConstraint
from sqlmodel import Field

from mappings.columns import key, moment, partial_index, reference, words
from mappings.types import BigId, StateName, TableBase


class Fact(TableBase, table=True):
    """Something happened in a conversation. `ref` names it among those of its kind, so that a repeat counts once.

    `value` is milliseconds or a count, `from_at` when what ended here began, `code` a cause or a number's name.
    """

    __table_args__ = (UniqueConstraint("kind", "ref"), Index("fact_link", "link_id"), Index("fact_at", "at"))

    id: int | None = Field(default=None, sa_column=key())
    kind: str
    ref: str
    link_id: int = Field(sa_column=reference("link.id", index=False))
    at: datetime = Field(sa_column=moment())
    from_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    agent: str = Field(default="", sa_column=words())
    code: str = Field(default="", sa_column=words())
    value: int = Field(default=0, sa_column=Column(BigId, nullable=False, server_default="0"))


class Turn(TableBase, table=True):
    """One or more messages of a customer up to the answer of a person. Outcomes: waiting, answered, unneeded.

    Durations are milliseconds; `business` counts only while the calendar of the route is open.
    """

    __table_args__ = (
        UniqueConstraint("root_id", "number"),
        Index("turn_answered", "answered_at"),
        partial_index("turn_waiting", "asked_at", where="outcome = 'waiting'"),
    )

    id: int | None = Field(default=None, sa_column=key())
    root_id: int = Field(sa_column=reference("link.id", index=False))
    number: int
    link_id: int = Field(sa_column=reference("link.id"))
    started_at: datetime = Field(sa_column=moment(index=True))
    asked_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))  # of people
    answered_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    outcome: str = Field(sa_type=StateName)
    first: bool = False
    agent: str = Field(default="", sa_column=words())
    took: int | None = Field(default=None, sa_column=Column(BigId, nullable=True))
    business: int | None = Field(default=None, sa_column=Column(BigId, nullable=True))
    bridge_part: int | None = Field(default=None, sa_column=Column(BigId, nullable=True))


class Episode(TableBase, table=True):
    """One conversation from the customer's first words on, over all desks that it was handed to."""

    root_id: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    link_id: int = Field(sa_column=reference("link.id"))  # where it is now
    opened_at: datetime = Field(sa_column=moment(index=True))
    answered_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    first_solved_at: datetime | None = Field(default=None, sa_column=moment(nullable=True, index=True))
    last_solved_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    state: str = Field(sa_type=StateName)
    messages: int = 0
    answers: int = 0
    bot: int = 0
    automatic: int = 0
    reopens: int = 0
    handovers: int = 0
    lost: int = 0
    rating: int | None = Field(default=None, sa_column=Column(Integer, nullable=True))


class Shift(TableBase, table=True):
    """An episode went open (`by` 1) or shut (-1): what makes the backlog of any hour. `number` 0 is its beginning."""

    __tablename__ = "episode_shift"
    __table_args__ = (UniqueConstraint("root_id", "number"),)

    id: int | None = Field(default=None, sa_column=key())
    root_id: int = Field(sa_column=reference("link.id", index=False))
    link_id: int = Field(sa_column=reference("link.id"))
    number: int
    at: datetime = Field(sa_column=moment(index=True))
    by: int


class Measure(TableBase, table=True):
    """A sum of one kind within one bucket . Grains: h, an hour of UTC; d, a day of the office; p and m, a day and a
    month of it without agents; g, t and w, an hour, a day and a week of all places together. `hist` counts values by
    logarithmic bucket, as JSON: it can be added up, as medians cannot.
    """

    __table_args__ = (
        UniqueConstraint(
            *(
                "grain",
                "bucket",
                "kind",
                "channel",
                "desk",
                "entry",
                "route",
                "desk_group",
                "language",
                "agent",
                "code",
            ),
            name="measure_once",
        ),
        Index("measure_kind", "grain", "kind", "bucket"),
    )

    id: int | None = Field(default=None, sa_column=key())
    grain: str
    bucket: datetime = Field(sa_column=moment())
    kind: str
    channel: str = ""
    desk: str = ""
    entry: str = Field(default="", sa_column=words())
    route: str = Field(default="", sa_column=words())
    desk_group: str = Field(default="", sa_column=words())
    language: str = Field(default="", sa_column=words())
    agent: str = Field(default="", sa_column=words())
    code: str = Field(default="", sa_column=words())
    n: int
    total: int = Field(default=0, sa_column=Column(BigId, nullable=False, server_default="0"))
    hist: str = Field(default="{}", sa_column=words("{}"))


class FigureCursor(TableBase, table=True):
    """How far a log was read. Beyond `horizon` somebody may still commit a smaller number."""

    __tablename__ = "figure_cursor"

    log: str = Field(primary_key=True)
    done: int = Field(default=0, sa_column=Column(BigId, nullable=False, server_default="0"))
    horizon: int = Field(default=0, sa_column=Column(BigId, nullable=False, server_default="0"))
    horizon_at: datetime = Field(sa_column=moment())


class FigureDue(TableBase, table=True):
    """What must be counted anew: a conversation (`root`, its link) or an hour (`hour`, seconds since 1970)."""

    __tablename__ = "figure_due"

    what: str = Field(primary_key=True)
    number: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))


class FigureFolded(TableBase, table=True):
    """What was counted of a conversation up to when its facts were kept: its spans as JSON, without text."""

    __tablename__ = "figure_folded"

    root_id: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    spans: str = Field(sa_column=words())


class Survey(TableBase, table=True):
    """A question to a customer how it was. States: due, asked, rated, void. One row for each time a ticket was solved.

    `why` says why it was not asked; `score` is 1 to 5.
    """

    __table_args__ = (partial_index("survey_due", "due_at", where="state = 'due'"),)

    id: int | None = Field(default=None, sa_column=key())
    link_id: int = Field(sa_column=reference("link.id"))
    state: str = Field(sa_type=StateName)
    due_at: datetime = Field(sa_column=moment())
    asked_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    why: str = Field(default="", sa_column=words())
    score: int | None = None
    rated_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class Phrase(TableBase, table=True):
    """Words that customers say more often than before: how many conversations of how many people in the last week, how
    many in the weeks before, and each day's number as JSON. Whose words they were is not kept.
    """

    phrase: str = Field(sa_column=Column(Text, primary_key=True))
    made_at: datetime = Field(sa_column=moment())
    n: int
    people: int
    before: int
    days: str = Field(sa_column=words("[]"))
