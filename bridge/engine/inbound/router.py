"""Route: one loop per account puts what was kept into lanes."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from bridge.engine.context import Effects, Runtime, Work
from bridge.engine.inbound.routing import route_batch
from bridge.engine.outbound.claims import ClaimBudget, Claimed
from bridge.engine.outbound.dispatcher import Dispatcher
from bridge.engine.runtime.admission import ROUTED, ROUTED_SMALL, Admission
from bridge.engine.runtime.failpoints import reach, reached
from bridge.engine.runtime.wakeups import IDLE, Wakeup
from bridge.telemetry import metrics
from mappings import inbox
from mappings.store import Store, Tx, is_trouble

log = structlog.get_logger("bridge.router")


@dataclass(frozen=True, slots=True)
class Round:
    """A transaction that was asked for, and the budgets it may claim from."""

    budgets: Sequence[tuple[Dispatcher, ClaimBudget]]
    work: "asyncio.Future[tuple[Effects, dict[str, Claimed]]]"


class Router:
    """Routes one account's payloads, in order. What it routed is claimed in the same transaction where there is room:
    a commit less on the way of a message.
    """

    def __init__(
        self,
        store: Store,
        runtime: Runtime,
        name: str,
        wake_others: Callable[[Effects], None],
        admission: Admission,
        dispatchers: Sequence[Dispatcher] = (),
    ) -> None:
        self._store = store
        self._runtime = runtime
        self._name = name
        self._wake_others = wake_others
        self._admission = admission
        self._dispatchers = dispatchers
        self.wake = Wakeup()
        self._resting = False
        self._asked: Round | None = None

    @property
    def idle(self) -> bool:
        """Nothing is being routed, nor asked for."""
        return self.wake.rests and self._asked is None

    def piggyback(self) -> bool:
        """A payload's transaction was asked for: when nothing else is to be done here, it is routed in the same one,
        another commit less. False when there is.
        """
        if not self._resting or self.wake.is_set():
            return False
        self._asked = self._begin(ROUTED)  # there may be some that wait, ahead of it
        self.wake.set()
        return True

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`."""
        careful = False
        while not stop.is_set() or self._asked is not None:
            self.wake.clear()
            try:
                effects = await self._end(await self._next(careful=careful))
            except Exception as error:
                known = None if is_trouble(error) else error  # a store in trouble needs no traceback
                log.warning("routing interrupted", account=self._name, error=type(error).__name__, exc_info=known)
                if careful or known is None:
                    await asyncio.sleep(IDLE)
                careful = careful or known is not None
                continue
            careful = False
            if effects.done:
                await reached("routed")
                metrics.routed.count(self._name, by=effects.done)
            if effects.repeats:
                metrics.repeats.count(self._name, by=effects.repeats)
            self._wake_others(effects)
            if not effects.more and not stop.is_set():
                self._resting = True
                await self.wake.rest()
                self._resting = False

    async def _next(self, *, careful: bool) -> Round:
        """The one that went along with a payload, or a new one. After a failure nothing is claimed: what cannot be
        rendered keeps nobody from their lanes.
        """
        asked, self._asked = self._asked, None
        if asked is not None:
            return asked
        await self._admission.admit()
        return self._begin(ROUTED_SMALL if await self._admission.yield_to_intake() else ROUTED, careful=careful)

    def _begin(self, limit: int, *, careful: bool = False) -> Round:
        dispatchers = () if careful else self._dispatchers
        budgets = [(one, budget) for one in dispatchers if (budget := one.budget()) is not None]
        return Round(budgets, self._store.write(self._batch, limit, budgets, careful=careful))

    async def _end(self, begun: Round) -> Effects:
        claimed: dict[str, Claimed] = {}
        try:
            effects, claimed = await begun.work
        finally:
            for dispatcher, budget in begun.budgets:
                dispatcher.send(budget, claimed.get(dispatcher.name) or Claimed())
        return effects

    def _batch(
        self, tx: Tx, limit: int, budgets: Sequence[tuple[Dispatcher, ClaimBudget]], *, careful: bool
    ) -> tuple[Effects, dict[str, Claimed]]:
        if not inbox.lock_account(tx, self._name):
            return Effects(), {}  # another process is at it; one at a time keeps the order of arrival
        work = Work(tx, self._runtime, self._runtime.now())
        route_batch(work, self._name, limit=limit, enough=self._admission.commit_wanted, careful=careful)
        if work.effects.done:
            reach("routing")
        wanted = [(dispatcher, budget) for dispatcher, budget in budgets if dispatcher.name in work.effects.accounts]
        claimed: dict[str, Claimed] = {}
        for dispatcher, budget in wanted if not self._admission.commit_wanted() else ():
            found = claimed[dispatcher.name] = dispatcher.claim(tx, budget)
            if not found.left:
                work.effects.accounts.discard(dispatcher.name)
        for found in claimed.values():
            work.effects.add(found.effects)
        return work.effects, claimed
