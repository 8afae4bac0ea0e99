"""Rows of figures for other programs, page by page, under names that stay. `person_hash` is made of `person_id`."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from mappings.figure_tables import Episode, Fact, Survey, Turn
from mappings.sql import columns, table
from mappings.store import Tx
from mappings.tables import Link

_fact, _turn, _episode, _survey, _link = table(Fact), table(Turn), table(Episode), table(Survey), table(Link)
_PLACE = columns(_link, "channel", "desk", "entry", "ticket", "person_id")

_WHERE = ("person_hash", "channel", "desk", "entry", "ticket")
COLUMNS = {
    "turns": (
        "conversation", "number", *_WHERE, "started_at", "asked_at", "answered_at",
        "outcome", "first", "agent", "took_ms", "business_ms", "bridge_ms",
    ),
    "episodes": (
        "conversation", *_WHERE, "opened_at", "answered_at", "first_solved_at", "last_solved_at", "state",
        "messages", "answers", "bot", "automatic", "reopens", "handovers", "lost", "rating",
    ),
    "ratings": ("id", *_WHERE, "asked_at", "rated_at", "score", "state", "why"),
    "facts": ("id", "kind", "conversation", *_WHERE[:-1], "at", "from_at", "agent", "code", "value"),
}  # fmt: skip

_TURNS = select(
    _turn, *_PLACE, _turn.c.root_id.label("conversation"), _turn.c.took.label("took_ms"),
    _turn.c.business.label("business_ms"), _turn.c.bridge_part.label("bridge_ms"),
).join(_link, _link.c.id == _turn.c.link_id)  # fmt: skip
_EPISODES = select(
    *[column for column in _episode.c if column.key != "root_id"], *_PLACE,
    _episode.c.root_id.label("conversation"), _episode.c.root_id.label("id"),
).join(_link, _link.c.id == _episode.c.link_id)  # fmt: skip
_RATINGS = select(_survey, *_PLACE).join(_link, _link.c.id == _survey.c.link_id)
_FACTS = select(_fact, *_PLACE, _fact.c.link_id.label("conversation")).join(_link, _link.c.id == _fact.c.link_id)
_FROM: dict[str, tuple[Any, Any, Any]] = {
    "turns": (_TURNS, _turn.c.id, _turn.c.started_at),
    "episodes": (_EPISODES, _episode.c.root_id, _episode.c.opened_at),
    "ratings": (_RATINGS, _survey.c.id, _survey.c.due_at),
    "facts": (_FACTS, _fact.c.id, _fact.c.at),
}


def read(tx: Tx, what: str, since: datetime, until: datetime, after: int, limit: int) -> list[Row[Any]]:
    """Rows of a time after a number, by number."""
    statement, key, at = _FROM[what]
    return list(tx.execute(statement.where(at >= since, at < until, key > after).order_by(key).limit(limit)))
