"""How an attempt begins and ends: marked before its first byte leaves, and written down with what became of it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Unpack

from sqlalchemy import Row, exists, or_, select
from sqlalchemy.engine import result_tuple

from mappings.deferred import notes
from mappings.prepared import Prepared
from mappings.sets import Inserts, Updates
from mappings.sql import among, columns, table
from mappings.states import UNFINISHED, StepChanges, StepState
from mappings.store import Tx
from mappings.tables import Attempt, Outbox, Waiting

_outbox, _attempt, _waiting = table(Outbox), table(Attempt), table(Waiting)
_CHANGE, _JOURNAL = Updates(_outbox), Inserts(_attempt)
_KEYS = [column.key for column in _outbox.c]
_CLAIMS, _LEASE, _UNTIL = (_KEYS.index(name) for name in ("claims", "lease", "lease_until"))
_make = result_tuple(_KEYS)
_next = _outbox.alias("next")
_MORE = or_(
    exists().where(_waiting.c.lane == _outbox.c.lane),  # what is held may be let go by what is written down now
    exists().where(_next.c.lane == _outbox.c.lane, _next.c.state.in_(UNFINISHED), _next.c.id != _outbox.c.id),
).label("more")
_LEASES = Prepared(
    select(*columns(_outbox, "id", "lease", "state", "attempts", "begun_at", "tried_at"), _MORE)
    .where(among(_outbox.c.id, "ids"))
    .order_by(_outbox.c.id)
    .with_for_update()
)
_NOTE = "leases"  # in a transaction's notes: steps that it holds, as they are


def known_steps(tx: Tx) -> dict[int, Row[Any]]:
    """Steps that this transaction holds, as they are, by id."""
    found: dict[int, Row[Any]] = notes(tx).setdefault(_NOTE, {})
    return found


def expect_steps(tx: Tx, ids: Collection[int]) -> None:
    """Locks steps, all at once, whose attempts begin or end in this transaction: what is known of them holds."""
    heart = known_steps(tx)
    wanted = sorted(set(ids) - heart.keys())
    if wanted:
        heart.update((row.id, row) for row in _LEASES.all(tx, ids=wanted))


def lease_steps(tx: Tx, rows: Sequence[Row[Any]], lease: str, until: datetime) -> list[Row[Any]]:
    """Leases steps that this transaction has locked; returns them as they are then. An attempt that begins in the same
    transaction is written with it.
    """
    leased: list[Row[Any]] = []
    for row in rows:
        values = list(row)
        values[_CLAIMS], values[_LEASE], values[_UNTIL] = row.claims + 1, lease, until
        leased.append(_make(tuple(values)))
        _CHANGE.later(tx, id=row.id, claims=row.claims + 1, lease=lease, lease_until=until)
    known_steps(tx).update((row.id, row) for row in leased)
    return leased


def is_followed(tx: Tx, outbox_id: int) -> bool:
    """Whether more is to be sent in the lane of a step that this transaction is about to settle. What the transaction
    itself adds is not among it.
    """
    expect_steps(tx, (outbox_id,))
    row = known_steps(tx).get(outbox_id)
    return row is not None and bool(row.more)


def _leased(tx: Tx, outbox_id: int, lease: str) -> Row[Any] | None:
    """A step as it is now, locked; None when somebody else has it."""
    expect_steps(tx, (outbox_id,))
    row: Row[Any] | None = known_steps(tx).get(outbox_id)
    return row if row is not None and row.lease == lease else None


def begin_attempt(tx: Tx, outbox_id: int, lease: str, now: datetime, lease_until: datetime | None = None) -> bool:
    """Marks an attempt before its first byte leaves. False: somebody else has the step, drop it."""
    row = _leased(tx, outbox_id, lease)
    if row is None or row.state != StepState.READY:
        return False
    values: dict[str, Any] = {"attempts": row.attempts + 1, "tried_at": row.tried_at or now, "begun_at": now}
    if lease_until is not None:
        values["lease_until"] = lease_until
    _CHANGE.later(tx, id=outbox_id, **values)
    del known_steps(tx)[outbox_id]  # it is another one now
    return True


def prolong(tx: Tx, outbox_id: int, lease: str, until: datetime) -> bool:
    """Before a step is sent that waited long since its attempt was marked. False: somebody else has it, drop it."""
    if _leased(tx, outbox_id, lease) is None:
        return False
    _CHANGE.later(tx, id=outbox_id, lease_until=until)
    return True


def settle(
    tx: Tx, outbox_id: int, lease: str, now: datetime, *, outcome: str, detail: str = "", **changes: Unpack[StepChanges]
) -> bool:
    """Records what became of an attempt, also in the journal, and frees the step. False: the lease was lost, nothing is
    changed.
    """
    row = _leased(tx, outbox_id, lease)
    if row is None:
        return False
    if row.begun_at is not None:
        _JOURNAL.later(
            tx, outbox_id=outbox_id, number=row.attempts, begun_at=row.begun_at, ended_at=now, outcome=outcome,
            code=changes.get("code", ""), detail=detail[:500],
        )  # fmt: skip
    values: dict[str, Any] = {"lease": "", "lease_until": None, "begun_at": None, "claims": 0, **changes}
    if values.get("state", StepState.READY) not in UNFINISHED:
        values.setdefault("done_at", now)
    _CHANGE.later(tx, id=outbox_id, **values)
    del known_steps(tx)[outbox_id]  # it is another one now
    return True
