"""The engine as a whole: its loops, who wakes whom, how it starts and how it ends."""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import uuid4

import structlog

from bridge.contract import Collects, Listens, Raw, StoreDown
from bridge.engine import collect, watch
from bridge.engine.collect import Collector
from bridge.engine.dispatch import Dispatcher
from bridge.engine.intake import Intake, Told
from bridge.engine.media import Fetcher, MediaFiles
from bridge.engine.metronome import Metronome
from bridge.engine.pace import Pace
from bridge.engine.router import Router
from bridge.engine.world import Touched, World
from bridge.observe import metrics
from mappings import media, outbox, state
from mappings.store import Store, Tx

log = structlog.get_logger("bridge.engine")

DRAIN = 8.0  # seconds for what is in hand when the process is told to stop


class Engine:
    """All loops of one process. `start`, then `stop`; `keep` is open in between, also without workers."""

    def __init__(self, store: Store, world: World, files: MediaFiles, *, work: bool = True) -> None:
        self._store = store
        self._world = world
        self._files = files
        self._work = work
        self._owner = uuid4().hex[:12]
        self._stop = asyncio.Event()
        self._pace = Pace(time.monotonic)
        self._intake = Intake(store, world, self._kept, self._along)
        self._fetcher = Fetcher(store, world, files, self._wake_dispatcher)
        self._dispatchers = {
            name: Dispatcher(store, world, connected, self._wake, self._owner, self._intake.step_back, self._pace)
            for name, connected in world.accounts.items()
        }
        self._routers = {
            name: Router(store, world, name, self._wake, self._intake.step_back, self._pace, self._across(name))
            for name in world.accounts
        }
        self._collectors = {
            name: Collector(store, world, connected, self._intake.keep_page)
            for name, connected in world.accounts.items()
            if isinstance(connected.connector, Collects)
        }
        self._metronome = Metronome()
        self._tasks: list[asyncio.Task[None]] = []
        self.working = False
        self.written_at: float | None = None

    async def start(self) -> None:
        """Starts the loops; returns when they run."""
        if self._work:
            await self._recover()
            for name in self._world.accounts:
                self._spawn(self._routers[name].run(self._stop), f"route {name}")
                self._spawn(self._dispatchers[name].run(self._stop), f"dispatch {name}")
            for name, collector in self._collectors.items():
                self._spawn(collector.run(self._stop), f"collect {name}")
            for connected in self._world.accounts.values():
                if isinstance(connected.connector, Listens):
                    listening = collect.listen(self._store, self._world, connected, self._intake.keep_page, self._stop)
                    self._spawn(listening, f"listen {connected.name}")
            self._spawn(self._fetcher.run(self._stop), "fetch")
            self._schedule()
        self._metronome.every(timedelta(seconds=2), "readiness", self._prove_store)
        self._metronome.start()
        await self._prove_store()
        self.working = True

    async def stop(self) -> None:
        """No new claims; what is in hand may finish for a while; the rest stays leased and comes back."""
        self.working = False
        self._metronome.stop()
        self._stop.set()
        for name in self._world.accounts:
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

    def keep(self, name: str, raws: Sequence[Raw], cursor: str | None = None) -> Coroutine[Any, Any, None]:
        """Makes payloads of an account durable. Raises StoreDown."""
        return self._intake.keep(name, raws, cursor)

    def take(self, name: str, raws: Sequence[Raw], told: Told) -> None:
        """The same for who has no task that could wait."""
        self._intake.take(name, raws, told)

    def look(self, name: str, conversations: Sequence[str]) -> None:
        """A nudge from a vendor."""
        collector = self._collectors.get(name)
        if collector is not None:
            collector.look(conversations)

    def troubles(self) -> list[str]:
        """Why the process is not ready; empty when it is."""
        found = []
        if not self.working:
            found.append("not started or stopping")
        loop_time = asyncio.get_running_loop().time()
        if self.written_at is None or loop_time - self.written_at > 10:
            found.append("the database did not commit for 10 s")
        found += [f"{task.get_name()} has ended" for task in self._tasks if task.done()]
        return found

    def _across(self, name: str) -> list[Dispatcher]:
        """Those who send what an account says to the other side."""
        ends = [(route.channel, route.desk) for route in self._world.settings.routes]
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
        return self._work and not self._pace.pressed and self._routers[name].go_along()

    def _wake_router(self, name: str) -> None:
        self._routers[name].wake.set()

    def _wake_dispatcher(self, name: str) -> None:
        if name in self._dispatchers:
            self._dispatchers[name].wake.set()

    def _wake(self, touched: Touched) -> None:
        for name in touched.accounts:
            self._wake_dispatcher(name)
        if touched.media:
            self._fetcher.wake.set()
        for what, facts in touched.logs:
            if what == "quarantined":
                metrics.quarantined.count(facts["account"])
            elif what == "failed later":
                metrics.steps.count(facts["account"], "failed later")
            log.info(what, **facts)

    async def _recover(self) -> None:
        """SQLite has one process, and it is this one: all leases belong to its dead predecessor."""
        if self._store.sqlite:
            await self._store.write(_end_all_leases, self._world)
        self._wake(await self._store.write(watch.sweep, self._world, self._world.now()))

    def _schedule(self) -> None:
        every = self._metronome.every
        every(timedelta(seconds=1), "sweep", self._sweep)
        every(timedelta(seconds=5), "remind", self._remind)
        engine = self._world.settings.engine
        every(engine.lease / 3, "renew leases", self._renew)
        every(engine.breaker_pause / 2, "check paused accounts", self._check_paused)
        every(timedelta(hours=1), "retention", self._clean)
        for name, collector in self._collectors.items():
            wanted = self._world.accounts[name].capabilities.collect_every
            every(
                max(engine.reconcile_every, wanted) if wanted else engine.reconcile_every,
                f"collect {name}",
                _plain(collector.tick),
            )

    async def _sweep(self) -> None:
        in_hand = [step for dispatcher in self._dispatchers.values() for step in dispatcher.in_hand]
        self._wake(await self._store.write(watch.sweep, self._world, self._world.now(), in_hand))

    async def _remind(self) -> None:
        self._wake(await self._store.write(watch.remind, self._world, self._world.now()))

    async def _renew(self) -> None:
        for dispatcher in self._dispatchers.values():
            await dispatcher.renew()

    async def _check_paused(self) -> None:
        if await self._leased("check", self._world.settings.engine.breaker_pause / 2.2):
            for name in await collect.check_paused(self._store, self._world):
                self._wake_dispatcher(name)

    async def _clean(self) -> None:
        if await self._leased("retention", timedelta(minutes=50)):
            await watch.clean(self._store, self._world, self._files, self._world.now())

    async def _leased(self, name: str, length: timedelta) -> bool:
        """Several processes: one of them does it."""
        now = self._world.now()
        return await self._store.write(state.take_lease, f"tick {name}", self._owner, now, now + length)

    async def _prove_store(self) -> None:
        """Readiness is a commit, not a hope."""
        with suppress(StoreDown, TimeoutError, OSError):
            now = self._world.now()
            proof = self._store.write(state.take_lease, f"ready {self._owner}", self._owner, now, now)
            await asyncio.wait_for(proof, 4)
            self.written_at = asyncio.get_running_loop().time()


def _end_all_leases(tx: Tx, world: World) -> None:
    now = world.now()
    outbox.end_leases(tx, now - timedelta(microseconds=1))
    state.end_all_leases(tx, now)
    media.end_media_leases(tx, now)


def _plain(function: Any) -> Any:
    async def call() -> None:
        function()

    return call
