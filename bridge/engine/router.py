"""Route: one loop per account puts what was kept into lanes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from bridge.engine.dispatch import Dispatcher
from bridge.engine.failpoints import reach, reached
from bridge.engine.offer import Offer, Taken
from bridge.engine.pace import Pace
from bridge.engine.patience import IDLE, rest
from bridge.engine.routing import route_batch
from bridge.engine.world import Touched, World
from bridge.observe import metrics
from mappings import inbox
from mappings.store import Store, Tx

log = structlog.get_logger("bridge.router")

_BATCH, _BITE = 16, 2  # payloads routed in one transaction: in calm, and while callbacks wait


@dataclass(frozen=True, slots=True)
class Round:
    """A transaction that was asked for, and the places that it was offered."""

    offers: Sequence[tuple[Dispatcher, Offer]]
    work: "asyncio.Future[tuple[Touched, dict[str, Taken]]]"


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
        pace: Pace,
        dispatchers: Sequence[Dispatcher] = (),
    ) -> None:
        self._store = store
        self._world = world
        self._name = name
        self._wake_others = wake_others
        self._step_back = step_back
        self._pace = pace
        self._dispatchers = dispatchers
        self.wake = asyncio.Event()
        self._rests = False
        self._along: Round | None = None

    def go_along(self) -> bool:
        """A payload's transaction was asked for: when nothing else is to be done here, it is routed in the same one,
        another commit less. False when there is.
        """
        if not self._rests or self.wake.is_set():
            return False
        self._along = self._begin(_BATCH, self._dispatchers)  # there may be some that wait, ahead of it
        self.wake.set()
        return True

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`."""
        alone = False
        while not stop.is_set() or self._along is not None:
            self.wake.clear()
            try:
                touched = await self._end(await self._next(() if alone else self._dispatchers))
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
            if touched.repeats:
                metrics.repeats.count(self._name, by=touched.repeats)
            self._wake_others(touched)
            if not touched.more and not stop.is_set():
                self._rests = True
                await rest(self.wake)
                self._rests = False

    async def _next(self, dispatchers: Sequence[Dispatcher]) -> Round:
        """The one that went along with a payload, or a new one."""
        along, self._along = self._along, None
        if along is not None:
            return along
        await self._pace.turn()
        return self._begin(_BITE if await self._step_back() else _BATCH, dispatchers)

    def _begin(self, limit: int, dispatchers: Sequence[Dispatcher]) -> Round:
        offers = [(one, offer) for one in dispatchers if (offer := one.offer()) is not None]
        return Round(offers, self._store.write(self._batch, limit, offers))

    async def _end(self, begun: Round) -> Touched:
        taken: dict[str, Taken] = {}
        try:
            touched, taken = await begun.work
        finally:
            for dispatcher, offer in begun.offers:
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
