"""What receivers of alerts were told, and what they are still to be told."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, update

from mappings.shop_tables import Alert
from mappings.sql import insert_for, table
from mappings.store import Tx

_alert = table(Alert)


def known(tx: Tx, receiver: str) -> dict[str, str]:
    """By cause: new, told or well."""
    rows = tx.execute(select(_alert.c.cause, _alert.c.state).where(_alert.c.receiver == receiver))
    return {cause: stage for cause, stage in rows}  # noqa: C416 - a row is no pair of its types


def begin(tx: Tx, receiver: str, cause: str, facts: str, now: datetime) -> None:
    """Something is wrong; one that was about to be called well is told anew."""
    values = {"state": "new", "facts": facts, "since": now, "due_at": now, "tries": 0, "error": ""}
    tx.execute(
        insert_for(tx, _alert)
        .values(receiver=receiver, cause=cause, **values)
        .on_conflict_do_update(index_elements=["receiver", "cause"], set_=values)
    )


def end(tx: Tx, receiver: str, cause: str, now: datetime) -> None:
    """It is over: those who were told hear of it, the others never will."""
    mine = (_alert.c.receiver == receiver) & (_alert.c.cause == cause)
    tx.execute(delete(_alert).where(mine, _alert.c.state == "new"))
    tx.execute(update(_alert).where(mine, _alert.c.state == "told").values(state="well", due_at=now, tries=0))


def forget_like(tx: Tx, receiver: str, prefix: str) -> None:
    """Causes that begin so are forgotten."""
    tx.execute(delete(_alert).where(_alert.c.receiver == receiver, _alert.c.cause.startswith(prefix, autoescape=True)))


def due_alerts(tx: Tx, receiver: str, now: datetime) -> list[Row[Any]]:
    """What a receiver is to be told by now."""
    return list(
        tx.execute(
            select(_alert)
            .where(_alert.c.receiver == receiver, _alert.c.state.in_(("new", "well")), _alert.c.due_at <= now)
            .order_by(_alert.c.cause)
        )
    )


def told(tx: Tx, receiver: str, causes: Sequence[str], now: datetime, *, well: bool) -> None:
    """It was taken. What is well again is forgotten."""
    mine = (_alert.c.receiver == receiver) & _alert.c.cause.in_(causes)
    if well:
        tx.execute(delete(_alert).where(mine, _alert.c.state == "well"))
    else:
        changes = {"state": "told", "told_at": now, "due_at": None, "tries": 0, "error": ""}
        tx.execute(update(_alert).where(mine, _alert.c.state == "new").values(changes))


def delay(tx: Tx, receiver: str, causes: Sequence[str], due_at: datetime, error: str) -> None:
    """It was not taken."""
    mine = (_alert.c.receiver == receiver) & _alert.c.cause.in_(causes)
    tx.execute(update(_alert).where(mine).values(due_at=due_at, tries=_alert.c.tries + 1, error=error))
