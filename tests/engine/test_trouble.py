"""What goes wrong, and what becomes of it."""

import asyncio
from typing import Any

from bridge.contract import AuthFailed, Rejected, Retryable, Step, Throttled, WindowClosed
from bridge.engine.conversation.notices import say
from tests.engine.engine_harness import Scene


def once(error: Exception, account: str, phase: str = "before", verb: str | None = None, times: int = 1) -> Any:
    """Trouble for the next deliveries of an account."""
    left = [times]

    def trouble(name: str, step: Step, when: str) -> None:
        if name == account and when == phase and (verb is None or step.verb == verb) and left[0] > 0:
            if verb is None and step.verb in {"find", "collect", "check", "fetch"}:
                return
            left[0] -= 1
            raise error

    return trouble


def phone(scene: Scene, customer: str = "anna") -> list[str]:
    return [said.text for said in scene.vendors.phones.get(customer, [])]


async def test_desk_down_then_up(scene: Scene) -> None:
    async with scene.running():
        scene.vendors.trouble = once(Retryable("refused"), "desk", times=8)
        for number in range(5):
            await scene.says("anna", f"line {number}")
        await scene.says("bert", "other")
        for _ in range(40):
            await scene.quiet()
            await scene.pass_time(60)
        assert sorted(map(tuple, (scene.vendors.visible(t) for t in scene.vendors.tickets))) == sorted(
            [tuple(f"line {number}" for number in range(5)), ("other",)]
        )


async def test_uncertain_but_it_took_effect_is_found_and_not_repeated(scene: Scene) -> None:
    async with scene.running():
        scene.vendors.trouble = once(Retryable("reset", certain=False), "desk", phase="after")
        await scene.says("anna", "hello")
        await scene.quiet()
        await scene.says("anna", "second")
        await scene.quiet()
        assert scene.vendors.visible(scene.only_ticket) == ["hello"]
        await scene.pass_time(31)
        await scene.quiet()
        assert scene.vendors.visible(scene.only_ticket) == ["hello", "second"]


async def test_uncertain_and_absent_is_sent_again(scene: Scene) -> None:
    async with scene.running():
        scene.vendors.trouble = once(Retryable("reset", certain=False), "desk")
        await scene.says("anna", "hello")
        await scene.quiet()
        assert scene.vendors.tickets == {}
        await scene.pass_time(31)
        await scene.quiet()
        assert scene.vendors.visible(scene.only_ticket) == ["hello"]


async def test_a_failing_look_keeps_it_unknown(scene: Scene) -> None:
    async with scene.running():
        scene.vendors.trouble = once(Retryable("reset", certain=False), "desk", phase="after")
        await scene.says("anna", "hello")
        await scene.quiet()
        scene.vendors.trouble = once(Retryable("busy"), "desk", verb="find", times=3)
        for _ in range(8):
            await scene.pass_time(60)
            await scene.quiet()
        assert scene.vendors.visible(scene.only_ticket) == ["hello"]
        await scene.says("anna", "second")
        await scene.quiet()
        assert scene.vendors.visible(scene.only_ticket) == ["hello", "second"]


async def answered(scene: Scene, *texts: str) -> None:
    """A customer wrote, an agent answers."""
    if not scene.vendors.tickets:
        await scene.says("anna", "hello")
        await scene.quiet()
    for text in texts:
        scene.vendors.agent_says(scene.only_ticket, text)
    scene.look()
    await scene.until(lambda: True)
    await scene.collected()
    await scene.quiet()


async def test_unknown_send_to_the_customer_is_held_and_told(scene: Scene) -> None:
    async with scene.running():
        scene.vendors.trouble = once(Retryable("reset", certain=False), "shop", phase="after")
        await answered(scene, "answer", "next")
        assert phone(scene) == ["answer", "next"]
        await scene.pass_time(3)  # answers that end alike within a moment share a note
        await scene.quiet()
        notes = scene.vendors.notes(scene.only_ticket)
        assert len(notes) == 1
        assert notes[0].startswith(say("en", "unconfirmed", channel="shop"))
        assert "answer" in notes[0]


async def test_retry_on_uncertain_when_asked_for(scene: Scene) -> None:
    scene.options["uncertain"] = "retry"
    async with scene.running():
        scene.vendors.trouble = once(Retryable("reset", certain=False), "shop", phase="after")
        await answered(scene, "answer")
        await scene.pass_time(31)
        await scene.quiet()
        assert phone(scene) == ["answer", "answer"]
        (note,) = scene.vendors.notes(scene.only_ticket)
        assert note.startswith(say("en", "delayed", channel="shop", code="Retryable"))


async def test_rejected_is_told_with_its_reason_and_the_lane_goes_on(scene: Scene) -> None:
    async with scene.running():
        error = Rejected("blocked", code="48002", reason={"en": "The customer refuses messages.", "zh": "拒收"})
        scene.vendors.trouble = once(error, "shop")
        await answered(scene, "one", "two")
        assert phone(scene) == ["two"]
        await scene.pass_time(3)
        await scene.quiet()
        (note,) = scene.vendors.notes(scene.only_ticket)
        assert "The customer refuses messages." in note and "one" in note


async def test_closed_window_holds_in_order_and_goes_on(scene: Scene) -> None:
    scene.vendors.replies = 5
    async with scene.running():
        for number in range(8):
            await answered(scene, f"a{number}")
            await scene.pass_time(6)  # with few replies left an answer waits a moment for the next
            await scene.quiet()
        assert phone(scene) == [f"a{number}" for number in range(5)]
        last, *held = scene.vendors.notes(scene.only_ticket)
        assert last.startswith("One reply is left")
        assert [note.partition("\n\n> ")[2] for note in held] == ["a5", "a6", "a7"]
        await scene.says("anna", "still there?")
        await scene.quiet()
        assert phone(scene) == [f"a{number}" for number in range(8)]
        assert scene.vendors.notes(scene.only_ticket) == [last, *held]
        await scene.pass_time(3)
        await scene.quiet()
        (went,) = scene.vendors.notes(scene.only_ticket)[4:]
        assert went.startswith("Sent meanwhile") and went.endswith("> a5\n> a6\n> a7")


async def test_the_platform_knows_better(scene: Scene) -> None:
    async with scene.running():
        scene.vendors.trouble = once(WindowClosed("over", code="45015"), "shop")
        await answered(scene, "one", "two")
        assert phone(scene) == []
        (note,) = scene.vendors.notes(scene.only_ticket)
        assert note.startswith(say("en", "window.over", channel="shop"))
        await scene.says("anna", "again")
        await scene.quiet()
        assert phone(scene) == ["one", "two"]


async def test_refused_credentials_pause_and_resume(scene: Scene) -> None:
    async with scene.running() as bridge:
        scene.vendors.trouble = lambda name, step, phase: (
            _raise(AuthFailed("401", code="401")) if name == "shop" else None
        )
        await answered(scene, "one", "two")
        assert phone(scene) == []
        (note,) = scene.vendors.notes(scene.only_ticket)
        assert note.startswith(say("en", "paused", channel="shop", code="401"))
        await bridge.engine.timetable.check_paused()
        assert phone(scene) == []
        scene.vendors.trouble = None
        await scene.pass_time(20)
        await bridge.engine.timetable.check_paused()
        await scene.quiet()
        assert phone(scene) == ["one", "two"]


def _raise(error: Exception) -> None:
    raise error


async def test_throttled_waits_as_told(scene: Scene) -> None:
    async with scene.running():
        scene.vendors.trouble = once(Throttled("slow down", retry_after=60), "desk")
        await scene.says("anna", "hello")
        await scene.quiet()
        await scene.pass_time(30)
        await scene.quiet()
        assert scene.vendors.tickets == {}
        await scene.pass_time(40)
        await scene.quiet()
        assert scene.vendors.visible(scene.only_ticket) == ["hello"]


async def test_quarantine_lets_the_next_pass_and_can_be_replayed(scene: Scene) -> None:
    async with scene.running() as bridge:
        await scene.says("anna", "bad", broken=True)
        await scene.says("anna", "buggy", bug=True)
        await scene.says("anna", "good")
        await scene.quiet()
        assert scene.vendors.visible(scene.only_ticket) == ["good"]
        from mappings import inbox

        rows = await bridge.store.read(inbox.quarantined)
        assert [row.error for row in rows] == ["cannot be read", "bug in shop: KeyError: 'a bug'"]


async def test_a_closed_ticket_is_followed_by_a_new_one(scene: Scene) -> None:
    async with scene.running():
        await scene.says("anna", "first")
        await scene.quiet()
        scene.vendors.tickets[scene.only_ticket].status = "closed"  # the bridge has not heard of it
        await scene.says("anna", "second")
        await scene.says("anna", "third")
        await scene.quiet()
        old, new = scene.vendors.tickets.values()
        assert [entry.text for entry in old.entries] == ["first"]
        assert new.previous == old.id
        assert scene.vendors.visible(new.id) == ["second", "third"]
        scene.vendors.agent_says(new.id, "answer")
        scene.look()
        await scene.until(lambda: phone(scene) == ["answer"])


async def test_a_merged_ticket_is_followed(scene: Scene) -> None:
    async with scene.running():
        await scene.says("anna", "first")
        await scene.quiet()
        from tests.engine.fakes import Ticket

        first = scene.only_ticket
        scene.vendors.tickets["t99"] = Ticket("t99", "")
        scene.vendors.tickets[first].moved_to = "t99"
        await scene.says("anna", "second")
        await scene.quiet()
        assert scene.vendors.visible("t99") == ["second"]
        scene.vendors.agent_says("t99", "answer")
        scene.look()
        await scene.until(lambda: phone(scene) == ["answer"])


async def test_solved_is_reopened_within_the_time_and_followed_after(scene: Scene) -> None:
    async with scene.running():
        await scene.says("anna", "first")
        await scene.quiet()
        scene.vendors.set_status(scene.only_ticket, "solved")
        scene.look()
        await scene.collected()
        await scene.quiet()
        await scene.says("anna", "second")
        await scene.quiet()
        assert scene.vendors.visible(scene.only_ticket) == ["first", "second"]
        scene.vendors.set_status(scene.only_ticket, "solved")
        scene.look()
        await scene.collected()
        await scene.quiet()
        await scene.pass_time(days=8)
        await scene.says("anna", "third")
        await scene.quiet()
        old, new = scene.vendors.tickets.values()
        assert new.previous == old.id and scene.vendors.visible(new.id) == ["third"]


async def test_an_answer_on_a_ticket_whose_number_is_not_known_yet_waits(scene: Scene) -> None:
    async with scene.running():
        scene.vendors.trouble = once(Retryable("reset", certain=False), "desk", phase="after")
        await scene.says("anna", "hello")
        await scene.quiet()
        scene.vendors.agent_says(scene.only_ticket, "good day")
        scene.vendors.agent_says(scene.only_ticket, "what is it about?")
        scene.look()
        for _ in range(3):
            assert "anna" not in scene.vendors.phones
            await asyncio.sleep(0.2)
        await scene.pass_time(31)
        await asyncio.sleep(0.5)
        await scene.pass_time(3)
        await scene.until(lambda: len(scene.vendors.phones.get("anna", [])) == 2)
        await scene.quiet()
        assert [said.text for said in scene.vendors.phones["anna"]] == ["good day", "what is it about?"]


async def test_a_delivery_that_outlasts_its_lease_is_still_the_only_one(scene: Scene) -> None:
    async with scene.running() as bridge:
        await scene.says("anna", "hello")
        await scene.quiet()
        begun, go_on = asyncio.Event(), asyncio.Event()

        def trouble(name: str, step: Step, when: str) -> Any:
            async def slow() -> None:
                begun.set()
                await go_on.wait()

            return slow() if name == "shop" and when == "before" else None

        scene.vendors.trouble = trouble
        scene.vendors.agent_says(scene.only_ticket, "good day")
        scene.look()
        await asyncio.wait_for(begun.wait(), 5)
        for seconds in (50, 50, 200):  # renewed twice, then the machine slept for longer than a lease
            await scene.pass_time(seconds)
            if seconds == 50:
                await bridge.engine.timetable.renew()  # type: ignore[union-attr] # the engine is there while it runs
            await asyncio.sleep(0.05)
        scene.vendors.trouble = None
        go_on.set()
        await scene.quiet()
        assert phone(scene) == ["good day"]
        (note,) = scene.vendors.notes(scene.only_ticket)
        assert note.startswith("Waiting: ")  # never that nobody knows


async def test_a_ticket_that_closes_while_something_is_on_its_way_there_is_followed_in_order(scene: Scene) -> None:
    async with scene.running():
        await scene.says("anna", "first")
        await scene.quiet()
        old = scene.only_ticket
        scene.vendors.trouble = once(Retryable("reset", certain=False), "desk")
        await scene.says("anna", "second")
        await scene.quiet()
        scene.vendors.set_status(old, "closed")
        scene.look()
        await scene.collected()
        await scene.quiet()
        await scene.says("anna", "third")
        await scene.quiet()
        for _ in range(3):
            await scene.pass_time(31)
            await scene.quiet()
        (new,) = [name for name in scene.vendors.tickets if name != old]
        assert scene.vendors.visible(old) == ["first"]
        assert scene.vendors.visible(new) == ["second", "third"]
        await scene.says("anna", "fourth")
        await scene.quiet()
        assert scene.vendors.visible(new) == ["second", "third", "fourth"] and len(scene.vendors.tickets) == 2


async def test_what_a_connector_says_of_an_error_can_be_stored(scene: Scene) -> None:
    """PostgreSQL takes neither NUL nor half a character; such a step must end like any other."""
    async with scene.running():
        await scene.says("anna", "hello")
        await scene.quiet()
        scene.vendors.trouble = once(Rejected("no\0 \ud83d", code="4\0", reason={"en": "bad\0 word"}), "shop")
        scene.vendors.agent_says(scene.only_ticket, "answer")
        scene.look()
        await scene.collected()
        await scene.quiet()
        await scene.pass_time(3)
        await scene.quiet()
        (note,) = scene.vendors.notes(scene.only_ticket)
        assert note.startswith("Not delivered: bad\ufffd word")
