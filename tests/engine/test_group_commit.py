"""Which callbacks share a commit."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.contract import Raw, StoreDown
from bridge.engine.inbound.intake import Intake
from bridge.engine.runtime import admission
from bridge.engine.runtime.admission import Admission

TOOK = 0.02  # seconds of a commit


class SlowDisk:
    """A store that only says how many came together."""

    sqlite = True

    def __init__(self) -> None:
        self.groups: list[int] = []
        self.expected: list[float] = []
        self.writer = asyncio.Lock()
        self.free = asyncio.Event()
        self.free.set()

    def expect(self, seconds: float) -> None:
        self.expected.append(seconds)

    def write_first(self, keep: Callable[..., int]) -> asyncio.Future[int]:
        return asyncio.ensure_future(self.commit(keep))

    async def commit(self, keep: Callable[..., int]) -> int:
        group = keep.__self__  # type: ignore[attr-defined] # a method of a Group
        await self.free.wait()
        async with self.writer:
            entries = group.begin()
            self.groups.append(len(entries))
            await asyncio.sleep(TOOK)
        return len(entries)


def make() -> tuple[Intake, SlowDisk]:
    disk = SlowDisk()
    runtime: Any = SimpleNamespace(now=lambda: datetime(2026, 1, 5, tzinfo=UTC))
    return Intake(disk, runtime, Admission(lambda: 0.0), lambda _name, _count, _routed: None, lambda _name: False), disk  # type: ignore[arg-type] # a store as far as it is used


def come(intake: Intake, count: int) -> list[asyncio.Task[None]]:
    return [asyncio.create_task(intake.persist("shop", [Raw(f"k{one}", b"x")])) for one in range(count)]


async def trickle(intake: Intake, turns: int) -> None:
    """One callback in each turn of the loop."""
    tasks = []
    for _ in range(turns):
        tasks += come(intake, 1)
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)


async def test_in_calm_the_first_callback_waits_for_nobody() -> None:
    intake, disk = make()
    await trickle(intake, 8)
    assert disk.groups[0] <= 2 and sum(disk.groups) == 8


async def test_who_comes_before_a_transaction_begins_shares_it() -> None:
    intake, disk = make()
    disk.free.clear()
    tasks = come(intake, 3)
    await asyncio.sleep(0.01)
    tasks += come(intake, 3)
    await asyncio.sleep(0.01)
    disk.free.set()
    await asyncio.gather(*tasks)
    assert [count for count in disk.groups if count] == [6]


async def test_a_transaction_that_begins_too_late_takes_nobody_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "COMMIT_LIMIT", 0.3)
    intake, disk = make()
    disk.free.clear()
    refused = await asyncio.gather(*come(intake, 3), return_exceptions=True)
    assert [type(one) for one in refused] == [StoreDown] * 3
    late = come(intake, 2)  # they wait when the first transaction begins at last
    await asyncio.sleep(0.01)
    disk.free.set()
    await asyncio.wait_for(asyncio.gather(*late), 5)
    assert [count for count in disk.groups if count] == [2]


async def test_in_a_flood_those_that_come_turn_by_turn_share_a_commit() -> None:
    intake, disk = make()
    await asyncio.gather(*come(intake, 40))
    disk.groups.clear()
    await trickle(intake, 8)
    assert [count for count in disk.groups if count] == [8]


async def test_in_a_flood_other_work_is_told_to_expect_the_next_group() -> None:
    intake, disk = make()
    await trickle(intake, 8)
    assert not disk.expected
    await asyncio.gather(*come(intake, 40))
    assert disk.expected and all(0 < seconds < 1 for seconds in disk.expected), "for a moment only"


async def test_a_flood_without_end_is_kept_nevertheless() -> None:
    intake, disk = make()
    await asyncio.gather(*come(intake, 40))
    disk.groups.clear()
    tasks: list[asyncio.Task[None]] = []
    while not disk.groups:
        tasks += come(intake, 1)
        await asyncio.sleep(0.001)
    await asyncio.gather(*tasks)
    assert sum(disk.groups) == len(tasks)


@pytest.mark.parametrize("sqlite", [True, False])
@pytest.mark.parametrize("pause", [0.0, TOOK / 3, TOOK, TOOK * 1.5])
async def test_nobody_is_left_waiting_whenever_they_come(sqlite: bool, pause: float) -> None:
    intake, disk = make()
    disk.sqlite = sqlite
    tasks: list[asyncio.Task[None]] = []
    for size in (1, 3, 20, 1, 1, 20, 2, 1):
        tasks += come(intake, size)
        await asyncio.sleep(pause)
    await asyncio.wait_for(asyncio.gather(*tasks), 5)
    assert sum(disk.groups) == 49


async def test_where_there_are_several_writers_one_group_follows_the_other() -> None:
    intake, disk = make()
    disk.sqlite = False
    running = [0]
    commit = disk.commit

    async def watched(keep: Callable[..., int]) -> int:
        running.append(running[-1] + 1)
        done = await commit(keep)
        running.append(running[-1] - 1)
        return done

    disk.commit = watched  # type: ignore[method-assign] # to see how many there are at once
    tasks: list[asyncio.Task[None]] = []
    for _ in range(5):
        tasks += come(intake, 2)
        await asyncio.sleep(TOOK / 4)
    await asyncio.gather(*tasks)
    assert max(running) == 1
