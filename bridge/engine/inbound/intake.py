"""Keep: make payloads durable before anybody is told that they arrived."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog

from bridge.contract import Raw, StoreDown
from bridge.contract.storable import clean_id
from bridge.engine.context import Runtime
from bridge.engine.runtime import admission
from bridge.engine.runtime.admission import Admission
from bridge.engine.runtime.failpoints import reach
from bridge.telemetry import metrics
from mappings import inbox
from mappings.store import Store, Tx

log = structlog.get_logger("bridge.intake")

OnDurable = Callable[[StoreDown | None], None]
"""Hears once that all is durable, or why it may not be."""

_LATE = "the database did not commit in time"


@dataclass(slots=True)
class Entry:
    """What is to be kept, and who hears of it. `routed`: routing was asked for together with the commit."""

    account: str
    rows: list[inbox.RawRow]
    notify: OnDurable
    routed: bool = False


class Group:
    """The callbacks of one transaction. They are drawn when it begins: who came until then shares its commit."""

    def __init__(self, draw: Callable[[], list[Entry]], asked_at: float) -> None:
        self.asked_at = asked_at  # in the loop's time
        self.notified = False
        self._draw = draw
        self._lock = threading.Lock()
        self._entries: list[Entry] | None = None

    def keep(self, tx: Tx) -> int:
        """In the transaction; after a deadlock once more, with the same callbacks."""
        entries = self.begin()
        reach("keeping")
        return inbox.keep_raws(tx, [row for entry in entries for row in entry.rows])

    def begin(self) -> list[Entry]:
        """Draws, the first time. On the writer's thread."""
        with self._lock:
            if self._entries is None:
                self._entries = self._draw()
            return self._entries

    def close(self) -> list[Entry]:
        """Who is in it; from now on nobody comes in, even if its transaction begins later."""
        with self._lock:
            if self._entries is None:
                self._entries = []
            return self._entries


class Intake:
    """Group commit: while one commit runs the next group gathers, so that a synced commit serves many callbacks.

    What comes by itself is kept as it comes; whether it is a repeat is asked when its turn to be routed comes.
    """

    def __init__(
        self,
        store: Store,
        runtime: Runtime,
        admitted: Admission,
        kept: Callable[[str, int, bool], None],
        piggyback: Callable[[str], bool],
    ) -> None:
        """`piggyback` asks for routing in the same transaction, and says whether that will be. `kept` hears of an
        account, how many of its payloads are durable now, and whether all of them will be routed without another word.
        """
        self._store = store
        self._runtime = runtime
        self._announce = kept
        self._piggyback = piggyback
        self._gathering: deque[Entry] = deque()
        admitted.gathering = self._gathering
        self._asked = False  # for a transaction that has not begun
        self._large = False
        self._took = 0.0  # seconds that the last commit took
        self._running = 0  # transactions asked for and not yet over

    async def persist(self, account: str, raws: Sequence[Raw], cursor: str | None = None) -> None:
        """Returns when the payloads are durable. Raises StoreDown when they could not be committed in time."""
        if cursor is not None:
            await self.persist_page(account, raws, cursor)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.enqueue(account, raws, partial(_settle, future))
        await future

    def enqueue(self, account: str, raws: Sequence[Raw], notify: OnDurable) -> None:
        """The same for who has no task that could wait: they are told, on the loop."""
        rows = self._rows(account, raws)
        if not rows:
            notify(None)
            return
        entry = Entry(account, rows, notify)
        self._gathering.append(entry)
        # one after the other keeps the order of arrival; SQLite's only writer sees to that by itself
        if not self._asked and (not self._running or (self._store.sqlite and not self._large)):
            self._ask()
            # a transaction of SQLite's only writer sees what the one before it kept, or shares it
            entry.routed = self._store.sqlite and not self._large and self._piggyback(account)

    async def persist_page(self, account: str, raws: Sequence[Raw], cursor: str | None = None) -> None:
        """The same for what somebody went to read, and may have read before: only what is new is written."""
        rows = self._rows(account, raws)
        if rows or cursor is not None:
            new = await _in_time(self._store.write(_keep_page, account, rows, cursor, self._runtime.now()))
            if new:
                reach("kept")
            self._kept(account, new)

    def _rows(self, account: str, raws: Sequence[Raw]) -> list[inbox.RawRow]:
        now = self._runtime.now
        return [(account, clean_id(raw.key), raw.payload, raw.at or now()) for raw in raws]

    def _kept(self, account: str, count: int, *, routed: bool = False) -> None:
        if count:
            metrics.raws.count(account, by=count)
            self._announce(account, count, routed)

    def _ask(self) -> None:
        """For a transaction: at once, or in a flood when the loop brings no more."""
        self._asked = True
        self._running += 1
        loop = asyncio.get_running_loop()
        if self._large:
            loop.call_soon(self._gather, loop, loop.time() + self._took, 0)
        else:
            self._commit(loop)

    def _gather(self, loop: asyncio.AbstractEventLoop, until: float, before: int) -> None:
        """In a flood: waits while each turn of the loop brings more, at most as long as the last commit took.

        Without it a small group goes first and a large one waits behind it for a whole sync of the disk.
        """
        count = len(self._gathering)
        if before < count < admission.GROUP and loop.time() < until:
            loop.call_soon(self._gather, loop, until, count)
        else:
            self._commit(loop)

    def _draw(self) -> list[Entry]:
        """On the writer's thread. Who comes after the first line asks for the next transaction."""
        self._asked = False
        drawn: list[Entry] = []
        with suppress(IndexError):
            while len(drawn) < admission.GROUP:
                drawn.append(self._gathering.popleft())
        return drawn

    def _commit(self, loop: asyncio.AbstractEventLoop) -> None:
        """One transaction for a group. No task waits for it: each turn of the loop on this way waits for all others
        that are ready, and so does whoever sent the callbacks.
        """
        group = Group(self._draw, loop.time())
        work = self._store.write_first(group.keep)
        late = loop.call_later(admission.COMMIT_LIMIT, self._end, loop, group, StoreDown(_LATE))

        def committed(work: asyncio.Future[int]) -> None:
            late.cancel()
            self._end(loop, group, _trouble(work))

        work.add_done_callback(committed)

    def _end(self, loop: asyncio.AbstractEventLoop, group: Group, error: StoreDown | None) -> None:
        """The word to each who waits for a group, once. If it lands later, what the sender repeats is known."""
        if group.notified:
            return
        group.notified = True
        entries = group.close()
        self._large = len(entries) >= admission.LARGE_GROUP
        self._took = loop.time() - group.asked_at
        metrics.keep_seconds.took(self._took)
        if self._large:  # the next group follows: its callers need about as long again as this commit took
            self._store.expect(min(2 * self._took, admission.NEXT_GROUP))
        if error is not None:  # who came meanwhile has waited as well
            entries = [*entries, *self._draw()]
        else:
            self._count(entries)
        for entry in entries:
            if error is None:
                reach("kept")
            try:
                entry.notify(error)
            except Exception:  # a bug there keeps nobody else from their word
                log.exception("bug while notifying", account=entry.account)
        self._running -= 1
        if self._gathering and not self._asked:
            self._ask()

    def _count(self, entries: Sequence[Entry]) -> None:
        """Once for each account, not for each callback: many share a commit."""
        counts: dict[str, int] = {}
        unrouted: set[str] = set()
        for entry in entries:
            counts[entry.account] = counts.get(entry.account, 0) + len(entry.rows)
            if not entry.routed:
                unrouted.add(entry.account)
        for account, count in counts.items():
            self._kept(account, count, routed=account not in unrouted)


def _settle(future: asyncio.Future[None], error: StoreDown | None) -> None:
    """The word to a task that waits, unless it gave up."""
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


async def _in_time(work: asyncio.Future[int]) -> int:
    """Waits for a commit, but not longer than a sender would. If it lands later, what the sender repeats is known."""
    await asyncio.wait([work], timeout=admission.COMMIT_LIMIT)
    error = _trouble(work) if work.done() else StoreDown(_LATE)
    if error is not None:
        raise error
    return work.result()


def _trouble(work: asyncio.Future[int]) -> StoreDown | None:
    """Why a commit that is over did not succeed."""
    error = work.exception()
    if error is None:
        return None
    log.warning("cannot keep", error=type(error).__name__)
    return StoreDown(f"the database refused: {type(error).__name__}")


def _keep_page(tx: Tx, account: str, rows: list[inbox.RawRow], cursor: str | None, now: datetime) -> int:
    new = inbox.keep_new_raws(tx, account, rows)
    if cursor is not None:
        inbox.set_cursor(tx, account, cursor, now)
    return new
