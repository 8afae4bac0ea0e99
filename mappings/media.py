"""Files that accounts named: wanted, fetched, or given up."""

from datetime import datetime
from typing import Any, NamedTuple, Unpack

from sqlalchemy import Row, func, or_, select, update

from mappings.sql import insert_for, table
from mappings.states import FileState, MediaColumns
from mappings.store import Tx
from mappings.tables import MediaFile

_media = table(MediaFile)


def want_media(tx: Tx, /, account: str, external_id: str, now: datetime, **facts: Any) -> bool:
    """Asks for a file to be fetched. False when it was asked for before."""
    return (
        tx.execute(
            insert_for(tx, _media)
            .values(account=account, external_id=external_id, due_at=now, created_at=now, **facts)
            .on_conflict_do_nothing()
            .returning(_media.c.id)
        ).scalar()
        is not None
    )


def find_media(tx: Tx, account: str, external_id: str) -> Row[Any] | None:
    """What became of a file."""
    return tx.execute(select(_media).where(_media.c.account == account, _media.c.external_id == external_id)).first()


def claim_media(tx: Tx, now: datetime, lease_until: datetime, limit: int) -> list[Row[Any]]:
    """Leases files that are to be fetched, oldest first."""
    ids = list(
        tx.execute(
            select(_media.c.id)
            .where(
                _media.c.state == FileState.WANTED,
                _media.c.due_at <= now,
                or_(_media.c.lease_until.is_(None), _media.c.lease_until < now),
            )
            .order_by(_media.c.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).scalars()
    )
    if not ids:
        return []
    return list(
        tx.execute(
            update(_media)
            .where(_media.c.id.in_(ids))
            .values(lease_until=lease_until, attempts=_media.c.attempts + 1)
            .returning(_media)
        )
    )


def end_media_leases(tx: Tx, now: datetime) -> None:
    """All leases end: the one process that could hold them has just started."""
    tx.execute(update(_media).where(_media.c.state == FileState.WANTED).values(lease_until=None, due_at=now))


def hurry_media(tx: Tx, now: datetime) -> None:
    """What waits to be tried again is due now."""
    free = or_(_media.c.lease_until.is_(None), _media.c.lease_until < now)
    tx.execute(update(_media).where(_media.c.state == FileState.WANTED, _media.c.due_at > now, free).values(due_at=now))


def settle_media(tx: Tx, /, media_id: int, **values: Unpack[MediaColumns]) -> None:
    """Records what became of a fetch."""
    tx.execute(update(_media).where(_media.c.id == media_id).values(lease_until=None, **values))


class FileFacts(NamedTuple):
    """`name` is "" where it is not the same for all who have these bytes: one may not read what another called them."""

    name: str
    mime: str


def file_facts(tx: Tx, sha256: str) -> FileFacts | None:
    """Name and type of a file that anybody has; None when nobody does."""
    of = _media.c.sha256 == sha256
    mime: str | None = tx.execute(select(_media.c.mime).where(of).order_by(_media.c.id).limit(1)).scalar()
    if mime is None:
        return None
    first, last = tx.execute(select(func.min(_media.c.name), func.max(_media.c.name)).where(of)).one()
    return FileFacts(first if first == last else "", mime)


def old_media(tx: Tx, before: datetime, limit: int = 500) -> list[Row[Any]]:
    """Files older than retention allows."""
    return list(
        tx.execute(
            select(_media.c.id, _media.c.sha256)
            .where(_media.c.created_at < before, _media.c.sha256 != "")
            .order_by(_media.c.id)
            .limit(limit)
        )
    )


def forget_media(tx: Tx, media_ids: list[int]) -> list[str]:
    """Marks files as removed; returns the hashes that nothing names any more."""
    hashes = list(tx.execute(select(_media.c.sha256).where(_media.c.id.in_(media_ids))).scalars())
    tx.execute(
        update(_media)
        .where(_media.c.id.in_(media_ids))
        .values(sha256="", state=FileState.FAILED, error="removed by retention")
    )
    still = set(
        tx.execute(select(_media.c.sha256).where(_media.c.sha256.in_(hashes)).group_by(_media.c.sha256)).scalars()
    )
    return [digest for digest in hashes if digest not in still]
