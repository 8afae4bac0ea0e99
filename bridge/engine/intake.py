"""Keep: make payloads durable before anybody is told that they arrived. Route: put them into lanes afterwards."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog

from bridge.contract import Raw, StoreDown
from bridge.engine.dispatch import Dispatcher, Offer, Taken
from bridge.engine.failpoints import reach, reached
from bridge.engine.patience import IDLE, rest
from bridge.engine.routing import route_batch
from bridge.engine.world import Touched, World
from bridge.observe import metrics
from mappings import inbox
from mappings.store import Store, Tx

log = structlog.get_logger("bridge.intake")

COMMIT_LIMIT = 3.5  # seconds; a sender that hears nothing for 5 s gives up, so the refusal must come before
_GROUP = 256
_FLOOD = 16  # callbacks in one commit
_PRESSED = 4  # callbacks that wait for the next commit
_MOMENT, _MOMENTS = 0.005, 10
_BATCH, _BITE = 16, 2  # payloads routed in one transaction: in calm, and while callbacks wait


class Intake:
    """Group commit: while one commit runs the next group gathers, so that a synced commit serves many callbacks."""

    def __init__(self, store: Store, world: World, wake: Callable[[str], None]) -> None:
        self._store = store
        self._world = world
        self._wake = wake
        self._gathering: list[tuple[list[inbox.RawRow], asyncio.Future[None]]] = []
        self._flusher: asyncio.Task[None] | None = None
        self._took = 0.0  # seconds that the last commit took
        self._flooded = False

    async def keep(self, account: str, raws: Sequence[Raw], cursor: str | None = None) -> None:
        """Returns when the payloads are durable. Raises StoreDown when they could not be committed in time."""
        now = self._world.now
        rows = [(account, raw.key, raw.payload, raw.at or now()) for raw in raws]
        if cursor is not None:
            await _in_time(self._store.write(_keep_page, account, rows, cursor, now()))
        elif rows:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._gathering.append((rows, future))
            if self._flusher is None or self._flusher.done():
                self._flusher = asyncio.create_task(self._flush(), name="group commit")
            await future
        if rows:
            metrics.raws.count(account, by=len(rows))
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

    async def _gather(self) -> None:
        """In a flood: waits while each turn of the loop brings more, at most as long as the last commit took.

        Without it a small group goes first and a large one waits behind it for a whole sync of the disk.
        """
        loop = asyncio.get_running_loop()
        until, before = loop.time() + self._took, 0
        while self._flooded and before < len(self._gathering) < _GROUP and loop.time() < until:
            before = len(self._gathering)
            await asyncio.sleep(0)

    async def _flush(self) -> None:
        while self._gathering:
            await self._gather()
            group, self._gathering = self._gathering[:_GROUP], self._gathering[_GROUP:]
            error: Exception | None = None
            began = asyncio.get_running_loop().time()
            with metrics.keep_seconds.time():
                try:
                    await _in_time(self._store.write_first(_keep_group, [row for rows, _ in group for row in rows]))
                except StoreDown as caught:
                    error = caught
            self._flooded = len(group) >= _FLOOD
            self._took = asyncio.get_running_loop().time() - began
            if error is not None:  # who came meanwhile has waited as well
                group, self._gathering = group + self._gathering, []
            for _, future in group:
                if future.done():
                    continue
                if error is None:
                    future.set_result(None)
                else:
                    future.set_exception(error)


async def _in_time(work: Awaitable[int]) -> None:
    """Waits for a commit, but not longer than a sender would. If it lands later, the repeat is a duplicate."""
    try:
        await asyncio.wait_for(asyncio.shield(work), COMMIT_LIMIT)
    except TimeoutError:
        raise StoreDown("the database did not commit in time") from None
    except Exception as error:
        log.warning("cannot keep", error=type(error).__name__)
        raise StoreDown(f"the database refused: {type(error).__name__}") from error


def _keep_group(tx: Tx, rows: list[inbox.RawRow]) -> int:
    reach("keeping")
    # in a fixed order, so that two processes that keep the same payloads do not wait for each other in a circle
    return inbox.keep_raws(tx, rows if tx.dialect.name == "sqlite" else _ordered(rows))


def _ordered(rows: list[inbox.RawRow]) -> list[inbox.RawRow]:
    seen: dict[tuple[str, str], inbox.RawRow] = {}
    for row in rows:
        seen.setdefault((row[0], row[1]), row)
    return list(seen.values())


def _keep_page(tx: Tx, account: str, rows: list[inbox.RawRow], cursor: str, now: Any) -> int:
    new = inbox.keep_raws(tx, rows) if rows else 0
    inbox.set_cursor(tx, account, cursor, now)
    return new


class Router:
    """Routes one account's payloads, in order. What it routed is claimed in the same transaction where there is room:
    a commit less on the way of a message.
    """

    def __init__(
        self,
        store: Store,
        world: World,
        name: str,
        wake_others: Callable[[Touched], None],
        step_back: Callable[[], Awaitable[bool]],
        dispatchers: Sequence[Dispatcher] = (),
    ) -> None:
        self._store = store
        self._world = world
        self._name = name
        self._wake_others = wake_others
        self._step_back = step_back
        self._dispatchers = dispatchers
        self.wake = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`."""
        alone = False
        while not stop.is_set():
            self.wake.clear()
            pressed = await self._step_back()
            try:
                touched = await self._round(_BITE if pressed else _BATCH, () if alone else self._dispatchers)
            except Exception as error:
                log.warning("routing interrupted", account=self._name, error=type(error).__name__, exc_info=error)
                if alone:
                    await asyncio.sleep(IDLE)
                alone = True  # what cannot be rendered keeps nobody from their lanes
                continue
            alone = False
            if touched.done:
                await reached("routed")
                metrics.routed.count(self._name, by=touched.done)
            self._wake_others(touched)
            if not touched.more:
                await rest(self.wake)

    async def _round(self, limit: int, dispatchers: Sequence[Dispatcher]) -> Touched:
        offers = [(one, offer) for one in dispatchers if (offer := one.offer()) is not None]
        taken: dict[str, Taken] = {}
        try:
            touched, taken = await self._store.write(self._batch, limit, offers)
        finally:
            for dispatcher, offer in offers:
                dispatcher.send(offer, taken.get(dispatcher.name) or Taken())
        return touched

    def _batch(
        self, tx: Tx, limit: int, offers: Sequence[tuple[Dispatcher, Offer]]
    ) -> tuple[Touched, dict[str, Taken]]:
        if not inbox.lock_account(tx, self._name):
            return Touched(), {}  # another process is at it; one at a time keeps the order of arrival
        touched = route_batch(tx, self._world, self._name, limit=limit, enough=lambda: self._store.pressed)
        if touched.done:
            reach("routing")
        offered = [(dispatcher, offer) for dispatcher, offer in offers if dispatcher.name in touched.accounts]
        taken: dict[str, Taken] = {}
        for dispatcher, offer in offered if not self._store.pressed else ():
            found = taken[dispatcher.name] = dispatcher.take(tx, offer)
            if not found.left:
                touched.accounts.discard(dispatcher.name)
        for found in taken.values():
            touched.add(found.touched)
        return touched, taken
