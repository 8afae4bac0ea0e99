"""The durable store lent to connectors without a vendor. See `bridge.contract.Records`."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

from bridge.contract import Append, Conflict, Drop, Put, StoreDown
from bridge.services.faults import store_down
from mappings import records
from mappings.store import Store, Tx

P = ParamSpec("P")
T = TypeVar("T")
_OTHERS = 1.0  # seconds after which what other processes wrote is looked at
_AT_ONCE = 500  # streams in one question


class StoredRecords:
    """One account's. Waiters in this process are woken at once, those of other processes within a second."""

    def __init__(self, store: Store, account: str, now: Callable[[], datetime]) -> None:
        self._store = store
        self._account = account
        self._now = now
        self._waiters: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._versions: dict[str, int] = {}
        self._watching: asyncio.Task[None] | None = None

    async def get(self, kind: str, key: str) -> tuple[dict[str, Any], int] | None:
        return await self._ask(records.get_record, self._account, kind, key)

    async def list(
        self, kind: str, *, after: str = "", prefix: str = "", limit: int = 100
    ) -> Sequence[tuple[str, dict[str, Any]]]:
        return await self._ask(records.list_records, self._account, kind, after, prefix, limit)

    async def search(self, kind: str, text: str, *, limit: int = 50) -> Sequence[tuple[str, dict[str, Any]]]:
        return await self._ask(records.search_records, self._account, kind, text, limit)

    async def read(self, stream: str, *, after: int = 0, limit: int = 500) -> Sequence[tuple[int, dict[str, Any]]]:
        return await self._ask(records.read_entries, self._account, stream, after, limit)

    async def commit(self, *changes: Put | Append | Drop) -> Sequence[int]:
        try:
            numbers = await self._store.write(_apply, self._account, changes, self._now())
        except records.Changed as error:
            raise Conflict(str(error)) from None
        except Exception as error:
            if (down := store_down(error)) is None:
                raise
            raise down from None
        for change in changes:
            if isinstance(change, Append):
                for event in self._waiters.get(change.stream, ()):
                    event.set()
        return numbers

    async def _ask(self, function: Callable[Concatenate[Tx, P], T], *arguments: P.args, **named: P.kwargs) -> T:
        try:
            return await self._store.read(function, *arguments, **named)
        except Exception as error:
            if (down := store_down(error)) is None:
                raise
            raise down from None

    async def wait(self, streams: Sequence[str], timeout: float) -> None:
        event = asyncio.Event()
        for stream in streams:
            self._waiters[stream].add(event)
        if not self._store.sqlite and self._watching is None:
            self._watching = asyncio.create_task(self._watch())
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), timeout)
        finally:
            for stream in streams:
                self._waiters[stream].discard(event)
                if not self._waiters[stream]:
                    del self._waiters[stream]
            if self._watching is not None and not self._waiters:
                self._watching.cancel()
                self._watching = None

    async def _watch(self) -> None:
        """On PostgreSQL another process may append, and nobody tells us: all streams are looked at together.

        A stream seen for the first time wakes who waits, because it may have grown since they read it.
        """
        while True:
            await asyncio.sleep(_OTHERS)
            names = list(self._waiters)
            found: dict[str, int] = {}
            with suppress(StoreDown):  # those who read will say so
                for place in range(0, len(names), _AT_ONCE):
                    some = names[place : place + _AT_ONCE]
                    found |= await self._ask(records.stream_versions, self._account, some)
            for name, version in found.items():
                if self._versions.get(name) != version:
                    for event in self._waiters.get(name, ()):
                        event.set()
            self._versions = found


def _apply(tx: Tx, account: str, changes: Sequence[Put | Append | Drop], now: datetime) -> list[int]:
    done = []
    for change in changes:
        match change:
            case Put():
                put = records.RecordPut(change.kind, change.key, change.value, change.expect)
                done.append(records.put_record(tx, account, put, now))
            case Append():
                done.append(records.append_entry(tx, account, change.stream, change.value, change.once, now))
            case Drop():
                records.drop_stream(tx, account, change.stream)
                done.append(0)
    return done
