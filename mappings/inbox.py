"""Payloads as received: kept in order, routed once, quarantined when they cannot be read.

That a callback is a repeat is seen when its turn comes, not when it is kept: an index by key has a page to write for
each new key, at a place of its own, and the sender waits for that. What is kept goes to the end of all that it touches.
A row enters `inbox_once` when it is routed or quarantined; until then several may have the same key, and the oldest
counts.
"""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import CompoundSelect, Row, String, and_, bindparam, delete, func, or_, select, union_all, update

from mappings.account_tables import Cursor
from mappings.deferred import flush
from mappings.prepared import Prepared
from mappings.sets import Deletes, Inserts, Updates
from mappings.sql import columns, distinct, insert_for, table
from mappings.states import RawState
from mappings.store import Tx
from mappings.tables import Inbox

_inbox, _cursor = table(Inbox), table(Cursor)
_PIECE = 20_000  # payloads whose keys are looked at between two looks at the clock

_once = _inbox.alias("once")
# not EXISTS: PostgreSQL may answer that one for all rows at once, by reading everything that was ever routed
_KNOWN = (
    select(_once.c.id)
    .where(_once.c.account == _inbox.c.account, _once.c.key == _inbox.c.key, _once.c.state != RawState.READY)
    .scalar_subquery()
    .label("known")
)

_KEEP = Inserts(_inbox)
_ALL_READY = select(*columns(_inbox, "id", "key", "payload", "received_at", "tries", "due_at", "error"), _KNOWN).where(
    _inbox.c.account == bindparam("account"), _inbox.c.state == RawState.READY
)
_READY = Prepared(_ALL_READY.order_by(_inbox.c.id).limit(bindparam("most")))
# apart: with the id in it PostgreSQL would rather read the whole table in the order of its key
_READY_BEHIND = Prepared(
    _ALL_READY.where(_inbox.c.id > bindparam("after")).order_by(_inbox.c.id).limit(bindparam("most"))
)
_FINISH, _REMOVE = Updates(_inbox), Deletes(_inbox, only="state = 'ready'")
_LOCK = Prepared(select(func.pg_try_advisory_xact_lock(func.hashtext(bindparam("name", type_=String)))))

_KEPT = ("account", "key", "payload", "received_at")
RawRow = tuple[str, str, bytes, datetime]
"""(account, key, payload, received at)"""
ReadyRow = Row[Any]


def keep_raws(tx: Tx, raws: Sequence[RawRow]) -> int:
    """Stores all of them, in order, repeats as well; returns how many."""
    _KEEP.all_later(tx, _KEPT, raws)
    flush(tx)  # before the commit: a connection that was lost meanwhile shows while all can still begin again
    return len(raws)


def keep_new_raws(tx: Tx, account: str, raws: Sequence[RawRow]) -> int:
    """Stores those of an account whose keys are not known, routed or not; returns how many. For what is read again and
    again. What another process keeps at the same moment is not seen: routing will.
    """
    first: dict[str, RawRow] = {}
    for row in raws:
        first.setdefault(row[1], row)
    if not first:
        return 0
    known = set(tx.execute(_known_among(account, list(first))).scalars())
    return keep_raws(tx, [row for key, row in first.items() if key not in known])


def _known_among(account: str, keys: Sequence[str]) -> CompoundSelect[Any]:
    """Two questions, because each index holds one half; of what is ready there is little."""
    named = select(_inbox.c.key).where(_inbox.c.account == account, _inbox.c.key.in_(keys))
    return union_all(named.where(_inbox.c.state != RawState.READY), named.where(_inbox.c.state == RawState.READY))


def lock_account(tx: Tx, account: str) -> bool:
    """Makes this transaction the only one that routes an account; False when another one does."""
    if tx.dialect.name == "sqlite":
        return True
    return bool(_LOCK.scalar(tx, name=f"route {account}"))


def ready_raws(tx: Tx, account: str, limit: int, after: int = 0) -> list[ReadyRow]:
    """The oldest payloads of an account that are not routed yet, behind the one with the id `after`, those that must
    wait (`due_at`) among them. `known` is the row that was routed, or quarantined, by the same key. A repeat of one
    that is not routed comes behind it here.
    """
    if after:
        return _READY_BEHIND.all(tx, account=account, most=limit, after=after)
    return _READY.all(tx, account=account, most=limit)


def finish_raws(tx: Tx, inbox_ids: Sequence[int], now: datetime) -> None:
    """Routed, all of them."""
    for one in inbox_ids:
        _FINISH.later(tx, id=one, state="done", error="", done_at=now)


def payload_of(tx: Tx, account: str, key: str) -> bytes | None:
    """What was routed under a key; None when it is not kept any more."""
    routed = _inbox.c.account == account, _inbox.c.key == key, _inbox.c.state == RawState.DONE
    return tx.execute(select(_inbox.c.payload).where(*routed)).scalar()


def empty_payload(tx: Tx, inbox_id: int) -> None:
    """Nothing of it is to be kept but its key."""
    tx.execute(update(_inbox).where(_inbox.c.id == inbox_id).values(payload=None))


def remove_raws(tx: Tx, inbox_ids: Sequence[int]) -> None:
    """Repeats, before they are routed. The first of each is there."""
    _REMOVE.all_later(tx, ("id",), [(one,) for one in inbox_ids])


def delay_raw(tx: Tx, inbox_id: int, due_at: datetime, tries: int) -> None:
    """To be looked at again later; the ones behind it go on, except those of the same conversation. `tries` counts how
    often it could not be routed.
    """
    tx.execute(update(_inbox).where(_inbox.c.id == inbox_id).values(due_at=due_at, tries=tries))


def quarantine_raw(tx: Tx, inbox_id: int, error: str, now: datetime) -> None:
    """Authentic but unreadable: kept aside with the reason."""
    tx.execute(
        update(_inbox).where(_inbox.c.id == inbox_id).values(state=RawState.QUARANTINED, error=error[:500], done_at=now)
    )


def quarantined(tx: Tx, limit: int = 200) -> list[Row[Any]]:
    """What is kept aside, oldest first."""
    return list(
        tx.execute(
            select(*columns(_inbox, "id", "account", "key", "received_at", "error"))
            .where(_inbox.c.state == RawState.QUARANTINED)
            .order_by(_inbox.c.id)
            .limit(limit)
        )
    )


def quarantined_among(tx: Tx, inbox_ids: Sequence[int]) -> list[int]:
    """Which of some payloads are kept aside."""
    statement = select(_inbox.c.id).where(_inbox.c.id.in_(inbox_ids), _inbox.c.state == RawState.QUARANTINED)
    return list(tx.execute(statement).scalars())


def replay_raws(tx: Tx, inbox_ids: Sequence[int] | None, account: str | None = None) -> int:
    """Routes quarantined payloads again; returns how many. None: all. The reason stays until they are routed: by it
    they are known as released.
    """
    statement = update(_inbox).where(_inbox.c.state == RawState.QUARANTINED, _inbox.c.payload.is_not(None))
    if inbox_ids is not None:
        statement = statement.where(_inbox.c.id.in_(inbox_ids))
    if account is not None:
        statement = statement.where(_inbox.c.account == account)
    return tx.execute(statement.values(state=RawState.READY, due_at=None, tries=0, done_at=None)).rowcount


def drop_raws(tx: Tx, inbox_ids: Sequence[int]) -> int:
    """Gives quarantined payloads up."""
    return tx.execute(
        update(_inbox)
        .where(_inbox.c.id.in_(inbox_ids), _inbox.c.state == RawState.QUARANTINED)
        .values(state=RawState.DONE, error="dropped")
    ).rowcount


class Found(NamedTuple):
    """Payloads, the newest first; `since`: how far back those without a message were looked through, None for all."""

    rows: list[Row[Any]]
    since: datetime | None


def find_raws(tx: Tx, text: str, known: Sequence[int] = (), limit: int = 20, seconds: float = 2.0) -> Found:
    """Payloads of an id: those that its messages came with (`known`, by number), and those whose key is, or ends in,
    the id, also where they became no message. Whole keys, and what is not done, have an index; the ends of all other
    keys are looked at from the newest on, for so many seconds.
    """
    ids, done = set(known[:limit]), _inbox.c.state != RawState.READY
    ends = or_(_inbox.c.key == text, _inbox.c.key.endswith(f":{text}", autoescape=True))
    accounts = distinct(tx, _inbox.c.account, done)
    for wanted in (
        and_(done, _inbox.c.account.in_(accounts), _inbox.c.key == text),
        and_(_inbox.c.state == RawState.QUARANTINED, ends),
        and_(_inbox.c.state == RawState.READY, ends),
    ):
        ids.update(tx.execute(select(_inbox.c.id).where(wanted).limit(limit)).scalars())
    top = (tx.execute(select(func.max(_inbox.c.id))).scalar() or 0) + 1
    until = time.monotonic() + seconds
    while top > 1 and len(ids) < limit:
        piece = select(_inbox.c.id).where(_inbox.c.id < top, _inbox.c.id >= top - _PIECE, ends)
        ids.update(tx.execute(piece.order_by(_inbox.c.id.desc()).limit(limit)).scalars())
        top -= _PIECE
        if time.monotonic() > until:
            break
    asked = select(*columns(_inbox, "id", "account", "key", "received_at", "state", "error", "done_at"))
    rows = list(tx.execute(asked.where(_inbox.c.id.in_(ids)).order_by(_inbox.c.id.desc()).limit(limit)))
    oldest = select(_inbox.c.received_at).where(_inbox.c.id >= top).order_by(_inbox.c.id).limit(1)
    return Found(rows, tx.execute(oldest).scalar() if top > 1 and len(ids) < limit else None)


def last_raws(tx: Tx, account: str, limit: int = 10, among: int = 20_000) -> list[Row[Any]]:
    """The last payloads of an account, the newest first, as far as they are among the newest of all."""
    newest = select(func.max(_inbox.c.id)).scalar_subquery()
    statement = select(*columns(_inbox, "id", "key", "received_at", "state", "error", "done_at"))
    mine = statement.where(_inbox.c.account == account, _inbox.c.id > newest - among)
    return list(tx.execute(mine.order_by(_inbox.c.id.desc()).limit(limit)))


def count_raws(tx: Tx) -> dict[tuple[str, str], int]:
    """(account, state) → how many, of those that are not done."""
    found: dict[tuple[str, str], int] = {}
    for state in (RawState.READY, RawState.QUARANTINED):  # one after the other: each has an index of its own
        counted = select(_inbox.c.account, func.count()).where(_inbox.c.state == state).group_by(_inbox.c.account)
        found |= {(account, state): count for account, count in tx.execute(counted)}
    return found


def forget_payloads(tx: Tx, before: datetime, limit: int = 1000) -> int:
    """Retention: routed payloads go, their keys stay (a late repeat must still be known)."""
    ids = (
        select(_inbox.c.id)
        .where(_inbox.c.received_at < before, _inbox.c.payload.is_not(None), _inbox.c.state == RawState.DONE)
        .limit(limit)
    )
    return tx.execute(update(_inbox).where(_inbox.c.id.in_(ids)).values(payload=None)).rowcount


def forget_keys(tx: Tx, before: datetime, limit: int = 1000) -> int:
    """Retention: the keys themselves."""
    ids = select(_inbox.c.id).where(_inbox.c.received_at < before, _inbox.c.state == RawState.DONE).limit(limit)
    return tx.execute(delete(_inbox).where(_inbox.c.id.in_(ids))).rowcount


def set_cursor(tx: Tx, account: str, value: str, now: datetime) -> None:
    """How far an account was collected."""
    tx.execute(
        insert_for(tx, _cursor)
        .values(account=account, value=value, at=now)
        .on_conflict_do_update(index_elements=["account"], set_={"value": value, "at": now})
    )


def get_cursor(tx: Tx, account: str) -> str | None:
    """How far an account was collected; None the very first time."""
    value: str | None = tx.execute(select(_cursor.c.value).where(_cursor.c.account == account)).scalar()
    return value
