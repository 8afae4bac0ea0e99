"""Ticks, nothing more: APScheduler says when, the loops do the work.

Its shutdown cancels running jobs even when asked to wait, so a job only wakes somebody or runs one short transaction.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = structlog.get_logger("bridge.scheduler")


class Scheduler:
    """Calls short coroutines at intervals, never twice at a time."""

    def __init__(self) -> None:
        self._stopped = False
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 30}
        )

    def every(self, interval: timedelta, name: str, job: Callable[[], Awaitable[None]]) -> None:
        """Registers a tick. A tick that fails is logged and comes again."""

        async def tick() -> None:
            try:
                await job()
            except asyncio.CancelledError:
                if not self._stopped:
                    raise
            except Exception as error:  # noqa: BLE001 - the next tick tries again
                log.warning("tick failed", tick=name, error=type(error).__name__)

        self._scheduler.add_job(tick, "interval", seconds=interval.total_seconds(), id=name, name=name)

    def start(self) -> None:
        """Needs a running loop."""
        self._scheduler.start()

    def stop(self) -> None:
        """No more ticks."""
        self._stopped = True  # what runs is cancelled, which is no fault to be logged
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
