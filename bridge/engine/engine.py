"""The engine as a whole: how it starts, how it ends, and what the web and the commands ask of it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import uuid4

import structlog

from bridge.contract import Raw
from bridge.engine import maintenance
from bridge.engine.context import Effects, Runtime, Work
from bridge.engine.inbound.intake import OnDurable
from bridge.engine.loops import Loops
from bridge.engine.runtime.wakeups import IDLE
from bridge.engine.timetable import Timetable, effects_of
from bridge.services.media import MediaFiles
from mappings import media, outbox, state
from mappings.store import Store, Tx, is_locked

log = structlog.get_logger("bridge.engine")

P = ParamSpec("P")
T = TypeVar("T")
DRAIN = 8.0  # seconds for what is in hand when the process is told to stop


class Engine:
    """All loops of one process. `start`, then `stop`; `keep` is open in between, also without workers."""

    def __init__(self, store: Store, runtime: Runtime, files: MediaFiles, *, work: bool = True) -> None:
        self._store = store
        self._runtime = runtime
        self._files = files
        self._work = work
        owner = uuid4().hex[:12]
        self._stop = asyncio.Event()
        self.loops = Loops(store, runtime, files, owner, work=work)
        self.timetable = Timetable(store, runtime, files.folder, self.loops, owner)
        self._settled = asyncio.Event()
        for wakeup in self.loops.wakeups():
            wakeup.settled = self._settled.set
        self._tasks: list[asyncio.Task[None]] = []
        self.working = False

    async def start(self) -> None:
        """Starts the loops; returns when they run."""
        if not self._store.sqlite:
            self._tasks.append(asyncio.create_task(self.loops.signals.run(self._stop), name="hear others"))
        if self._work:
            await self._recover()
            for coroutine, name in self.loops.run(self._stop):
                self._tasks.append(asyncio.create_task(coroutine, name=name))
        await asyncio.to_thread(self._files.folder.remove_partial, alone=self._store.sqlite)
        await self.timetable.start(work=self._work)
        self.working = True

    async def stop(self) -> None:
        """No new claims; what is in hand may finish for a while; the rest stays leased and comes back."""
        self.working = False
        self.timetable.scheduler.stop()
        self._stop.set()
        self.loops.wake_all()
        self.loops.typing.cancel()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=DRAIN)
            for dispatcher in self.loops.dispatchers.values():
                dispatcher.cancel()
            for task in late:
                task.cancel()
            if late:
                log.warning("stopped before all was finished", tasks=len(late))
                await asyncio.wait(late, timeout=1)

    def every(self, interval: timedelta, name: str, job: Callable[[], Awaitable[None]]) -> None:
        """A tick of somebody else's, from the start to the end. Before `start`."""
        self.timetable.scheduler.every(interval, name, job)

    def persist(self, name: str, raws: Sequence[Raw], cursor: str | None = None) -> Coroutine[Any, Any, None]:
        """Makes payloads of an account durable. Raises StoreDown."""
        return self.loops.intake.persist(name, raws, cursor)

    def enqueue(self, name: str, raws: Sequence[Raw], notify: OnDurable) -> None:
        """The same for who has no task that could wait."""
        self.loops.intake.enqueue(name, raws, notify)

    def refresh(self, name: str, conversations: Sequence[str]) -> None:
        """A nudge from a vendor."""
        poller = self.loops.pollers.get(name)
        if poller is not None:
            poller.refresh(conversations)

    async def act(self, function: Callable[[Work], T]) -> T:
        """One change that somebody asks for, in a transaction of its own, and whatever it wakes. It may run again."""
        effects, result = await self._store.write(_act, self._runtime, function)
        self.loops.wake(effects)
        return result

    async def idle(self) -> None:
        """Returns when nothing moves: all loops rest, no step and no file is on its way, and nothing that is due at
        this moment could be routed, rendered or sent. For tests, and for tools that drive a bridge step by step.
        """
        while True:
            self._settled.clear()
            if self.loops.idle and not await self.loops.has_work() and self.loops.idle:
                return
            with suppress(TimeoutError):  # what becomes due by the clock is seen when a loop looks by itself
                async with asyncio.timeout(IDLE):
                    await self._settled.wait()

    def troubles(self) -> list[str]:
        """Why the process is not ready; empty when it is."""
        found = []
        if not self.working:
            found.append("not started or stopping")
        if not self.commits:
            found.append("the database did not commit for 10 s")
        found += [f"{task.get_name()} has ended" for task in self._tasks if task.done()]
        return found

    @property
    def commits(self) -> bool:
        """Whether the database took a write within the last ten seconds. May be asked from any thread."""
        written_at = self.timetable.written_at
        return written_at is not None and time.monotonic() - written_at <= 10  # the loop's own clock

    def impaired(self) -> list[str]:
        """What does not work, or soon will not, although the process is ready: text is kept and relayed."""
        return [one for one in (self._files.folder.trouble, self.timetable.disk_trouble) if one]

    async def _recover(self) -> None:
        """SQLite has one process, and it is this one: all leases belong to its dead predecessor."""
        if self._store.sqlite:
            await self._patiently(_end_all_leases, self._runtime)
        self.loops.wake(await self._patiently(effects_of, self._runtime, maintenance.recover))

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


def _act(tx: Tx, runtime: Runtime, function: Callable[[Work], T]) -> tuple[Effects, T]:
    work = Work(tx, runtime, runtime.now())
    result = function(work)
    return work.effects, result


def _end_all_leases(tx: Tx, runtime: Runtime) -> None:
    now = runtime.now()
    outbox.end_leases(tx, now - timedelta(microseconds=1))
    state.end_all_leases(tx, now)
    media.end_media_leases(tx, now)
