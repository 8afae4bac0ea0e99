"""One order of locks: on PostgreSQL no two transactions wait for each other, however many write at once."""

import asyncio
import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bridge.testing.clock import system_clock
from mappings import links, people
from mappings.locks import lock_links, no_more_links
from mappings.store import Store, Tx
from tests.engine.crowd import DESKS, check, run_crowd
from tests.engine.engine_harness import Scene

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

CUSTOMERS = [f"c{number:02}" for number in range(40)]
SECONDS = 2.0


def deadlocks(url: str) -> int:
    """How many the server has broken up in a database. What a connection saw is counted once it has ended."""
    store = Store(url, writers=1)
    store.open()
    try:
        sentence = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(store.run(lambda tx: tx.execute(sentence).scalar_one()))
    finally:
        store.close()


async def test_two_bridges_and_forty_conversations_make_no_deadlock(scene: Scene, tmp_path: Path) -> None:
    """Eight writers: routing of both sides, claiming, settling, notes, commands, reminders."""
    chance = random.Random(7)
    scenes = [scene, Scene(scene.database_url, tmp_path / "second")]
    for one in scenes:
        one.vendors, one.clock = scene.vendors, system_clock  # type: ignore[assignment] # called for the time only
        one.channel_class, one.desk_class = scene.channel_class, scene.desk_class
    scene.vendors.replies = 5
    said: dict[str, list[str]] = {name: [] for name in CUSTOMERS}

    async with scenes[0].running(), scenes[1].running():
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            for name in chance.sample(CUSTOMERS, 12):
                said[name].append(f"{name} {len(said[name])}")
                await chance.choice(scenes).says(name, said[name][-1])
            for ticket in chance.sample(sorted(scene.vendors.tickets), min(12, len(scene.vendors.tickets))):
                words, private = chance.choice([("an answer", False), ("#status", True), ("#cancel", True)])
                scene.vendors.agent_says(ticket, words, private=private)
                scene.vendors.set_status(ticket, chance.choice(["open", "solved"]))
            for one in scenes:
                one.look()
                await one.bridge.engine.timetable.run_deadlines()  # type: ignore[union-attr] # the engine is there while it runs
            await asyncio.sleep(0.02)
        async with asyncio.timeout(60):
            for one in scenes:
                await one.bridge.engine.idle()  # type: ignore[union-attr] # as above
    assert deadlocks(scene.database_url) == 0
    arrived: dict[str, list[str]] = {name: [] for name in CUSTOMERS}
    for ticket in scene.vendors.tickets.values():
        arrived[ticket.customer] += [entry.text for entry in ticket.entries if entry.who == "customer"]
    assert arrived == said


def two_links(store: Store) -> list[int]:
    def make(tx: Tx) -> list[int]:
        now = system_clock()
        person = people.know(tx, "shop", "a", "{}", "", now).person_id
        common: dict[str, Any] = {"channel": "shop", "desk": "desk", "person_id": person, "state": "open"}
        return [
            links.add_link(tx, conversation=name, created_at=now, touched_at=now, **common).id for name in ("a", "b")
        ]

    return store.run(make)


async def test_four_processes_with_handovers_make_no_deadlock(database_url: str, tmp_path: Path) -> None:
    """The short form of `python -m tests.bench.crowd`, which takes a minute and a hundred links."""
    said, arrived = await asyncio.to_thread(run_crowd, database_url, tmp_path, seconds=2, processes=4, links=24)
    assert deadlocks(database_url) == 0
    check(said, arrived)
    assert {account for account, *_ in arrived} == {"shop", *DESKS}


async def test_a_callback_waits_for_no_link(database_url: str) -> None:
    store = Store(database_url, writers=2)
    store.open()
    first, _ = two_links(store)
    taken, go = threading.Event(), threading.Event()

    def holder(tx: Tx) -> None:
        lock_links(tx, [first])
        taken.set()
        assert go.wait(20)

    held = store.write(holder)
    await asyncio.to_thread(taken.wait, 20)
    waits = [store.write(lock_links, [first]) for _ in range(3)]  # every writer is at it
    try:
        assert await asyncio.wait_for(store.write_first(lambda _tx: "kept"), 10) == "kept"
        assert not any(one.done() for one in waits)
    finally:
        go.set()
        await asyncio.gather(held, *waits)
        store.close()


@pytest.mark.parametrize("late", [False, True], ids=["a link below", "behind another lock"])
async def test_who_needs_a_link_late_begins_again_instead_of_waiting(database_url: str, late: bool) -> None:
    store = Store(database_url, writers=2)
    store.open()
    first, second = two_links(store)
    taken, go = threading.Event(), threading.Event()
    runs: list[int] = []

    def holder(tx: Tx) -> None:
        lock_links(tx, [first])
        taken.set()
        assert go.wait(20)

    def latecomer(tx: Tx) -> None:
        runs.append(1)
        if late:
            no_more_links(tx)
        else:
            links.get_link(tx, second, lock=True)
        if len(runs) == 1:
            threading.Timer(0.2, go.set).start()
        links.change_link(tx, first, url="changed")

    held = store.write(holder)
    await asyncio.to_thread(taken.wait, 20)
    await asyncio.wait_for(asyncio.gather(held, store.write(latecomer)), 20)
    assert len(runs) == 2
    assert store.run(lambda tx: links.get_link(tx, first).url) == "changed"
    store.close()


async def test_reading_a_link_and_naming_it_wait_for_nobody(database_url: str) -> None:
    store = Store(database_url, writers=2)
    store.open()
    first, _ = two_links(store)
    taken, go = threading.Event(), threading.Event()

    def holder(tx: Tx) -> None:
        lock_links(tx, [first])
        taken.set()
        assert go.wait(20)

    def other(tx: Tx) -> bool:
        links.open_link(tx, "shop", "a", lock=False)
        return links.add_ref(tx, "desk", "c1", first, system_clock())

    held = store.write(holder)
    await asyncio.to_thread(taken.wait, 20)
    try:
        assert await asyncio.wait_for(store.write(other), 10)
    finally:
        go.set()
        await held
        store.close()
