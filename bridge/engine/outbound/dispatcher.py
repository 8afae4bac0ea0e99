"""Deliver: one loop per account claims the heads of its lanes and hands each to its connector.

The database says what may go; this file only waits, sends and reports. Nothing is decided here.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Row

from bridge.contract import ConnectorError, LooksUp, Prepares, Receipt, Retryable, Step, StoreDown, Target
from bridge.contract.storable import storable
from bridge.engine.context import ConnectedAccount, Effects, Runtime, Work
from bridge.engine.outbound.accessories import for_this_attempt, is_accessory, not_in_the_way, prepare_soon
from bridge.engine.outbound.bot_typing import shown_thinking
from bridge.engine.outbound.breaker import Breaker
from bridge.engine.outbound.claims import ClaimBudget, Claimed, Claims
from bridge.engine.outbound.failure import fail
from bridge.engine.outbound.interfaces import Interfaces
from bridge.engine.outbound.looks import counts_as_absent, look_later
from bridge.engine.outbound.policy import Decision, Disposition
from bridge.engine.outbound.settling import Settling
from bridge.engine.outbound.success import accept
from bridge.engine.outbound.targets import target_of
from bridge.engine.runtime.admission import CLAIMED, CLAIMED_AHEAD, CLAIMED_SMALL, Admission
from bridge.engine.runtime.failpoints import reached
from bridge.engine.runtime.wakeups import IDLE, Wakeup
from bridge.telemetry import detail, metrics
from mappings import attempts, links, outbox
from mappings.links import LinkRow
from mappings.store import Store, Tx, is_trouble

log = structlog.get_logger("bridge.dispatch")

_LONGEST = 900.0  # seconds for one step; connectors have time limits of their own, this is for one that forgot


class Dispatcher:
    """Sends for one account."""

    def __init__(
        self,
        store: Store,
        runtime: Runtime,
        connected: ConnectedAccount,
        wake_others: Callable[[Effects], None],
        owner: str,
        admission: Admission,
    ) -> None:
        self._store = store
        self._runtime = runtime
        self._connected = connected
        self._wake_others = wake_others
        self._admission = admission
        self._settling = Settling(store, runtime, wake_others)
        self._claims = Claims(runtime, connected.name, owner, admission.commit_wanted)
        engine = runtime.settings.engine
        self._lease = engine.lease
        self.name = connected.name
        self._parallel = min(connected.capabilities.max_concurrency, engine.workers)
        self._slots = asyncio.Semaphore(self._parallel)
        self._before_turn = 0  # steps that have their turn or wait for it
        self._promised = 0  # places promised to transactions under way
        connector = connected.connector
        self._prepares = connector if isinstance(connector, Prepares) else None  # then attempts are marked later
        self._marks_first = self._prepares is None or connected.capabilities.prepare_reads_only
        self.breaker = Breaker(self._parallel * (1 if self._prepares is None else CLAIMED_AHEAD), engine.breaker_pause)
        self._resting = self._full = False
        self._interfaces = Interfaces()
        self._careful = False  # something could not be rendered: each lane by itself, to find the one at fault
        self.wake = Wakeup()
        self._tasks: dict[asyncio.Task[None], Row[Any]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; then the steps in hand are finished."""
        while not stop.is_set():
            self.wake.clear()
            small = await self._admission.yield_to_intake()
            try:
                more = await self._round(CLAIMED_SMALL if small else CLAIMED)
            except Exception as error:
                known = None if is_trouble(error) else error  # a store in trouble needs no traceback
                log.warning("dispatch interrupted", account=self.name, error=type(error).__name__, exc_info=known)
                self._careful = self._careful or known is not None
                await asyncio.sleep(IDLE)
                continue
            self._careful = False
            if not more:
                await self.wake.rest()
        self._resting = True  # what has not had its turn goes back
        while self._promised:  # a transaction of the router may still bring some
            await asyncio.sleep(0.01)
        if self._tasks:
            await asyncio.wait(self._tasks)

    def cancel(self) -> None:
        """Time is over: what is cut off stays leased and comes back as unknown."""
        for task in self._tasks:
            task.cancel()

    @property
    def is_full(self) -> bool:
        """There is no place for another step here."""
        return self._full

    @property
    def idle(self) -> bool:
        """Nothing is being claimed or sent."""
        return self.wake.rests and not self._tasks and not self._promised

    @property
    def in_flight_here(self) -> list[int]:
        """The steps that are on their way from here, by id."""
        return [row.id for row in self._tasks.values()]

    async def renew(self) -> None:
        """A step is ours for as long as it takes: nobody else may claim what is still being sent."""
        if self._tasks:
            now = self._runtime.now()
            held = [(row.id, row.lease) for row in self._tasks.values()]
            await self._store.write(outbox.renew_leases, held, now + self._lease)

    async def _round(self, most: int) -> bool:
        """Takes at most so many steps, and renders as many lanes. True: there may be more."""
        budget = self._budget(most)
        if budget is None:
            if self.breaker.is_open:
                return False
            self._full = True
            await self.wake.rest()
            self._full = False
            return True
        claimed = Claimed()
        try:
            if self.breaker.is_open:
                await self._store.write(outbox.make_oldest_due, self.name, self._runtime.now())
            claimed = await self._store.write(self.claim, budget)
        finally:
            self.send(budget, claimed)
        self._wake_others(claimed.effects)
        await claimed.wait_for_lock()
        return claimed.left

    def budget(self) -> ClaimBudget | None:
        """For the transaction that routes: when there is a free place, it claims what it routed."""
        return None if self.breaker.is_open or self._resting else self._budget(CLAIMED)

    def _budget(self, most: int) -> ClaimBudget | None:
        free = min(most, self.breaker.remaining(self._runtime.now(), len(self._tasks) + self._promised))
        if free <= 0:
            return None
        turns = max(0, self._parallel - self._before_turn - self._promised)
        self._promised += free
        return ClaimBudget(free, turns if self._marks_first else 0, self._resting)

    def send(self, budget: ClaimBudget, claimed: Claimed) -> None:
        """The transaction of a budget is over: what it took goes out."""
        self._promised -= budget.steps
        if budget.rested and claimed.steps:  # the pause was there before, and is over
            self._resting = False
        for row, link, begun in claimed.steps:
            self._before_turn += 1
            task = asyncio.create_task(self._deliver(row, link, begun=begun), name=f"deliver {row.id}")
            self._tasks[task] = row
            task.add_done_callback(self._finished)
        if self._full:
            self.wake.set()

    def _finished(self, task: asyncio.Task[None]) -> None:
        row = self._tasks.pop(task)
        if self._full or row.claims > 1:
            self.wake.set()
        self.wake.settled()

    def claim(self, tx: Tx, budget: ClaimBudget) -> Claimed:
        """Renders idle lanes, then claims heads, in one transaction. On a writer's thread."""
        return self._claims.claim(tx, budget, list(self._tasks.values()), self._interfaces, careful=self._careful)

    async def _deliver(self, row: Row[Any], link: LinkRow, *, begun: bool) -> None:
        """One step: its turn, the attempt, what became of it. Others have theirs while a success is written down."""
        structlog.contextvars.bind_contextvars(account=row.account, lane=row.lane, step=row.id)
        found: Receipt | None = None
        try:
            async with self._slots:
                await self._admission.admit()
                now = self._runtime.now()
                trouble = self._resting or self.breaker.is_resting(now) or self._interfaces.rests(row, now)
                if self._prepares and trouble:  # since the claim
                    await self._settling.write(
                        row, lambda work: outbox.give_back(work.tx, row.id, row.lease), ends=False
                    )
                    self.wake.set()
                    return
                step, target = Step.model_validate_json(row.step), target_of(row, link, self._runtime)
                try:
                    found = await self._look(row, step, target)
                except Exception as error:  # noqa: BLE001 - the policy decides about everything
                    await self._failed(row, error, looking=True)
                    return
                if found is None and row.unknown and not counts_as_absent(row, now):
                    await self._settling.write(row, lambda work: look_later(work, row), ends=False)
                    return
                try:
                    aside = not_in_the_way(self._store, row, step, link, self.wake.set)
                    async with asyncio.timeout(_LONGEST), aside, self._shown(row, link):
                        receipt = found or await self._send(row, link, for_this_attempt(row, step), target, begun=begun)
                except Exception as error:  # noqa: BLE001 - as above
                    await self._failed(row, error)
                    return
        finally:
            self._before_turn -= 1
        if receipt is not None:
            await self._accepted(row, receipt, found=found is not None)

    def _shown(self, row: Row[Any], link: LinkRow) -> AbstractAsyncContextManager[None]:
        """What customers see meanwhile."""
        return shown_thinking(self._runtime, link, row) if links.is_towards_bot(row.lane) else nullcontext()

    async def _look(self, row: Row[Any], step: Step, target: Target) -> Receipt | None:
        """Where the outcome is unknown: did it take effect?"""
        connector = self._connected.connector
        return await connector.lookup(step, target) if row.unknown and isinstance(connector, LooksUp) else None

    async def _send(self, row: Row[Any], link: LinkRow, step: Step, target: Target, *, begun: bool) -> Receipt | None:
        """Prepares, marks the attempt unless that was done with the claim, sends. None: the lease is lost."""
        connector = self._connected.connector
        if self._prepares is not None:
            if step.media and connector.capabilities.uploads_apart and not is_accessory(row, step, link):
                step, prepared = await prepare_soon(self._prepares, step, target)
            else:
                prepared = await self._prepares.prepare(step, target)
            target = target.model_copy(update={"prepared": prepared})
        await reached("claimed")
        mark = self._prolong if begun else self._mark
        long = self._runtime.now() >= row.lease_until - self._lease / 2
        if (long or not begun) and not await self._settling.write(row, lambda work: mark(work, row), ends=False):
            log.info("lease lost before sending")
            return None
        await reached("begun")
        with metrics.delivery_seconds.time(row.account):
            receipt = await connector.deliver(step, target)
        await reached("answered")
        return receipt

    def _mark(self, work: Work, row: Row[Any]) -> bool:
        return attempts.begin_attempt(work.tx, row.id, row.lease, work.now, work.now + self._lease)

    def _prolong(self, work: Work, row: Row[Any]) -> bool:
        return attempts.prolong(work.tx, row.id, row.lease, work.now + self._lease)

    async def _accepted(self, row: Row[Any], receipt: Receipt, *, found: bool = False) -> None:
        kept = storable(receipt)
        await self._settling.write(row, lambda work: accept(work, row, kept, found=found), ends=True)
        now = self._runtime.now()
        await reached("settled")
        metrics.steps.count(row.account, "accepted")
        if detail.wanted:
            log.debug("accepted", attempts=row.attempts + 1, found=found)
        if self._interfaces.works(row):
            await self._well(now)
        await self._worked(now)

    async def _failed(self, row: Row[Any], error: Exception, *, looking: bool = False) -> None:
        now = self._runtime.now()
        if is_trouble(error) or type(error) is StoreDown:  # a connector without a vendor keeps what it has in the store
            log.warning("the database is in trouble", error=type(error).__name__)
            error = Retryable("the database is in trouble", code="store", certain=False)
        elif not isinstance(error, ConnectorError):
            log.error("bug while delivering", exc_info=error)
        why = error
        decision = await self._settling.write(row, lambda work: fail(work, row, why, looking=looking), ends=True)
        metrics.steps.count(row.account, decision.disposition.value)
        if decision.hold_interface is not None:
            self._interfaces.rest(row, decision.hold_interface, getattr(error, "code", ""))
        await self._after(row, decision, now)

    async def _after(self, row: Row[Any], decision: Decision, now: datetime) -> None:
        self._resting = self._resting or decision.hold_account is not None or decision.disposition is Disposition.PAUSE
        if decision.trouble or decision.suspect:
            if self.breaker.record_failure(now, None if decision.trouble else row.lane):
                log.warning("account in trouble", account=row.account, until=str(self.breaker.open_until))
        elif decision.disposition not in {Disposition.PAUSE, Disposition.RETRY}:
            with suppress(Exception):
                await self._worked(now)

    async def _worked(self, now: datetime) -> None:
        """The vendor answered: when that ends a time of trouble, what waited for it goes now."""
        if self.breaker.record_success():
            log.warning("account well again", account=self.name)
            await self._well(now)

    async def _well(self, now: datetime) -> None:
        await self._store.write(outbox.make_due, self.name, now)
        self.wake.set()
