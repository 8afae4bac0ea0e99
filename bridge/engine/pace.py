"""Callbacks come first: while they come faster than one process can relay, the relay does little at a time.

A callback passes through the event loop five or six times, and each time waits for all that is ready there: what counts
for its sender is how much of the relay is at work at once.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

_MANY = 600.0  # callbacks a second: more than one process relays
_SPAN = 0.1  # seconds over which they are counted
_AT_ONCE = 2  # steps that are sent at the same time meanwhile: it slows the relay down and never stops it


class Pace:
    """One for all accounts of a process. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._narrow = asyncio.Semaphore(_AT_ONCE)
        self._since, self._count, self._rate = 0.0, 0, 0.0

    def came(self) -> None:
        """A callback was kept."""
        self._count += 1
        now = self._clock()
        if now - self._since >= _SPAN:
            self._rate = self._count / (now - self._since)
            self._since, self._count = now, 0

    @property
    def pressed(self) -> bool:
        """Whether callbacks come fast, at this moment."""
        return self._rate > _MANY and self._clock() - self._since < 2 * _SPAN

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Around what the relay does for one message: a few at a time while callbacks come fast, else all."""
        if not self.pressed:
            yield
            return
        async with self._narrow:
            yield
