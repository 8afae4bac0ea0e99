"""What other systems are told: written with what caused it, sent in order per conversation, kept to be sent again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from mappings.event_tables import OutgoingEvent
from mappings.sql import columns, table
from mappings.states import StepState
from mappings.store import Tx

_event = table(OutgoingEvent)
_READY = _event.c.state == StepState.READY
_SHOWN = ("id", "receiver", "name", "kind", "link_id", "at", "state", "tries", "due_at", "done_at", "code")


def add_events(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    """Columns as `OutgoingEvent` has them; they are ready at once."""
    ready = [{"state": StepState.READY, "ready_at": row["at"], "due_at": row["at"], **row} for row in rows]
    if ready:
        tx.execute(insert(_event), ready)


def heads(tx: Tx, receiver: str, now: datetime, limit: int) -> list[Row[Any]]:
    """The oldest of each conversation that is not sent, where it is due: nothing goes before what waits there."""
    first = select(func.min(_event.c.id)).where(_READY, _event.c.receiver == receiver).group_by(_event.c.thread)
    due = select(_event).where(_event.c.id.in_(first), _event.c.due_at <= now)
    return list(tx.execute(due.order_by(_event.c.id).limit(limit)))


def settle(tx: Tx, ended: Sequence[tuple[int, dict[str, Any]]]) -> None:
    """What became of some of them. One that was dropped or erased meanwhile stays so."""
    for event_id, values in ended:
        tx.execute(update(_event).where(_event.c.id == event_id, _READY).values(values))


def is_waiting(tx: Tx, receivers: Sequence[str]) -> bool:
    """Whether anything is to be sent."""
    return tx.execute(select(_event.c.id).where(_READY, _event.c.receiver.in_(receivers)).limit(1)).first() is not None


def counts(tx: Tx) -> dict[tuple[str, str], tuple[int, datetime]]:
    """How many by (receiver, state) are to be sent or were given up, and since when."""
    found = (
        select(*columns(_event, "receiver", "state"), func.count(), func.min(_event.c.at))
        .where(_READY | (_event.c.state == StepState.DEAD))
        .group_by(*columns(_event, "receiver", "state"))
    )
    return {(row[0], row[1]): (row[2], row[3]) for row in tx.execute(found)}


def troubles(tx: Tx) -> dict[str, str]:
    """By receiver: why the oldest that was tried in vain is still to be sent."""
    tried = select(*columns(_event, "receiver", "code")).where(_READY, _event.c.tries > 0)
    found: dict[str, str] = {}
    for row in tx.execute(tried.order_by(_event.c.id)):
        found.setdefault(row.receiver, row.code)
    return found


def dead(tx: Tx) -> list[Row[Any]]:
    """Those that were given up, the oldest first."""
    return list(
        tx.execute(select(*columns(_event, *_SHOWN)).where(_event.c.state == StepState.DEAD).order_by(_event.c.id))
    )


def latest(
    tx: Tx, receiver: str = "", state: str = "", *, before: int | None = None, limit: int = 50
) -> list[Row[Any]]:
    """The newest first, of one receiver and state or of all."""
    found = select(*columns(_event, *_SHOWN)).order_by(_event.c.id.desc()).limit(limit)
    if receiver:
        found = found.where(_event.c.receiver == receiver)
    if state:
        found = found.where(_event.c.state == state)
    if before is not None:
        found = found.where(_event.c.id < before)
    return list(tx.execute(found))


def replay(tx: Tx, ids: Sequence[int], now: datetime) -> list[int]:
    """Sends these again, under the names they had; returns which of them are there and were ended."""
    ended = _event.c.id.in_(ids), _event.c.state.in_((StepState.DONE, StepState.DEAD, StepState.DROPPED))
    again = update(_event).where(*ended).values(_again(now))
    return list(tx.execute(again.returning(_event.c.id)).scalars())


def replay_since(tx: Tx, receiver: str, since: datetime, now: datetime) -> int:
    """Sends all of a receiver's since a moment again."""
    ended = _event.c.receiver == receiver, _event.c.at >= since, _event.c.state != StepState.READY
    return tx.execute(update(_event).where(*ended).values(_again(now))).rowcount


def told_to_others(tx: Tx, receiver: str, since: datetime, after: int = 0, limit: int = 1000) -> list[Row[Any]]:
    """What others were told since a moment, behind an id, in the order in which it happened: several rows may have one
    name, and a name never stands in two of these lists.
    """
    theirs = select(_event).where(_event.c.receiver != receiver, _event.c.at >= since, _event.c.id > after)
    rows = list(tx.execute(theirs.order_by(_event.c.id).limit(limit)))
    if len(rows) < limit:
        return rows
    return [row for row in rows if row.name != rows[-1].name] or rows


def names_of(tx: Tx, receiver: str, names: Sequence[str]) -> set[str]:
    """Which of these events a receiver has."""
    mine = select(_event.c.name).where(_event.c.receiver == receiver, _event.c.name.in_(names))
    return set(tx.execute(mine).scalars())


def _again(now: datetime) -> dict[str, Any]:
    return {"state": StepState.READY, "ready_at": now, "due_at": now, "tries": 0, "done_at": None, "code": ""}


def drop(tx: Tx, ids: Sequence[int], now: datetime) -> int:
    """Gives these up for good."""
    mine = _event.c.id.in_(ids), _event.c.state == StepState.DEAD
    return tx.execute(update(_event).where(*mine).values(state=StepState.DROPPED, done_at=now)).rowcount


def forget(tx: Tx, before: datetime, limit: int = 1000) -> int:
    """Retention: those that ended before a moment, and those for receivers that nobody sends to any more."""
    old = (_event.c.done_at < before) | (_READY & (_event.c.ready_at < before))
    ids = list(tx.execute(select(_event.c.id).where(old).limit(limit)).scalars())
    return tx.execute(delete(_event).where(_event.c.id.in_(ids))).rowcount if ids else 0
