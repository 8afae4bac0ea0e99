"""A conversation changes desks: nothing is lost, said twice or out of order, and agents know where it went."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bridge.app import Bridge
from bridge.contract import Retryable, Step, WindowClosed
from bridge.engine.context import Work
from bridge.engine.conversation.handover import Cause, hand_over
from bridge.registry import Declared
from mappings import handovers, links
from mappings.store import Tx
from tests.engine.engine_harness import Scene
from tests.engine.fakes import FakeConfig, FakeDesk, FakeVendors, Ticket


class TwoDesks(Scene):
    """A shop with two desks, each a vendors's hall of its own behind one channel."""

    def __init__(self, database_url: str, folder: Path, **options: Any) -> None:
        super().__init__(database_url, folder, **options)
        self.second = FakeVendors(count=1000)
        self.second_class = type("Second", (FakeDesk,), {"vendors": self.second})

    def settings(self) -> Any:
        found = super().settings()
        accounts = {**found.accounts, "other": {"kind": "fake-desk"}}
        routes = [
            {"channel": "shop", "desk": "other", "when": {"page": "special"}},
            {"channel": "shop", "desk": "desk"},
        ]
        content = found.model_dump(mode="python") | {"accounts": accounts, "routes": routes}
        content["bridge"]["secret_key"] = "0123456789abcdef0123456789abcdef"
        content["bridge"]["api_token"] = ""
        return type(found)(**content)

    def build(self) -> Bridge:
        config = FakeConfig(kind="fake", uncertain=self.options.get("uncertain", "hold"))
        declared = {
            "shop": Declared("shop", self.channel_class, config),
            "desk": Declared("desk", self.desk_class, config),
            "other": Declared("other", self.second_class, config),
        }
        return Bridge(self.settings(), declared, clock=self.clock)

    async def looked(self) -> None:
        """Both desks' polls came round."""
        assert self.bridge is not None and self.bridge.engine is not None
        for name in ("desk", "other"):
            self.bridge.engine.refresh(name, ("any",))
        await self.quiet()
        for name in ("desk", "other"):
            self.bridge.engine.refresh(name, ("any",))
        await self.quiet()

    def heard(self, customer: str = "ann") -> list[str]:
        return [said.text for said in self.vendors.phones.get(customer, [])]

    async def do(self, function: Any) -> Any:
        assert self.bridge is not None
        return await self.bridge.store.write(function)


@pytest.fixture
async def scene(database_url: str, tmp_path: Path) -> AsyncIterator[TwoDesks]:
    made = TwoDesks(database_url, tmp_path)
    async with made.running():
        yield made


async def test_a_talk_goes_to_another_desk_and_back(scene: TwoDesks) -> None:
    await scene.says("ann", "where is my parcel?")
    await scene.quiet()
    scene.vendors.agent_says(scene.only_ticket, "let me see", who="bob")
    await scene.looked()
    scene.vendors.agent_says(scene.only_ticket, "#move other", private=True)
    await scene.looked()
    ((new, ticket),) = scene.second.tickets.items()
    opening, *rest = ticket.entries
    assert opening.who == "customer" and "where is my parcel?" in opening.text and "let me see" in opening.text
    assert opening.text.index("where is my parcel?") < opening.text.index("let me see")
    assert [one.who for one in rest] == ["note"] and "desk t2" in rest[0].text and "other" in rest[0].text
    assert any("goes on at other" in note for note in scene.vendors.notes(scene.only_ticket))

    await scene.says("ann", "hello?")
    await scene.quiet()
    assert scene.second.visible(new)[-1] == "hello?"
    assert "hello?" not in scene.vendors.visible(scene.only_ticket)
    scene.second.agent_says(new, "it is in Wuhan")
    await scene.looked()
    scene.second.agent_says(new, "#move desk", private=True)
    await scene.looked()
    assert len(scene.vendors.tickets) == 1, "the ticket that is still open is used again"
    back = scene.vendors.visible(scene.only_ticket)[-1]
    assert "hello?" in back and "it is in Wuhan" in back and "where is my parcel?" not in back
    await scene.says("ann", "thanks")
    await scene.quiet()
    assert scene.vendors.visible(scene.only_ticket)[-1] == "thanks"
    scene.vendors.agent_says(scene.only_ticket, "bye")
    await scene.looked()
    assert scene.heard() == ["let me see", "it is in Wuhan", "bye"]

    def rows(tx: Tx) -> list[tuple[str, str, str, int]]:
        mine = links.conversation_links(tx, "shop", "ann")
        found = handovers.handovers_of(tx, [link.id for link in mine])
        return [(row.from_account, row.to_account, row.why, row.term) for row in found]

    assert await scene.do(rows) == [("desk", "other", "command", 2), ("other", "desk", "command", 3)]


async def test_two_who_move_it_at_once_move_it_once(scene: TwoDesks) -> None:
    """Two agents in the same moment, and an admin whose page still shows it where it was."""
    await scene.says("ann", "hi")
    await scene.quiet()
    before = await scene.do(lambda tx: links.open_link(tx, "shop", "ann"))
    for who in ("bob", "eve"):
        scene.vendors.agent_says(scene.only_ticket, "#move other", private=True, who=who)
    await scene.looked()

    def again(tx: Tx) -> list[int]:
        assert scene.bridge is not None
        for link in (before, links.open_link(tx, "shop", "ann")):
            assert link is not None
            hand_over(Work(tx, scene.bridge.runtime, scene.clock()), link, "other", Cause("console"))
        mine = links.conversation_links(tx, "shop", "ann")
        return [row.term for row in handovers.handovers_of(tx, [link.id for link in mine])]

    assert await scene.do(again) == [2]
    assert len(scene.second.tickets) == 1
    notes = scene.vendors.notes(scene.only_ticket)
    assert len([note for note in notes if "goes on at other" in note]) == 1
    assert len([note for note in notes if "already" in note]) == 1


async def test_an_answer_on_the_old_ticket_waits_for_send(scene: TwoDesks) -> None:
    await scene.says("ann", "hi")
    await scene.quiet()
    scene.vendors.agent_says(scene.only_ticket, "#move other", private=True)
    await scene.looked()
    scene.vendors.agent_says(scene.only_ticket, "one more thing")
    await scene.looked()
    assert scene.heard() == []
    assert any(note.startswith("Not sent:") and "#send" in note for note in scene.vendors.notes(scene.only_ticket))
    for _ in range(2):
        scene.vendors.agent_says(scene.only_ticket, "#send", private=True)
        await scene.looked()
    assert scene.heard() == ["one more thing"]
    assert any(note == "There is nothing to do for #send." for note in scene.vendors.notes(scene.only_ticket))


async def test_answers_that_wait_on_both_sides_are_said_once_and_in_order(scene: TwoDesks) -> None:
    blocked = asyncio.Event()

    async def trouble(account: str, step: Step, phase: str) -> None:
        if account in {"shop", "desk"} and not blocked.is_set() and phase == "before" and step.verb in {"send", "note"}:
            raise Retryable("busy", code="503")

    await scene.says("ann", "hi")
    await scene.quiet()
    scene.vendors.trouble = trouble
    scene.vendors.agent_says(scene.only_ticket, "first")
    await scene.looked()
    scene.vendors.agent_says(scene.only_ticket, "#move other", private=True)
    await scene.looked()
    (new,) = scene.second.tickets
    assert "first (not delivered yet)" in scene.second.visible(new)[0]
    scene.second.agent_says(new, "second")
    await scene.looked()
    blocked.set()
    for _ in range(6):
        await scene.pass_time(31)
        await scene.quiet()
    assert scene.heard() == ["first", "second"]
    assert sum("goes on at other" in note for note in scene.vendors.notes(scene.only_ticket)) == 1


async def test_words_that_a_refusing_desk_did_not_get_go_to_the_next_one(scene: TwoDesks) -> None:
    def trouble(account: str, step: Step, phase: str) -> None:
        if account == "desk":
            raise Retryable("down", code="503")

    scene.vendors.trouble = trouble
    await scene.says("ann", "one")
    await scene.says("ann", "two")
    await scene.quiet()

    def fallback(tx: Tx) -> None:
        work = Work(tx, scene.bridge.runtime, scene.clock())  # type: ignore[union-attr]
        link = links.open_link(tx, "shop", "ann")
        assert link is not None
        fresh = hand_over(work, link, "other", Cause("fallback"))
        assert hand_over(work, link, "other", Cause("fallback")).id == link.id, "it went already"
        assert hand_over(work, fresh, "other", Cause("fallback")).id == fresh.id, "it has it already"

    await scene.do(fallback)
    await scene.pass_time(1)
    await scene.quiet()
    (new,) = scene.second.tickets
    transcript, *words = scene.second.visible(new)
    assert words == ["one", "two"]
    assert "one" not in transcript
    assert scene.vendors.tickets == {}


async def test_unknown_desks_are_named(scene: TwoDesks) -> None:
    await scene.says("ann", "hi")
    await scene.quiet()
    for order, said in (
        ("#move", "Known: desk, other"),
        ("#move nowhere", "Known: desk, other"),
        ("#move desk", "at desk already"),
        ("#bot", "No bot answers"),
    ):
        scene.vendors.agent_says(scene.only_ticket, order, private=True)
        await scene.looked()
        assert said in scene.vendors.notes(scene.only_ticket)[-1], order
    assert scene.second.tickets == {}


async def test_an_answer_that_waits_on_the_old_ticket_comes_back_with_it(scene: TwoDesks) -> None:
    await scene.says("ann", "hi")
    await scene.quiet()
    scene.vendors.agent_says(scene.only_ticket, "#move other", private=True)
    await scene.looked()
    scene.vendors.agent_says(scene.only_ticket, "one more thing")
    await scene.looked()
    (new,) = scene.second.tickets
    scene.second.agent_says(new, "#move desk", private=True)
    await scene.looked()
    scene.vendors.agent_says(scene.only_ticket, "#send", private=True)
    await scene.looked()
    assert scene.heard() == ["one more thing"]


@pytest.mark.parametrize("moved", [False, True])
async def test_an_answer_behind_a_refused_one_is_told_as_well(scene: TwoDesks, moved: bool) -> None:
    refused = [WindowClosed("over", code="45015")]

    def trouble(account: str, step: Step, phase: str) -> None:
        if account == "shop" and step.verb == "send" and refused:
            raise refused.pop()

    await scene.says("ann", "hi")
    await scene.quiet()
    scene.vendors.trouble = trouble
    scene.vendors.agent_says(scene.only_ticket, "one")
    await scene.looked()
    hall, ticket = scene.vendors, scene.only_ticket
    if moved:
        hall.agent_says(ticket, "#move other", private=True)
        await scene.looked()
        hall, (ticket,) = scene.second, scene.second.tickets
    hall.agent_says(ticket, "two")
    await scene.looked()
    await scene.pass_time(5)  # notes of the same kind are gathered for a moment
    await scene.looked()
    (note,) = [one for one in hall.notes(ticket) if one.startswith("Not delivered yet") and "> two" in one]
    assert "> one" not in note or not moved
    await scene.says("ann", "again")
    await scene.quiet()
    assert scene.heard() == ["one", "two"]


async def test_a_talk_that_went_on_before_it_arrived_is_told_once_and_in_order(scene: TwoDesks) -> None:
    """There and back and there again while the other desk takes nothing: one transcript each, with all of it."""

    def refuse(account: str, step: Step, phase: str) -> None:
        if account == "other":
            raise Retryable("down")

    async def move(to: str) -> None:
        def change(tx: Tx) -> None:
            work = Work(tx, scene.bridge.runtime, scene.clock())  # type: ignore[union-attr] # it runs
            hand_over(work, links.open_link(tx, "shop", "ann"), to, Cause("command"))  # type: ignore[arg-type] # as above

        await scene.do(change)
        scene.bridge.engine.loops.wake_dispatcher("desk")  # type: ignore[union-attr] # as above
        await scene.quiet()

    await scene.says("ann", "one")
    await scene.quiet()
    scene.second.trouble = refuse
    await move("other")
    for text in ("two", "three"):
        await scene.says("ann", text)
        await scene.quiet()
    await move("desk")
    back = [one.text for one in scene.vendors.tickets[scene.only_ticket].entries if one.who == "customer"]
    assert back[0] == "one" and back[1].split("\n")[1:] == ["(nothing was said yet)"] and back[2:] == ["two", "three"]
    await scene.says("ann", "four")
    await scene.quiet()
    await move("other")
    await scene.says("ann", "five")
    scene.second.trouble = None
    await scene.pass_time(minutes=2)
    await scene.quiet()
    await move("desk")
    await scene.says("ann", "six")
    await scene.quiet()
    await move("other")
    (ticket,) = scene.second.tickets.values()
    said = [one.text for one in ticket.entries if one.who == "customer"]
    lines = [
        line.rpartition(": ")[2] for text in said for line in text.split("\n") if not line.startswith("Conversation")
    ]
    assert lines == ["one", "two", "three", "four", "five", "six"]
    assert all(line.startswith("01-05 09:00 Customer: ") for line in said[0].split("\n")[1:])


async def test_an_answer_written_before_a_merge_goes_its_way(scene: TwoDesks) -> None:
    """An agent answers and merges the ticket at once: the bridge hears of the merge first, from a note it writes."""
    await scene.says("ann", "one")
    await scene.quiet()
    old = scene.only_ticket
    into = Ticket("t77", "ann")
    scene.vendors.tickets[into.id] = into
    scene.vendors.agent_says(old, "the answer", requester="ann")
    scene.vendors.set_status(old, "closed", into.id)
    scene.vendors.journal.pop()  # no word of that
    await scene.says("ann", "two")
    await scene.quiet()
    assert scene.vendors.visible(into.id) == ["two"]
    await scene.looked()
    assert scene.heard() == ["the answer"]
    await scene.says("ann", "three")
    await scene.quiet()
    assert scene.vendors.visible(into.id) == ["two", "three"]


async def test_a_transcript_has_the_agents_own_time(database_url: str, tmp_path: Path) -> None:
    """In the zone that is configured, which the transcript names."""
    scene = TwoDesks(database_url, tmp_path, bridge={"timezone": "Asia/Shanghai"})
    async with scene.running():
        await scene.says("ann", "where is my parcel?")
        await scene.quiet()
        scene.vendors.agent_says(scene.only_ticket, "#move other", private=True)
        await scene.looked()
        ((new, _),) = scene.second.tickets.items()
        (opening,) = scene.second.visible(new)
        assert opening == "Conversation so far (times in Asia/Shanghai):\n01-05 17:00 Customer: where is my parcel?"


async def test_words_on_their_way_to_a_finished_ticket_are_not_told_twice(scene: TwoDesks) -> None:
    """The conversation moves while they are being sent; the old ticket turns out to be closed. The transcript has them."""
    await scene.says("ann", "one")
    await scene.quiet()
    sending, moved = asyncio.Event(), asyncio.Event()

    async def late(account: str, step: Step, phase: str) -> None:
        if account == "desk" and step.body.get("texts") == ["two"] and phase == "before":
            sending.set()
            await moved.wait()
            scene.vendors.set_status(scene.only_ticket, "closed")

    scene.vendors.trouble = late
    await scene.says("ann", "two")
    await asyncio.wait_for(sending.wait(), 30)

    def change(tx: Tx) -> None:
        work = Work(tx, scene.bridge.runtime, scene.clock())  # type: ignore[union-attr] # it runs
        hand_over(work, links.open_link(tx, "shop", "ann"), "other", Cause("command"))  # type: ignore[arg-type] # as above

    await scene.do(change)
    moved.set()
    await scene.quiet()
    await scene.says("ann", "three")
    await scene.quiet()
    (ticket,) = scene.second.tickets.values()
    said = [
        line.rpartition(": ")[2] for one in ticket.entries if one.who == "customer" for line in one.text.split("\n")
    ]
    assert said[1:] == ["one", "two", "three"]
