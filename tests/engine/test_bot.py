"""A bot first, people after: who speaks, in which term, and what it may cost."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, event, update

from bridge.app import Bridge
from bridge.contract import Retryable, Scope, Step, Throttled
from bridge.engine.conversation.holding import hold_back
from bridge.engine.inbound.polling import check_paused
from bridge.privacy.erasing import erase
from bridge.telemetry import metrics
from mappings import links, state, turns
from mappings.holder_tables import BotTurn
from mappings.sql import table
from mappings.store import Tx
from mappings.tables import Inbox
from tests.databases import sqlite_database
from tests.engine.bot_harness import HINT, BotScene, Opened, whys
from tests.engine.engine_harness import Scene
from tests.engine.fakes import FakeChannel, Ticket


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


async def test_what_a_bot_says_it_cost_cannot_fill_or_empty_its_budget(opened: Opened) -> None:
    """No column takes such numbers, and a negative one would give back what was spent."""
    async with opened(bot={"max_tokens_day": 100}) as scene:
        for tokens in (60, -(10**30), 10**30, 1):
            said = {"text": "ok", "tokens": tokens}
            scene.brain.answer = lambda _, answer=said: answer  # type: ignore[misc] # bound as it is now
            await scene.customer(f"question {tokens}")
        assert scene.bridge is not None
        found = await scene.bridge.store.read(lambda tx: [row.tokens for row in tx.execute(table(BotTurn).select())])
        assert found == [60, 0, 2**31 - 1]
        assert len(scene.brain.asked) == 3 and (await scene.link("ann")).holder == "desk"


async def test_replies_are_kept_for_people(opened: Opened) -> None:
    async with opened(bot={"reserve": 4}) as scene:
        scene.vendors.replies = 5
        scene.brain.answer = lambda text: {"text": "word " * 400}
        await scene.customer("tell me all")
        (said,) = scene.heard()
        assert len(said.partition("\nAll of it")[0]) <= len("[Bot] ") + 600
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


async def test_a_suggestion_costs_nothing_until_it_is_sent(opened: Opened) -> None:
    async with opened(bot={"mode": "suggest"}) as scene:
        await scene.customer("when do you open?")
        assert scene.heard() == []
        assert scene.vendors.notes(scene.only_ticket)[-1].startswith("Suggested answer")
        await scene.customer("tell me")
        await scene.agent("#send", private=True)
        await scene.agent("#send", private=True)
        assert scene.heard() == ["re: tell me"], "the newest one, once, as the agent's own words"


async def test_a_bot_without_money_rests_though_its_check_is_well(opened: Opened) -> None:
    async with opened() as scene:
        assert scene.bridge is not None
        error = Throttled("no money is left", retry_after=3600, scope=Scope.ACCOUNT, code="insufficient_quota")

        def broke(text: str) -> Any:
            raise error

        scene.brain.answer = broke
        await scene.customer("when do you open?")
        assert (await scene.link()).holder == "desk"
        assert await check_paused(scene.bridge.store, scene.bridge.runtime) == []
        await scene.customer("and you?", who="bob")
        assert len(scene.brain.asked) == 1 and (await scene.link("bob")).holder == "desk"
        scene.brain.answer = lambda text: {"text": "at nine"}
        await scene.pass_time(3700)
        await scene.quiet()
        await scene.customer("hello", who="eve")
        assert "at nine" in scene.heard("eve")[0], "an hour later it is asked again"


async def test_an_agent_changes_what_was_suggested(opened: Opened) -> None:
    async with opened(bot={"mode": "suggest"}) as scene:
        await scene.customer("when do you open?")
        await scene.agent("＃send We open at ten,\nnot at nine.", private=True)
        await scene.agent("#send", private=True)
        await scene.agent("#send once more", private=True)
        assert scene.heard() == ["We open at ten,\nnot at nine."], "neither the bot's words, nor twice"
        notes = scene.vendors.notes(scene.only_ticket)
        assert "Sending your words instead:\nWe open at ten,\nnot at nine." in notes
        assert sum("nothing" in note.lower() for note in notes) == 2


async def test_a_suggestion_ends_with_the_agent_who_had_it(opened: Opened) -> None:
    """The conversation goes to another desk: what was suggested at the old one is nobody's answer any more."""
    async with opened(bot={"mode": "suggest"}, other=True) as scene:
        await scene.customer("when do you open?")
        old = scene.only_ticket
        await scene.agent("#move other", private=True)
        scene.vendors.agent_says(old, "#send", private=True)
        scene.look()
        await scene.collected()
        await scene.quiet()
        assert scene.heard() == []


async def test_a_suggestion_for_a_closed_window_waits(opened: Opened) -> None:
    async with opened(bot={"mode": "suggest"}) as scene:
        scene.vendors.replies = 1
        await scene.customer("when do you open?")
        await scene.agent("one moment")
        await scene.agent("#send", private=True)
        assert scene.heard() == ["one moment"]
        await scene.customer("hello?")
        assert scene.heard()[1:] == ["re: when do you open?"], "in the window that the customer opened"


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


async def test_turns_are_counted_without_their_text(opened: Opened) -> None:
    async with opened() as scene:
        scene.brain.answer = lambda text: {"text": "ok", "tokens": 7}
        await scene.customer("hi")
        assert scene.bridge is not None
        (turn,) = await scene.bridge.store.read(turns.latest_turns, "helper")
        assert (turn.state, turn.verdict, turn.tokens, turn.mode) == ("answered", "answer", 7, "first")


@asynccontextmanager
async def page_client(bridge: Bridge) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(bridge.app())
    async with httpx.AsyncClient(transport=transport, base_url="https://bridge.example.com") as client:
        yield client


@pytest.mark.parametrize("longest", [None, 260])
async def test_a_long_answer_is_one_message_with_a_link_to_all_of_it(opened: Opened, longest: int | None) -> None:
    async with opened(bot={"max_chars": 80, "hours": "always"}) as scene:
        scene.channel_class.capabilities = FakeChannel.capabilities.model_copy(update={"max_text_bytes": longest})
        whole = "第一句话。1 < 2，第二句话。\n\n" + "后面还有很多内容。" * 30
        scene.brain.answer = lambda _: {"text": whole}
        await scene.customer("都有什么？")
        (said,) = scene.heard()
        assert said.startswith("【智能助手】第一句话。1 < 2，第二句话。")
        found = re.search(r"查看全文：https://bridge.example.com(/answers/\S+)", said)
        assert found is not None and len(said.encode()) <= (longest or 600)
        assert scene.bridge is not None
        async with page_client(scene.bridge) as client:
            page = await client.get(found[1])
            assert page.status_code == 200 and 'lang="zh-CN"' in page.text
            assert "1 &lt; 2，第二句话。" in page.text and page.text.count("后面还有很多内容。") == 30
            assert "script" not in page.text and "default-src 'none'" in page.headers["content-security-policy"]
            assert (await client.get(found[1][:-1] + "x")).status_code == 404
            assert (await client.get("/answers/1.2.3")).status_code == 404
            often = [await client.get(found[1], headers={"accept-language": "zh-CN"}) for _ in range(25)]
            assert often[-1].status_code == 429 and "请稍后再试" in often[-1].text and often[-1].headers["retry-after"]
            scene.clock.advance(days=8)
            late = await client.get(found[1], headers={"accept-language": "zh-CN"})
            assert late.status_code == 404 and "链接已失效" in late.text


async def test_the_page_of_an_answer_goes_with_its_payload(opened: Opened) -> None:
    async with opened(bot={"max_chars": 40}) as scene:
        scene.brain.answer = lambda _: {"text": "A long answer. " * 9}
        await scene.customer("tell me")
        found = re.search(r"(/answers/\S+)", scene.heard()[0])
        assert found is not None and scene.bridge is not None

        def forget(tx: Tx) -> None:
            tx.execute(update(table(Inbox)).values(payload=None))

        await scene.bridge.store.write(forget)
        async with page_client(scene.bridge) as client:
            assert (await client.get(found[1])).status_code == 404


async def test_the_page_of_an_answer_goes_with_its_customer(opened: Opened) -> None:
    async with opened(bot={"max_chars": 40}) as scene:
        scene.brain.answer = lambda _: {"text": "A long answer. " * 9}
        await scene.customer("tell me")
        found = re.search(r"(/answers/\S+)", scene.heard()[0])
        assert found is not None and scene.bridge is not None
        async with page_client(scene.bridge) as client:
            assert (await client.get(found[1])).status_code == 200
            await erase(scene.bridge, "ann", "test")
            assert (await client.get(found[1])).status_code == 404


async def test_no_link_where_none_is_wanted(opened: Opened) -> None:
    async with opened(bot={"max_chars": 40, "longer": "shorten"}) as scene:
        scene.brain.answer = lambda _: {"text": "A long answer. " * 9, "verdict": "handoff"}
        await scene.customer("tell me")
        assert "/answers/" not in scene.heard()[0] and "handing you over" in scene.heard()[0]


async def test_what_is_masked_is_not_told_and_comes_back(opened: Opened) -> None:
    async with opened(bot={"mask": ["phone", "mail"]}) as scene:
        scene.brain.answer = lambda text: {"text": f"I have {text.partition(' is ')[2]}"}
        await scene.customer("my number is 13800138000")
        await scene.customer("and ann@example.com")
        told = str([{key: one[key] for key in ("texts", "history")} for one in scene.brain.asked])
        assert "[phone " in told and "[mail " in told and "13800138000" not in told and "ann@example.com" not in told
        assert "I have 13800138000" in scene.heard()[0]


async def test_a_bot_asks_first_where_the_route_says_so(opened: Opened) -> None:
    async with opened(bot={"consent": "ask"}) as scene:
        await scene.customer("when do you open?")
        assert scene.brain.asked == [] and 'Write "yes" to agree' in scene.heard()[0]
        await scene.customer("Yes!")
        assert [one["texts"] for one in scene.brain.asked] == [["when do you open?"]], "the yes is no question"
        await scene.customer("and on sunday?")
        assert len(scene.brain.asked) == 2 and len(scene.heard()) == 3, "asked once"
        await scene.customer("when do you open?", "bob")
        await scene.customer("why?", "bob")
        assert len(scene.brain.asked) == 2 and (await scene.link("bob")).holder == "desk"
        await scene.customer("hello", "eve")
        await scene.pass_time(minutes=11)
        await scene.quiet()
        assert len(scene.brain.asked) == 2 and (await scene.link("eve")).holder == "desk", "silence is no yes"


async def test_whoever_wants_no_bot_has_none_any_more(opened: Opened) -> None:
    async with opened() as scene:
        await scene.customer("hi")
        await scene.customer("I don't want a bot")
        assert (await whys(scene))[-1] == "refused"
        scene.vendors.set_status(scene.only_ticket, "closed")
        scene.look()
        await scene.collected()
        await scene.customer("it is me again")
        assert (await scene.link()).holder == "desk" and len(scene.brain.asked) == 1


async def test_a_bot_says_nothing_while_an_admin_holds_answers_back(opened: Opened) -> None:
    async with opened() as scene:
        await scene.customer("hi")
        link = await scene.link()
        assert scene.bridge is not None and scene.bridge.engine is not None
        await scene.bridge.engine.act(lambda work: hold_back(work, links.get_link(work.tx, link.id), "eve"))
        await scene.customer("are you there?")
        assert await whys(scene) == ["held"]
        assert len(scene.heard()) == len(scene.brain.asked) == 1


async def test_the_time_of_answers_is_measured(opened: Opened) -> None:
    def counted() -> float:
        (family,) = metrics.bot_seconds.collect()
        return sum(one.value for one in family.samples if one.name.endswith("_count"))

    before = counted()
    async with opened() as scene:
        await scene.customer("hi")
    assert counted() == before + 1


async def test_what_is_said_after_a_hand_back_stands_on_the_ticket_that_there_is(opened: Opened) -> None:
    async with opened(bot={"ticket": "handoff"}) as scene:
        await scene.customer("human")
        await scene.agent("#bot", private=True)
        await scene.customer("when do you open?")
        await scene.customer("a human, please")
        lines = [entry.text for entry in scene.vendors.tickets[scene.only_ticket].entries if entry.who == "customer"]
        assert lines == ["human", "when do you open?", "a human, please"]
        assert any("re: when do you open?" in note for note in scene.vendors.notes(scene.only_ticket))


async def test_an_agent_who_begins_beside_a_bot_reads_what_was_said(opened: Opened) -> None:
    async with opened(bot={"ticket": "handoff"}) as scene:
        await scene.customer("human")
        scene.vendors.set_status(scene.only_ticket, "closed")
        scene.look()
        await scene.collected()
        await scene.customer("when do you open?")
        assert len(scene.vendors.tickets) == 1 and (await scene.link()).holder == "helper"
        ticket = Ticket("t99", "ann")
        scene.vendors.tickets["t99"] = ticket
        scene.vendors.agent_says("t99", "we open at nine", requester="ann")
        scene.look()
        await scene.collected()
        await scene.quiet()
        assert (await scene.link()).holder == "desk" and scene.heard()[-1] == "we open at nine"
        assert any("when do you open?" in entry.text for entry in ticket.entries if entry.who == "customer")


@pytest.mark.parametrize("replies", [5, None])
async def test_an_agents_answer_is_never_dropped_with_a_bots(opened: Opened, replies: int | None) -> None:
    """They waited for the same customer, and the bot's term was over before they went."""
    async with opened() as scene:
        scene.vendors.replies = replies
        down = asyncio.Event()

        def trouble(account: str, step: Step, phase: str) -> None:
            if account == "shop" and not down.is_set():
                raise Retryable("busy", code="503")

        await scene.customer("human")
        scene.vendors.trouble = trouble
        await scene.agent("I am here")
        await scene.agent("and I look")
        await scene.agent("#bot", private=True)
        await scene.customer("when do you open?")
        await scene.customer("human!")
        down.set()
        for _ in range(4):
            await scene.pass_time(31)
            await scene.quiet()
        assert [text for text in scene.heard() if text in {"I am here", "and I look"}] == ["I am here", "and I look"]
        assert not any("re: when" in text for text in scene.heard())


CLOSED = {
    "calendars": {"office": {"timezone": "UTC", "days": {"2026-01-05": "off"}}},
    "route": {"calendar": "office", "away": {"texts": ["We are closed."]}, "greeting": {"texts": ["Hello!"]}},
}


async def test_one_automatic_text_for_each_cause(opened: Opened) -> None:
    """Beside a bot nobody greets; where nobody is there, nobody says that somebody comes."""
    async with opened(**CLOSED) as scene:
        await scene.push(scene.vendors.enters("ann"))
        await scene.quiet()
        assert scene.heard() == []
        await scene.customer("when do you open?")
        await scene.customer("human")
        assert scene.heard()[1:] == ["We are closed."]
        await scene.customer("hello?")
        assert len(scene.heard()) == 2
        scene.brain.answer = lambda _: {"text": "Let me get someone.", "verdict": "handoff"}
        await scene.customer("my parcel is lost", "bob")
        assert scene.heard("bob") == ["[Bot] Let me get someone.\nWe are closed."]


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """All that is asked of a database in a file."""
    asked: list[str] = []

    def trace(connection: Any, _record: Any) -> None:
        connection.set_trace_callback(asked.append)

    event.listen(Engine, "connect", trace)
    yield asked
    event.remove(Engine, "connect", trace)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_without_a_bot_nothing_more_is_asked(database_url: str, tmp_path: Path, statements: list[str]) -> None:
    """Also where another channel has one."""

    async def relayed(scene: Scene) -> Counter[str]:
        async with scene.running():
            await scene.says("ann", "hi")
            await scene.quiet()
            statements.clear()
            await scene.says("ann", "hello?")
            await scene.quiet()
            scene.vendors.agent_says(scene.only_ticket, "here")
            scene.look()
            await scene.collected()
            await scene.quiet()
            bare = (re.sub(r"'[^']*'|\d+", "?", one) for one in statements)
            words = (" ".join(one.split()[:12]) for one in bare if one[:5] not in {"BEGIN", "COMMI", "SAVEP"})
            return Counter(one for one in words if "INSERT INTO inbox" not in one)

    plain = await relayed(Scene(database_url, tmp_path))
    assert not [one for one in statements if "bot_turn" in one or "handover" in one]
    (tmp_path / "other").mkdir()
    elsewhere = BotScene(sqlite_database(tmp_path / "other"), tmp_path, bot_channel="site")
    assert await relayed(elsewhere) - plain == Counter()


async def test_what_no_agent_has_read_is_not_sent_as_theirs(opened: Opened) -> None:
    """The note that suggests it is still on its way to the desk."""
    async with opened(bot={"mode": "suggest"}) as scene:
        await scene.customer("when do you open?")

        def trouble(account: str, step: Step, phase: str) -> None:
            if account == "desk" and step.verb == "note":
                raise Retryable("busy", code="503")

        scene.vendors.trouble = trouble
        await scene.customer("and your address?")
        await scene.agent("#send", private=True)
        assert scene.heard() == [], "what the agent read was another suggestion"
        scene.vendors.trouble = None
        for _ in range(3):
            await scene.pass_time(31)
            await scene.quiet()
        await scene.agent("#send", private=True)
        assert scene.heard() == ["re: and your address?"]


async def test_what_a_finished_ticket_did_not_take_goes_where_an_agent_began(opened: Opened) -> None:
    """A bot has the conversation, its ticket is stuck and then finished, and an agent opened another: nothing is lost."""
    async with opened() as scene:
        await scene.customer("one")
        old = scene.only_ticket

        def refuse(account: str, step: Step, phase: str) -> None:
            if account == "desk":
                raise Retryable("down")

        scene.vendors.trouble = refuse
        await scene.customer("two")
        await scene.customer("three")
        scene.vendors.trouble = None
        scene.vendors.tickets["t77"] = Ticket("t77", "ann")
        scene.vendors.agent_says("t77", "good day", requester="ann")
        scene.vendors.set_status(old, "closed")
        scene.vendors.journal.pop()  # the bridge hears of it from the ticket itself
        scene.look()
        await scene.collected()
        await scene.quiet()
        await scene.pass_time(minutes=2)
        await scene.customer("four")
        await scene.pass_time(minutes=2)
        await scene.quiet()
        said = [one.text for one in scene.vendors.tickets["t77"].entries if one.who == "customer"]
        assert said == ["two", "three", "four"]
        assert "good day" in scene.heard()


async def test_what_the_old_ticket_may_lack_comes_first_on_an_agents_new_one(opened: Opened) -> None:
    """Nobody knows whether the old ticket took them, and it is finished before that is looked up."""
    async with opened(bot={"ticket": "always"}) as scene:
        await scene.customer("a human, please")
        old = scene.only_ticket

        def lose(account: str, step: Step, phase: str) -> None:
            if account == "desk" and step.body.get("texts") == ["two"] and phase == "before":
                raise Retryable("lost", certain=False)

        scene.vendors.trouble = lose
        await scene.customer("two")
        scene.vendors.trouble = None
        ticket = Ticket("t77", "ann")
        scene.vendors.tickets["t77"] = ticket
        scene.vendors.agent_says("t77", "good day", requester="ann")
        scene.look()
        await scene.collected()
        await scene.customer("three")
        scene.vendors.set_status(old, "closed")
        scene.vendors.journal.pop()  # the bridge hears of it from the ticket itself
        await scene.pass_time(minutes=5)
        await scene.quiet()
        await scene.customer("four")
        assert [one.text for one in ticket.entries if one.who == "customer"] == ["two", "three", "four"]


async def test_nobody_is_told_to_wait_for_people_while_a_bot_answers(opened: Opened) -> None:
    route = {"waiting": {"after": "3m", "texts": ["It takes a moment."]}}
    async with opened(route=route) as scene:
        for who in ("ann", "bob"):
            await scene.customer("agent", who)
        ticket = next(one.id for one in scene.vendors.tickets.values() if one.customer == "ann")
        scene.vendors.agent_says(ticket, "#bot", private=True)
        scene.look()
        await scene.collected()
        await scene.quiet()
        await scene.pass_time(minutes=5)
        await scene.quiet()
        assert "It takes a moment." in scene.heard("bob") and "It takes a moment." not in scene.heard("ann")
