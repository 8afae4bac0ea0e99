"""`Records` in memory, with the rules of the stored ones: versions, streams without gaps, all or nothing."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.contract import Append, Conflict, Drop, Put


@dataclass(slots=True)
class _Row:
    value: str
    version: int
    changed: int


@dataclass(slots=True)
class _Stream:
    entries: list[str] = field(default_factory=list)
    once: dict[str, int] = field(default_factory=dict)


class MemoryRecords:
    """Values go through JSON, so that what a database could not keep fails here, too."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], _Row] = {}
        self._streams: dict[str, _Stream] = {}
        self._changes = 0
        self._grown = asyncio.Condition()

    async def get(self, kind: str, key: str) -> tuple[dict[str, Any], int] | None:
        row = self._rows.get((kind, key))
        return (json.loads(row.value), row.version) if row else None

    async def list(
        self, kind: str, *, after: str = "", prefix: str = "", limit: int = 100
    ) -> Sequence[tuple[str, dict[str, Any]]]:
        keys = sorted(key for of, key in self._rows if of == kind and key > after and key.startswith(prefix))
        return [(key, json.loads(self._rows[kind, key].value)) for key in keys[:limit]]

    async def search(self, kind: str, text: str, *, limit: int = 50) -> Sequence[tuple[str, dict[str, Any]]]:
        wanted = _dump(text)[1:-1].casefold()
        found = [
            (row.changed, key, row.value)
            for (of, key), row in self._rows.items()
            if of == kind and wanted in row.value.casefold()
        ]
        return [(key, json.loads(value)) for _, key, value in sorted(found, reverse=True)[:limit]]

    async def commit(self, *changes: Put | Append | Drop) -> Sequence[int]:
        rows = dict(self._rows)
        streams = {
            change.stream: _copy(self._streams.get(change.stream)) for change in changes if not isinstance(change, Put)
        }
        results = []
        for change in changes:
            match change:
                case Put():
                    results.append(self._put(rows, change))
                case Append():
                    results.append(_append(streams[change.stream], change))
                case Drop():
                    streams[change.stream] = _Stream()
                    results.append(0)
        self._rows = rows
        self._streams |= streams
        async with self._grown:
            self._grown.notify_all()
        return results

    async def read(self, stream: str, *, after: int = 0, limit: int = 500) -> Sequence[tuple[int, dict[str, Any]]]:
        entries = self._streams.get(stream, _Stream()).entries[after : after + limit]
        return [(after + index, json.loads(value)) for index, value in enumerate(entries, 1)]

    async def wait(self, streams: Sequence[str], timeout: float) -> None:
        def lengths() -> list[int]:
            return [len(self._streams.get(stream, _Stream()).entries) for stream in streams]

        before = lengths()
        try:
            async with asyncio.timeout(timeout), self._grown:
                await self._grown.wait_for(lambda: lengths() != before)
        except TimeoutError:
            return

    def _put(self, rows: dict[tuple[str, str], _Row], change: Put) -> int:
        place = (change.kind, change.key)
        version = rows[place].version if place in rows else 0
        if change.expect is not None and change.expect != version:
            raise Conflict(f"{change.kind} {change.key}: version {version}, not {change.expect}")
        if change.value is None:
            rows.pop(place, None)
            return 0
        self._changes += 1
        rows[place] = _Row(_dump(change.value), version + 1, self._changes)
        return version + 1


def _copy(stream: _Stream | None) -> _Stream:
    return _Stream(list(stream.entries), dict(stream.once)) if stream else _Stream()


def _append(stream: _Stream, change: Append) -> int:
    if change.once and change.once in stream.once:
        return stream.once[change.once]
    stream.entries.append(_dump(change.value))
    number = len(stream.entries)
    if change.once:
        stream.once[change.once] = number
    return number


def _dump(value: Mapping[str, Any] | str) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
