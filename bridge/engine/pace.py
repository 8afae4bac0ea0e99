"""Callbacks come first: while they come faster than one process can relay, the relay does little at a time.

A callback passes through the event loop four or five times, and each time waits for all that is ready there: what
counts for its sender is how much of the relay is ready at once. So steps begin one after the other, evenly. How many
are on their way does not matter: waiting for a slow vendor takes nothing from anybody.
"""

import asyncio
from collections.abc import Callable

_MANY = 900.0  # callbacks a second: more than one process relays
_SPAN = 0.1  # seconds over which they are counted
_GAP = 0.004  # seconds from one step to the next meanwhile: it slows the relay down and never stops it


class Pace:
    """One for all accounts of a process. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._latest = 0.0  # when the latest step has its turn
        self._since, self._count, self._rate = 0.0, 0, 0.0

    def came(self, count: int = 1) -> None:
        """So many callbacks were kept."""
        self._count += count
        now = self._clock()
        if now - self._since >= _SPAN:
            self._rate = self._count / (now - self._since)
            self._since, self._count = now, 0

    @property
    def pressed(self) -> bool:
        """Whether callbacks come fast, at this moment."""
        return self._rate > _MANY and self._clock() - self._since < 2 * _SPAN

    async def turn(self) -> None:
        """Before a step is sent. Returns at once, or while callbacks come fast a moment after the one before it."""
        if self.pressed:
            now = self._clock()
            self._latest = max(now, self._latest + _GAP)
            await asyncio.sleep(self._latest - now)
