"""A message that no connector can render holds up its own conversation and no other, and a clash of locks is no fault."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bridge.app import Bridge
from bridge.contract import Message, RenderContext, Step, Text
from bridge.engine.inbound import channel_events, routing
from mappings.sql import table
from mappings.store import is_trouble
from mappings.tables import Inbox, Outbox
from mappings.writer_queue import Again
from tests.engine.engine_harness import Scene
from tests.engine.test_trouble import phone


def broken(bridge: Bridge, account: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The connector of an account cannot render what says "poison"; call the result to mend it."""
    connector: Any = bridge.runtime.accounts[account].connector
    render = connector.render

    def fail(messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        if any(isinstance(part, Text) and "poison" in part.body for message in messages for part in message.parts):
            raise RecursionError("a bug")
        return render(messages, context)

    monkeypatch.setattr(connector, "render", fail)
    return lambda: monkeypatch.setattr(connector, "render", render)


async def both_write(scene: Scene) -> dict[str, str]:
    """Two customers with a ticket each."""
    for customer in ("anna", "bert"):
        await scene.says(customer, f"hello from {customer}")
        await scene.quiet()
    return {ticket.customer: identifier for identifier, ticket in scene.vendors.tickets.items()}


async def agents_say(scene: Scene, *answers: tuple[str, str]) -> None:
    for ticket, words in answers:
        scene.vendors.agent_says(ticket, words)
        scene.look()
        await scene.collected()
    await scene.quiet()


async def test_an_answer_that_cannot_be_rendered_stops_its_own_conversation_only(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene.running() as bridge:
        tickets = await both_write(scene)
        mend = broken(bridge, "shop", monkeypatch)
        await agents_say(scene, (tickets["anna"], "poison"), (tickets["bert"], "fine"))
        await scene.until(lambda: phone(scene, "bert") == ["fine"])
        await scene.quiet()
        assert phone(scene) == []
        (told,) = [note for note in scene.vendors.notes(tickets["anna"]) if "Not sent" in note]
        assert "#cancel" in told
        mend()
        await scene.says("anna", "are you there?")
        await scene.until(lambda: phone(scene) == ["poison"])


async def test_a_customers_message_that_cannot_be_rendered_stops_its_own_ticket_only(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene.running() as bridge:
        tickets = await both_write(scene)
        mend = broken(bridge, "desk", monkeypatch)
        await scene.says("anna", "poison")
        await scene.says("bert", "and this")
        await scene.until(lambda: "and this" in scene.vendors.visible(tickets["bert"]))
        await scene.quiet()
        assert scene.vendors.visible(tickets["anna"]) == ["hello from anna"]
        mend()
        await scene.says("anna", "behind it")
        await scene.until(lambda: scene.vendors.visible(tickets["anna"])[1:] == ["poison", "behind it"])


async def test_what_is_given_up_without_ever_being_rendered_stands_in_the_list(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene.running() as bridge:
        tickets = await both_write(scene)
        broken(bridge, "shop", monkeypatch)
        await agents_say(scene, (tickets["anna"], "poison"))
        await scene.pass_time(seconds=timedelta(days=30).total_seconds())
        await scene.quiet()
        steps = table(Outbox)
        ended = await bridge.store.read(
            lambda tx: tx.execute(select(steps.c.state, steps.c.code).where(steps.c.code == "expired")).all()
        )
        assert [tuple(row) for row in ended] == [("failed", "expired")]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_payload_is_not_blamed_for_a_transaction_that_begins_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_trouble(Again(lambda _tx: None))
    said, clashes = channel_events.customer_said, []

    def clash(work: Any, connected: Any, event: Any, inbox_id: int) -> None:
        if len(clashes) < 5:
            clashes.append(inbox_id)
            raise Again(lambda _tx: None)
        said(work, connected, event, inbox_id)

    async with scene.running() as bridge:
        monkeypatch.setattr(channel_events, "customer_said", clash)
        kept = table(Inbox)
        monkeypatch.setattr(routing._Batch, "route", lambda self, row, events: self._tried(row, events))
        await scene.says("anna", "hello")
        await scene.until(lambda: scene.vendors.tickets)
        rows = await bridge.store.read(lambda tx: tx.execute(select(kept.c.state, kept.c.tries)).all())
        assert [tuple(row) for row in rows] == [("done", 0)] and len(clashes) == 5
