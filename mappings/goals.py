"""Goals of conversations: what is due, what was done about it, and how it ended."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Unpack

from sqlalchemy import Row, delete, func, insert, select, update

from mappings.shop_tables import Goal
from mappings.sql import table
from mappings.states import GoalColumns
from mappings.store import Tx
from mappings.tables import Link

_goal, _link = table(Goal), table(Link)


def add_goal(tx: Tx, **values: Unpack[GoalColumns]) -> None:
    """A clock begins."""
    tx.execute(insert(_goal).values(**values))


def goals_of(tx: Tx, link_id: int) -> list[Row[Any]]:
    """All of a link, the oldest first."""
    return list(tx.execute(select(_goal).where(_goal.c.link_id == link_id).order_by(_goal.c.id)))


def open_goals(tx: Tx, link_id: int) -> list[Row[Any]]:
    """Those whose clock runs."""
    return [row for row in goals_of(tx, link_id) if row.ended_at is None]


def due_goals(tx: Tx, now: datetime, limit: int = 100) -> list[Row[Any]]:
    """Those about which something is to be done by now."""
    statement = select(_goal).where(_goal.c.next_at.is_not(None), _goal.c.next_at <= now)
    return list(tx.execute(statement.order_by(_goal.c.next_at).limit(limit)))


def change_goal(tx: Tx, goal_id: int, **values: Unpack[GoalColumns]) -> None:
    """Sets columns of a goal."""
    tx.execute(update(_goal).where(_goal.c.id == goal_id).values(**values))


def end_goals(tx: Tx, goal_ids: Sequence[int], outcome: str, now: datetime) -> None:
    """The clock stops."""
    tx.execute(update(_goal).where(_goal.c.id.in_(goal_ids)).values(outcome=outcome, ended_at=now, next_at=None))


def answered_since(tx: Tx, since: datetime, limit: int = 5000) -> list[Row[Any]]:
    """When questions of the last weeks were asked and answered; the newest first."""
    return list(
        tx.execute(
            select(_goal.c.started_at, _goal.c.ended_at)
            .where(_goal.c.kind.in_(("first", "wait")), _goal.c.outcome.in_(("met", "missed")))
            .where(_goal.c.started_at >= since)
            .order_by(_goal.c.id.desc())
            .limit(limit)
        )
    )


def by_deadline(tx: Tx, limit: int = 50) -> list[Row[Any]]:
    """Answers that people owe, the earliest deadline first."""
    found = select(
        *(_goal.c[name] for name in ("link_id", "kind", "target", "started_at", "due_at", "level")),
        *(_link.c[name] for name in ("channel", "conversation", "desk", "ticket")),
    )
    return list(
        tx.execute(
            found.join(_link, _link.c.id == _goal.c.link_id)
            .where(_goal.c.ended_at.is_(None), _goal.c.kind.in_(("first", "next")), _link.c.state != "ended")
            .order_by(_goal.c.due_at, _goal.c.id)
            .limit(limit)
        )
    )


def late_by_desk(tx: Tx, now: datetime) -> list[Row[Any]]:
    """By desk and target: how many conversations have had no answer when it was due, and the earliest deadline."""
    found = select(
        _link.c.desk, _goal.c.target, func.count().label("number"), func.min(_goal.c.due_at).label("earliest")
    )
    return list(
        tx.execute(
            found.join(_link, _link.c.id == _goal.c.link_id)
            .where(_goal.c.ended_at.is_(None), _goal.c.due_at <= now, _goal.c.kind.in_(("first", "next")))
            .where(_link.c.state != "ended")
            .group_by(_link.c.desk, _goal.c.target)
        )
    )


def forget_goals(tx: Tx, before: datetime, limit: int = 500) -> int:
    """Clocks that began before a moment, ended or not: numbers run with the time, so only the oldest are looked at."""
    oldest = tx.execute(select(_goal.c.id, _goal.c.started_at).order_by(_goal.c.id).limit(limit))
    ids = [row.id for row in oldest if row.started_at < before]
    if ids:
        tx.execute(delete(_goal).where(_goal.c.id.in_(ids)))
    return len(ids)
