"""Looking at the whole: who serves, what waits and for what, and which customers are about to become unreachable."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, func, select

from mappings.account_tables import Lease
from mappings.prepared import Prepared
from mappings.sql import columns, table
from mappings.states import StepState
from mappings.store import Tx
from mappings.tables import Link, Notice, Outbox, Waiting

_lease, _outbox, _waiting = table(Lease), table(Outbox), table(Waiting)
_link, _notice = table(Link), table(Notice)
_SHOWN = columns(_link, "id", "channel", "conversation", "desk", "ticket", "state", "allowance")
_WATCHED = (
    select(*columns(_link, "id", "warn_at", "allowance"))
    .where(_link.c.warn_at.is_not(None), _link.c.state != "ended")
    .order_by(_link.c.warn_at)
    .limit(bindparam("most"))
    .subquery("watched")
)
_HELD = select(_waiting.c.link_id).where(_waiting.c.held != "")
# as the model writes it: looked for by the database, which is far quicker than reading thousands of them here
_WAITS = _WATCHED.c.allowance.contains('"unanswered":true') | _WATCHED.c.id.in_(_HELD)
_WAITING = (
    select(_WATCHED.c.id, _WATCHED.c.warn_at, func.count().over().label("number"))
    .where(_WAITS)
    .order_by(_WATCHED.c.warn_at)
    .limit(bindparam("shown"))
    .subquery("ending")
)
_ENDING = Prepared(
    select(*_SHOWN, _WAITING.c.number).join(_WAITING, _WAITING.c.id == _link.c.id).order_by(_WAITING.c.warn_at)
)
_LOOKED = 5000  # conversations whose window is open that are looked through
_TROUBLED = 1000  # of the oldest steps in trouble, to find whose they are
_ALIVE = timedelta(seconds=15)  # every process proves its store every two seconds


def serves(tx: Tx, now: datetime) -> bool:
    """Whether a process works on this database just now."""
    last: datetime | None = tx.execute(
        select(func.max(_lease.c.until)).where(_lease.c.name.startswith("ready "))
    ).scalar()
    return last is not None and last > now - _ALIVE


def oldest_waiting(tx: Tx) -> dict[str, datetime]:
    """Since when, by account, its oldest message waits: one that no step carries, or a step that is not done."""
    found: dict[str, datetime] = {}
    asked = (
        select(_outbox.c.account, func.min(_outbox.c.created_at)).where(_outbox.c.state == StepState.READY),
        select(_waiting.c.account, func.min(_waiting.c.created_at)).where(_waiting.c.held == ""),
    )
    for statement, column in zip(asked, (_outbox.c.account, _waiting.c.account), strict=True):
        for account, since in tx.execute(statement.group_by(column)):
            found[account] = min(since, found.get(account, since))
    return found


def next_attempts(tx: Tx) -> dict[str, datetime]:
    """By account: when the next of its steps is due that were tried and failed."""
    rows = tx.execute(
        select(_outbox.c.account, func.min(_outbox.c.due_at))
        .where(_outbox.c.state == StepState.READY, _outbox.c.attempts > 0)
        .group_by(_outbox.c.account)
    )
    return dict(rows.all())


def refused_since(tx: Tx, before: datetime) -> dict[str, tuple[datetime, str]]:
    """By account: the oldest of its steps that were tried, failed and are older than `before`, and its last code."""
    rows = tx.execute(
        select(*columns(_outbox, "account", "created_at", "code"))
        .where(_outbox.c.state == StepState.READY, _outbox.c.attempts > 0, _outbox.c.created_at < before)
        .order_by(_outbox.c.created_at, _outbox.c.id)
        .limit(_TROUBLED)
    )
    found: dict[str, tuple[datetime, str]] = {}
    for account, since, code in rows:
        found.setdefault(account, (since, code))
    return found


def tried_steps(tx: Tx, limit: int = 200) -> list[Row[Any]]:
    """Steps that were tried, failed, and will be tried again; the next one first."""
    return list(
        tx.execute(
            select(
                *columns(
                    _outbox, "id", "account", "link_id", "attempts", "due_at", "code", "error", "reason", "created_at"
                )
            )
            .where(_outbox.c.state == StepState.READY, _outbox.c.attempts > 0)
            .order_by(_outbox.c.due_at, _outbox.c.id)
            .limit(limit)
        )
    )


def spread_tickets(tx: Tx, now: datetime) -> dict[str, tuple[int, datetime]]:
    """By account: tickets with something that waits for its turn, because the desk counts updates, and when the last of
    them has it.
    """
    rows = tx.execute(
        select(_waiting.c.account, func.count(_waiting.c.link_id.distinct()), func.max(_waiting.c.due_at))
        .join(_notice, (_notice.c.link_id == _waiting.c.link_id) & _notice.c.cause.startswith("paced."))
        .where(_waiting.c.held == "", _waiting.c.due_at > now, _waiting.c.lane % 4 == 0)
        .group_by(_waiting.c.account)
    )
    return {account: (count, until) for account, count, until in rows}


def parked_counts(tx: Tx) -> dict[str, int]:
    """By account: steps that wait for the customer."""
    rows = tx.execute(
        select(_outbox.c.account, func.count())
        # both conditions: the first is the index's own, the second what is asked
        .where(_outbox.c.state.in_((StepState.READY, StepState.PARKED)), _outbox.c.state == StepState.PARKED)
        .group_by(_outbox.c.account)
    )
    return dict(rows.all())


def ending_links(tx: Tx, limit: int = 200) -> Sequence[Row[Any]]:
    """Conversations whose window is not over and who wait for an answer, or for one that is held here, in the order in
    which they are warned of. Allowances are JSON; `number` says how many there are, also those that are not here.
    """
    return _ENDING.all(tx, most=_LOOKED, shown=limit)


def newest_conversation(tx: Tx, channel: str) -> str | None:
    """The conversation of a channel that began last."""
    found: str | None = tx.execute(
        select(_link.c.conversation).where(_link.c.channel == channel).order_by(_link.c.id.desc()).limit(1)
    ).scalar()
    return found


def held_links(tx: Tx) -> set[int]:
    """Conversations with an answer that is held."""
    rows = tx.execute(select(_waiting.c.link_id).where(_waiting.c.held != "").distinct())
    return set(rows.scalars())
