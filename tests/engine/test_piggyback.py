"""In calm a payload is routed in the transaction that keeps it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bridge.engine.context import Work
from bridge.engine.inbound import intake, router
from mappings.store import Tx
from tests.databases import sqlite_database
from tests.engine.engine_harness import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(sqlite_database(tmp_path), tmp_path)


def watched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, Any]]:
    """What was kept and what was routed from now on, with how many and with the transaction."""
    seen: list[tuple[str, int, Any]] = []
    keep, route = intake.inbox.keep_raws, router.route_batch

    def keeping(tx: Tx, rows: Any) -> int:
        seen.append(("keep", len(rows), tx.get_transaction()))
        return keep(tx, rows)

    def routing(work: Work, *arguments: Any, **named: Any) -> None:
        route(work, *arguments, **named)
        seen.append(("route", work.effects.done, work.tx.get_transaction()))

    monkeypatch.setattr(intake.inbox, "keep_raws", keeping)
    monkeypatch.setattr(router, "route_batch", routing)
    return seen


def lines(scene: Scene) -> list[str]:
    return [line for ticket in scene.vendors.tickets for line in scene.vendors.visible(ticket)]


async def at_rest(scene: Scene) -> None:
    assert scene.bridge is not None and scene.bridge.engine is not None
    shop, desk = scene.bridge.engine.loops.routers["shop"], scene.bridge.engine.loops.dispatchers["desk"]
    await scene.until(lambda: shop._resting and not desk._promised and not desk._full)


async def test_a_payload_in_calm_is_kept_and_routed_in_one_transaction(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.engine.runtime.wakeups.IDLE", 60)  # nobody looks by themselves
    async with scene.running():
        await at_rest(scene)
        seen = watched(monkeypatch)
        shared = 0
        for number in range(10):
            seen.clear()
            await scene.says("ann", f"line {number}")
            await scene.until(lambda: len(seen) >= 2)
            (what, kept, first), (then, routed, second) = seen
            assert (what, kept, then, routed) == ("keep", 1, "route", 1)
            shared += first is second
            await scene.quiet()
            await at_rest(scene)
            assert len(seen) == 2, "nobody looked once more"
        assert shared > 5  # the writer may have begun with the first before the second was there
        assert lines(scene) == [f"line {number}" for number in range(10)]


async def test_what_cannot_be_routed_is_kept_nevertheless(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    async with scene.running():
        await at_rest(scene)

        def fail(*_arguments: Any, **_named: Any) -> Any:
            raise RuntimeError("its own trouble")

        route = router.route_batch
        monkeypatch.setattr(router, "route_batch", fail)
        await scene.says("ann", "kept")  # returns: it is durable
        monkeypatch.setattr(router, "route_batch", route)
        await scene.quiet()
        assert lines(scene) == ["kept"]


async def test_a_round_that_went_along_is_finished_when_the_loop_stops(scene: Scene) -> None:
    async with scene.running() as bridge:
        await at_rest(scene)
        assert bridge.engine is not None
        shop, desk = bridge.engine.loops.routers["shop"], bridge.engine.loops.dispatchers["desk"]
        assert shop.piggyback()
        assert not shop.piggyback(), "one at a time"
        bridge.engine._stop.set()
        await scene.until(lambda: not desk._promised)
        assert shop._asked is None and not shop.piggyback()


async def test_many_at_once_are_routed_in_order_whoever_goes_along(scene: Scene) -> None:
    async with scene.running():
        await at_rest(scene)
        for wave in range(6):
            words = [f"line {wave}.{number}" for number in range(wave * 3 + 1)]
            await asyncio.gather(*(scene.says("ann", word) for word in words))
        await scene.quiet()
        spoken = "\n".join(lines(scene)).splitlines()
        assert spoken == [f"line {wave}.{number}" for wave in range(6) for number in range(wave * 3 + 1)]
