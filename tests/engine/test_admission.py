"""Callbacks come first: steps begin evenly while they come fast, and as they may while they do not."""

import asyncio
from pathlib import Path

import pytest

from bridge.engine.runtime import admission
from bridge.engine.runtime.admission import Admission
from tests.engine.engine_harness import Scene, route


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def come(relay: Admission, clock: Clock, rate: float, seconds: float) -> None:
    for _ in range(int(rate * seconds)):
        clock.now += 1 / rate
        relay.count_kept()


def test_it_is_flooded_while_callbacks_come_fast_and_no_longer() -> None:
    clock = Clock()
    relay = Admission(clock)
    assert not relay.is_flooded
    come(relay, clock, 400, 1)
    assert not relay.is_flooded, "the relay keeps up with so many"
    come(relay, clock, 1000, 0.3)
    assert relay.is_flooded
    clock.now += 0.05
    assert relay.is_flooded, "a moment without any"
    clock.now += 0.2
    assert not relay.is_flooded
    come(relay, clock, 1000, 0.3)
    come(relay, clock, 100, 0.3)
    assert not relay.is_flooded
    clock.now += 1
    come(relay, clock, 1200, 0.15)
    assert not relay.is_flooded, "a gust is no flood"
    come(relay, clock, 1200, 0.15)
    assert relay.is_flooded
    clock.now += 1
    come(relay, clock, 5000, 0.15)
    assert relay.is_flooded, "so many are, at once"


async def waits(relay: Admission, monkeypatch: pytest.MonkeyPatch, count: int) -> list[float]:
    """How long each of some steps waits for its turn, asked for at the same moment."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    with monkeypatch.context() as patched:
        patched.setattr(asyncio, "sleep", sleep)
        for _ in range(count):
            await relay.admit()
    return slept


async def test_steps_begin_evenly_while_callbacks_come_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    relay = Admission(clock)
    assert await waits(relay, monkeypatch, 10) == [], "in calm nobody waits"
    come(relay, clock, 1000, 0.3)
    evenly = [pytest.approx(number * admission._GAP) for number in range(10)]
    assert await waits(relay, monkeypatch, 10) == evenly
    clock.now += 0.06
    assert await waits(relay, monkeypatch, 10) == evenly, "a pause is not made up for in one go"
    clock.now += 0.2
    assert await waits(relay, monkeypatch, 10) == []


async def test_the_faster_they_come_the_less_is_done_and_never_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    relay = Admission(clock)
    for rate in (2_000, 5_000, 20_000):
        come(relay, clock, rate, 0.3)
        clock.now += 0.06
        assert await waits(relay, monkeypatch, 2) == [
            0,
            pytest.approx(max(admission._GAP, rate * admission._MORE), rel=0.05),
        ]


async def test_routing_waits_for_its_turn_as_steps_do(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[str] = []

    async def turn(_admission: Admission) -> None:
        task = asyncio.current_task()
        assert task is not None
        turns.append(task.get_name().split()[0])

    monkeypatch.setattr(Admission, "admit", turn)
    async with scene.running():
        await scene.says("ann", "a word")
        await scene.quiet()
    assert {"route", "deliver"} <= set(turns)


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
            effects = await bridge.store.write(
                lambda tx: route(tx, bridge.runtime, "shop", limit=2, enough=lambda: len(done) < 2)
            )
            done.append((effects.done, effects.more))
        assert done == [(1, True), (1, True), (2, True)], "never nothing"
    async with scene.running():
        await scene.quiet()
        (ticket,) = scene.vendors.tickets
        said = [line for text in scene.vendors.visible(ticket) for line in text.splitlines()]
        assert said == [f"line {number}" for number in range(5)]
