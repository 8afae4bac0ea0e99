"""What happens at intervals: each tick wakes somebody, or runs one short transaction."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog

from bridge.contract import StoreDown
from bridge.engine import maintenance
from bridge.engine.context import Effects, Runtime, Work
from bridge.engine.inbound import polling
from bridge.engine.loops import Loops
from bridge.engine.outbound.late_truth import accounts_in_doubt, look_again
from bridge.engine.runtime.scheduler import Scheduler
from bridge.services.disks import database_folder, database_shortage
from bridge.services.folder import MediaFolder
from mappings import state
from mappings.store import Store, Tx, is_locked

log = structlog.get_logger("bridge.engine")

_PROBE = timedelta(seconds=5)


class Timetable:
    """Of one process. `written_at`: when the store last proved that it commits, in the loop's time."""

    def __init__(self, store: Store, runtime: Runtime, folder: MediaFolder, loops: Loops, owner: str) -> None:
        self._store = store
        self._runtime = runtime
        self._folder = folder
        self._loops = loops
        self._owner = owner
        self.scheduler = Scheduler()
        self.written_at: float | None = None
        self._folder_down = self._working = False
        self.disk_trouble = ""  # of the database's own disk

    async def start(self, *, work: bool) -> None:
        """Every tick from now on; the first proofs are there when it returns."""
        self._working = work
        if work:
            self._plan_work()
        self.scheduler.every(timedelta(seconds=2), "readiness", self.prove_store)
        self.scheduler.every(_PROBE, "media folder", self.prove_folder)
        self.scheduler.start()
        await self.prove_store()
        await self.prove_folder()

    def _plan_work(self) -> None:
        every = self.scheduler.every
        every(timedelta(seconds=1), "recover", self.recover)
        every(timedelta(seconds=5), "run deadlines", self.run_deadlines)
        engine = self._runtime.settings.engine
        every(engine.lease / 3, "renew leases", self.renew)
        every(engine.breaker_pause / 2, "check paused accounts", self.check_paused)
        every(timedelta(minutes=1), "look again", self.look_again)
        every(timedelta(hours=1), "prune", self._prune)
        for name, poller in self._loops.pollers.items():
            wanted = self._runtime.accounts[name].capabilities.poll_interval
            interval = max(engine.reconcile_every, wanted) if wanted else engine.reconcile_every
            every(interval, f"poll {name}", _awaitable(poller.tick))

    async def recover(self) -> None:
        """Attempts whose process ended, pauses that are over."""
        await self._run(maintenance.recover, self._loops.in_flight_here, self._loops.resting)

    async def run_deadlines(self) -> None:
        """Windows that close, answers that cannot go now, answers that were held too long."""
        for deadline in maintenance.DEADLINES:
            await self._run(deadline)

    async def renew(self) -> None:
        """The leases of what is in hand."""
        for dispatcher in self._loops.dispatchers.values():
            await dispatcher.renew()

    async def check_paused(self) -> None:
        """Whether accounts that somebody had to mend work again."""
        if await self._leased("check", self._runtime.settings.engine.breaker_pause / 2.2):
            for name in await polling.check_paused(self._store, self._runtime):
                self._loops.wake_dispatcher(name)

    async def look_again(self) -> None:
        """Whether what ended in doubt had arrived."""
        accounts = await accounts_in_doubt(self._store, self._runtime)
        if accounts and await self._leased("look again", timedelta(seconds=50)):
            for name in await look_again(self._store, self._runtime, accounts):
                self._loops.wake_dispatcher(name)

    async def prove_folder(self) -> None:
        """A folder that cannot be written is said before a customer's picture finds it out, and so is its recovery."""
        was_down, self._folder_down = self._folder_down, not await asyncio.to_thread(self._folder.probe)
        if was_down and not self._folder_down and self._working:
            await self._loops.fetcher.retry_now()
        await self._look_at_disk()

    async def _look_at_disk(self) -> None:
        of, was = self._runtime.settings.bridge, self.disk_trouble
        place = database_folder(of.database_url)
        if place is not None:
            short = await asyncio.to_thread(database_shortage, place, of.media_dir, of.keep_free)
            self.disk_trouble = short.words if short is not None else ""
        if bool(was) != bool(self.disk_trouble):
            log.warning("the database's disk runs full" if self.disk_trouble else "the database's disk has room again")

    async def prove_store(self) -> None:
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

    async def _run(self, function: Callable[..., None], *arguments: Any) -> None:
        """One transaction by the clock, and whatever it woke."""
        self._loops.wake(await self._store.write(effects_of, self._runtime, function, *arguments))

    async def _prune(self) -> None:
        if await self._leased("retention", timedelta(minutes=50)):
            await maintenance.prune(self._store, self._runtime, self._folder, self._runtime.now())

    async def _leased(self, name: str, length: timedelta) -> bool:
        """Several processes: one of them does it."""
        now = self._runtime.now()
        return await self._store.write(state.take_lease, f"tick {name}", self._owner, now, now + length)


def effects_of(tx: Tx, runtime: Runtime, function: Callable[..., None], *arguments: Any) -> Effects:
    """Runs a function of one transaction, and says whom to wake after it."""
    work = Work(tx, runtime, runtime.now())
    function(work, *arguments)
    return work.effects


def _awaitable(function: Callable[[], None]) -> Any:
    async def call() -> None:
        function()

    return call
