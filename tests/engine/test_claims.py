"""What is routed is claimed at once where there is a place, and some attempts are marked together with the claim."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from bridge.contract import Message, RenderContext, Step, Target
from bridge.engine.outbound.claims import Claimed
from bridge.engine.outbound.dispatcher import Dispatcher
from mappings import outbox
from mappings.inbox import ready_raws
from mappings.inspection import journals_of
from mappings.sql import table
from mappings.tables import Outbox
from tests.engine.engine_harness import Scene
from tests.engine.fakes import FakeDesk


class LookingDesk(FakeDesk):
    """Has a look before it writes, and can say afterwards whether it did; `gate` holds its looks up."""

    capabilities = FakeDesk.capabilities.model_copy(update={"max_concurrency": 2, "prepare_reads_only": True})
    gate: asyncio.Event
    looks = 0

    async def prepare(self, step: Step, target: Target) -> dict[str, Any]:
        type(self).looks += 1
        await self.gate.wait()
        return {}


@pytest.fixture
def scene(database_url: str, tmp_path: Path) -> Scene:
    found = Scene(database_url, tmp_path)
    found.desk_class = type("Desk", (LookingDesk,), {"vendors": found.vendors, "gate": asyncio.Event()})
    return found


def lines(scene: Scene) -> list[str]:
    return sorted(line for ticket in scene.vendors.tickets for line in scene.vendors.visible(ticket))


async def steps(scene: Scene) -> list[tuple[Any, ...]]:
    """(leased, begun, attempts, first tried, entries of the journal) of each step."""
    one = table(Outbox)

    def read(tx: Any) -> list[tuple[Any, ...]]:
        return [
            (
                row.lease != "",
                row.begun_at is not None,
                row.attempts,
                row.tried_at is not None,
                len(journals_of(tx, [row])[row.id]),
            )
            for row in tx.execute(select(one).order_by(one.c.id))
        ]

    assert scene.bridge is not None
    return await scene.bridge.store.read(read)


def watched(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the transactions from now on."""
    assert scene.bridge is not None
    asked: list[str] = []
    write = scene.bridge.store.write

    def note(function: Any, *arguments: Any, **named: Any) -> Any:
        asked.append(function.__name__)
        return write(function, *arguments, **named)

    monkeypatch.setattr(scene.bridge.store, "write", note)
    return asked


async def test_a_message_needs_two_transactions_after_it_was_kept(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.engine.runtime.wakeups.IDLE", 60)  # else the dispatcher's own look may come between
    scene.desk_class.gate.set()
    async with scene.running() as bridge:
        desk = bridge.engine.loops.dispatchers["desk"]
        await scene.until(lambda: not desk._promised and not desk._full)
        asked = watched(scene, monkeypatch)
        await scene.says("ann", "hello")
        await scene.quiet()
        assert lines(scene) == ["hello"]
        assert [name for name in asked if name in {"claim", "_settle"}] == ["_settle"]


async def test_the_attempt_is_marked_before_the_look_of_those_that_have_their_turn(scene: Scene) -> None:
    async with scene.running():
        for number in range(4):
            await scene.says(f"customer {number}", f"line {number}")
        await scene.until(lambda: scene.desk_class.looks == 2)
        await scene.until(lambda: len(scene.bridge.engine.loops.dispatchers["desk"].in_flight_here) == 4)
        found = await steps(scene)
        assert sorted(found) == [(True, False, 0, False, 0)] * 2 + [(True, True, 1, True, 1)] * 2
        scene.desk_class.gate.set()
        await scene.quiet()
        assert lines(scene) == [f"line {number}" for number in range(4)]
        assert all(found[2:] == (1, True, 1) for found in await steps(scene))


async def test_a_desk_whose_work_beforehand_is_long_has_its_attempts_marked_after_it(scene: Scene) -> None:
    scene.desk_class.capabilities = LookingDesk.capabilities.model_copy(update={"prepare_reads_only": False})
    async with scene.running():
        await scene.says("ann", "hello")
        await scene.until(lambda: scene.desk_class.looks == 1)
        assert await steps(scene) == [(True, False, 0, False, 0)]
        scene.desk_class.gate.set()
        await scene.quiet()
        assert lines(scene) == ["hello"]


async def test_a_marked_step_that_goes_back_has_never_been_tried(scene: Scene) -> None:
    async with scene.running() as bridge:
        await scene.says("ann", "hello")
        await scene.until(lambda: scene.desk_class.looks == 1)
        assert await steps(scene) == [(True, True, 1, True, 1)]
        (row,) = bridge.engine.loops.dispatchers["desk"]._tasks.values()
        await bridge.store.write(outbox.give_back, row.id, "somebody else's")
        assert await steps(scene) == [(True, True, 1, True, 1)]
        bridge.engine.loops.dispatchers["desk"].cancel()
        await bridge.store.write(outbox.give_back, row.id, row.lease)
        assert await steps(scene) == [(False, False, 0, False, 0)]
        scene.desk_class.gate.set()
        await scene.pass_time(1)
        await scene.quiet()
        assert lines(scene) == ["hello"]


async def test_a_crash_while_it_looked_is_looked_up_and_the_message_arrives_once(scene: Scene) -> None:
    async with scene.running() as bridge:
        await scene.says("ann", "hello")
        await scene.until(lambda: scene.desk_class.looks == 1)
        bridge.engine.loops.dispatchers["desk"].cancel()
    scene.desk_class.gate.set()
    async with scene.running():
        for _ in range(4):
            await scene.pass_time(61)
            await scene.quiet()
        assert lines(scene) == ["hello"]
        assert scene.vendors.notes(scene.only_ticket) == []


async def test_a_step_that_waited_long_and_is_in_other_hands_is_not_sent(scene: Scene) -> None:
    async with scene.running() as bridge:
        await scene.says("ann", "hello")
        await scene.until(lambda: scene.desk_class.looks)  # its attempt is marked, and it waits
        await bridge.store.write(lambda tx: tx.execute(update(table(Outbox)).values(lease="of another process")))
        scene.clock.advance(0.75 * bridge.settings.engine.lease.total_seconds())
        scene.desk_class.gate.set()
        await scene.until(lambda: not bridge.engine.loops.dispatchers["desk"]._tasks)
        assert lines(scene) == []


async def test_what_cannot_be_rendered_keeps_nobody_from_their_lanes(scene: Scene) -> None:
    scene.desk_class.gate.set()
    broken = [True]
    render = LookingDesk.render

    def fail(self: Any, messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        if broken[0]:
            raise ZeroDivisionError
        return render(self, messages, context)

    scene.desk_class.render = fail
    async with scene.running() as bridge:
        await scene.says("ann", "hello")
        left: list[Any] = [None]

        async def nothing_left() -> bool:
            left[:] = await bridge.store.read(ready_raws, "shop", 10)
            return not left

        async with asyncio.timeout(20):
            while not await nothing_left():
                await asyncio.sleep(0.02)
        assert lines(scene) == []
        broken[0] = False
        await scene.until(lambda: lines(scene) == ["hello"])


async def test_places_offered_to_a_transaction_under_way_are_not_given_twice(scene: Scene) -> None:
    async with scene.running() as bridge:
        dispatcher: Dispatcher = bridge.engine.loops.dispatchers["desk"]
        await scene.until(lambda: not dispatcher._promised)  # its own look at the start
        budgets = []
        while (budget := dispatcher.budget()) is not None:
            budgets.append(budget)
        assert sum(budget.steps for budget in budgets) == dispatcher.breaker.allowed
        assert sum(budget.turns for budget in budgets if budget.turns) <= 2
        await scene.says("ann", "hello")
        await asyncio.sleep(0.1)
        assert await steps(scene) == []
        for budget in budgets:
            dispatcher.send(budget, Claimed())
        scene.desk_class.gate.set()
        await scene.until(lambda: lines(scene) == ["hello"])


async def test_a_link_that_another_process_holds_is_not_asked_for_in_a_loop(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bridge.engine.outbound import claims

    asked, held = 0, True
    free_links = claims.lock_free_links

    def count(tx: Any, ids: Any) -> Any:
        nonlocal asked
        wanted = list(ids)
        asked += bool(wanted)
        return set() if held else free_links(tx, wanted)

    scene.desk_class.gate.set()
    monkeypatch.setattr(claims, "lock_free_links", count)
    async with scene.running():
        await scene.says("anna", "hello")
        await scene.until(lambda: asked)
        asked = 0
        await asyncio.sleep(0.5)
        assert 1 <= asked <= 40, "again in a moment, and not as fast as the machine can"
        held = False
        await scene.until(lambda: scene.vendors.tickets)
