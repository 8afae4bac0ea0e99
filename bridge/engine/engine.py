"""The engine as a whole: its loops, who wakes whom, how it starts and how it ends."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import uuid4

import structlog

from bridge.contract import Listens, Polls, Raw, StoreDown
from bridge.engine import maintenance
from bridge.engine.context import Effects, Runtime, Work
from bridge.engine.inbound import polling
from bridge.engine.inbound.intake import Intake, OnDurable
from bridge.engine.inbound.polling import Poller
from bridge.engine.inbound.router import Router
from bridge.engine.outbound.dispatcher import Dispatcher
from bridge.engine.runtime.admission import Admission
from bridge.engine.runtime.scheduler import Scheduler
from bridge.engine.runtime.wakeups import IDLE, Wakeup
from bridge.services.media import Fetcher, MediaFiles
from bridge.telemetry import metrics
from mappings import media, outbox, pending, state
from mappings.store import Store, Tx, is_locked

log = structlog.get_logger("bridge.engine")

P = ParamSpec("P")
T = TypeVar("T")
_PROBE = timedelta(seconds=5)
DRAIN = 8.0  # seconds for what is in hand when the process is told to stop


class Engine:
    """All loops of one process. `start`, then `stop`; `keep` is open in between, also without workers."""

    def __init__(self, store: Store, runtime: Runtime, files: MediaFiles, *, work: bool = True) -> None:
        self._store = store
        self._runtime = runtime
        self._files = files
        self._work = work
        self._owner = uuid4().hex[:12]
        self._stop = asyncio.Event()
        self._pace = Admission(time.monotonic)
        self._intake = Intake(store, runtime, self._kept, self._along)
        self._fetcher = Fetcher(store, runtime, files, self._wake_dispatcher)
        self._dispatchers = {
            name: Dispatcher(
                store, runtime, connected, self._wake, self._owner, self._intake.yield_to_intake, self._pace
            )
            for name, connected in runtime.accounts.items()
        }
        self._routers = {
            name: Router(store, runtime, name, self._wake, self._intake.yield_to_intake, self._pace, self._across(name))
            for name in runtime.accounts
        }
        self._pollers = {
            name: Poller(store, runtime, connected, self._intake.keep_page)
            for name, connected in runtime.accounts.items()
            if isinstance(connected.connector, Polls)
        }
        self._scheduler = Scheduler()
        self._settled = asyncio.Event()
        for wakeup in self._wakeups():
            wakeup.settled = self._settled.set
        self._tasks: list[asyncio.Task[None]] = []
        self.working = False
        self.written_at: float | None = None
        self._folder_down = False

    async def start(self) -> None:
        """Starts the loops; returns when they run."""
        if self._work:
            await self._recover()
            for name in self._runtime.accounts:
                self._spawn(self._routers[name].run(self._stop), f"route {name}")
                self._spawn(self._dispatchers[name].run(self._stop), f"dispatch {name}")
            for name, poller in self._pollers.items():
                self._spawn(poller.run(self._stop), f"collect {name}")
            for connected in self._runtime.accounts.values():
                if isinstance(connected.connector, Listens):
                    listening = polling.listen(
                        self._store, self._runtime, connected, self._intake.keep_page, self._stop
                    )
                    self._spawn(listening, f"listen {connected.name}")
            self._spawn(self._fetcher.run(self._stop), "fetch")
            self._schedule()
        await asyncio.to_thread(self._files.folder.sweep, alone=self._store.sqlite)
        self._scheduler.every(timedelta(seconds=2), "readiness", self._prove_store)
        self._scheduler.every(_PROBE, "media folder", self._prove_folder)
        self._scheduler.start()
        await self._prove_store()
        await self._prove_folder()
        self.working = True

    async def stop(self) -> None:
        """No new claims; what is in hand may finish for a while; the rest stays leased and comes back."""
        self.working = False
        self._scheduler.stop()
        self._stop.set()
        for name in self._runtime.accounts:
            self._wake_router(name)
            self._wake_dispatcher(name)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=DRAIN)
            for dispatcher in self._dispatchers.values():
                dispatcher.cancel()
            for task in late:
                task.cancel()
            if late:
                log.warning("stopped before all was finished", tasks=len(late))
                await asyncio.wait(late, timeout=1)

    def every(self, interval: timedelta, name: str, job: Callable[[], Awaitable[None]]) -> None:
        """A tick of somebody else's, from the start to the end. Before `start`."""
        self._scheduler.every(interval, name, job)

    def keep(self, name: str, raws: Sequence[Raw], cursor: str | None = None) -> Coroutine[Any, Any, None]:
        """Makes payloads of an account durable. Raises StoreDown."""
        return self._intake.keep(name, raws, cursor)

    def take(self, name: str, raws: Sequence[Raw], told: OnDurable) -> None:
        """The same for who has no task that could wait."""
        self._intake.take(name, raws, told)

    def refresh(self, name: str, conversations: Sequence[str]) -> None:
        """A nudge from a vendor."""
        poller = self._pollers.get(name)
        if poller is not None:
            poller.refresh(conversations)

    async def act(self, function: Callable[[Work], T]) -> T:
        """One change that somebody asks for, in a transaction of its own, and whatever it wakes. It may run again."""
        effects, result = await self._store.write(_act, self._runtime, function)
        self._wake(effects)
        return result

    async def idle(self) -> None:
        """Returns when nothing moves: all loops rest, no step and no file is on its way, and nothing that is due at
        this moment could be routed, rendered or sent. For tests, and for tools that drive a bridge step by step.
        """
        while True:
            self._settled.clear()
            if self._rests() and not await self._has_work() and self._rests():
                return
            with suppress(TimeoutError):  # what becomes due by the clock is seen when a loop looks by itself
                async with asyncio.timeout(IDLE):
                    await self._settled.wait()

    def troubles(self) -> list[str]:
        """Why the process is not ready; empty when it is."""
        found = []
        if not self.working:
            found.append("not started or stopping")
        loop_time = asyncio.get_running_loop().time()
        if self.written_at is None or loop_time - self.written_at > 10:
            found.append("the database did not commit for 10 s")
        if self._files.folder.trouble:
            found.append(self._files.folder.trouble)
        found += [f"{task.get_name()} has ended" for task in self._tasks if task.done()]
        return found

    def _wakeups(self) -> list[Wakeup]:
        routers, dispatchers = self._routers.values(), self._dispatchers.values()
        return [
            *(router.wake for router in routers),
            *(dispatcher.wake for dispatcher in dispatchers),
            *(poller.wake for poller in self._pollers.values()),
            self._fetcher.wake,
        ]

    def _rests(self) -> bool:
        if not self._work:
            return True
        routed = all(router.idle for router in self._routers.values())
        sent = all(dispatcher.idle for dispatcher in self._dispatchers.values())
        collected = all(poller.wake.rests for poller in self._pollers.values())
        return routed and sent and collected and self._fetcher.idle

    async def _has_work(self) -> bool:
        now = self._runtime.now()
        resting = [name for name, dispatcher in self._dispatchers.items() if dispatcher.breaker.is_resting(now)]
        return await self._store.read(pending.has_work, now, resting)

    def _across(self, name: str) -> list[Dispatcher]:
        """Those who send what an account says to the other side."""
        ends = [(route.channel, route.desk) for route in self._runtime.settings.routes]
        others = {desk for channel, desk in ends if channel == name} | {ch for ch, desk in ends if desk == name}
        return [self._dispatchers[other] for other in sorted(others) if other in self._dispatchers]

    def _spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.append(asyncio.create_task(coroutine, name=name))

    def _kept(self, name: str, count: int, routed: bool) -> None:
        self._pace.came(count)
        if not routed:
            self._wake_router(name)

    def _along(self, name: str) -> bool:
        """Whether what is about to be kept will be routed without another word. Not while callbacks come fast: their
        senders would wait for it.
        """
        return self._work and not self._pace.pressed and self._routers[name].piggyback()

    def _wake_router(self, name: str) -> None:
        self._routers[name].wake.set()

    def _wake_dispatcher(self, name: str) -> None:
        if name in self._dispatchers:
            self._dispatchers[name].wake.set()

    def _wake(self, effects: Effects) -> None:
        for name in effects.accounts:
            self._wake_dispatcher(name)
        if effects.media:
            self._fetcher.wake.set()
        for what, facts in effects.logs:
            if what == "quarantined":
                metrics.quarantined.count(facts["account"])
            elif what == "failed later":
                metrics.steps.count(facts["account"], "failed later")
            log.info(what, **facts)
        for what, facts in effects.warnings:
            log.warning(what, **facts)

    async def _recover(self) -> None:
        """SQLite has one process, and it is this one: all leases belong to its dead predecessor."""
        if self._store.sqlite:
            await self._patiently(_end_all_leases, self._runtime)
        self._wake(await self._patiently(_work, self._runtime, maintenance.sweep))

    async def _patiently(self, function: Callable[Concatenate[Tx, P], T], *arguments: P.args, **named: P.kwargs) -> T:
        """A transaction of the start: another program may hold the database just now, which is no failure."""
        waiting = False
        while True:
            try:
                return await self._store.write(function, *arguments, **named)
            except Exception as error:
                if not is_locked(error):
                    raise
                if not waiting:
                    log.warning("waiting for the database", why="another program holds it")
                waiting = True
                await asyncio.sleep(1)

    def _schedule(self) -> None:
        every = self._scheduler.every
        every(timedelta(seconds=1), "sweep", self._sweep)
        every(timedelta(seconds=5), "remind", self._remind)
        engine = self._runtime.settings.engine
        every(engine.lease / 3, "renew leases", self._renew)
        every(engine.breaker_pause / 2, "check paused accounts", self._check_paused)
        every(timedelta(hours=1), "retention", self._clean)
        for name, poller in self._pollers.items():
            wanted = self._runtime.accounts[name].capabilities.poll_interval
            every(
                max(engine.reconcile_every, wanted) if wanted else engine.reconcile_every,
                f"collect {name}",
                _plain(poller.tick),
            )

    async def _sweep(self) -> None:
        in_flight_here = [step for dispatcher in self._dispatchers.values() for step in dispatcher.in_flight_here]
        await self._run(maintenance.sweep, in_flight_here)

    async def _remind(self) -> None:
        for reminder in maintenance.REMINDERS:
            await self._run(reminder)

    async def _run(self, function: Callable[..., None], *arguments: Any) -> None:
        """One transaction by the clock, and whatever it woke."""
        self._wake(await self._store.write(_work, self._runtime, function, *arguments))

    async def _renew(self) -> None:
        for dispatcher in self._dispatchers.values():
            await dispatcher.renew()

    async def _check_paused(self) -> None:
        if await self._leased("check", self._runtime.settings.engine.breaker_pause / 2.2):
            for name in await polling.check_paused(self._store, self._runtime):
                self._wake_dispatcher(name)

    async def _clean(self) -> None:
        if await self._leased("retention", timedelta(minutes=50)):
            await maintenance.clean(self._store, self._runtime, self._files.folder, self._runtime.now())

    async def _leased(self, name: str, length: timedelta) -> bool:
        """Several processes: one of them does it."""
        now = self._runtime.now()
        return await self._store.write(state.take_lease, f"tick {name}", self._owner, now, now + length)

    async def _prove_folder(self) -> None:
        """A folder that cannot be written is said before a customer's picture finds it out, and so is its recovery."""
        was_down, self._folder_down = self._folder_down, not await asyncio.to_thread(self._files.folder.probe)
        if was_down and not self._folder_down and self._work:
            await self._fetcher.retry_now()

    async def _prove_store(self) -> None:
        """Readiness is a commit, not a hope."""
        now = self._runtime.now()
        proof = self._store.write(state.take_lease, f"ready {self._owner}", self._owner, now, now)
        try:
            await asyncio.wait_for(proof, 4)
        except (StoreDown, TimeoutError, OSError):
            return
        except Exception as error:
            if not is_locked(error):
                raise
        else:
            self.written_at = asyncio.get_running_loop().time()


def _work(tx: Tx, runtime: Runtime, function: Callable[..., None], *arguments: Any) -> Effects:
    work = Work(tx, runtime, runtime.now())
    function(work, *arguments)
    return work.effects


def _act(tx: Tx, runtime: Runtime, function: Callable[[Work], T]) -> tuple[Effects, T]:
    work = Work(tx, runtime, runtime.now())
    result = function(work)
    return work.effects, result


def _end_all_leases(tx: Tx, runtime: Runtime) -> None:
    now = runtime.now()
    outbox.end_leases(tx, now - timedelta(microseconds=1))
    state.end_all_leases(tx, now)
    media.end_media_leases(tx, now)


def _plain(function: Any) -> Any:
    async def call() -> None:
        function()

    return call
