"""What waits for a transaction, and who waits for it."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")


class Again(Exception):
    """A transaction that must begin anew, with `first` as its first act. It has done nothing then."""

    def __init__(self, first: Callable[[Connection], object]) -> None:
        super().__init__("this transaction begins again")
        self.first = first


class Job(Generic[T]):
    """A function that waits for its transaction, and who waits for it: somebody on a loop, or a thread."""

    __slots__ = ("error", "function", "future", "loop", "value")

    def __init__(
        self,
        function: Callable[[Connection], T],
        future: "asyncio.Future[T] | Future[T]",
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.function = function
        self.future = future
        self.loop = loop
        self.value: T
        self.error: BaseException | None = None

    def finish(self) -> None:
        """Tells whoever waits, unless they gave up. On their loop, where they have one."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.value)


class Apart(Job[T]):
    """A function that runs on the writer's connection outside of any transaction."""

    __slots__ = ()

    def run(self, tx: Connection) -> None:
        """Runs it, and tells whoever waits."""
        try:
            self.value = self.function(tx)
        except BaseException as error:  # noqa: BLE001 - the thread must live on; whoever waits gets the error
            self.error = error
        finish([self])


NOTHING: Job[None] = Job(lambda _tx: None, Future())
"""Wakes the writer thread; what there is to do is elsewhere."""


def finish(jobs: Sequence[Job[Any]]) -> None:
    """Tells all who wait, those of one loop in one call: waking it is dearer than the telling."""
    for loop in {job.loop for job in jobs}:
        told = [job for job in jobs if job.loop is loop]
        if loop is None:
            _tell(told)
        else:
            with suppress(RuntimeError):  # it is closed: nobody waits any more
                loop.call_soon_threadsafe(_tell, told)


def _tell(jobs: Sequence[Job[Any]]) -> None:
    for job in jobs:
        job.finish()
