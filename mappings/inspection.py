"""Looking at what happened: links by whatever name somebody has in hand, journals, what ended badly, counts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, func, or_, select

from mappings.lanes import is_of_words
from mappings.sql import columns, table
from mappings.states import FAILED, UNFINISHED, StepState
from mappings.store import Tx
from mappings.tables import Attempt, Identity, Inbox, Link, MessageRef, Outbox

_link, _identity, _outbox, _attempt = table(Link), table(Identity), table(Outbox), table(Attempt)
_inbox, _ref = table(Inbox), table(MessageRef)


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
    counted = select(_outbox.c.account, _outbox.c.state, func.count()).group_by(_outbox.c.account, _outbox.c.state)
    found: dict[tuple[str, str], int] = {}
    for states in (UNFINISHED, FAILED):  # one after the other: each has an index of its own
        rows = tx.execute(counted.where(_outbox.c.state.in_(states)))
        found |= {(account, state): count for account, state, count in rows}
    return found


def count_given_up(tx: Tx) -> dict[str, int]:
    """By account: what was given up, and what a desk refused or may not have: no agent can be told of that there."""
    lost = or_(_outbox.c.state == StepState.DEAD, is_of_words(_outbox.c.lane))
    counted = select(_outbox.c.account, func.count()).where(_outbox.c.state.in_(FAILED), _outbox.c.lane >= 0, lost)
    return dict(tx.execute(counted.group_by(_outbox.c.account)).all())


def oldest_unfinished(tx: Tx) -> dict[str, datetime]:
    """Since when, by account, its oldest unfinished step waits."""
    rows = tx.execute(
        select(_outbox.c.account, func.min(_outbox.c.created_at))
        .where(_outbox.c.state == StepState.READY)
        .group_by(_outbox.c.account)
    )
    return dict(rows.all())


class Tried(NamedTuple):
    """One attempt; `ended_at` None while it is under way."""

    number: int
    begun_at: datetime
    ended_at: datetime | None = None
    outcome: str = ""
    code: str = ""
    detail: str = ""


def journals_of(tx: Tx, steps: Sequence[Row[Any]]) -> dict[int, list[Tried]]:
    """By step: its attempts, the one under way at the end."""
    found: dict[int, list[Tried]] = {step.id: [] for step in steps}
    asked = select(_attempt).where(_attempt.c.outbox_id.in_(list(found))).order_by(_attempt.c.id)
    for row in tx.execute(asked):
        tried = Tried(row.number, row.begun_at, row.ended_at, row.outcome, row.code, row.detail)
        found[row.outbox_id].append(tried)
    for step in steps:
        if step.begun_at is not None:
            found[step.id].append(Tried(step.attempts, step.begun_at))
    return found


def steps_of_link(tx: Tx, link_id: int, limit: int = 200) -> list[Row[Any]]:
    """All steps of a link, oldest first."""
    return list(tx.execute(select(_outbox).where(_outbox.c.link_id == link_id).order_by(_outbox.c.id).limit(limit)))


def arrivals_of(tx: Tx, link_id: int, step_ids: Sequence[int]) -> dict[int, tuple[datetime, datetime]]:
    """By step: when the first of the messages that it carries came in, and when that was put into its lane."""
    rows = tx.execute(
        select(_ref.c.carrier_id, func.min(_inbox.c.received_at), func.min(_ref.c.at))
        .select_from(_ref.join(_inbox, _inbox.c.id == _ref.c.inbox_id))
        .where(_ref.c.link_id == link_id, _ref.c.carrier_id.in_(step_ids))
        .group_by(_ref.c.carrier_id)
    )
    return {step: (received, stored) for step, received, stored in rows}


def latest_steps(tx: Tx, link_id: int, *, before: int | None = None, limit: int = 60) -> list[Row[Any]]:
    """The newest steps of a link, or those before one, oldest first."""
    statement = select(_outbox).where(_outbox.c.link_id == link_id).order_by(_outbox.c.id.desc()).limit(limit)
    rows = tx.execute(statement if before is None else statement.where(_outbox.c.id < before)).all()
    return list(reversed(rows))
