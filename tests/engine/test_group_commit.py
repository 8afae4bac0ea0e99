"""Which callbacks share a commit."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from bridge.contract import Raw
from bridge.engine.intake import Intake

TOOK = 0.02  # seconds of a commit


class SlowDisk:
    """A store that only says how many came together."""

    sqlite = True

    def __init__(self) -> None:
        self.groups: list[int] = []

    async def write_first(self, _function: Callable[..., Any], rows: list[Any]) -> int:
        self.groups.append(len(rows))
        await asyncio.sleep(TOOK)
        return len(rows)


def make() -> tuple[Intake, SlowDisk]:
    disk = SlowDisk()
    world: Any = SimpleNamespace(now=lambda: datetime(2026, 1, 5, tzinfo=UTC))
    return Intake(disk, world, lambda _name: None), disk  # type: ignore[arg-type] # a store as far as it is used


def come(intake: Intake, count: int) -> list[asyncio.Task[None]]:
    return [asyncio.create_task(intake.keep("shop", [Raw(f"k{one}", b"x")])) for one in range(count)]


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


async def test_in_a_flood_those_that_come_turn_by_turn_share_a_commit() -> None:
    intake, disk = make()
    await asyncio.gather(*come(intake, 40))
    disk.groups.clear()
    await trickle(intake, 8)
    assert disk.groups == [8]


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
