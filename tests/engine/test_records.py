"""The stored records of connectors without a vendor do what those in memory do, on both databases."""

import asyncio
import random
from typing import Any

import pytest

from bridge.contract import Append, Conflict, Put
from bridge.services.records import StoredRecords
from bridge.testing.clock import VirtualClock
from bridge.testing.records import MemoryRecords
from mappings.store import Store

KEYS = ["a", "b", "b:1", "b:2", "c_%", "键"]
WORDS = ["mug", "Mug 50%", "under_score", "杯子", 'quote " and \\']


def changes(chance: random.Random) -> list[Put | Append]:
    made: list[Put | Append] = []
    for _ in range(chance.randint(1, 3)):
        value = {"text": chance.choice(WORDS), "n": chance.randint(0, 9)}
        if chance.random() < 0.5:
            expect = chance.choice([None, None, 0, 1, 2])
            made.append(Put("thing", chance.choice(KEYS), chance.choice([value, value, None]), expect=expect))
        else:
            once = f"once-{chance.randint(0, 20)}" if chance.random() < 0.5 else ""
            made.append(Append(chance.choice(["s", "t"]), value, once=once))
    return made


async def seen(records: Any, chance: random.Random) -> list[Any]:
    """What can be asked."""
    key, word, after = chance.choice(KEYS), chance.choice(WORDS), chance.randint(0, 3)
    return [
        await records.get("thing", key),
        list(await records.list("thing", prefix=chance.choice(["", "b", "b:", "c_"]))),
        sorted(key for key, _ in await records.search("thing", word)),
        list(await records.read("s", after=after)),
        list(await records.read("t", after=after, limit=2)),
    ]


async def commit(records: Any, made: list[Put | Append]) -> Any:
    try:
        return list(await records.commit(*made))
    except Conflict:
        return "conflict"


async def test_the_stored_ones_do_what_those_in_memory_do(database_url: str) -> None:
    clock, memory = VirtualClock(), MemoryRecords()
    store = Store(database_url)
    store.open()
    try:
        stored = StoredRecords(store, "site", clock)
        chance = random.Random(17)  # no secret
        for turn in range(250):
            made, state = changes(chance), chance.getstate()
            assert await commit(stored, made) == await commit(memory, made), (turn, made)
            clock.advance(1)
            found = await seen(stored, chance)
            chance.setstate(state)
            assert found == await seen(memory, chance), turn
    finally:
        await asyncio.to_thread(store.close)


async def test_who_waits_hears_of_it_from_another_process_too(database_url: str) -> None:
    clock = VirtualClock()
    store = Store(database_url)
    store.open()
    try:
        here = StoredRecords(store, "site", clock)
        there = here if store.sqlite else StoredRecords(store, "site", clock)  # SQLite has one process
        waiting = asyncio.create_task(here.wait(["s", "t"], 30))
        await asyncio.sleep(0.05)
        assert list(await there.commit(Append("t", {"text": "x"}))) == [1]
        await asyncio.wait_for(waiting, 5)
        assert [number for number, _ in await here.read("t")] == [1]
    finally:
        await asyncio.to_thread(store.close)


async def test_many_who_wait_are_one_question_a_second(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two thousand open event streams must not ask a database two thousand times a second."""
    clock = VirtualClock()
    store = Store(database_url)
    store.open()
    try:
        here, there = StoredRecords(store, "site", clock), StoredRecords(store, "site", clock)
        waiting = [asyncio.create_task(here.wait([f"s{number}"], 30)) for number in range(2000)]
        asked = 0
        read = store.read

        async def counted(*given: Any) -> Any:
            nonlocal asked
            asked += 1
            return await read(*given)

        monkeypatch.setattr(store, "read", counted)
        await asyncio.sleep(3.3)
        assert not any(task.done() for task in waiting)
        assert asked <= (0 if store.sqlite else 3 * 4), "one look a second, 500 streams in each question"
        writer = here if store.sqlite else there  # SQLite has one process
        await writer.commit(Append("s17", {"text": "x"}), Append("s1717", {"text": "x"}))
        await asyncio.wait_for(asyncio.gather(waiting[17], waiting[1717]), 5)
        await asyncio.sleep(1.2)
        assert sum(task.done() for task in waiting) == 2, "nobody else was woken"
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        asked = 0
        await asyncio.sleep(1.3)
        assert asked == 0, "where nobody waits, nobody asks"
    finally:
        await asyncio.to_thread(store.close)
