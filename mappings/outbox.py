"""Steps on their way: which may go now, and what became of them.

The head of a lane blocks its lane and nothing else: a step is claimable when no earlier step of its lane is unfinished.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Unpack

from sqlalchemy import Row, bindparam, exists, or_, select, update

from mappings.attempts import lease_steps
from mappings.deferred import notes
from mappings.locks import lock_links, no_more_links
from mappings.prepared import Prepared
from mappings.sets import Inserts
from mappings.sql import among, columns, table
from mappings.state import may_send
from mappings.states import UNFINISHED, StepChanges, StepState, sources
from mappings.store import Tx
from mappings.tables import Attempt, Outbox

_outbox, _attempt = table(Outbox), table(Attempt)

_earlier = _outbox.alias("earlier")
_NOW = bindparam("now", type_=_outbox.c.due_at.type)
_ACCOUNT = bindparam("account", type_=_outbox.c.account.type)
_DUE = Prepared(
    select(_outbox)
    .where(
        _outbox.c.state == StepState.READY,
        _outbox.c.account == _ACCOUNT,
        may_send(_ACCOUNT, _NOW),
        _outbox.c.due_at <= _NOW,
        or_(_outbox.c.lease_until.is_(None), _outbox.c.lease_until < _NOW),
        _outbox.c.begun_at.is_(None),
        ~exists().where(
            _earlier.c.lane == _outbox.c.lane,
            _earlier.c.id < _outbox.c.id,
            _earlier.c.state.in_(UNFINISHED),
            _earlier.c.aside.is_(False),
        ),
    )
    .order_by(_outbox.c.due_at, _outbox.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=_outbox)
)
_LEASED = _outbox.c.id == bindparam("outbox_id"), _outbox.c.lease == bindparam("of_lease")
_RENEW = Prepared(update(_outbox).where(*_LEASED, _outbox.c.state == StepState.READY))
_FREE = Prepared(select(_outbox.c.id).where(*_LEASED).with_for_update(skip_locked=True))
_ADD = Inserts(_outbox)
_UNFINISHED_IN = Prepared(
    select(_outbox).where(_outbox.c.lane == bindparam("lane"), _outbox.c.state.in_(UNFINISHED)).order_by(_outbox.c.id)
)
_BY_ID = Prepared(select(_outbox).where(_outbox.c.id == bindparam("outbox_id")))
_BY_ID_LOCKED = Prepared(select(_outbox).where(_outbox.c.id == bindparam("outbox_id")).with_for_update())
_BY_KEY = Prepared(select(_outbox).where(_outbox.c.key == bindparam("key")))
_BY_KEYS = Prepared(select(_outbox).where(among(_outbox.c.key, "keys")))
_EXPECTED = "keys"  # in a transaction's notes: the steps that were looked for


def add_steps(tx: Tx, steps: Sequence[dict[str, Any]]) -> None:
    """Stores rendered steps in order."""
    for step in steps:
        _ADD.later(tx, **step)


def add_step(tx: Tx, step: dict[str, Any]) -> int:
    """Stores a step at once, for who needs its id."""
    return int(_ADD.returning(tx, "id", tuple(step), [tuple(step.values())])[0])


def claim(tx: Tx, account: str, now: datetime, limit: int, *, lease: str, lease_until: datetime) -> list[Row[Any]]:
    """Leases the due heads of up to `limit` lanes of an account, unless it pauses.

    A step that begun and has no result is not claimable: `lost_steps` turns it into an unknown one first.
    """
    no_more_links(tx)
    due = _DUE.all(tx, account=account, now=now, most=limit)
    return lease_steps(tx, sorted(due, key=lambda row: row.id), lease, lease_until)


def renew_leases(tx: Tx, held: Sequence[tuple[int, str]], until: datetime) -> None:
    """Steps in hand, by (id, lease): their leases end later. What was claimed by somebody else stays theirs, and what
    is being settled at this moment is not waited for.
    """
    no_more_links(tx)
    for outbox_id, lease in held:
        if _FREE.first(tx, outbox_id=outbox_id, of_lease=lease) is not None:
            _RENEW.run(tx, outbox_id=outbox_id, of_lease=lease, lease_until=until)


def give_back(tx: Tx, /, outbox_id: int, lease: str, **later: Any) -> None:
    """A claimed step of which nothing was sent: anybody may claim it again, and nothing happened. `later` are columns
    that say until when it rests, and why.
    """
    mine = _outbox.c.id == outbox_id, _outbox.c.lease == lease
    begun = tx.execute(select(_outbox.c.attempts).where(*mine, _outbox.c.begun_at.is_not(None))).scalar()
    values: dict[str, Any] = {"lease": "", "lease_until": None, "claims": _outbox.c.claims - 1, **later}
    if begun is not None:  # its attempt was marked together with the claim
        values |= {"begun_at": None, "attempts": begun - 1, **({"tried_at": None} if begun == 1 else {})}
    tx.execute(update(_outbox).where(*mine).values(values))


def put_aside(tx: Tx, outbox_id: int, lease: str) -> None:
    """What is behind a step that is being sent goes without waiting for it."""
    tx.execute(update(_outbox).where(_outbox.c.id == outbox_id, _outbox.c.lease == lease).values(aside=True))


def lost_steps(tx: Tx, now: datetime, limit: int = 200) -> list[Row[Any]]:
    """Steps that began and whose lease ran out: whoever sent them died or hangs. Their links are locked with them."""
    lost = (
        _outbox.c.state == StepState.READY,
        _outbox.c.begun_at.is_not(None),
        or_(_outbox.c.lease_until.is_(None), _outbox.c.lease_until < now),
    )
    order = _outbox.c.due_at, _outbox.c.id
    found = tx.execute(select(*columns(_outbox, "id", "link_id")).where(*lost).order_by(*order).limit(limit)).all()
    if not found:
        return []
    lock_links(tx, [row.link_id for row in found])
    mine = select(_outbox).where(_outbox.c.id.in_([row.id for row in found]), *lost)
    return list(tx.execute(mine.order_by(*order).with_for_update(skip_locked=True)))


def end_leases(tx: Tx, now: datetime) -> int:
    """All leases end: the one process that could hold them has just started."""
    return tx.execute(
        update(_outbox).where(_outbox.c.state == StepState.READY, _outbox.c.lease_until > now).values(lease_until=now)
    ).rowcount


def change_step(tx: Tx, outbox_id: int, **changes: Unpack[StepChanges]) -> bool:
    """Sets columns of a step that nobody has leased. False, and nothing changed, when its state allows no such way."""
    statement = update(_outbox).where(_outbox.c.id == outbox_id)
    if "state" in changes:
        statement = statement.where(_outbox.c.state.in_(sources(changes["state"])))
    return bool(tx.execute(statement.values(**changes)).rowcount)


def unpark(tx: Tx, lane: int, now: datetime) -> int:
    """Parked steps of a lane may go now."""
    return tx.execute(
        update(_outbox)
        .where(_outbox.c.lane == lane, _outbox.c.state.in_(UNFINISHED), _outbox.c.state == StepState.PARKED)
        .values(state=StepState.READY, due_at=now)
    ).rowcount


def make_due(tx: Tx, account: str, now: datetime) -> int:
    """An account is well again: what backs off goes now, in order. What is being settled is not waited for."""
    backs_off = (
        _outbox.c.account == account,
        _outbox.c.state == StepState.READY,
        _outbox.c.due_at > now,
        _outbox.c.unknown.is_(False),
    )
    free = select(_outbox.c.id).where(*backs_off).with_for_update(skip_locked=True)
    return tx.execute(update(_outbox).where(_outbox.c.id.in_(free)).values(due_at=now)).rowcount


def make_oldest_due(tx: Tx, account: str, now: datetime) -> None:
    """A probe for an account in trouble: its oldest step goes now."""
    oldest = tx.execute(
        select(_outbox.c.id)
        .where(_outbox.c.account == account, _outbox.c.state == StepState.READY, _outbox.c.unknown.is_(False))
        .order_by(_outbox.c.id)
        .limit(1)
    ).scalar()
    if oldest is not None:
        tx.execute(update(_outbox).where(_outbox.c.id == oldest, _outbox.c.due_at > now).values(due_at=now))


def move_steps(tx: Tx, lane: int, to_lane: int, to_link: int) -> int:
    """Unfinished steps go on in another link's lane."""
    return tx.execute(
        update(_outbox)
        .where(_outbox.c.lane == lane, _outbox.c.state.in_(UNFINISHED))
        .values(lane=to_lane, link_id=to_link)
    ).rowcount


def drop_steps(tx: Tx, ids: Sequence[int], now: datetime, why: str) -> int:
    """Steps that nobody has begun are given up."""
    return tx.execute(
        update(_outbox)
        .where(_outbox.c.id.in_(ids), _outbox.c.begun_at.is_(None))
        .values(state=StepState.DROPPED, done_at=now, error=why, lease="", lease_until=None)
    ).rowcount


def batch_steps(tx: Tx, link_id: int, batch: str) -> list[Row[Any]]:
    """The steps that were rendered together."""
    return list(
        tx.execute(select(_outbox).where(_outbox.c.link_id == link_id, _outbox.c.batch == batch).order_by(_outbox.c.id))
    )


def unfinished_in(tx: Tx, lane: int) -> list[Row[Any]]:
    """The unfinished steps of a lane, in order."""
    return _UNFINISHED_IN.all(tx, lane=lane)


def in_flight(tx: Tx, lane: int) -> bool:
    """Whether a step of a lane may be taking effect right now."""
    return (
        tx.execute(
            select(_outbox.c.id)
            .where(
                _outbox.c.lane == lane,
                _outbox.c.state.in_(UNFINISHED),
                _outbox.c.state == StepState.READY,
                or_(_outbox.c.begun_at.is_not(None), _outbox.c.unknown.is_(True)),
            )
            .limit(1)
        ).scalar()
        is not None
    )


def sent_since(tx: Tx, link_id: int, lane: int, since: datetime) -> list[datetime]:
    """When the steps of a lane were carried out since a moment, newest first: for desks that count updates."""
    return list(
        tx.execute(
            select(_outbox.c.done_at)
            .where(
                _outbox.c.link_id == link_id,
                _outbox.c.lane == lane,
                _outbox.c.state == StepState.DONE,
                _outbox.c.done_at > since,
            )
            .order_by(_outbox.c.id.desc())
            .limit(200)
        ).scalars()
    )


def doubtful_since(tx: Tx, account: str, since: datetime, before: datetime, limit: int = 20) -> list[Row[Any]]:
    """Steps of an account that ended within a time without anybody knowing how, and are worth another look."""
    mine = select(_outbox).where(_outbox.c.account == account, *_doubtful(since, before))
    return list(tx.execute(mine.order_by(_outbox.c.id).limit(limit)))


def accounts_in_doubt(tx: Tx, since: datetime, before: datetime) -> list[str]:
    """The accounts that have such steps."""
    return list(tx.execute(select(_outbox.c.account).where(*_doubtful(since, before)).distinct()).scalars())


def _doubtful(since: datetime, before: datetime) -> tuple[Any, ...]:
    ended = _outbox.c.done_at > since, _outbox.c.done_at < before
    return _outbox.c.state == StepState.UNCONFIRMED, _outbox.c.unknown.is_(True), *ended


def parked_since(tx: Tx, before: datetime, limit: int = 100) -> list[Row[Any]]:
    """Steps that are parked since before a moment."""
    return list(
        tx.execute(
            select(_outbox)
            .where(_outbox.c.state == StepState.PARKED, _outbox.c.created_at < before)
            .order_by(_outbox.c.id)
            .limit(limit)
        )
    )


def get_step(tx: Tx, outbox_id: int, *, lock: bool = False) -> Row[Any] | None:
    """One step."""
    return (_BY_ID_LOCKED if lock else _BY_ID).first(tx, outbox_id=outbox_id)


def expect_keys(tx: Tx, keys: Collection[str]) -> None:
    """Looks many steps up at once, as they are now. Of each key only one event may ask."""
    if keys:
        found = {row.key: row for row in _BY_KEYS.all(tx, keys=keys)}
        notes(tx)[_EXPECTED] = {key: found.get(key) for key in keys}


def step_by_key(tx: Tx, key: str) -> Row[Any] | None:
    """The step with a key: how the bridge knows its own voice."""
    expected: dict[str, Row[Any] | None] = notes(tx).get(_EXPECTED, {})
    return expected[key] if key in expected else _BY_KEY.first(tx, key=key)
