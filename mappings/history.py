"""What a person's earlier conversations say: where they were served, and whether they ever were."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select

from mappings.lanes import lane_to_desk
from mappings.sql import columns, table
from mappings.states import StepState
from mappings.store import Tx
from mappings.tables import Link, Outbox

_link, _outbox = table(Link), table(Outbox)


def tickets_before(tx: Tx, person_id: int, without: int | None = None, limit: int = 20) -> list[Row[Any]]:
    """The newest tickets of a person, the newest first; `without` one link."""
    statement = select(*columns(_link, "id", "channel", "conversation", "desk", "ticket", "state", "touched_at")).where(
        _link.c.person_id == person_id, _link.c.ticket.is_not(None)
    )
    if without is not None:
        statement = statement.where(_link.c.id != without)
    return list(tx.execute(statement.order_by(_link.c.id.desc()).limit(limit)))


def decided_since(tx: Tx, since: datetime, after: int = 0, limit: int = 500) -> list[Row[Any]]:
    """Conversations that began after a moment and were decided, in order; `after` an id, for the next page."""
    statement = select(_link).where(_link.c.created_at >= since, _link.c.decided != "", _link.c.id > after)
    return list(tx.execute(statement.order_by(_link.c.id).limit(limit)))


def first_words(tx: Tx, link_id: int) -> str:
    """The messages of the first step to the desk, as JSON: what the customer said first. "" when it is not kept."""
    found: str | None = tx.execute(
        select(_outbox.c.messages)
        .where(_outbox.c.link_id == link_id, _outbox.c.lane == lane_to_desk(link_id))
        .order_by(_outbox.c.id)
        .limit(1)
    ).scalar()
    return found or ""


def entries_since(tx: Tx, since: datetime, limit: int = 100, among: int | None = None) -> list[Row[Any]]:
    """By which entries conversations began after a moment: how many, and the last one; the most used first. `among`:
    only so many of the newest conversations are looked at, where nobody shall wait for all.
    """
    began = select(*columns(_link, "channel", "entry", "created_at"))
    newest = began if among is None else began.order_by(_link.c.id.desc()).limit(among)
    seen, number = newest.subquery("seen"), func.count().label("number")
    return list(
        tx.execute(
            select(seen.c.channel, seen.c.entry, number, func.max(seen.c.created_at).label("last"))
            .where(seen.c.created_at >= since, seen.c.entry != "")
            .group_by(seen.c.channel, seen.c.entry)
            .order_by(number.desc(), seen.c.entry)
            .limit(limit)
        )
    )


def without_ticket(tx: Tx, desk: str, limit: int = 100) -> list[int]:
    """The conversations of a desk whose ticket has no number yet, the oldest first."""
    mine = select(_link.c.id).where(_link.c.desk == desk, _link.c.ticket.is_(None), _link.c.state == "open")
    return list(tx.execute(mine.order_by(_link.c.id).limit(limit)).scalars())


def last_answers(tx: Tx, person_id: int, without: int, since: datetime, limit: int = 20) -> list[Row[Any]]:
    """What the newest answers to a person carried (`messages`, JSON) and at which `desk`, on links other than one; the
    newest first.
    """
    return list(
        tx.execute(
            select(_link.c.desk, _outbox.c.messages)
            .join(_link, _link.c.id == _outbox.c.link_id)
            .where(_link.c.person_id == person_id, _link.c.id != without, _outbox.c.lane == _link.c.id * 4 + 1)
            .where(_outbox.c.state == StepState.DONE, _outbox.c.done_at >= since)
            .order_by(_outbox.c.id.desc())
            .limit(limit)
        )
    )
