"""What becomes of steps, written down together: while one transaction runs, what else there is to write gathers and
shares the next one, its statements and its commit.

What is known of a step is written down however long the store is in trouble: while the step is in hand its lease is
renewed, and whoever has claimed it meanwhile is not overwritten.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import structlog
from sqlalchemy import Row

from bridge.engine.context import Effects, Runtime, Work
from bridge.engine.outbound.moved_steps import where_it_is
from mappings import attempts, links
from mappings.locks import no_more_links
from mappings.store import Store, Tx, is_trouble

log = structlog.get_logger("bridge.dispatch")

T = TypeVar("T")

_TOGETHER = 32  # steps in one transaction


class Entry(Generic[T]):
    """One step, what is to be done about it, and who waits for the result. `ends`: its attempt ended, so that its
    conversation changes; else only the step itself does.
    """

    __slots__ = ("act", "ends", "future", "row", "value")

    def __init__(self, row: Row[Any], act: Callable[[Work], T], future: "asyncio.Future[T]", *, ends: bool) -> None:
        self.row = row
        self.act = act
        self.future = future
        self.ends = ends
        self.value: T


class Group:
    """The entries of one transaction. They are drawn when it begins; when it begins again they are the same."""

    def __init__(self, draw: Callable[[], list[Entry[Any]]]) -> None:
        self._draw = draw
        self._lock = threading.Lock()
        self._entries: list[Entry[Any]] | None = None

    def entries(self) -> list[Entry[Any]]:
        with self._lock:
            if self._entries is None:
                self._entries = self._draw()
            return self._entries


class Settling:
    """Of one account. `wake_others` hears what each transaction made ready."""

    def __init__(self, store: Store, runtime: Runtime, wake_others: Callable[[Effects], None]) -> None:
        self._store = store
        self._runtime = runtime
        self._wake_others = wake_others
        self._gathering: deque[Entry[Any]] = deque()
        self._running = False
        self._alone: set[asyncio.Task[None]] = set()

    async def write(self, row: Row[Any], act: Callable[[Work], T], *, ends: bool) -> T:
        """Does something about a step in a transaction; returns what came of it once that is committed."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._gathering.append(Entry(row, act, future, ends=ends))
        self._ask()
        return await future

    def _ask(self) -> None:
        """For a transaction, when none is under way: one follows the other, so that steps gather."""
        if self._gathering and not self._running:
            self._running = True
            group = Group(self._draw)
            work = self._store.write(self._settle, group)
            work.add_done_callback(lambda done: self._ended(group, done))

    def _draw(self) -> list[Entry[Any]]:
        """On a writer's thread."""
        return [self._gathering.popleft() for _ in range(min(_TOGETHER, len(self._gathering)))]

    def _ended(self, group: Group, done: "asyncio.Future[Effects]") -> None:
        self._running = False
        error = done.exception()
        if error is None:
            self._wake_others(done.result())
            for entry in group.entries():
                if not entry.future.done():
                    entry.future.set_result(entry.value)
        else:
            for entry in group.entries():  # whichever is at fault, the others are not
                task = asyncio.create_task(self._by_itself(entry))
                self._alone.add(task)
                task.add_done_callback(self._alone.discard)
        self._ask()

    async def _by_itself(self, entry: Entry[Any]) -> None:
        waits = 0
        while not entry.future.done():
            group = Group(lambda: [entry])
            try:
                effects = await self._store.write(self._settle, group)
            except Exception as error:  # noqa: BLE001 - whoever waits gets it
                if is_trouble(error):
                    if not waits:
                        log.warning("waiting for the database", error=type(error).__name__)
                    waits += 1
                    await asyncio.sleep(min(0.05 * 2**waits, 2.0))
                elif not entry.future.done():
                    entry.future.set_exception(error)
            else:
                self._wake_others(effects)
                if not entry.future.done():
                    entry.future.set_result(entry.value)

    def _settle(self, tx: Tx, group: Group) -> Effects:
        entries = group.entries()
        work = Work(tx, self._runtime, self._runtime.now())
        _hold(work, entries)
        for entry in entries:
            entry.value = entry.act(work)
        return work.effects


def _hold(work: Work, entries: Sequence[Entry[Any]]) -> None:
    """Links first, in their order, then the steps."""
    ending = [entry.row for entry in entries if entry.ends]
    links.read_links(work.tx, {row.link_id for row in ending})
    for row in ending:
        where_it_is(work, row)  # the link of one that moved, too
    no_more_links(work.tx)
    answered = [row.link_id for row in ending if row.lane == links.lane_to_channel(row.link_id)]
    links.expect_waiting_told(work.tx, answered)
    attempts.expect_steps(work.tx, [entry.row.id for entry in entries])
