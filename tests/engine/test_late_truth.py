"""What becomes known later of a step that ended in doubt corrects what agents were told."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.contract import Capabilities, DeliveryState, Event, Raw, Receipt, ReceiptReceived, Retryable, Step, Target
from mappings.store import Tx
from tests.engine.engine_harness import Scene
from tests.engine.fakes import FakeChannel

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
OPTIONS = {"replies": {"try_for": "2m"}}


class _Channel(FakeChannel):
    """Says later what became of a message, as platforms do, and names its messages by their steps' keys."""

    def ids_of(self, key: str) -> tuple[str, ...]:
        return (f"m-{key}",)

    def normalise(self, raw: Raw) -> Any:
        entry = json.loads(raw.payload)
        if entry["type"] != "receipt":
            return super().normalise(raw)
        event: Event = ReceiptReceived(
            conversation="ann", message=entry["id"], state=DeliveryState(entry["state"]), reason="48 hours"
        )
        return (event,)


class _Looking(_Channel):
    blind = True

    async def lookup(self, step: Step, target: Target) -> Receipt | None:
        if self.blind:
            raise Retryable("the vendor is away")
        seen = any(said.key == target.key for said in self.vendors.phones.get("ann", []))
        return Receipt(ids=("m-1",)) if seen else None


@pytest.fixture
def scene(database_url: str, tmp_path: Path) -> Scene:
    return Scene(database_url, tmp_path, **OPTIONS)


async def in_doubt(scene: Scene, phase: str) -> str:
    """An answer of which nobody knows; the note about it is on its ticket. Returns the ticket."""
    await scene.says("ann", "hello")
    await scene.quiet()
    ticket = scene.only_ticket

    def lose(account: str, step: Step, when: str) -> None:
        if account == "shop" and step.verb == "send" and when == phase:
            raise Retryable("reset", certain=False)

    scene.vendors.trouble = lose
    scene.vendors.agent_says(ticket, "the shop closes at six")
    scene.look()
    await scene.collected()
    await scene.quiet()
    for _ in range(8):
        await scene.pass_time(30)
        await scene.quiet()
    scene.vendors.trouble = lambda account, step, when: None
    assert sum("May not have been delivered" in note for note in scene.vendors.notes(ticket)) == 1
    return ticket


async def minutes(scene: Scene) -> None:
    assert scene.bridge is not None and scene.bridge.engine is not None
    await scene.quiet()  # what was pushed is routed before time passes: a note waits two seconds from then on
    await scene.pass_time(minutes=2)
    await scene.bridge.engine.timetable.look_again()
    await scene.quiet()


async def keys(scene: Scene) -> list[tuple[str, str]]:
    def read(tx: Tx) -> list[tuple[str, str]]:
        rows = tx.exec_driver_sql("SELECT key, state FROM outbox WHERE account = 'shop' ORDER BY id")
        return [(row[0], row[1]) for row in rows]

    assert scene.bridge is not None
    return await scene.bridge.store.read(read)


@pytest.mark.parametrize(
    ("phase", "words", "state"), [("after", "It had arrived", "done"), ("before", "It has not arrived", "failed")]
)
async def test_a_look_up_that_works_again(scene: Scene, phase: str, words: str, state: str) -> None:
    looking = scene.channel_class = type("Channel", (_Looking,), {"vendors": scene.vendors, "blind": True})
    async with scene.running():
        ticket = await in_doubt(scene, phase)
        looking.blind = False
        await minutes(scene)
        assert sum(words in note for note in scene.vendors.notes(ticket)) == 1
        assert [one for _, one in await keys(scene)] == [state]
        await minutes(scene)
        assert sum(words in note for note in scene.vendors.notes(ticket)) == 1, "it is said once"


@pytest.mark.parametrize(
    ("state", "words", "ends"),
    [
        ("delivered", "It had arrived", "done"),
        ("read", "It had arrived", "done"),
        ("failed", "Not delivered", "failed"),
    ],
)
async def test_a_receipt_of_a_message_that_nobody_confirmed(scene: Scene, state: str, words: str, ends: str) -> None:
    scene.channel_class = type("Channel", (_Channel,), {"vendors": scene.vendors})
    async with scene.running():
        ticket = await in_doubt(scene, "after")
        ((key, _),) = await keys(scene)
        receipt = {"type": "receipt", "id": f"m-{key}", "state": state}
        await scene.push(Raw(f"receipt:{key}", json.dumps(receipt).encode()))
        await minutes(scene)
        assert sum(words in note for note in scene.vendors.notes(ticket)) == 1
        assert [one for _, one in await keys(scene)] == [ends]


async def test_an_echo_names_the_ticket_that_a_lost_creation_made(scene: Scene) -> None:
    """The creation landed, its receipt and every look-up for three days were lost; then our own words come back, and an
    answer on that ticket reaches the customer.
    """
    away = True

    def lose(account: str, step: Step, when: str) -> None:
        if account == "desk" and away and (when == "after" or step.verb == "find"):
            raise Retryable("reset", certain=False)

    scene.vendors.trouble = lose
    scene.channel_class = type("Channel", (FakeChannel,), {"vendors": scene.vendors, "capabilities": Capabilities()})
    async with scene.running():
        await scene.says("ann", "hello")
        await scene.quiet()
        for _ in range(14):
            await scene.pass_time(hours=6)
            await scene.quiet()
        away = False
        ticket = scene.only_ticket
        scene.vendors.agent_says(ticket, "an answer all the same")
        scene.look()
        await scene.collected()
        await minutes(scene)
        await minutes(scene)
        assert [said.text for said in scene.vendors.phones["ann"]] == ["an answer all the same"]
