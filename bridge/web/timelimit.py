"""How long a caller may take. One look a second for all of them: a timer for each would cost more than reading."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

T = TypeVar("T")


class TimeLimit:
    """A time limit for what many callers do at once, kept to within a second."""

    def __init__(self, seconds: float, *, look: float = 1.0) -> None:
        self._seconds = seconds
        self._look_every = look
        self._waiting: dict[asyncio.Task[Any], float] = {}  # since when, in the loop's time
        self._over: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def bound(self, work: Awaitable[T]) -> T:
        """What the work gives. Raises TimeoutError when it took too long."""
        task = asyncio.current_task()
        assert task is not None
        loop = task.get_loop()
        self._waiting[task] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._look_every, self._look, loop)
        try:
            return await work
        except asyncio.CancelledError:
            if task not in self._over or task.uncancel():
                raise
            raise TimeoutError from None
        finally:
            del self._waiting[task]
            self._over.discard(task)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        begun = loop.time() - self._seconds
        for task, since in self._waiting.items():
            if since <= begun and task not in self._over:
                self._over.add(task)
                task.cancel()
        self._timer = loop.call_later(self._look_every, self._look, loop) if self._waiting else None
