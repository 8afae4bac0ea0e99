"""A note never makes a ticket, never goes before the message that makes it, and never vanishes."""

import dataclasses
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bridge.app import Bridge
from bridge.contract import Rejected, Step
from bridge.engine.conversation.notices import _TEXTS
from mappings.sql import table
from mappings.store import Tx
from mappings.tables import Outbox, Waiting
from tests.engine.engine_harness import Scene


def entries(scene: Scene, ticket: str) -> list[tuple[str, str]]:
    return [(entry.who, entry.text) for entry in scene.vendors.tickets[ticket].entries if entry.who != "agent"]


async def waiting_notes(scene: Scene) -> list[str]:
    """Why what waits in the lanes to the desk is held."""
    one = table(Waiting)

    def read(tx: Tx) -> list[str]:
        return [row.held for row in tx.execute(select(one).where(one.c.lane % 4 == 0))]

    assert scene.bridge is not None
    return await scene.bridge.store.read(read)


async def ended(scene: Scene) -> list[tuple[str, str, str]]:
    one = table(Outbox)

    def read(tx: Tx) -> list[tuple[str, str, str]]:
        rows = tx.execute(select(one).where(one.c.state == "dead").order_by(one.c.id))
        return [(row.account, row.code, row.messages) for row in rows]

    assert scene.bridge is not None
    return await scene.bridge.store.read(read)


async def refused_on_a_ticket_that_closes(scene: Scene) -> str:
    """An answer is refused for good; before its note is written the ticket is closed."""
    await scene.says("ann", "hello")
    await scene.quiet()
    ticket = scene.only_ticket
    scene.vendors.tickets[ticket].status = "closed"  # and nothing tells the bridge

    def refuse(account: str, step: Step, phase: str) -> None:
        if account == "shop" and step.verb == "send" and phase == "before":
            raise Rejected("no such user", code="40003")

    scene.vendors.trouble = refuse
    scene.vendors.agent_says(ticket, "the password is secret")
    scene.look()
    await scene.collected()
    await scene.quiet()
    await scene.pass_time(5)
    await scene.quiet()
    return ticket


async def test_a_note_without_a_ticket_comes_after_the_message_that_makes_one(scene: Scene) -> None:
    async with scene.running():
        first = await refused_on_a_ticket_that_closes(scene)
        assert list(scene.vendors.tickets) == [first], "a note made a ticket"
        assert await waiting_notes(scene) == ["ticket"]
        await scene.says("ann", "are you there?")
        await scene.quiet()
        second = list(scene.vendors.tickets)[1]
        assert [who for who, _ in entries(scene, second)] == ["customer", "note"]
        assert entries(scene, second)[0] == ("customer", "are you there?")
        assert "the password is secret" in entries(scene, second)[1][1]


async def test_many_notes_keep_no_customer_from_opening_a_ticket(scene: Scene) -> None:
    async with scene.running() as bridge:
        first = await refused_on_a_ticket_that_closes(scene)

        def more(tx: Tx) -> None:
            one = table(Waiting)
            row: Any = tx.execute(select(one).where(one.c.lane % 4 == 0)).one()
            for number in range(25):
                values = {name: getattr(row, name) for name in row._fields if name != "id"}
                values |= {
                    "message_id": f"note:{number}",
                    "message": row.message.replace(row.message_id, f"note:{number}"),
                }
                tx.execute(one.insert().values(**values))

        await bridge.store.write(more)
        await scene.says("ann", "are you there?")
        await scene.quiet()
        second = next(name for name in scene.vendors.tickets if name != first)
        assert [who for who, _ in entries(scene, second)] == ["customer", *["note"] * 26]


async def test_a_note_whose_ticket_never_comes_is_listed_as_dead(scene: Scene) -> None:
    async with scene.running() as bridge:
        await refused_on_a_ticket_that_closes(scene)
        await scene.pass_time(bridge.settings.replies.give_up_after.total_seconds() + 60)
        await scene.quiet()
        ((account, code, messages),) = await ended(scene)
        assert (account, code) == ("desk", "no ticket") and "the password is secret" in messages
        assert await waiting_notes(scene) == []
        assert len(scene.vendors.tickets) == 1


async def test_a_held_answer_whose_ticket_closes_is_told_of_though_the_customer_stays_silent(scene: Scene) -> None:
    scene.vendors.replies = 5
    async with scene.running() as bridge:
        await scene.says("ann", "hello")
        await scene.quiet()
        ticket = scene.only_ticket
        await scene.pass_time(hours=49)
        scene.vendors.agent_says(ticket, "too late")
        scene.look()
        await scene.collected()
        await scene.quiet()
        scene.vendors.tickets[ticket].status = "closed"
        for _ in range(2):  # first the answer is given up, then the note that says so
            await scene.pass_time(bridge.settings.replies.give_up_after.total_seconds() + 60)
            await scene.quiet()
            await scene.pass_time(timedelta(seconds=5).total_seconds())
            await scene.quiet()
        assert len(scene.vendors.tickets) == 1
        assert any(code == "no ticket" and "too late" in messages for _, code, messages in await ended(scene))


@pytest.mark.parametrize("body", ["", " \n", "\t"])
async def test_an_answer_of_which_nothing_is_left_is_told_of_and_costs_nothing(scene: Scene, body: str) -> None:
    scene.vendors.replies = 5
    async with scene.running():
        await scene.says("ann", "hello")
        await scene.quiet()
        ticket = scene.only_ticket
        for text in (body, "words"):
            scene.vendors.agent_says(ticket, text)
            scene.look()
            await scene.collected()
            await scene.quiet()
        (told,) = [text for who, text in entries(scene, ticket) if who == "note"]
        assert told.startswith("Not sent: nothing of your answer")
        assert [said.text for said in scene.vendors.phones["ann"]] == ["words"]


async def with_acting_notes(scene: Scene, bridge: Bridge) -> str:
    """A desk that takes a note for the customer's words, as a mailbox does; and a first ticket."""
    desk = bridge.runtime.accounts["desk"].connector
    desk.capabilities = desk.capabilities.model_copy(update={"notes_act": True})  # type: ignore[misc] # of this account
    await scene.says("ann", "hello")
    await scene.quiet()
    return scene.only_ticket


async def answered(scene: Scene, ticket: str, *answers: str) -> None:
    for answer in answers:
        scene.vendors.agent_says(ticket, answer)
        scene.look()
        await scene.collected()
        await scene.quiet()
        await scene.pass_time(6)
        await scene.quiet()


async def test_where_a_note_acts_it_waits_for_the_customers_next_message(scene: Scene) -> None:
    async with scene.running() as bridge:
        ticket = await with_acting_notes(scene, bridge)
        before = entries(scene, ticket)
        await answered(scene, ticket, "one", "two", "three", "four", "five", "six")
        await scene.pass_time(3600)
        await scene.quiet()
        assert entries(scene, ticket) == before, "nothing opened the ticket again"
        assert set(await waiting_notes(scene)) == {"goes with the customer's next message"}
        await scene.says("ann", "thank you")
        await scene.quiet()
        told = [text for _, text in entries(scene, ticket)[len(before) :]]
        assert any("thank you" in text for text in told)
        assert any("Not delivered yet" in text for text in told)
        await scene.pass_time(3)
        await scene.quiet()
        assert await waiting_notes(scene) == ["goes with the customer's next message"], "that it went, too"


async def test_where_a_note_acts_one_about_an_answer_that_came_to_nothing_goes_all_the_same(scene: Scene) -> None:
    async with scene.running() as bridge:
        ticket = await with_acting_notes(scene, bridge)

        def refuse(account: str, step: Step, phase: str) -> None:
            if account == "shop" and step.verb == "send" and phase == "before":
                raise Rejected("no such user", code="40003")

        scene.vendors.trouble = refuse
        await answered(scene, ticket, "one")
        assert any("Not delivered" in text for _, text in entries(scene, ticket))


async def test_notes_name_the_channel_as_people_do_and_say_the_time_in_their_zone(scene: Scene) -> None:
    async with scene.running() as bridge:
        shop = bridge.runtime.accounts["shop"]
        named = shop.config.model_copy(update={"label": "Corner Shop"})
        bridge.runtime.accounts["shop"] = dataclasses.replace(shop, config=named)
        process = bridge.settings.bridge.model_copy(update={"timezone": "Asia/Shanghai"})
        bridge.runtime.settings = bridge.settings.model_copy(update={"bridge": process})
        await scene.says("ann", "hello")
        await scene.quiet()
        ticket = scene.only_ticket
        await answered(scene, ticket, "one", "two", "three", "four", "five")
        notes = [text for _, text in entries(scene, ticket)]
        (last,) = [text for text in notes if "One reply is left" in text]
        assert "Asia/Shanghai" in last and "UTC" not in last
        scene.vendors.agent_says(ticket, "six")
        scene.look()
        await scene.collected()
        await scene.quiet()
        (held,) = [text for _, text in entries(scene, ticket) if "Not delivered yet" in text]
        assert "Corner Shop" in held and "shop " not in held


@pytest.mark.parametrize("what", list(_TEXTS))
def test_chinese_notes_have_chinese_punctuation(what: str) -> None:
    text = re.sub(r"\{\w+\}|`[^`]*`|#\w+", "", _TEXTS[what]["zh"])
    assert not re.search(r"[,:;!?()]", text)


async def test_notes_are_written_in_every_language_where_readers_have_their_own(scene: Scene) -> None:
    capabilities = scene.desk_class.capabilities.model_copy(update={"reads_languages": True})
    scene.desk_class = type("Desk", (scene.desk_class,), {"capabilities": capabilities, "rendered": []})
    seen: list[dict[str, str]] = scene.desk_class.rendered
    render = scene.desk_class.render

    def remember(self: Any, messages: Any, context: Any) -> Any:
        seen.extend(part.words for one in messages for part in one.parts if one.id.startswith("note:"))
        return render(self, messages, context)

    scene.desk_class.render = remember
    async with scene.running():
        await refused_on_a_ticket_that_closes(scene)
        await scene.says("ann", "are you there?")
        await scene.quiet()
    assert seen
    assert all(one["zh"].startswith("未送达") and one["zh"].endswith("> the password is secret") for one in seen)


async def test_the_first_ticket_tells_the_rules_where_that_is_wanted(scene: Scene) -> None:
    scene.options["tickets"] = {"rules": True}
    async with scene.running():
        await scene.says("ann", "hello")
        await scene.quiet()
        ticket = scene.only_ticket
        assert [who for who, _ in entries(scene, ticket)] == ["customer", "note"]
        note = entries(scene, ticket)[1][1]
        assert "5 replies within 48 hours" in note and "#retry" in note
        scene.vendors.set_status(ticket, "closed")
        scene.look()
        await scene.collected()
        await scene.says("ann", "again")
        await scene.quiet()
        assert [who for who, _ in entries(scene, list(scene.vendors.tickets)[1])] == ["customer"], "once per customer"
