"""Callbacks come first: while they come faster than one process can relay, the relay does little at a time.

A callback passes through the event loop four or five times, and each time waits for all that is ready there: what
counts for its sender is how much of the relay is ready at once. So steps, and bites of routing, begin one after the
other, evenly, and less often the faster callbacks come: what is kept can wait, what is not may be lost. How many steps
are on their way does not matter: waiting for a slow vendor takes nothing from anybody.
"""

import asyncio
from collections.abc import Callable

_MANY = 900.0  # callbacks a second: more than one process relays
_SPAN = 0.1  # seconds over which they are counted; twice so many count at once, else two spans in a row
_GAP = 0.004  # seconds from one turn to the next meanwhile: it slows the relay down and never stops it
_MORE = 4e-6  # the same for each callback a second: 40 ms at 10,000


class Admission:
    """One for all accounts of a process. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._latest = 0.0  # when the latest turn is
        self._since, self._count = 0.0, 0
        self._rate = self._before = 0.0  # in the latest span, and in the one before it

    def came(self, count: int = 1) -> None:
        """So many callbacks were kept."""
        self._count += count
        now = self._clock()
        if now - self._since >= _SPAN:
            self._before, self._rate = self._rate, self._count / (now - self._since)
            self._since, self._count = now, 0

    @property
    def pressed(self) -> bool:
        """Whether callbacks come fast, at this moment."""
        fast = self._rate > 2 * _MANY or min(self._rate, self._before) > _MANY
        return fast and self._clock() - self._since < 2 * _SPAN

    async def turn(self) -> None:
        """Before a step is sent or a bite is routed. Returns at once, or while callbacks come fast a moment after the
        turn before it.
        """
        if self.pressed:
            now = self._clock()
            self._latest = max(now, self._latest + max(_GAP, self._rate * _MORE))
            await asyncio.sleep(self._latest - now)
