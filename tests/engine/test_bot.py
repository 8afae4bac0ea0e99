"""A bot first, people after: who speaks, in which term, and what it may cost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bridge.contract import Retryable, Step
from mappings import handovers, state, turns
from mappings.store import Tx
from tests.engine.bot_harness import BotScene

Opened = Callable[..., AbstractAsyncContextManager[BotScene]]
HINT = '(Automatic answer. For a person, write "agent".)'


@pytest.fixture
def opened(database_url: str, tmp_path: Path) -> Opened:
    @asynccontextmanager
    async def open_it(**options: Any) -> AsyncIterator[BotScene]:
        scene = BotScene(database_url, tmp_path, **options)
        async with scene.running():
            yield scene

    return open_it


async def whys(scene: BotScene) -> list[str]:
    link = await scene.link()

    def rows(tx: Tx) -> list[str]:
        return [row.why for row in handovers.handovers_of(tx, [link.id])]

    assert scene.bridge is not None
    return await scene.bridge.store.read(rows)


async def test_the_bot_answers_and_the_ticket_shows_it(opened: Opened) -> None:
    async with opened() as scene:
        await scene.customer("when do you open?")
        assert scene.heard() == [f"[Bot] re: when do you open?\n{HINT}"]
        assert scene.vendors.visible(scene.only_ticket) == ["when do you open?"]
        assert scene.vendors.notes(scene.only_ticket) == [f"Bot: {scene.heard()[0]}"]
        await scene.customer("and on sunday?")
        assert scene.heard()[1:] == ["[Bot] re: and on sunday?"], "how to reach a person is said once"
        assert scene.brain.asked[1]["history"][0] == "customer: when do you open?"
        assert "re: when do you open?" in scene.brain.asked[1]["history"][1]
        assert (await scene.link()).holder == "helper"


@pytest.mark.parametrize("words", ["人工", "转人工！", "can I speak to a human?", "我要投诉你们", "agent"])
async def test_words_bring_a_person_and_the_bot_is_not_asked(opened: Opened, words: str) -> None:
    async with opened() as scene:
        await scene.customer("hi")
        await scene.customer(words)
        assert len(scene.brain.asked) == 1
        assert scene.heard()[1:] == [
            "正在为您转接人工客服，请稍候。"
            if words[0] > "z"
            else "I am handing you over to a colleague. One moment, please."
        ]
        link = await scene.link()
        assert (link.holder, link.term) == ("desk", 2)
        note = scene.vendors.notes(scene.only_ticket)[-1]
        assert "from helper to desk: the customer asks for a person" in note and "hi" in note
        await scene.customer("hello?")
        assert len(scene.brain.asked) == 1, "once people hold it the bot is not asked, not even beside"
        assert len(scene.heard()) == 2


async def test_an_agent_who_answers_takes_the_conversation(opened: Opened) -> None:
    """Public failures 1 and 4: the bot spoke over a person (chatwoot/rasa-agent-bot-demo#12, fazer-ai/agents#433)."""
    async with opened() as scene:
        await scene.customer("hi")
        await scene.agent("a note", private=True)
        assert (await scene.link()).holder == "helper", "a private note does not take it"
        await scene.agent("Ann, this is Bob")
        await scene.customer("thanks")
        assert (await scene.link()).holder == "desk"
        assert scene.heard()[1:] == ["Ann, this is Bob"]
        await scene.agent("#bot", private=True)
        await scene.customer("one more")
        assert (await scene.link()).holder == "helper"
        assert scene.heard()[2:] == [f"[Bot] re: one more\n{HINT}"], "public failure 5: silence after hand-back"
        assert any("Ann, this is Bob" in line for line in scene.brain.asked[-1]["history"])


async def test_an_answer_that_comes_after_the_take_over_is_dropped(opened: Opened) -> None:
    async with opened() as scene:
        gate = asyncio.Event()
        await scene.customer("hi")

        async def slow() -> dict[str, str]:
            await gate.wait()
            return {"text": "too late"}

        scene.brain.answer = lambda text: slow()
        await scene.says("ann", "question")
        await scene.until(lambda: len(scene.brain.asked) == 2)
        scene.vendors.agent_says(scene.only_ticket, "I am here")
        scene.look()
        await scene.until(lambda: "I am here" in scene.heard())
        gate.set()
        await scene.quiet()
        assert not any("too late" in text for text in scene.heard())


async def test_what_the_customer_adds_is_one_turn(opened: Opened) -> None:
    """Public failure 3: two turns that do not know of each other (fazer-ai/agents#49)."""
    async with opened() as scene:
        gates = [asyncio.Event(), asyncio.Event()]

        async def slow(text: str, number: int) -> dict[str, str]:
            await gates[number].wait()
            return {"text": f"re: {text}"}

        scene.brain.answer = lambda text: slow(text, len(scene.brain.asked) - 1)
        await scene.says("ann", "one")
        await scene.until(lambda: len(scene.brain.asked) == 1)
        await scene.says("ann", "two")
        await scene.until(lambda: "two" in str(scene.vendors.tickets))
        for gate in gates:
            gate.set()
        await scene.quiet()
        assert [one["texts"] for one in scene.brain.asked] == [["one"], ["one", "two"]]
        assert scene.heard() == [f"[Bot] re: one\ntwo\n{HINT}"]


async def test_hand_off_and_text_are_one_message(opened: Opened) -> None:
    """Public failure 2: one turn, two senders (fazer-ai/agents#158)."""
    async with opened(bot={"handoff_text": "A person comes."}) as scene:
        scene.brain.answer = lambda text: {
            "text": "Let me get someone.",
            "verdict": "handoff",
            "summary": "parcel lost",
        }
        await scene.customer("my parcel is lost")
        assert scene.heard() == ["Let me get someone.\nA person comes."]
        assert "The bot's summary: parcel lost" in scene.vendors.notes(scene.only_ticket)[-1]
        assert await whys(scene) == ["asked"]


async def test_hand_off_works_the_second_time(opened: Opened) -> None:
    """Public failures 6 and 7 (RocketChat/Apps.Rasa#26, Apps.Dialogflow#41)."""
    async with opened() as scene:
        for number in (1, 2):
            await scene.customer("human")
            assert len([text for text in scene.heard() if "colleague" in text]) == number
            await scene.agent("#bot", private=True)
        assert await whys(scene) == ["words", "command", "words", "command"]


async def test_doubts_lead_to_people(opened: Opened) -> None:
    """Public failure 9: two failures should reach a person (cskefu/cskefu#527)."""
    async with opened() as scene:
        scene.brain.answer = lambda text: {"verdict": "nothing"}
        await scene.customer("blorp")
        assert scene.heard() == [
            '[Bot] I did not find that. Could you put it differently? For a person, write "agent".'
        ]
        await scene.customer("blorp!")
        assert await whys(scene) == ["doubt"]
        assert "colleague" in scene.heard()[1]


async def test_a_machine_that_answers_the_bot_is_stopped(opened: Opened) -> None:
    """Public failure 8: bots that answer bots, for ever and at token price (nyaruka/courier#345)."""
    async with opened(bot={"max_turns": 100}) as scene:
        for number in range(14):
            await scene.customer(f"auto reply {number}")
        assert len(scene.brain.asked) == 10
        assert await whys(scene) == ["turns"]


@pytest.mark.parametrize(
    ("bot", "why"),
    [({"max_turns": 2}, "turns"), ({"max_tokens": 100}, "money"), ({"max_tokens_day": 100}, "money")],
)
async def test_limits_lead_to_people(opened: Opened, bot: dict[str, int], why: str) -> None:
    async with opened(bot=bot) as scene:
        scene.brain.answer = lambda text: {"text": "ok", "tokens": 60}
        for number in range(3):
            await scene.customer(f"question {number}")
        assert len(scene.brain.asked) == 2
        assert await whys(scene) == [why]


async def test_replies_are_kept_for_people(opened: Opened) -> None:
    async with opened(bot={"reserve": 4}) as scene:
        scene.vendors.replies = 5
        scene.brain.answer = lambda text: {"text": "word " * 400}
        await scene.customer("tell me all")
        (said,) = scene.heard()
        assert len(said) < 700
        assert scene.vendors.left["ann"] == 4


async def test_a_failing_bot_hands_over_and_its_breaker_spares_the_next_ones(opened: Opened) -> None:
    async with opened() as scene:

        def trouble(account: str, step: Step, phase: str) -> None:
            if account == "helper":
                raise Retryable("down", code="503")

        scene.vendors.trouble = trouble
        for number in range(6):
            await scene.says(f"customer-{number}", "hi")
        await scene.quiet()
        for _ in range(4):
            await scene.pass_time(1)
            await scene.quiet()
        assert len(scene.vendors.tickets) == 6
        for number in range(6):
            assert (await scene.link(f"customer-{number}")).holder == "desk", number
        scene.vendors.trouble = None
        await scene.says("late", "hi")
        await scene.quiet()
        assert (await scene.link("late")).holder == "desk", "it is not asked while it rests"
        await scene.pass_time(60)
        await scene.customer("hi again", "later")
        assert (await scene.link("later")).holder == "helper"
        assert len(scene.heard("later")) == 1


async def test_a_bot_that_never_answers_is_given_up(opened: Opened) -> None:
    async with opened() as scene:
        never = asyncio.Event()

        async def hang() -> dict[str, str]:
            await never.wait()
            return {"text": "too late"}

        scene.brain.answer = lambda _: hang()
        await scene.says("ann", "hi")
        await scene.until(lambda: scene.brain.asked)
        await scene.pass_time(40)
        await scene.until(scene.heard)
        assert (await scene.link()).holder == "desk"
        never.set()
        await scene.quiet()
        assert len(scene.heard()) == 1


async def test_a_paused_bot_gives_back_what_it_holds(opened: Opened) -> None:
    async with opened() as scene:
        await scene.customer("hi")
        assert scene.bridge is not None
        await scene.bridge.store.write(state.pause, "helper", "by an admin", scene.clock())
        await scene.customer("are you there?")
        assert await whys(scene) == ["paused"]
        await scene.customer("new", "bob")
        assert (await scene.link("bob")).holder == "desk"
        assert len(scene.brain.asked) == 1


async def test_the_ticket_is_made_at_the_hand_over(opened: Opened) -> None:
    async with opened(bot={"ticket": "handoff"}) as scene:
        await scene.customer("when do you open?")
        assert scene.vendors.tickets == {}
        await scene.customer("a human, please")
        ((_, ticket),) = scene.vendors.tickets.items()
        opening, *rest = [entry.text for entry in ticket.entries if entry.who == "customer"]
        assert "when do you open?" in opening and "re: when do you open?" in opening
        assert rest == ["a human, please"]
        await scene.customer("hello?")
        assert scene.vendors.visible(scene.only_ticket)[-1] == "hello?"


async def test_a_hand_over_before_anything_was_answered_is_a_ticket(opened: Opened) -> None:
    """Public failure 12: a hand-off with no earlier message told nobody (stickerdaniel/saas-starter#684)."""
    async with opened(bot={"ticket": "handoff"}) as scene:
        await scene.customer("人工")
        assert scene.vendors.visible(scene.only_ticket) == ["人工"]
        assert len(scene.vendors.notes(scene.only_ticket)) == 1


async def test_a_suggestion_costs_nothing_until_it_is_sent(opened: Opened) -> None:
    async with opened(bot={"mode": "suggest"}) as scene:
        await scene.customer("when do you open?")
        assert scene.heard() == []
        assert scene.vendors.notes(scene.only_ticket)[-1].startswith("Suggested answer")
        await scene.customer("tell me")
        await scene.agent("#send", private=True)
        await scene.agent("#send", private=True)
        assert scene.heard() == ["re: tell me"], "the newest one, once, as the agent's own words"


async def test_a_shadow_is_never_sent(opened: Opened) -> None:
    async with opened(bot={"mode": "shadow"}) as scene:
        await scene.customer("when do you open?")
        assert scene.vendors.notes(scene.only_ticket)[-1] == "The bot would have said (answer):\nre: when do you open?"
        await scene.agent("#send", private=True)
        assert scene.heard() == []


async def test_a_bot_learns_nothing_of_who_it_is(opened: Opened) -> None:
    async with opened() as scene:
        await scene.customer("hi", who="openid-ann")
        told = str(scene.brain.asked[0])
        assert "openid-ann" not in told and "Customer" not in told


async def test_held_back_answers_go_to_people(opened: Opened) -> None:
    """Public failure 14: the operator must honour what its bot invented (Moffatt v. Air Canada)."""
    async with opened() as scene:
        scene.brain.answer = lambda text: {"text": "You will get a full refund, I guarantee it."}
        await scene.customer("my flight was cancelled")
        assert await whys(scene) == ["filter"]
        assert not any("refund" in text for text in scene.heard())


async def test_who_holds_it_survives_a_restart(opened: Opened, database_url: str, tmp_path: Path) -> None:
    """Public failure 10: the bot wakes up in the middle of a person's conversation (cleitonme/Whazing-SaaS#255)."""
    scene = BotScene(database_url, tmp_path)
    async with scene.running():
        await scene.customer("hi")
        await scene.agent("I am here")
    async with scene.running():
        await scene.customer("thanks")
        assert len(scene.brain.asked) == 1


async def test_turns_are_counted_without_their_text(opened: Opened) -> None:
    async with opened() as scene:
        scene.brain.answer = lambda text: {"text": "ok", "tokens": 7}
        await scene.customer("hi")
        assert scene.bridge is not None
        (turn,) = await scene.bridge.store.read(turns.latest_turns, "helper")
        assert (turn.state, turn.verdict, turn.tokens, turn.mode) == ("answered", "answer", 7, "first")
