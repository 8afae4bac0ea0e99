"""Waiting for something to do."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

IDLE = 0.5  # seconds between looks when nobody wakes a loop


class Wakeup(asyncio.Event):
    """Where a loop waits for something to do: whoever has something for it calls `set`.

    `settled` hears each time the loop begins to wait, which is what `Engine.idle` waits for.
    """

    def __init__(self) -> None:
        super().__init__()
        self._waits = False
        self.settled: Callable[[], object] = lambda: None

    @property
    def rests(self) -> bool:
        """Whether the loop waits, and nobody has called it."""
        return self._waits and not self.is_set()

    async def rest(self) -> None:
        """Returns when somebody wakes this loop, or after a while. On the way of every message: no tasks are made for
        it, so that it goes on in the next turn of the event loop and not in the third.
        """
        self._waits = True
        self.settled()
        try:
            async with asyncio.timeout(IDLE):
                await self.wait()
        except TimeoutError:
            pass
        finally:
            self._waits = False

    @contextmanager
    def resting(self) -> Iterator[None]:
        """While the loop waits for this or for something else."""
        self._waits = True
        self.settled()
        try:
            yield
        finally:
            self._waits = False


async def wait_any(first: asyncio.Event, second: asyncio.Event | None, seconds: float) -> None:
    """Returns when one of the events is set, or after some seconds."""
    waits = [asyncio.create_task(event.wait()) for event in (first, second) if event is not None]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waits:
            task.cancel()
