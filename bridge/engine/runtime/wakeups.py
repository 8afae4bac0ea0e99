"""Waiting for something to do."""

import asyncio
from contextlib import suppress

IDLE = 0.5  # seconds between looks when nobody wakes a loop


async def rest(wake: asyncio.Event) -> None:
    """Returns when somebody wakes this loop, or after a while. On the way of every message: no tasks are made for it,
    so that it goes on in the next turn of the event loop and not in the third.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(IDLE):
            await wake.wait()


async def wait_any(first: asyncio.Event, second: asyncio.Event | None, seconds: float) -> None:
    """Returns when one of the events is set, or after some seconds."""
    waits = [asyncio.create_task(event.wait()) for event in (first, second) if event is not None]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waits:
            task.cancel()
