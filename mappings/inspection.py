"""Looking at what happened: links by whatever name somebody has in hand, journals, what ended badly, counts."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, literal, null, or_, select

from mappings.failed_steps import FAILED
from mappings.outbox import UNFINISHED
from mappings.sql import columns, table
from mappings.store import Tx
from mappings.tables import Attempt, Identity, Inbox, Link, MessageRef, Outbox

_link, _identity, _outbox, _attempt = table(Link), table(Identity), table(Outbox), table(Attempt)
_inbox, _pair = table(Inbox), table(MessageRef)


def links_named(tx: Tx, identifier: str, limit: int = 50) -> list[int]:
    """Links by ticket, conversation, step key, step id (s…), link id, or an identity of their person."""
    people = select(_identity.c.person_id).where(_identity.c.external_id == identifier)
    wanted = [
        _link.c.ticket == identifier,
        _link.c.conversation == identifier,
        _link.c.person_id.in_(people),
        _link.c.id.in_(select(_outbox.c.link_id).where(_outbox.c.key == identifier)),
    ]
    if identifier[:1] == "s" and identifier[1:].isdigit():
        wanted.append(_link.c.id.in_(select(_outbox.c.link_id).where(_outbox.c.id == int(identifier[1:]))))
    return list(tx.execute(select(_link.c.id).where(or_(*wanted)).order_by(_link.c.id).limit(limit)).scalars())


def failed_steps(tx: Tx, limit: int = 500) -> list[Row[Any]]:
    """Steps that ended without being accepted, oldest first."""
    return list(
        tx.execute(
            select(*columns(_outbox, "id", "key", "account", "link_id", "state", "code", "error", "done_at", "step"))
            .where(_outbox.c.state.in_(FAILED))
            .order_by(_outbox.c.id)
            .limit(limit)
        )
    )


def count_steps(tx: Tx) -> dict[tuple[str, str], int]:
    """By (account, state): how many, of those that are not done or dropped."""
    rows = tx.execute(
        select(_outbox.c.account, _outbox.c.state, func.count())
        .where(_outbox.c.state.in_(UNFINISHED + FAILED))
        .group_by(_outbox.c.account, _outbox.c.state)
    )
    return {(account, state): count for account, state, count in rows}


def oldest_unfinished(tx: Tx) -> dict[str, datetime]:
    """Since when, by account, its oldest unfinished step waits."""
    rows = tx.execute(
        select(_outbox.c.account, func.min(_outbox.c.created_at))
        .where(_outbox.c.state == "ready")
        .group_by(_outbox.c.account)
    )
    return dict(rows.tuples().all())


def attempts_of(tx: Tx, step: Row[Any]) -> list[Row[Any]]:
    """The journal of a step, the attempt under way at its end."""
    ended = select(_attempt).where(_attempt.c.outbox_id == step.id).order_by(_attempt.c.id)
    under_way = select(
        _outbox.c.attempts.label("number"), _outbox.c.begun_at, null().label("ended_at"),
        *(literal("").label(name) for name in ("outcome", "code", "detail")),
    ).where(_outbox.c.id == step.id, _outbox.c.begun_at.is_not(None))  # fmt: skip
    return [*tx.execute(ended), *tx.execute(under_way)]


def steps_of_link(tx: Tx, link_id: int, limit: int = 200) -> list[Row[Any]]:
    """All steps of a link, oldest first."""
    return list(tx.execute(select(_outbox).where(_outbox.c.link_id == link_id).order_by(_outbox.c.id).limit(limit)))


def arrival_of(tx: Tx, link_id: int, step_id: int) -> tuple[datetime | None, datetime | None]:
    """When the first of the messages that a step carries came in, and when it was put into its lane."""
    first = tx.execute(
        select(func.min(_inbox.c.received_at), func.min(_pair.c.at))
        .select_from(_pair.join(_inbox, _inbox.c.id == _pair.c.inbox_id))
        .where(_pair.c.link_id == link_id, _pair.c.carrier_id == step_id)
    ).one()
    return first[0], first[1]
