"""Where conversations go, on the simulated platform: decided once, by what was proven, and never at a ticket's cost."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from bridge.contract import Rejected, Step
from bridge.explanation import explain_conversation
from bridge.routing.contexts import sign
from bridge.services.tokens import context_key
from mappings import goals, history, links, people, shop
from tests.engine.bot_harness import BotScene
from tests.engine.platform_harness import CUSTOMER, PlatformHarness

KEY = context_key("0123456789abcdef0123456789abcdef")
VIP = {
    "name": "vip",
    "channel": "shop",
    "desk": "desk",
    "when": {"verified": True, "customer.tier": ["gold", "black"]},
    "group": "VIP",
    "priority": "high",
}
REFUNDS = {"name": "refunds", "channel": "shop", "desk": "desk", "when": {"words": ["退款"]}, "group": "Finance"}
REST = {"name": "rest", "channel": "shop", "desk": "desk"}


@pytest.fixture
def harness(database_url: str, tmp_path: Path) -> PlatformHarness:
    return PlatformHarness(database_url, tmp_path, routes=[VIP, REFUNDS, REST])


def signed(harness: PlatformHarness, **claims: Any) -> str:
    return sign({"e": "order", "x": int(harness.clock().timestamp()) + 600, **claims}, KEY)


async def link_of(harness: PlatformHarness, customer: str = CUSTOMER) -> Any:
    assert harness.bridge is not None
    return await harness.bridge.store.read(links.open_link, "shop", customer, lock=False)


async def rule_of(harness: PlatformHarness, customer: str = CUSTOMER) -> str:
    return str(json.loads((await link_of(harness, customer)).decided)["rule"])


async def test_the_first_message_decides_and_no_later_one(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.asks("你好")
        await harness.asks("我要退款")
        assert await rule_of(harness) == "rest"
        await harness.asks("我要退款", "oCustomer_B")
        link = await link_of(harness, "oCustomer_B")
        assert json.loads(link.decided) == {
            "rule": "refunds",
            "version": harness.settings().routes_version,
            "at": f"{harness.clock():%Y-%m-%dT%H:%M:%SZ}",
            "final": True,
            "failed": [["vip", "verified = true"]],
        }
        assert json.loads(link.fields)["group"] == "Finance"


async def test_opening_the_chat_decides_for_the_time_being_only(harness: PlatformHarness) -> None:
    async with harness.running():
        await harness.phone.enters(CUSTOMER, session_from="home")
        await harness.quiet()
        assert await rule_of(harness) == "rest"
        await harness.asks("我要退款")
        assert await rule_of(harness) == "refunds"
        assert (await link_of(harness)).entry == "home"


async def test_who_was_signed_is_known_and_the_signature_is_shown_to_nobody(harness: PlatformHarness) -> None:
    async with harness.running():
        text = signed(harness, t="gold", c="42", o="2026-1130")
        await harness.phone.enters(CUSTOMER, session_from=text)
        await harness.asks("hello")
        link = await link_of(harness)
        assert await rule_of(harness) == "vip"
        assert json.loads(link.proven)["customer.tier"] == ["gold"]
        assert json.loads(link.context)["order"] == "2026-1130"
        assert text not in link.context + link.contact + str(harness.vendors.tickets)
        assert harness.bridge is not None
        (identity,) = await harness.bridge.store.read(people.identities, link.person_id)
        assert identity.customer_id == "42"


@pytest.mark.parametrize(
    "forged", ["tier=gold", "vip", '{"tier":"gold"}', "v1.eyJ0IjoiZ29sZCJ9.AAAA", "expired", "theirs"]
)
async def test_vip_forged(harness: PlatformHarness, forged: str) -> None:
    """Whatever a customer types, only a valid signature makes them one; and their message is handled all the same."""
    if forged == "expired":
        forged = signed(harness, t="gold", x=int(harness.clock().timestamp()) - 1)
    elif forged == "theirs":
        forged = signed(harness, t="gold", u="0011223344556677")
    async with harness.running():
        await harness.phone.enters(CUSTOMER, session_from=forged)
        await harness.asks("hello")
        assert await rule_of(harness) == "rest"
        assert harness.vendors.visible(harness.only_ticket) == ["hello"]
        link = await link_of(harness)
        claimed = forged.startswith("v1.")
        assert ("unverified" in json.loads(link.fields)["tags"]) is claimed
        assert not claimed or forged not in link.context + link.contact
        assert json.loads(link.proven) == {}


async def test_what_was_proven_ends_with_the_next_entrance_or_with_its_time(harness: PlatformHarness) -> None:
    harness.options["tickets"] = {"reopen_within": "1m"}
    async with harness.running():
        await harness.phone.enters(
            CUSTOMER, session_from=signed(harness, t="gold", x=int(harness.clock().timestamp()) + 7200)
        )
        await harness.asks("one")
        for minutes, again, rule in ((10, "", "vip"), (120, "", "rest")):
            harness.vendors.set_status((await link_of(harness)).ticket, "closed")
            await harness.read()
            await harness.wait(minutes=minutes)
            if again:
                await harness.phone.enters(CUSTOMER, session_from=again)
            await harness.asks("again")
            assert await rule_of(harness) == rule


async def test_a_desk_is_told_who_writes_and_where(harness: PlatformHarness) -> None:
    """Somebody without a name is called as their channel calls its people, the same at every time; the account's label
    is among the tags where a desk has tags.
    """
    told: list[Any] = []
    original = harness.desk_class.deliver

    async def deliver(self: Any, step: Step, target: Any) -> Any:
        told.append((target.contact.name, target.contact.called, target.fields.get("tags")))
        return await original(self, step, target)

    harness.desk_class.deliver = deliver  # type: ignore[method-assign]
    plain = harness.desk_class.capabilities
    harness.desk_class.capabilities = plain.model_copy(update={"tags": True})
    async with harness.running():
        await harness.asks("hello")
        await harness.asks("again")
    short = hashlib.sha256(CUSTOMER.encode()).hexdigest()[:4].upper()
    assert told[0] == ("", f"WeChat user {short}", ["shop"])
    assert {one[1] for one in told} == {f"WeChat user {short}"}


async def test_a_desk_that_refuses_the_fields_gets_the_ticket_without(harness: PlatformHarness) -> None:
    """One attempt with all of them, one without; what is not about fields fails as ever."""
    tried: list[dict[str, Any]] = []

    original = harness.desk_class.deliver

    async def deliver(self: Any, step: Step, target: Any) -> Any:
        if target.conversation is None and target.fields.get("group"):
            tried.append(dict(target.fields))
            raise Rejected("no such group", code="422", reason={"en": "There is no group Finance."})
        return await original(self, step, target)

    harness.desk_class.deliver = deliver  # type: ignore[method-assign]
    async with harness.running():
        await harness.asks("我要退款, order 7")
        await harness.asks("quickly please")
        assert len(tried) == 1
        assert harness.vendors.visible(harness.only_ticket) == ["我要退款, order 7", "quickly please"]
        (note,) = harness.notes
        assert "did not take what the route asks for: group Finance." in note
        assert "There is no group Finance." in note


async def test_nothing_configured_asks_the_store_nothing_more(
    harness: PlatformHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Conditions, targets, texts, profiles: who uses none of them pays for none."""
    asked: list[str] = []
    for module in (goals, history, shop):
        for name, function in list(vars(module).items()):
            if callable(function) and getattr(function, "__module__", "") == module.__name__ and name[0].islower():
                monkeypatch.setattr(module, name, lambda *_, name=name, **__: asked.append(name) or [])
    harness.options["routes"] = [REST]
    async with harness.running():
        await harness.phone.enters(CUSTOMER, session_from="home")
        await harness.asks("hello")
        await harness.answer("good day")
        await harness.wait(60)
        await harness.asks("thanks")
        harness.vendors.set_status(harness.only_ticket, "solved")
        await harness.read()
        assert harness.received() == ["good day"]
        assert json.loads((await link_of(harness)).decided)["failed"] == []
    assert asked == []


async def test_rules_know_who_was_here_before(harness: PlatformHarness) -> None:
    returning = {"name": "known", "channel": "shop", "desk": "desk", "when": {"customer.returning": True}}
    harness.options["routes"] = [returning, REST]
    harness.options["tickets"] = {"reopen_within": "1m"}
    async with harness.running():
        await harness.asks("one")
        assert await rule_of(harness) == "rest"
        harness.vendors.set_status(harness.only_ticket, "closed")
        await harness.read()
        await harness.asks("two")
        assert await rule_of(harness) == "known"


async def test_a_topic_decides_and_people_after_a_bot_are_chosen_by_what_it_said(
    database_url: str, tmp_path: Path
) -> None:
    """`topic` by the words of `[[topics]]`; `bot.verdict` and `allowance.left` when people take over from a bot."""
    routes: list[dict[str, Any]] = [
        {"name": "lost", "channel": "shop", "desk": "desk", "when": {"bot.verdict": "handoff"}, "group": "Second line"},
        {"name": "refunds", "channel": "shop", "desk": "desk", "when": {"topic": "refunds"}, "group": "Finance"},
        {"name": "rest", "channel": "shop", "desk": "desk", "when": {"not.allowance.left": "<3"}},
        {"name": "last", "channel": "shop", "desk": "desk"},
    ]
    bot = {"bot": {"name": "helper", "quiet": "0s", "reserve": 0, "ticket": "handoff"}}
    topics = [{"name": "refunds", "words": ["refund"], "not": ["refunded"]}]
    scene = BotScene(database_url, tmp_path, topics=topics)
    scene.routes = [{**one, **(bot if one["name"] in {"refunds", "rest"} else {})} for one in routes]
    async with scene.running() as bridge:

        async def rule_of(customer: str) -> tuple[str, str]:
            link = await bridge.store.read(links.open_link, "shop", customer, lock=False)
            assert link is not None
            return json.loads(link.decided)["rule"], json.loads(link.fields).get("group", "")

        scene.brain.answer = lambda _: {"text": "Which order?"}
        await scene.customer("my refund please", "ann")
        assert await rule_of("ann") == ("refunds", "Finance")
        await scene.customer("I was refunded", "bert")
        assert (await rule_of("bert"))[0] in {"rest", "last"}
        scene.brain.answer = lambda _: {"text": "", "verdict": "handoff"}
        await scene.customer("this is too hard", "ann")
        assert await rule_of("ann") == ("lost", "Second line")
        (found,) = await bridge.store.read(explain_conversation, bridge.runtime, "ann")
        assert found["now"]["result"]["rule"] == "lost"
