"""Keep: make payloads durable before anybody is told that they arrived."""

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime

import structlog

from bridge.contract import Raw, StoreDown
from bridge.engine.failpoints import reach
from bridge.engine.world import World
from bridge.observe import metrics
from mappings import inbox
from mappings.store import Store, Tx

log = structlog.get_logger("bridge.intake")

Entry = tuple[list[inbox.RawRow], asyncio.Future[None]]  # what is to be kept, and who waits for it

COMMIT_LIMIT = 3.5  # seconds; a sender that hears nothing for 5 s gives up, so the refusal must come before
_GROUP = 256
_FLOOD = 16  # callbacks in one commit
_PRESSED = 4  # callbacks that wait for the next commit
_MOMENT, _MOMENTS = 0.005, 10


class Group:
    """The callbacks of one transaction. They are drawn when it begins: who came until then shares its commit."""

    def __init__(self, draw: Callable[[], list[Entry]]) -> None:
        self._draw = draw
        self._lock = threading.Lock()
        self._entries: list[Entry] | None = None

    def keep(self, tx: Tx) -> int:
        """In the transaction; after a deadlock once more, with the same callbacks."""
        entries = self.begin()
        reach("keeping")
        return inbox.keep_raws(tx, [row for rows, _ in entries for row in rows])

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

    def __init__(self, store: Store, world: World, wake: Callable[[str], None]) -> None:
        self._store = store
        self._world = world
        self._wake = wake
        self._gathering: deque[Entry] = deque()
        self._asked = False  # for a transaction that has not begun
        self._flooded = False
        self._took = 0.0  # seconds that the last commit took
        self._running = 0  # transactions asked for and not yet over
        self._tasks: set[asyncio.Task[None]] = set()

    async def keep(self, account: str, raws: Sequence[Raw], cursor: str | None = None) -> None:
        """Returns when the payloads are durable. Raises StoreDown when they could not be committed in time."""
        if cursor is not None:
            await self.keep_page(account, raws, cursor)
            return
        rows = self._rows(account, raws)
        if rows:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._gathering.append((rows, future))
            # one after the other keeps the order of arrival; SQLite's only writer sees to that by itself
            if not self._asked and (not self._running or (self._store.sqlite and not self._flooded)):
                self._ask()
            await future
        self._kept(account, len(rows))

    async def keep_page(self, account: str, raws: Sequence[Raw], cursor: str | None = None) -> None:
        """The same for what somebody went to read, and may have read before: only what is new is written."""
        rows = self._rows(account, raws)
        if rows or cursor is not None:
            new = await _in_time(self._store.write(_keep_page, account, rows, cursor, self._world.now()))
            self._kept(account, new)

    def _rows(self, account: str, raws: Sequence[Raw]) -> list[inbox.RawRow]:
        now = self._world.now
        return [(account, raw.key, raw.payload, raw.at or now()) for raw in raws]

    def _kept(self, account: str, count: int) -> None:
        if count:
            metrics.raws.count(account, by=count)
            reach("kept")
            self._wake(account)

    async def step_back(self) -> bool:
        """For other work: while many callbacks wait for their commit they come first, for a moment.

        True when they still wait: then take a small bite, because they wait behind it.
        """
        for _ in range(_MOMENTS):
            if len(self._gathering) < _PRESSED:
                return False
            await asyncio.sleep(_MOMENT)
        return True

    def _ask(self) -> None:
        self._asked = True
        self._running += 1
        task = asyncio.create_task(self._commit(), name="group commit")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _draw(self) -> list[Entry]:
        """On the writer's thread. Who comes after the first line asks for the next transaction."""
        self._asked = False
        drawn: list[Entry] = []
        with suppress(IndexError):
            while len(drawn) < _GROUP:
                drawn.append(self._gathering.popleft())
        return drawn

    async def _commit(self) -> None:
        """One transaction for a group, and the word to each who waits for it."""
        await self._gather()
        loop, group = asyncio.get_running_loop(), Group(self._draw)
        began = loop.time()
        error: StoreDown | None = None
        with metrics.keep_seconds.time():
            try:
                await _in_time(self._store.write_first(group.keep))
            except StoreDown as caught:
                error = caught
        entries = group.close()
        self._flooded = len(entries) >= _FLOOD
        self._took = loop.time() - began
        if error is not None:  # who came meanwhile has waited as well
            entries = [*entries, *self._draw()]
        for _, future in entries:
            if future.done():
                continue
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)
        self._running -= 1
        if self._gathering and not self._asked:
            self._ask()

    async def _gather(self) -> None:
        """In a flood: waits while each turn of the loop brings more, at most as long as the last commit took.

        Without it a small group goes first and a large one waits behind it for a whole sync of the disk.
        """
        loop = asyncio.get_running_loop()
        until, before = loop.time() + self._took, 0
        while self._flooded and before < len(self._gathering) < _GROUP and loop.time() < until:
            before = len(self._gathering)
            await asyncio.sleep(0)


async def _in_time(work: Awaitable[int]) -> int:
    """Waits for a commit, but not longer than a sender would. If it lands later, what the sender repeats is known."""
    try:
        return await asyncio.wait_for(asyncio.shield(work), COMMIT_LIMIT)
    except TimeoutError:
        raise StoreDown("the database did not commit in time") from None
    except Exception as error:
        log.warning("cannot keep", error=type(error).__name__)
        raise StoreDown(f"the database refused: {type(error).__name__}") from error


def _keep_page(tx: Tx, account: str, rows: list[inbox.RawRow], cursor: str | None, now: datetime) -> int:
    new = inbox.keep_new_raws(tx, account, rows)
    if cursor is not None:
        inbox.set_cursor(tx, account, cursor, now)
    return new
