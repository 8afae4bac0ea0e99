"""Processes on one PostgreSQL tell each other of work; nothing depends on being heard."""

import asyncio
import os
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from bridge.engine.runtime import wakeups
from bridge.testing.clock import system_clock
from mappings.signals import Signals
from mappings.store import Store
from tests.engine.engine_harness import Scene
from tests.mappings.test_pooler import pooled

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


async def until(condition: object, seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # type: ignore[operator] # a lambda
            await asyncio.sleep(0.01)


async def test_what_one_tells_the_other_hears_and_not_itself(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mappings.signals._HELLO", 0.2)
    stores = [Store(database_url, writers=1) for _ in range(2)]
    heard: list[list[str]] = [[], []]
    stop = asyncio.Event()
    for store in stores:
        store.open()
    signals = [Signals(store, words.append) for store, words in zip(stores, heard, strict=True)]
    signals[0].tell("shop")  # nobody is there: nothing happens
    runs = [asyncio.create_task(one.run(stop)) for one in signals]
    await until(lambda: all(one.accompanied for one in signals))
    for name in ("shop", "desk", "shop"):
        signals[0].tell(name)
    await until(lambda: {"shop", "desk"} <= set(heard[1]))
    assert heard[0] == []
    # the server ends the connection: a moment later it listens again
    kill = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_notify%' AND pid <> pg_backend_pid()")  # fmt: skip
    stores[0].run(lambda tx: tx.execute(kill).all())
    heard[1].clear()

    def told() -> bool:
        signals[0].tell("again")
        return "again" in heard[1]

    await until(told)
    stop.set()
    await asyncio.gather(*runs)
    for store in stores:
        store.close()


async def test_behind_a_pooler_it_says_so_and_looks(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pooled(database_url, "transaction") as url:
        store = Store(url, writers=1)
        store.open()
        signals = Signals(store, lambda _name: None)
        await asyncio.wait_for(signals.run(asyncio.Event()), 10)
        assert not signals.listening
        signals.tell("shop")
        store.close()
    assert capsys.readouterr().out.count("find each other's work by looking") == 1


async def test_a_process_that_works_hears_of_what_another_one_keeps(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mappings.signals._HELLO", 0.2)
    monkeypatch.setattr(wakeups, "IDLE", 60)  # it does not look by itself
    scene.clock = system_clock  # type: ignore[assignment] # called for the time only
    keeper = Scene(scene.database_url, tmp_path / "second")
    keeper.vendors, keeper.clock = scene.vendors, system_clock  # type: ignore[assignment] # as above
    keeps = keeper.build()
    keeps._work = False
    async with scene.running() as works, keeps.running():
        assert works.engine is not None and keeps.engine is not None
        await until(lambda: keeps.engine.loops.signals.accompanied)
        await scene.quiet()
        began = time.monotonic()
        await keeps.engine.persist("shop", (scene.vendors.customer_message("ann", "hello"),))
        await until(lambda: scene.vendors.tickets)
        assert time.monotonic() - began < 20, os.getloadavg()
