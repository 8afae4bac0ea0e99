"""Steps in hand wait for their turn: how many are sent at once, and what becomes of the others when there is trouble."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bridge.contract import AuthFailed, Receipt, Retryable, Step, Target, Throttled
from mappings import state
from mappings.sql import table
from mappings.tables import Outbox
from tests.engine.engine_harness import Scene
from tests.engine.fakes import FakeDesk


class PreparingDesk(FakeDesk):
    """Has something to prepare, so that attempts are marked late; takes two steps at a time, and a moment for each."""

    capabilities = FakeDesk.capabilities.model_copy(update={"max_concurrency": 2})
    sending = most = deliveries = 0

    async def prepare(self, step: Step, target: Target) -> dict[str, Any]:
        return {}

    async def deliver(self, step: Step, target: Target) -> Receipt:
        cls = type(self)
        cls.deliveries += 1
        cls.sending += 1
        cls.most = max(cls.most, cls.sending)
        try:
            await asyncio.sleep(0.02)
            return await super().deliver(step, target)
        finally:
            cls.sending -= 1


@pytest.fixture
def scene(database_url: str, tmp_path: Path) -> Scene:
    found = Scene(database_url, tmp_path)
    found.desk_class = type("Desk", (PreparingDesk,), {"vendors": found.vendors})
    return found


async def ask(scene: Scene, count: int = 8) -> None:
    for number in range(count):
        await scene.says(f"customer {number}", f"line {number}")


def lines(scene: Scene) -> list[str]:
    return sorted(line for ticket in scene.vendors.tickets for line in scene.vendors.visible(ticket))


async def leased(scene: Scene) -> list[tuple[str, int]]:
    """(lease, claims) of what is not done yet."""
    assert scene.bridge is not None
    outbox = table(Outbox)
    statement = select(outbox.c.lease, outbox.c.claims).where(outbox.c.state == "ready")
    return await scene.bridge.store.read(lambda tx: [tuple(row) for row in tx.execute(statement)])


async def test_no_more_are_sent_at_once_than_the_account_takes(scene: Scene) -> None:
    async with scene.running():
        await ask(scene)
        await scene.quiet()
        assert lines(scene) == [f"line {number}" for number in range(8)]
        assert scene.desk_class.most == 2 and scene.desk_class.deliveries == 8


@pytest.mark.parametrize(
    ("error", "most"),
    [
        (Throttled("slow down", retry_after=60), 2),
        (AuthFailed("no", code="401"), 2),
        (Retryable("refused"), 6),  # five in a row are trouble, and two go at once
    ],
)
async def test_what_has_not_had_its_turn_goes_back_when_the_account_must_rest(
    scene: Scene, error: Exception, most: int
) -> None:
    failing = [True]

    def trouble(name: str, step: Step, phase: str) -> None:
        if name == "desk" and phase == "before" and failing[0] and step.covers:
            raise error

    async with scene.running() as bridge:
        scene.vendors.trouble = trouble
        await ask(scene, 12)
        await scene.until(lambda: scene.desk_class.deliveries >= 1)
        await scene.quiet()
        assert scene.desk_class.deliveries <= most
        assert await leased(scene) == [("", 0)] * len(await leased(scene)), "nobody holds them, and no claim is counted"
        failing[0] = False
        await bridge.store.write(state.resume, "desk")
        for _ in range(12):
            await scene.pass_time(61)
            await scene.quiet()
        assert lines(scene) == sorted(f"line {number}" for number in range(12))


async def test_a_stop_gives_back_what_has_not_had_its_turn(scene: Scene) -> None:
    async with scene.running():
        await ask(scene, 12)
        await scene.until(lambda: scene.desk_class.deliveries >= 1)
    done = scene.desk_class.deliveries
    assert done < 12
    async with scene.running():
        await scene.quiet()
        assert lines(scene) == sorted(f"line {number}" for number in range(12))
        assert scene.desk_class.deliveries == 12, "none was sent twice"
