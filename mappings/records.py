"""Data of connectors that have no vendor behind them: records with versions, streams without gaps."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, func, insert, select, update

from mappings.account_tables import Entry, Record
from mappings.sql import insert_for, table
from mappings.store import Tx

_record, _entry = table(Record), table(Entry)
_STREAM = "\x1fstream"  # the kind of the records by which streams count


class Changed(Exception):
    """A record is not at the version that was expected."""


class RecordPut(NamedTuple):
    """A record as it is to be; `value` None is none any more. `expect`: the version it must have, 0 for none."""

    kind: str
    key: str
    value: Mapping[str, Any] | None
    expect: int | None = None


def put_record(tx: Tx, account: str, put: RecordPut, now: datetime) -> int:
    """Writes or deletes a record; returns its new version, 0 for none. Raises Changed."""
    kind, key, value, expect = put
    where = (_record.c.account == account, _record.c.kind == kind, _record.c.key == key)
    version = tx.execute(select(_record.c.version).where(*where).with_for_update()).scalar() or 0
    if expect is not None and version != expect:
        raise Changed(f"{kind} {key}")
    if value is None:
        tx.execute(delete(_record).where(*where))
        return 0
    values = {"value": json.dumps(value, ensure_ascii=False), "version": version + 1, "at": now}
    if version:
        tx.execute(update(_record).where(*where).values(values))
    else:
        made = tx.execute(
            insert_for(tx, _record)
            .values(account=account, kind=kind, key=key, **values)
            .on_conflict_do_nothing()
            .returning(_record.c.version)
        ).scalar()
        if made is None:  # another process made it a moment ago
            return put_record(tx, account, put, now)
    return version + 1


def get_record(tx: Tx, account: str, kind: str, key: str) -> tuple[dict[str, Any], int] | None:
    """A record and its version."""
    row = tx.execute(
        select(_record.c.value, _record.c.version).where(
            _record.c.account == account, _record.c.kind == kind, _record.c.key == key
        )
    ).first()
    return (json.loads(row.value), row.version) if row is not None else None


def list_records(
    tx: Tx, account: str, kind: str, after: str, prefix: str, limit: int
) -> list[tuple[str, dict[str, Any]]]:
    """Records of a kind ordered by key."""
    statement = select(_record.c.key, _record.c.value).where(
        _record.c.account == account, _record.c.kind == kind, _record.c.key > after
    )
    if prefix:
        statement = statement.where(_record.c.key.startswith(prefix, autoescape=True))
    return [(row.key, json.loads(row.value)) for row in tx.execute(statement.order_by(_record.c.key).limit(limit))]


def search_records(tx: Tx, account: str, kind: str, words: str, limit: int) -> list[tuple[str, dict[str, Any]]]:
    """Records of a kind that contain a text, the newest change first."""
    statement = (
        select(_record.c.key, _record.c.value)
        .where(
            _record.c.account == account,
            _record.c.kind == kind,
            _record.c.value.icontains(json.dumps(words, ensure_ascii=False)[1:-1], autoescape=True),
        )
        .order_by(_record.c.at.desc())
        .limit(limit)
    )
    return [(row.key, json.loads(row.value)) for row in tx.execute(statement)]


def append_entry(tx: Tx, account: str, stream: str, value: Mapping[str, Any], once: str, now: datetime) -> int:
    """Appends to a stream and returns the number; the same `once` returns the number it got before."""
    here = (_entry.c.account == account, _entry.c.stream == stream)
    # the record's row lock makes numbers run without gaps across processes
    put_record(tx, account, RecordPut(_STREAM, stream, {}), now)
    if once:
        known = tx.execute(select(_entry.c.number).where(*here, _entry.c.once == once)).scalar()
        if known is not None:
            return int(known)
    number = int(tx.execute(select(func.coalesce(func.max(_entry.c.number), 0)).where(*here)).scalar_one()) + 1
    tx.execute(
        insert(_entry).values(
            account=account,
            stream=stream,
            number=number,
            once=once,
            value=json.dumps(value, ensure_ascii=False),
            at=now,
        )
    )
    return number


def drop_stream(tx: Tx, account: str, stream: str) -> None:
    """All entries of a stream, and its count."""
    tx.execute(delete(_entry).where(_entry.c.account == account, _entry.c.stream == stream))
    counted = _record.c.account == account, _record.c.kind == _STREAM, _record.c.key == stream
    tx.execute(delete(_record).where(*counted))


def read_entries(tx: Tx, account: str, stream: str, after: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
    """Entries numbered above `after`, in order."""
    rows = tx.execute(
        select(_entry.c.number, _entry.c.value)
        .where(_entry.c.account == account, _entry.c.stream == stream, _entry.c.number > after)
        .order_by(_entry.c.number)
        .limit(limit)
    )
    return [(row.number, json.loads(row.value)) for row in rows]


def stream_versions(tx: Tx, account: str, streams: Sequence[str]) -> dict[str, int]:
    """What changes with every append, by stream; a stream without entries is left out."""
    rows = tx.execute(
        select(_record.c.key, _record.c.version).where(
            _record.c.account == account, _record.c.kind == _STREAM, _record.c.key.in_(streams)
        )
    )
    return {row.key: row.version for row in rows}
