"""What goes wrong elsewhere when bots and people share a conversation: fourteen public failures, a test for each.

The threads are named where each is tried.
"""

import asyncio
from pathlib import Path

import pytest

from bridge.contract import Retryable, Step, WindowClosed
from tests.engine.bot_harness import HINT, BotScene, Opened, whys


async def test_failure_01_the_bot_answers_whoever_holds_the_conversation(opened: Opened) -> None:
    """chatwoot/rasa-agent-bot-demo#12, RocketChat/hubot-natural#51: handed over, and it went on."""
    async with opened() as scene:
        await scene.customer("hi")
        await scene.customer("human")
        for text in ("hello?", "is anybody there?"):
            await scene.customer(text)
        assert len(scene.brain.asked) == 1 and len(scene.heard()) == 2
        assert scene.vendors.visible(scene.only_ticket)[1:] == ["human", "hello?", "is anybody there?"]


async def test_failure_02_one_turn_has_two_senders(opened: Opened) -> None:
    """fazer-ai/agents#158: the sentence of the hand-off, and the text of the same turn."""
    async with opened(bot={"handoff_text": "A person comes."}) as scene:
        scene.brain.answer = lambda text: {
            "text": "Let me get someone.",
            "verdict": "handoff",
            "summary": "parcel lost",
        }
        await scene.customer("my parcel is lost")
        assert scene.heard() == ["[Bot] Let me get someone.\nA person comes."]
        assert "The bot's summary: parcel lost" in scene.vendors.notes(scene.only_ticket)[-1]
        assert await whys(scene) == ["asked"]


async def test_failure_03_two_turns_do_not_know_of_each_other(opened: Opened) -> None:
    """fazer-ai/agents#49: what the customer adds meanwhile is one question."""
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


async def test_failure_04_a_colleague_answers_without_taking_it(opened: Opened) -> None:
    """fazer-ai/agents#433: an agent who just answers has it, also where nobody says who wrote."""
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


async def test_failure_04_the_bots_own_words_take_it_from_the_bot(opened: Opened) -> None:
    """evolution-foundation/evo-crm-community#82: its own answer came back as somebody's."""
    async with opened(bot={"show_as": "public"}) as scene:
        await scene.customer("hi")
        scene.look()
        await scene.collected()
        assert scene.vendors.visible(scene.only_ticket)[-1].startswith("Bot: "), "it stands there in public"
        await scene.customer("and now?")
        assert (await scene.link()).holder == "helper" and len(scene.brain.asked) == 2


async def test_failure_05_it_is_silent_after_the_hand_back(opened: Opened) -> None:
    """fazer-ai/agents#457, #452: what it was told for the human stretch stayed in its memory."""
    async with opened() as scene:
        scene.brain.answer = lambda text: {"text": f"re: {text}", "memory": "told-to-be-silent"}
        await scene.customer("hi")
        await scene.agent("I am here")
        await scene.customer("thanks")
        await scene.agent("#bot", private=True)
        await scene.customer("one more")
        assert scene.heard()[2:] == [f"[Bot] re: one more\n{HINT}"]
        assert scene.brain.asked[-1]["memory"] == "", "it begins anew"
        assert any("I am here" in line for line in scene.brain.asked[-1]["history"]), "and knows what people said"
        assert scene.brain.asked[-1]["who"]["id"] == scene.brain.asked[0]["who"]["id"]


async def test_failure_06_hand_off_works_only_once(opened: Opened) -> None:
    """RocketChat/Apps.Rasa#26, #20: the second time nobody came, and it was called a success."""
    async with opened() as scene:
        for number in (1, 2):
            await scene.customer("human")
            assert len([text for text in scene.heard() if "colleague" in text]) == number
            await scene.agent("#bot", private=True)
        assert await whys(scene) == ["words", "command", "words", "command"]


async def test_failure_07_errors_hand_over_in_a_circle(opened: Opened) -> None:
    """RocketChat/Apps.Dialogflow#41: returned by a person, it failed, and handed over, and was returned."""
    async with opened() as scene:

        def trouble(account: str, step: Step, phase: str) -> None:
            if account == "helper":
                raise Retryable("down", code="503")

        scene.vendors.trouble = trouble
        await scene.customer("hi")
        for _ in range(3):
            await scene.pass_time(1)
            await scene.quiet()
        assert await whys(scene) == ["failure"]
        await scene.agent("#bot", private=True)
        await scene.pass_time(40)
        await scene.quiet()
        assert await whys(scene) == ["failure", "command"], "nothing is asked again before the customer speaks"
        await scene.customer("and now?")
        for _ in range(3):
            await scene.pass_time(1)
            await scene.quiet()
        assert await whys(scene) == ["failure", "command", "failure"]
        assert scene.vendors.visible(scene.only_ticket) == ["hi", "#bot", "and now?"]


async def test_failure_08_bots_answer_bots_for_ever(opened: Opened) -> None:
    """nyaruka/courier#345, mattermost/mattermost#14460: texts with counters defeat "the same text"."""
    async with opened(bot={"max_turns": 100}) as scene:
        for number in range(14):
            await scene.customer(f"auto reply {number}")
        assert len(scene.brain.asked) == 10
        assert await whys(scene) == ["turns"]


async def test_failure_09_two_failures_reach_nobody(opened: Opened) -> None:
    """cskefu/cskefu#527, chaitin/PandaWiki#655: two doubts are enough."""
    async with opened() as scene:
        scene.brain.answer = lambda text: {"verdict": "nothing"}
        await scene.customer("blorp")
        assert scene.heard() == [
            '[Bot] I did not find that. Could you put it differently? For a person, write "agent".'
        ]
        await scene.customer("blorp!")
        assert await whys(scene) == ["doubt"]
        assert "colleague" in scene.heard()[1]


@pytest.mark.parametrize("words", ["人工", "转人工客服", "VIP 专线"])
async def test_failure_09_the_word_reaches_nobody(opened: Opened, words: str) -> None:
    """chaitin/PandaWiki#762, hanfangyuan4396/dify-on-wechat#37: 人工, and the operator's own words."""
    async with opened(bot={"people_when": ["vip 专线"], "handoff_text": "请稍候"}) as scene:
        await scene.customer(words)
        assert (await scene.link()).holder == "desk" and scene.brain.asked == [] and scene.heard() == ["请稍候"]


async def test_failure_10_it_wakes_up_in_a_persons_conversation(
    opened: Opened, database_url: str, tmp_path: Path
) -> None:
    """cleitonme/Whazing-SaaS#255: who held it was in memory, and the process began anew."""
    scene = BotScene(database_url, tmp_path)
    async with scene.running():
        await scene.customer("hi")
        await scene.agent("I am here")
    async with scene.running():
        await scene.customer("thanks")
        assert len(scene.brain.asked) == 1


async def test_failure_11_the_platform_takes_no_answer_because_a_person_has_the_session(opened: Opened) -> None:
    """langbot-app/LangBot#1547, #2068: WeCom's 95018. Nothing is repeated, and people know that somebody waits."""
    async with opened() as scene:
        sent: list[str] = []

        def trouble(account: str, step: Step, phase: str) -> None:
            if account == "shop" and phase == "before" and step.verb == "send":
                sent.append(step.body["text"])
                raise WindowClosed("the session is in state 3", code="95018")

        scene.vendors.trouble = trouble
        await scene.customer("hi")
        assert await whys(scene) == ["closed"]
        await scene.pass_time(minutes=10)
        await scene.quiet()
        assert sum("re: hi" in text for text in sent) == 1, "an answer that came to nothing is of no use later"
        scene.vendors.trouble = None
        await scene.customer("still there")
        assert len(scene.brain.asked) == 1 and scene.heard() == []
        assert "takes no answer now" in scene.vendors.notes(scene.only_ticket)[-1]


async def test_failure_12_a_hand_off_without_an_earlier_message_tells_nobody(opened: Opened) -> None:
    """stickerdaniel/saas-starter#684."""
    async with opened(bot={"ticket": "handoff"}) as scene:
        await scene.customer("人工")
        assert scene.vendors.visible(scene.only_ticket) == ["人工"]
        assert len(scene.vendors.notes(scene.only_ticket)) == 1


async def test_failure_13_a_conversation_that_the_bot_forgot(opened: Opened) -> None:
    """langgenius/dify#14893: its id goes along with the next question, and a new one takes its place."""
    async with opened() as scene:
        names = iter(["c-1", "c-1", "c-2", "c-2"])
        scene.brain.answer = lambda text: {"text": f"re: {text}", "memory": next(names)}
        for text in ("one", "two", "three", "four"):
            await scene.customer(text)
        assert [one["memory"] for one in scene.brain.asked] == ["", "c-1", "c-1", "c-2"]


async def test_failure_14_the_operator_must_honour_what_it_invented(opened: Opened) -> None:
    """Moffatt v. Air Canada, 2024 BCCRT 149: promises go to people."""
    async with opened() as scene:
        scene.brain.answer = lambda text: {"text": "You will get a full refund, I guarantee it."}
        await scene.customer("my flight was cancelled")
        assert await whys(scene) == ["filter"]
        assert not any("refund" in text for text in scene.heard())
