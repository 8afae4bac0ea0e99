"""The database: transactions are plain functions.

`await store.write(function, *arguments)` runs `function(tx, *arguments)` in one transaction on a writer thread and
returns after COMMIT. The function must have no effect but on `tx`: after a deadlock, or when another one fails that
shared its transaction, it runs again.

SQLite has one writing connection. All that wait while a commit runs share the next one (group commit): that is what
makes `synchronous=FULL` affordable. PostgreSQL has a few writers and needs no grouping.
"""

import asyncio
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from mappings.commits import commit_single, commit_together
from mappings.engines import (
    StoreLocked,
    StoreUnusable,
    check_pragmas,
    is_locked,
    is_trouble,
    lock_file,
    postgresql_engine,
    sqlite_engine,
)
from mappings.writer_queue import NOTHING, Apart, Job

__all__ = [
    "Store",
    "StoreLocked",
    "StoreUnusable",
    "Tx",
    "database_now",
    "first_line",
    "full_url",
    "is_locked",
    "is_trouble",
    "unusable",
]

P = ParamSpec("P")
T = TypeVar("T")
Tx = Connection

_BATCH = 128
_BITE = 16
_FEW = 4  # jobs that go along with what is urgent and is sure to come


class Store:
    """The one way to the database. Open it with `open`, close it with `close`."""

    def __init__(self, url: str, *, writers: int = 4) -> None:
        self.url = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self._writers = 1 if self.sqlite else writers
        self._engine: Engine | None = None
        self._readers: Engine | None = None
        self._jobs: queue.SimpleQueue[Job[Any] | None] = queue.SimpleQueue()
        self._urgent: deque[Job[Any]] = deque()  # of SQLite
        self._first: queue.SimpleQueue[Job[Any] | None] = queue.SimpleQueue()  # of PostgreSQL
        self._expected = 0.0  # until then (`time.monotonic`) something urgent is expected
        self._threads: list[threading.Thread] = []
        self._pool: ThreadPoolExecutor | None = None
        self._lock: Any = None

    @property
    def path(self) -> Path:
        """The SQLite file."""
        return Path(self.url.database or "")

    def open(self, *, beside: bool = False) -> None:
        """Connects and starts the threads. Raises StoreUnusable.

        `beside` is for a command that works while another process serves the same SQLite file: it takes no lock and
        never checkpoints.
        """
        if self.sqlite:
            self._lock = None if beside else lock_file(self.path)
            self._engine = sqlite_engine(self.path, write=True, checkpoints=not beside)
            self._readers = sqlite_engine(self.path, write=False)
        else:
            self._engine = self._readers = postgresql_engine(full_url(self))
        try:
            with self._engine.connect() as tx:
                tx.execute(text("SELECT 1"))
                if self.sqlite:
                    check_pragmas(tx)
        except SQLAlchemyError as error:
            self.close()
            raise unusable(self, error) from None
        if self.sqlite:
            self._start("writer-0", self._write_together)
        else:  # one of its own for what is urgent: all others may wait for a link that somebody holds
            self._start("writer-first", self._write_single, self._first)
            for number in range(self._writers):
                self._start(f"writer-{number}", self._write_single, self._jobs)
        self._pool = ThreadPoolExecutor(4, "reader")

    def _start(self, name: str, target: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def close(self) -> None:
        """Finishes what was handed in, then lets go of the database."""
        self._first.put(None)
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
        for engine in {self._engine, self._readers} - {None}:
            assert engine is not None
            engine.dispose()
        self._engine = self._readers = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def write(
        self, function: Callable[Concatenate[Tx, P], T], *arguments: P.args, **named: P.kwargs
    ) -> asyncio.Future[T]:
        """Runs a function in a transaction, asked for at once; gives its value once it is committed."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put(Job(lambda tx: function(tx, *arguments, **named), future, loop))
        return future

    def write_first(
        self, function: Callable[Concatenate[Tx, P], T], *arguments: P.args, **named: P.kwargs
    ) -> asyncio.Future[T]:
        """The same as `write`, before everything else that waits: somebody outside waits for this commit."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        job = Job(lambda tx: function(tx, *arguments, **named), future, loop)
        if self.sqlite:
            self._urgent.append(job)
            self._jobs.put(NOTHING)
        else:
            self._first.put(job)
        return future

    async def read(self, function: Callable[Concatenate[Tx, P], T], *arguments: P.args, **named: P.kwargs) -> T:
        """Runs a function that only reads, beside the writers: all of it sees one moment."""
        assert self._pool is not None
        assert self._readers is not None
        readers = self._readers

        def run() -> T:
            with readers.begin() as tx:  # without a transaction of its own it would believe what an earlier one knew
                return function(tx, *arguments, **named)

        return await asyncio.get_running_loop().run_in_executor(self._pool, run)

    def run(self, function: Callable[Concatenate[Tx, P], T], *arguments: P.args, **named: P.kwargs) -> T:
        """The same as `write` for code without a loop (commands, migrations)."""
        done: Future[T] = Future()
        self._jobs.put(Job(lambda tx: function(tx, *arguments, **named), done))
        return done.result()

    def apart(self, function: Callable[[Tx], T]) -> asyncio.Future[T]:
        """Runs a function on SQLite's writing connection, outside of any transaction: what no transaction may hold."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put(Apart(function, future, loop))
        return future

    def expect(self, seconds: float) -> None:
        """Something urgent is sure to come within so many seconds: on SQLite other work waits for it and shares its
        commit, instead of delaying it by one of its own.
        """
        self._expected = time.monotonic() + seconds

    def commit_wanted(self) -> bool:
        """Somebody outside waits for the next commit: a transaction that may end early should."""
        return bool(self._urgent)

    @property
    def engine(self) -> Engine:
        """The writing engine, for migrations only."""
        assert self._engine is not None
        return self._engine

    def _write_together(self) -> None:
        """SQLite: take all that wait, one transaction for them, one COMMIT."""
        assert self._engine is not None
        with self._engine.connect() as tx:
            while True:
                batch, expecting = self._batch()
                stop = None in batch
                apart = [job for job in batch if isinstance(job, Apart)]
                jobs = [job for job in batch if job is not None and job is not NOTHING and job not in apart]
                # what is urgent need not wait for a second commit, nor these for their own
                if len(jobs) <= (_FEW if expecting else 1):
                    jobs = [*self._drawn(), *jobs]
                self._commit_urgent(tx)
                while jobs:
                    done = commit_together(tx, jobs[:_BITE], self._urgent)
                    del jobs[:done]
                    self._commit_urgent(tx)
                for job in apart:
                    job.run(tx)
                if stop:
                    return

    def _batch(self) -> tuple[list[Job[Any] | None], bool]:
        """All that wait, and what is expected and not here yet. Says whether something was."""
        batch = [self._jobs.get()]
        expecting = self._expected > time.monotonic()
        while len(batch) < _BATCH:
            left = 0.0 if self._urgent else self._expected - time.monotonic()
            try:
                batch.append(self._jobs.get(timeout=left) if left > 0 else self._jobs.get_nowait())
            except queue.Empty:
                break
        return batch, expecting

    def _commit_urgent(self, tx: Connection) -> None:
        jobs = self._drawn()
        while jobs:
            del jobs[: commit_together(tx, jobs, deque())]

    def _drawn(self) -> list[Job[Any]]:
        return [self._urgent.popleft() for _ in range(len(self._urgent))]

    def _write_single(self, jobs: "queue.SimpleQueue[Job[Any] | None]") -> None:
        """PostgreSQL: one transaction for each, several at a time."""
        assert self._engine is not None
        tx: Connection | None = None
        while (job := jobs.get()) is not None:
            tx = commit_single(self._engine, tx, job)
        if tx is not None:
            tx.close()

    @property
    def name(self) -> str:
        """For people: the file, or the address without its password."""
        return str(self.path) if self.sqlite else self.url.render_as_string()


def unusable(store: Store, error: SQLAlchemyError) -> StoreUnusable:
    """What a driver's error means for whoever wanted to begin."""
    if is_locked(error):
        return StoreLocked(f"{store.name} is locked by another program (a backup, or a shell that is still open)")
    said = first_line(error)
    if "statement pooling mode" in said:
        said = "the pooler is in statement mode, which has no transactions; set pool_mode = transaction or session"
    return StoreUnusable(f"{store.name}: {said}")


def first_line(error: BaseException) -> str:
    """What a driver said, short."""
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]


def database_now(tx: Tx) -> datetime | None:
    """The database's own clock, where it has one that differs from this machine's."""
    if tx.dialect.name == "sqlite":
        return None
    moment: datetime | None = tx.execute(text("SELECT clock_timestamp()")).scalar()
    return moment


def full_url(store: Store) -> str:
    """With the password: for the driver only."""
    return store.url.render_as_string(hide_password=False)
