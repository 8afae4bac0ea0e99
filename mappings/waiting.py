"""Routed messages that no step carries yet: they are rendered when their lane is idle."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Unpack

from sqlalchemy import Row, and_, bindparam, exists, func, literal_column, select, update

from mappings.lanes import lane_to_channel
from mappings.prepared import Prepared
from mappings.sets import Changes, Deletes, Inserts
from mappings.sql import among, table
from mappings.state import may_send
from mappings.states import UNFINISHED, StepState, WaitingCause, WaitingColumns
from mappings.store import Tx
from mappings.tables import Link, Notice, Outbox, Waiting


class _Releases(Changes):
    """Lanes that may go on."""

    def _text(self, names: Sequence[str], rows: str) -> str:
        return f"UPDATE waiting SET held = '' WHERE held <> '' AND lane IN (VALUES {rows})"  # noqa: S608 - rows are places of values


_waiting, _outbox, _link, _notice = table(Waiting), table(Outbox), table(Link), table(Notice)
_ADD, _DROP = Inserts(_waiting), Deletes(_waiting)
_IN_LANE = Prepared(select(_waiting).where(_waiting.c.lane == bindparam("lane")).order_by(_waiting.c.id))
_IN_LANES = Prepared(select(_waiting).where(among(_waiting.c.lane, "lanes")).order_by(_waiting.c.lane, _waiting.c.id))
_RELEASES = _Releases(_waiting)
_RELEASE = Prepared(update(_waiting).where(_waiting.c.lane == bindparam("of_lane"), _waiting.c.held != ""))
_BUSY = exists().where(_outbox.c.lane == _waiting.c.lane, _outbox.c.state.in_(UNFINISHED), _outbox.c.aside.is_(False))
_ahead = _waiting.alias("ahead")
_answers: Any = lane_to_channel(_link.c.id)  # type: ignore[arg-type] # the arithmetic of a column is the same
_NOW = bindparam("now", type_=_waiting.c.due_at.type)
_ACCOUNT = bindparam("account", type_=_waiting.c.account.type)
# in the order of the index, so that it ends with the first few lanes, however many wait
_idle = (
    select(_waiting.c.lane)
    .where(
        _waiting.c.account == _ACCOUNT,
        may_send(_ACCOUNT, _NOW),
        _waiting.c.held == "",
        _waiting.c.due_at <= _NOW,
        ~_BUSY,
        ~exists().where(
            _ahead.c.lane == _waiting.c.lane, _ahead.c.id < _waiting.c.id, _ahead.c.held == "", _ahead.c.due_at <= _NOW
        ),
    )
    .order_by(_waiting.c.id)
    .limit(bindparam("most"))
    .subquery("idle")
)
_there = _waiting.alias("there")
_IDLE = Prepared(select(_there).join(_idle, _idle.c.lane == _there.c.lane).order_by(_there.c.lane, _there.c.id))


def add_waiting(tx: Tx, **columns: Unpack[WaitingColumns]) -> None:
    """A routed message, to be rendered when its lane is idle."""
    _ADD.later(tx, **columns)


def idle_lanes(tx: Tx, account: str, now: datetime, limit: int) -> dict[int, list[Row[Any]]]:
    """Lanes of an account with something due to render and no unfinished step, longest waiting first, and all that
    waits in each. None while the account pauses.
    """
    found: dict[int, list[Row[Any]]] = {}
    for row in _IDLE.all(tx, account=account, now=now, most=limit):
        found.setdefault(row.lane, []).append(row)
    first = {lane: next(row.id for row in rows if not row.held and row.due_at <= now) for lane, rows in found.items()}
    return {lane: found[lane] for lane in sorted(found, key=first.__getitem__)}


def waiting_in(tx: Tx, lane: int) -> list[Row[Any]]:
    """The messages that wait in a lane, in order."""
    return _IN_LANE.all(tx, lane=lane)


def waiting_in_lanes(tx: Tx, lanes: Collection[int]) -> dict[int, list[Row[Any]]]:
    """The same for many lanes, also those in which nothing does."""
    found: dict[int, list[Row[Any]]] = {lane: [] for lane in lanes}
    for row in _IN_LANES.all(tx, lanes=lanes) if lanes else ():
        found[row.lane].append(row)
    return found


def drop_waiting(tx: Tx, ids: Sequence[int]) -> None:
    """They are carried by steps now, or given up."""
    _DROP.all_later(tx, ("id",), [(one,) for one in ids])


def hold_waiting(tx: Tx, lane: int, why: str) -> int:
    """Nothing of this lane is rendered until `release_waiting`."""
    return tx.execute(update(_waiting).where(_waiting.c.lane == lane).values(held=why)).rowcount


def hold_one(tx: Tx, waiting_id: int, why: str) -> None:
    """One message of a lane waits for the customer; what is behind it need not."""
    tx.execute(update(_waiting).where(_waiting.c.id == waiting_id).values(held=why))


def release_waiting(tx: Tx, lane: int) -> int:
    """The lane may go on."""
    return _RELEASE.run(tx, of_lane=lane, held="")


def release_later(tx: Tx, lane: int) -> None:
    """The same, written with all others of the transaction."""
    _RELEASES.all_later(tx, ("lane",), [(lane,)])


def delay_waiting(tx: Tx, lane: int, due_at: datetime) -> None:
    """The lane is looked at again at a moment."""
    tx.execute(update(_waiting).where(_waiting.c.lane == lane, _waiting.c.held == "").values(due_at=due_at))


def make_files_due(tx: Tx, now: datetime) -> None:
    """Messages that bring files are looked at now."""
    late = _waiting.c.cause == literal_column("'files'"), _waiting.c.held == "", _waiting.c.due_at > now
    tx.execute(update(_waiting).where(*late).values(due_at=now))


def change_waiting(tx: Tx, waiting_id: int, message: str) -> None:
    """Another text for a message that nobody has rendered yet."""
    tx.execute(update(_waiting).where(_waiting.c.id == waiting_id).values(message=message))


def late_answers(tx: Tx, before: datetime, limit: int = 100) -> list[tuple[int, str]]:
    """(link, account) of conversations with an answer that should have gone by a moment, and no word to its agents."""
    told = exists().where(_notice.c.link_id == _link.c.id, _notice.c.cause.startswith("late."))
    found: dict[tuple[int, str], None] = {}
    waits = and_(_waiting.c.held == "", _waiting.c.cause != WaitingCause.AUTOMATIC)
    ready = and_(_outbox.c.state == StepState.READY, _outbox.c.automatic.is_(False))
    for one, due in ((_waiting, waits), (_outbox, ready)):
        rows = tx.execute(
            select(_link.c.id, one.c.account)
            .join(one, one.c.link_id == _link.c.id)
            .where(due, one.c.lane == _answers, one.c.created_at < before, one.c.account == _link.c.channel)
            .where(*([one.c.due_at < before] if one is _waiting else []), ~told)
            .group_by(_link.c.id, one.c.account)
            .limit(limit)
        )
        found |= dict.fromkeys(rows)
    return list(found)


def held_since(tx: Tx, before: datetime, limit: int = 100) -> list[Row[Any]]:
    """Messages held since before a moment."""
    return list(
        tx.execute(
            select(_waiting)
            .where(_waiting.c.held != "", _waiting.c.created_at < before, _waiting.c.lane >= 0)
            .order_by(_waiting.c.id)
            .limit(limit)
        )
    )


def move_waiting(tx: Tx, lane: int, to_lane: int, to_link: int, account: str) -> None:
    """What waits goes to another link."""
    tx.execute(update(_waiting).where(_waiting.c.lane == lane).values(lane=to_lane, link_id=to_link, account=account))


def count_waiting(tx: Tx) -> dict[tuple[str, bool], int]:
    """By (account, held): → how many messages wait."""
    held = _waiting.c.held != ""
    of_people = _waiting.c.lane >= 0  # what a bot is asked, and drafts, are counted by nobody
    rows = tx.execute(
        select(_waiting.c.account, held, func.count()).where(of_people).group_by(_waiting.c.account, held)
    )
    return {(account, bool(is_held)): count for account, is_held, count in rows}
