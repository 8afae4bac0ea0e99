"""Conversations as a list: the latest first, filtered, with what is wrong in each. Every question ends after a bounded
number of rows, so that a page costs the same with a thousand messages and with a million.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, exists, func, or_, select, union

from mappings.lanes import lanes_towards_people
from mappings.sql import columns, table
from mappings.states import FAILED, UNFINISHED, StepState
from mappings.store import Tx
from mappings.tables import Link, MessageRef, Outbox, Waiting

_link, _ref, _outbox, _waiting = table(Link), table(MessageRef), table(Outbox), table(Waiting)
# as the JSON of messages has it, in older rows with a space; in what people write the quotes are escaped
_NOTES = '"audience":"agents"', '"audience": "agents"'
_SCANNED = 20_000  # messages looked through for one page of a filtered list
_SHOWN = columns(
    _link, "id", "channel", "conversation", "desk", "ticket", "state", "contact", "context", "allowance", "url",
    "created_at", "held_by",
)  # fmt: skip


class Filters(NamedTuple):
    """What a list is narrowed to; "" for everything. `page` is part of where customers came from."""

    channel: str = ""
    desk: str = ""
    state: str = ""
    page: str = ""


class Listed(NamedTuple):
    """Some conversations, and where to go on: the message to begin before (None: there is nothing more), and whether
    only so many messages were looked through.
    """

    rows: Sequence[Any]
    before: int | None
    bounded: bool = False


def latest(tx: Tx, filters: Filters, *, before: int | None = None, limit: int = 50) -> Listed:
    """Conversations by their last message. One that stood on an earlier page does not come again."""
    window = select(_ref.c.id, _ref.c.link_id, _ref.c.at).order_by(_ref.c.id.desc()).limit(_SCANNED)
    if before is not None:
        window = window.where(_ref.c.id < before)
    seen = window.subquery("seen")
    last = select(seen.c.link_id, func.max(seen.c.id).label("last"), func.max(seen.c.at).label("at"))
    grouped = last.group_by(seen.c.link_id).subquery("grouped")
    statement = (
        select(*_SHOWN, grouped.c.last, grouped.c.at)
        .select_from(grouped.join(_link, _link.c.id == grouped.c.link_id))
        .where(*_conditions(filters))
        .order_by(grouped.c.last.desc())
        .limit(limit + 1)
    )
    if before is not None:
        newer = _ref.alias("newer")
        statement = statement.where(~exists().where(newer.c.link_id == grouped.c.link_id, newer.c.id >= before))
    rows = tx.execute(statement).all()
    if len(rows) > limit:
        return Listed(rows[:limit], rows[limit - 1].last)
    edge = tx.execute(select(func.count(), func.min(seen.c.id)).select_from(seen)).one()
    return Listed(rows, edge[1] if edge[0] == _SCANNED else None, bounded=edge[0] == _SCANNED)


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    wanted = {name: getattr(filters, name) for name in ("channel", "desk", "state")}
    found: list[ColumnElement[bool]] = [_link.c[name] == value for name, value in wanted.items() if value]
    if filters.page:
        found.append(_link.c.context.contains(filters.page, autoescape=True))
    return found


def troubled(tx: Tx, filters: Filters, *, before: int | None = None, limit: int = 50) -> Listed:
    """Conversations in which something failed, is held or waits for the customer, the newest first."""
    wrong = union(*_wrong()).subquery("wrong")
    statement: Select[Any] = (
        select(*_SHOWN, _link.c.id.label("last"), _link.c.touched_at.label("at"))
        .where(_link.c.id.in_(select(wrong.c.link_id)), *_conditions(filters))
        .order_by(_link.c.id.desc())
        .limit(limit + 1)
    )
    if before is not None:
        statement = statement.where(_link.c.id < before)
    rows = tx.execute(statement).all()
    return Listed(rows[:limit], rows[limit - 1].last if len(rows) > limit else None)


def _wrong() -> list[Select[Any]]:
    """Each by an index of its own."""
    return [
        select(_outbox.c.link_id).where(_outbox.c.state.in_(FAILED)),
        select(_outbox.c.link_id).where(
            _outbox.c.state.in_((StepState.READY, StepState.PARKED)), _outbox.c.state == StepState.PARKED
        ),
        select(_waiting.c.link_id).where(_waiting.c.held != ""),
    ]


def by_ids(tx: Tx, ids: Sequence[int]) -> list[Row[Any]]:
    """Some conversations, the newest first."""
    chosen = select(*_SHOWN, _link.c.id.label("last"), _link.c.touched_at.label("at")).where(_link.c.id.in_(ids))
    return list(tx.execute(chosen.order_by(_link.c.touched_at.desc())))


class Trouble(NamedTuple):
    """What is wrong in one conversation: steps that failed, messages and steps that wait for the customer, those that
    are on their way, and since when the oldest of these waits.
    """

    failed: int = 0
    held: int = 0
    waiting: int = 0
    since: datetime | None = None


def troubles(tx: Tx, ids: Sequence[int]) -> dict[int, Trouble]:
    """By conversation. What is done, nearly everything, is not looked at."""
    found: dict[int, Trouble] = {}
    facts = select(_outbox.c.link_id, _outbox.c.state, func.count(), func.min(_outbox.c.created_at))
    facts = facts.group_by(_outbox.c.link_id, _outbox.c.state)
    lanes = [lane for link_id in ids for lane in lanes_towards_people(link_id)]
    unfinished = facts.where(_outbox.c.state.in_(UNFINISHED), _outbox.c.lane.in_(lanes))
    failed = facts.where(_outbox.c.state.in_(FAILED))
    if _are_many(tx):  # then the steps of these conversations are fewer than all that failed
        failed = failed.where(_outbox.c.link_id.in_(ids))
    wanted = set(ids)
    for link_id, state, count, since in [*tx.execute(unfinished), *tx.execute(failed)]:
        if link_id in wanted:
            kind = "failed" if state in FAILED else "held" if state == StepState.PARKED else "waiting"
            found[link_id] = _plus(found.get(link_id, Trouble()), kind, count, since)
    held = _waiting.c.held != ""
    rows = (
        select(_waiting.c.link_id, held, func.count(), func.min(_waiting.c.created_at))
        .where(_waiting.c.link_id.in_(ids))
        .group_by(_waiting.c.link_id, held)
    )
    for link_id, is_held, count, since in tx.execute(rows):
        found[link_id] = _plus(found.get(link_id, Trouble()), "held" if is_held else "waiting", count, since)
    return found


def _are_many(tx: Tx, most: int = 500) -> bool:
    failed = select(_outbox.c.id).where(_outbox.c.state.in_(FAILED)).limit(most + 1).subquery()
    return int(tx.execute(select(func.count()).select_from(failed)).scalar_one()) > most


def _plus(one: Trouble, kind: str, count: int, since: datetime) -> Trouble:
    oldest = since if one.since is None or (kind == "waiting" and since < one.since) else one.since
    return one._replace(**{kind: getattr(one, kind) + count}, since=oldest)


def last_words(tx: Tx, ids: Sequence[int]) -> dict[int, str]:
    """By conversation: the messages (JSON) of the last step that carried any, the bridge's notes left out."""
    newest = select(func.max(_outbox.c.id)).where(
        _outbox.c.link_id.in_(ids), _outbox.c.messages != "[]", ~or_(*map(_outbox.c.messages.contains, _NOTES))
    )
    last = newest.group_by(_outbox.c.link_id)
    rows = tx.execute(select(_outbox.c.link_id, _outbox.c.messages).where(_outbox.c.id.in_(last)))
    return dict(rows.all())


def siblings(tx: Tx, link: Row[Any], limit: int = 50) -> list[Row[Any]]:
    """The other tickets of the same conversation, and the other conversations of the same person, newest first."""
    rows = select(*_SHOWN, _link.c.touched_at).where(_link.c.person_id == link.person_id, _link.c.id != link.id)
    return list(tx.execute(rows.order_by(_link.c.id.desc()).limit(limit)))


def of_person(tx: Tx, person_id: int, limit: int = 100) -> list[Row[Any]]:
    """The conversations of one person, newest first."""
    rows = select(*_SHOWN, _link.c.touched_at).where(_link.c.person_id == person_id)
    return list(tx.execute(rows.order_by(_link.c.id.desc()).limit(limit)))
