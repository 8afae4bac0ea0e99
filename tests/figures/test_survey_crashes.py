"""Whatever dies, nobody is asked twice, and nobody whose ticket has gone on meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bridge.app import Bridge
from bridge.contract import StoreDown
from bridge.engine.conversation import survey
from bridge.engine.outbound import dispatcher
from mappings import state
from mappings.figure_tables import Survey
from mappings.sql import table
from mappings.tables import Link
from tests.engine.platform_harness import CUSTOMER
from tests.figures.test_survey import Asking

# where the process dies, and how many questions the customer has seen when it has begun again and a day has gone: of
# one that was perhaps sent nobody knows, so it is not repeated
POINTS = {"asking": 1, "claimed": 1, "begun": 0, "answered": 1, "settled": 1}


def dies_at(monkeypatch: pytest.MonkeyPatch, bridge: Bridge, point: str) -> asyncio.Event:
    """From that point on this process writes nothing and goes nowhere."""
    loop, dead = asyncio.get_running_loop(), asyncio.Event()

    def write(*_: Any, **__: Any) -> asyncio.Future[Any]:
        failed: asyncio.Future[Any] = loop.create_future()
        failed.set_exception(StoreDown("the process is gone"))
        return failed

    def die() -> None:
        monkeypatch.setattr(bridge.store, "write", write)
        monkeypatch.setattr(bridge.store, "write_first", write)
        loop.call_soon_threadsafe(dead.set)

    def reach(name: str) -> None:
        if name == point:
            die()
            raise StoreDown("the process is gone")

    async def reached(name: str) -> None:
        if name == point:
            die()
            await asyncio.Event().wait()

    monkeypatch.setattr(survey, "reach", reach)
    monkeypatch.setattr(dispatcher, "reached", reached)
    return dead


@pytest.mark.parametrize("point", POINTS)
async def test_asked_at_most_once(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    harness = Asking(database_url, tmp_path)
    harness.options["replies"] = {"tags": False}  # the question is the only step that is on its way
    with monkeypatch.context() as patched, suppress(StoreDown):
        async with harness.running() as bridge:
            await harness.served()
            dead = dies_at(patched, bridge, point)
            harness.clock.advance(150)
            assert bridge.engine is not None
            due = asyncio.create_task(bridge.engine.timetable.run_deadlines())
            while not dead.is_set():
                for one in bridge.engine.loops.dispatchers.values():
                    one.wake.set()
                await asyncio.sleep(0.05)
            due.cancel()  # it may wait for what never ends
            await asyncio.gather(due, return_exceptions=True)
    async with harness.running():
        for seconds in (90, 60, 60, 60, 600, 20 * 3600):  # the first: until the lease of who died is over
            await harness.wait(seconds)
    assert len(harness.questions) == POINTS[point]


async def reopened(harness: Asking) -> None:
    harness.vendors.set_status(harness.only_ticket, "open")
    await harness.read()


async def spoke(harness: Asking) -> None:
    await harness.asks("one more thing")


async def answered(harness: Asking) -> None:
    await harness.answer("and another thing")


async def handed_over(harness: Asking) -> None:
    assert harness.bridge is not None
    await harness.bridge.store.write(lambda tx: tx.execute(table(Link).update().values(holder="helper")))


async def later(harness: Asking) -> None:
    await harness.wait(hours=25)


async def spent(harness: Asking) -> None:
    """Others used the replies up meanwhile: too few would be left for people."""
    assert harness.bridge is not None
    used = await harness.bridge.store.read(lambda tx: tx.execute(table(Link).select()).one().allowance)
    left = used.replace('"left":4', '"left":2')
    assert left != used
    await harness.bridge.store.write(lambda tx: tx.execute(table(Link).update().values(allowance=left)))


@pytest.mark.parametrize("meanwhile", [reopened, spoke, answered, handed_over, later, spent])
async def test_a_question_that_waited_is_not_asked_when_its_reason_is_gone(
    database_url: str, tmp_path: Path, meanwhile: Callable[[Asking], Awaitable[None]]
) -> None:
    harness = Asking(database_url, tmp_path)
    async with harness.running() as bridge:
        await harness.served()
        await bridge.store.write(state.pause, "shop", "no money", harness.clock(), code="x")
        await harness.wait(150)
        assert [row.state for row in await harness.surveys()] == ["asked"] and not harness.questions
        await meanwhile(harness)
        await bridge.store.write(state.resume, "shop")
        for _ in range(3):
            await harness.wait(60)
        assert harness.questions == []
        (row,) = await harness.surveys()
        assert row.state == "void" and row.asked_at is None
        assert harness.refused(CUSTOMER) == []
        assert (meanwhile is spent) == bool(harness.said("too few replies would have been left"))


async def test_a_question_that_waited_is_asked_when_nothing_happened(database_url: str, tmp_path: Path) -> None:
    harness = Asking(database_url, tmp_path)
    async with harness.running() as bridge:
        await harness.served()
        await bridge.store.write(state.pause, "shop", "no money", harness.clock(), code="x")
        await harness.wait(150)
        await bridge.store.write(state.resume, "shop")
        await harness.wait(60)
        assert len(harness.questions) == 1
        assert await bridge.store.read(lambda tx: tx.execute(table(Survey).select()).one().state) == "asked"
