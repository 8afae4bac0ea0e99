"""Callbacks come first: the relay does little at a time while they come fast, and all of it while they do not."""

import asyncio
from pathlib import Path

import pytest

from bridge.engine import pace
from bridge.engine.pace import Pace
from bridge.engine.routing import route_batch
from tests.engine.world import Scene


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def come(pace: Pace, clock: Clock, rate: float, seconds: float) -> None:
    for _ in range(int(rate * seconds)):
        clock.now += 1 / rate
        pace.came()


def test_it_is_pressed_while_callbacks_come_fast_and_no_longer() -> None:
    clock = Clock()
    pace = Pace(clock)
    assert not pace.pressed
    come(pace, clock, 400, 1)
    assert not pace.pressed, "the relay keeps up with so many"
    come(pace, clock, 1000, 0.3)
    assert pace.pressed
    clock.now += 0.05
    assert pace.pressed, "a moment without any"
    clock.now += 0.2
    assert not pace.pressed
    come(pace, clock, 1000, 0.3)
    come(pace, clock, 100, 0.3)
    assert not pace.pressed


async def most_at_once(pace: Pace, count: int = 10) -> int:
    at_work, most = 0, 0

    async def one() -> None:
        nonlocal at_work, most
        async with pace.turn():
            at_work += 1
            most = max(most, at_work)
            await asyncio.sleep(0)
            at_work -= 1

    await asyncio.gather(*(one() for _ in range(count)))
    return most


async def test_few_are_at_work_while_callbacks_come_fast() -> None:
    clock = Clock()
    calm = Pace(clock)
    assert await most_at_once(calm) == 10
    come(calm, clock, 1000, 0.3)
    assert await most_at_once(calm) == pace._AT_ONCE


@pytest.fixture
def scene(database_url: str, tmp_path: Path) -> Scene:
    return Scene(database_url, tmp_path)


async def test_routing_ends_early_when_it_is_enough_and_goes_on_in_order(scene: Scene) -> None:
    async with scene.running() as bridge:
        engine = bridge.engine
        assert engine is not None
        await engine.stop()  # nothing but this test routes
        for number in range(5):
            await scene.says("ann", f"line {number}")
        done = []
        for _ in range(3):
            touched = await bridge.store.write(
                lambda tx: route_batch(tx, bridge.world, "shop", limit=2, enough=lambda: len(done) < 2)
            )
            done.append((touched.done, touched.more))
        assert done == [(1, True), (1, True), (2, True)], "never nothing"
    async with scene.running():
        await scene.quiet()
        (ticket,) = scene.town.tickets
        said = [line for text in scene.town.visible(ticket) for line in text.splitlines()]
        assert said == [f"line {number}" for number in range(5)]
