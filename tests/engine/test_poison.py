"""One payload that cannot be routed, or holds what no store takes, stops nothing behind it."""

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bridge.contract import Raw, Retryable
from bridge.contract.storable import LONGEST_ID, clean_id, clean_name, clean_text
from bridge.engine.inbound import channel_events
from bridge.telemetry import metrics
from mappings import inbox, links, outbox
from tests.engine.engine_harness import Scene
from tests.engine.test_trouble import once, phone


def lines(scene: Scene) -> list[str]:
    return [line for ticket in scene.vendors.tickets.values() for line in scene.vendors.visible(ticket.id)]


def failing(monkeypatch: pytest.MonkeyPatch, trouble: Any) -> list[str]:
    """Customers' messages meet `trouble`, in the transaction that routes them; returns what was tried."""
    tried: list[str] = []
    said = channel_events.customer_said

    def meet(work: Any, connected: Any, event: Any, inbox_id: int) -> None:
        said(work, connected, event, inbox_id)
        body = event.message.parts[0].body
        tried.append(body)
        trouble(work.tx, body)

    monkeypatch.setattr(channel_events, "customer_said", meet)
    return tried


def bug(_tx: Any, body: str) -> None:
    if "poison" in body:
        raise RecursionError("a bug")


def refused(tx: Any, body: str) -> None:
    if "poison" in body:
        tx.execute(text("SELECT nothing FROM nowhere"))


def unwritable(tx: Any, body: str) -> None:
    if "poison" in body:
        tx.execute(text("SELECT :word"), {"word": "half \ud800"})


@pytest.mark.parametrize("trouble", [bug, refused, unwritable])
async def test_after_three_tries_it_is_put_aside_whatever_the_error_was(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, trouble: Any
) -> None:
    tried = failing(monkeypatch, trouble)
    async with scene.running() as bridge:
        for word in ("one", "poison", "two"):
            await scene.says("anna", word)
        await scene.says("bert", "other")
        for _ in range(4):
            await scene.quiet()
            await scene.pass_time(3)
        await scene.quiet()
        assert lines(scene) == ["one", "two", "other"] or lines(scene) == ["one", "other", "two"]
        (row,) = await bridge.store.read(inbox.quarantined)
        assert "3 times" in row.error and "poison" not in row.error
        assert 3 <= tried.count("poison") <= 6  # whole batches that failed, alone and shared, were not counted


async def test_the_tries_survive_a_restart_and_it_can_be_replayed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = [True]
    failing(monkeypatch, lambda tx, body: bug(tx, body) if broken[0] else None)
    for _ in range(4):
        async with scene.running() as bridge:
            if not scene.vendors.count:
                await scene.says("anna", "poison")
            await scene.pass_time(3)
            await scene.quiet()
    async with scene.running() as bridge:
        (row,) = await bridge.store.read(inbox.quarantined)
        broken[0] = False
        await bridge.store.write(inbox.replay_raws, [row.id])
        await scene.pass_time(1)
        await scene.until(lambda: lines(scene) == ["poison"])


async def test_while_it_is_tried_what_is_behind_it_in_its_conversation_waits(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [2]

    def twice(_tx: Any, body: str) -> None:
        if "late" in body and left[0]:
            left[0] -= 1
            raise KeyError(body)

    failing(monkeypatch, twice)
    async with scene.running():
        await scene.says("anna", "late")
        await scene.says("anna", "second")
        await scene.says("bert", "other")
        await scene.until(lambda: "other" in lines(scene))
        for _ in range(3):
            await scene.quiet()
            await scene.pass_time(3)
        await scene.quiet()
        assert [line for line in lines(scene) if line != "other"] == ["late", "second"]


async def test_a_store_in_trouble_is_no_fault_of_a_payload(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    left = [6]

    def lost(_tx: Any, _body: str) -> None:
        if left[0]:
            left[0] -= 1
            raise OperationalError("INSERT", None, Exception("gone"), connection_invalidated=True)

    failing(monkeypatch, lost)
    async with scene.running() as bridge:
        await scene.says("anna", "hello")
        await scene.until(lambda: lines(scene) == ["hello"])
        assert left == [0] and await bridge.store.read(inbox.quarantined) == []


ODD = ["half \ud83d", "nul \0"]


@pytest.mark.parametrize("odd", ODD, ids=ascii)
@pytest.mark.parametrize("field", ["id", "text", "customer", "extra", "context", "file", "key"])
async def test_what_no_store_takes_shows_as_a_mark_and_the_words_arrive(scene: Scene, field: str, odd: str) -> None:
    entry: dict[str, Any] = {"type": "message", "customer": "anna", "id": "of-anna", "text": "hello", "file": "f1"}
    scene.vendors.files |= {"f1": b"abc", clean_id(odd): b"abc"}
    key = odd if field == "key" else "k1"
    if field != "key":
        entry[field] = {odd: odd} if field in {"extra", "context"} else odd
    async with scene.running() as bridge:
        await scene.push(Raw(key, json.dumps(entry).encode()))
        await scene.says("bert", "behind it")
        for _ in range(3):  # the file comes a moment later
            await scene.quiet()
            await scene.pass_time(1)
        await scene.quiet()
        assert len(lines(scene)) == 3  # the words, their file, and the other customer's
        assert await bridge.store.read(inbox.quarantined) == []
        assert "behind it" in lines(scene)


async def test_ids_and_names_without_end(scene: Scene) -> None:
    long = "x" * 9_000
    entry = {"type": "message", "customer": long, "id": long + "1", "text": "hello", "extra": {"name": long}}
    async with scene.running() as bridge:
        await scene.push(Raw(long, json.dumps(entry).encode()))
        await scene.push(Raw(long + "2", json.dumps(entry | {"id": long + "2", "text": "again"}).encode()))
        await scene.until(lambda: lines(scene) == ["hello", "again"])
        assert await bridge.store.read(inbox.quarantined) == []


def test_the_rule() -> None:
    assert clean_text("您好 \ud83d\ude00 \ud83d\0") == "您好 😀 \ufffd\ufffd"
    assert clean_text("plain") == "plain" and clean_id("oX-1") == "oX-1"
    assert clean_id("a\0") != clean_id("a\ud800") != "a"
    assert clean_id("a\0") == clean_id("a\0")
    assert len(clean_id("字" * 5_000).encode()) <= LONGEST_ID
    assert len(clean_id("字" * 600)) == 600
    assert len(clean_name("n" * 5_000)) == 500


async def test_it_is_counted(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, bug)
    counted: list[str] = []
    monkeypatch.setattr(metrics.quarantined, "count", lambda account, **_: counted.append(account))
    async with scene.running():
        await scene.says("anna", "poison")
        for _ in range(4):
            await scene.quiet()
            await scene.pass_time(3)
        await scene.until(lambda: counted == ["shop"])


async def test_an_early_answer_waits_however_long_and_holds_nobody_up(scene: Scene) -> None:
    """Its ticket's number is not known: the creation took effect, and nobody can look it up for hours."""
    async with scene.running():
        scene.vendors.trouble = once(Retryable("reset", certain=False), "desk", phase="after")
        await scene.says("anna", "hello")
        await scene.quiet()
        scene.vendors.trouble = once(Retryable("busy"), "desk", verb="find", times=10_000)
        for number in range(20):  # more than one batch
            scene.vendors.agent_says(scene.only_ticket, f"answer {number}")
        scene.look()
        await scene.collected()
        for _ in range(60):
            await scene.pass_time(31)
            await asyncio.sleep(0.02)
        assert phone(scene) == []
        scene.vendors.trouble = None
        for _ in range(40):
            await scene.pass_time(61)
            await asyncio.sleep(0.1)
            if len(phone(scene)) >= 5:
                break
        assert phone(scene)[0].startswith("answer 0")


async def test_an_answer_waits_when_the_making_of_its_ticket_ended_in_doubt(scene: Scene) -> None:
    """Nobody knows whether the ticket was made; when its number turns up, the answer goes."""
    async with scene.running() as bridge:
        scene.vendors.trouble = once(Retryable("reset", certain=False), "desk", phase="after")
        await scene.says("anna", "hello")
        await scene.quiet()
        ended = {"state": "unconfirmed", "unknown": False, "done_at": scene.clock()}
        (step,) = await bridge.store.read(lambda tx: outbox.unfinished_in(tx, links.lane_to_desk(1)))
        await bridge.store.write(outbox.change_step, step.id, **ended)
        scene.vendors.trouble = once(Retryable("busy"), "desk", verb="find", times=10_000)
        opened = {"type": "status", "ticket": scene.only_ticket, "status": "open", "moved_to": None}
        scene.vendors.journal[:] = [(key, opened) for key, _ in scene.vendors.journal]  # our own voice tells nothing
        scene.vendors.agent_says(scene.only_ticket, "an answer")
        scene.look()
        await scene.collected()
        for _ in range(5):
            await scene.pass_time(31)
            await asyncio.sleep(0.02)
        assert phone(scene) == []
        await bridge.store.write(lambda tx: links.change_link(tx, 1, ticket=scene.only_ticket))
        for _ in range(5):
            await scene.pass_time(31)
            await scene.quiet()
        assert phone(scene) == ["an answer"]


async def test_an_early_answer_waits_although_many_tickets_are_being_made(scene: Scene) -> None:
    async with scene.running():
        scene.vendors.trouble = once(Retryable("reset", certain=False), "desk", phase="after")
        await scene.says("anna", "hello")
        await scene.quiet()
        scene.vendors.trouble = once(Retryable("busy"), "desk", times=10_000)
        for number in range(52):
            await scene.says(f"customer {number}", "hello")
        await scene.quiet()
        scene.vendors.agent_says(scene.only_ticket, "an answer")
        scene.look()
        await scene.collected()
        assert phone(scene) == []
        scene.vendors.trouble = None
        for _ in range(20):
            await scene.pass_time(61)
            await scene.quiet()
            if phone(scene):
                break
        assert phone(scene) == ["an answer"]
