"""One order of locks, so that no two transactions ever wait for each other: links by id, then everything else.

Whoever changes a link, or anything that belongs to it (its lanes, notices, allowance), locks it first; who needs
several locks them together with `lock_links`. Who only reads locks nothing. A transaction that finds out late that it
needs a link below one it holds never waits for it: it takes it where it is free, and else begins again, with all that
it needed as its first act. On SQLite there is one writer and nothing to lock.

The locks are `NO KEY UPDATE`: a row that merely refers to a link (a message's, a step) can be added beside them.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Engine, Row, event, select

from mappings.prepared import Prepared
from mappings.sql import among, table
from mappings.store import Tx
from mappings.tables import Link
from mappings.writer_queue import Again

_link = table(Link)
_THESE = select(_link).where(among(_link.c.id, "ids")).order_by(_link.c.id)
_WAIT = Prepared(_THESE.with_for_update(key_share=True))
_FREE = Prepared(_THESE.with_for_update(key_share=True, skip_locked=True))
_HELD = "bridge.links"  # in the connection's own notes
_NO_MORE = 1 << 62  # above every id


class _Held:
    """What one transaction has locked. `top`: it may wait for links above this only. When a part of the transaction is
    undone, locks that were taken in it are gone: then they are taken anew.
    """

    def __init__(self, transaction: object) -> None:
        self.transaction = transaction
        self.ids: set[int] = set()
        self.top = 0


def lock_links(tx: Tx, ids: Iterable[int]) -> list[Row[Any]]:
    """Locks links, in order; returns those that this transaction had not locked before, as they are now. Raises Again
    when it would have to wait out of order; the store then begins anew.
    """
    if tx.dialect.name == "sqlite":
        return []
    held = _held(tx)
    wanted = sorted(set(ids) - held.ids)
    if not wanted:
        return []
    in_order = wanted[0] > held.top
    rows = (_WAIT if in_order else _FREE).all(tx, ids=wanted)
    _keep(held, rows)
    if not in_order and len(rows) < len(wanted) and _missing(tx, wanted, rows):
        every = sorted(held.ids.union(wanted))
        raise Again(lambda again: lock_links(again, every))
    return rows


def lock_free_links(tx: Tx, ids: Iterable[int]) -> set[int]:
    """Locks links as far as that can be done without waiting out of order; returns which of them this transaction
    holds. The others are in somebody else's hands just now.
    """
    wanted = set(ids)
    if tx.dialect.name == "sqlite":
        return wanted
    held = _held(tx)
    new = sorted(wanted - held.ids)
    if new:
        _keep(held, (_WAIT if new[0] > held.top else _FREE).all(tx, ids=new))
    return wanted & held.ids


def holds_link(tx: Tx, link_id: int) -> bool:
    """Whether this transaction has a link to itself, so that what it read of it stays true."""
    return tx.dialect.name == "sqlite" or link_id in _held(tx).ids


def made_link(tx: Tx, link_id: int) -> None:
    """A link that nobody else can see yet is held by who made it."""
    if tx.dialect.name != "sqlite":
        _held(tx).ids.add(link_id)


def no_more_links(tx: Tx) -> None:
    """This transaction goes on to lock other things: from now on it waits for no link."""
    if tx.dialect.name != "sqlite":
        _held(tx).top = _NO_MORE


@event.listens_for(Engine, "rollback_savepoint")
def _undone(tx: Tx, *_: Any) -> None:
    held = tx.info.get(_HELD)
    if held is not None:
        held.ids.clear()


def _held(tx: Tx) -> _Held:
    transaction = tx.get_transaction()
    found = tx.info.get(_HELD)
    if found is None or found.transaction is not transaction:
        found = tx.info[_HELD] = _Held(transaction)
    assert isinstance(found, _Held)
    return found


def _keep(held: _Held, rows: list[Row[Any]]) -> None:
    held.ids.update(row.id for row in rows)
    held.top = max(held.top, *(row.id for row in rows), 0)


def _missing(tx: Tx, wanted: list[int], rows: list[Row[Any]]) -> bool:
    """Whether those that were not locked exist at all."""
    lacking = set(wanted) - {row.id for row in rows}
    return tx.execute(select(_link.c.id).where(_link.c.id.in_(lacking)).limit(1)).first() is not None
