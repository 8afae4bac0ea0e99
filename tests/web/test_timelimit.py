"""How long a caller may take."""

import asyncio

import pytest

from bridge.web.timelimit import TimeLimit


async def test_what_takes_too_long_is_ended_and_the_rest_goes_on() -> None:
    limit = TimeLimit(0.05, refresh=0.02)
    stuck = asyncio.create_task(limit.bound(asyncio.Event().wait()))
    with pytest.raises(TimeoutError):
        await stuck
    assert await limit.bound(asyncio.sleep(0.001, "quick")) == "quick"


async def test_it_is_ended_although_it_moves_now_and_then() -> None:
    async def drip() -> None:
        while True:
            await asyncio.sleep(0.01)

    with pytest.raises(TimeoutError):
        await TimeLimit(0.05, refresh=0.02).bound(drip())


async def test_a_task_that_is_cancelled_by_others_stays_cancelled() -> None:
    limit = TimeLimit(60)
    stuck = asyncio.create_task(limit.bound(asyncio.Event().wait()))
    await asyncio.sleep(0)
    stuck.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stuck


async def test_a_fault_comes_through() -> None:
    async def fail() -> None:
        raise ConnectionError("gone")

    limit = TimeLimit(60)
    for _ in range(2):
        with pytest.raises(ConnectionError):
            await limit.bound(fail())
