"""Fetching: cursors, tokens, pages, three days."""

from contextlib import AsyncExitStack
from typing import Any

import pytest

from bridge.contract import MessageReceived, Raw, RenderContext, Role, Target, Text, Throttled
from bridge.testing.clock import VirtualClock
from bridge.testing.conformance.builders import said
from bridge.testing.rig import lend_account
from connectors.wecom import WeCom
from connectors.wecom.simulator import Simulator
from connectors.wecom.simulator.state import _UNASKED
from connectors.wecom.simulator.vendor import KFID

USER = "wmAJ2GCAAAme1XQRC-NI-q0_ZM9ukoAw"


async def read(wecom: WeCom, cursor: str | None) -> tuple[list[Raw], str | None]:
    """A round, as the engine makes one."""
    raws: list[Raw] = []
    for _ in range(50):
        page = await wecom.poll(cursor)
        raws += page.raws
        cursor = page.cursor
        if not page.more:
            return raws, cursor
    raise AssertionError("the round never ends")


def texts(wecom: WeCom, raws: list[Raw]) -> list[str]:
    events = [event for raw in raws for event in wecom.normalise(raw)]
    return [event.message.parts[0].body for event in events if isinstance(event, MessageReceived)]


async def test_the_first_round_begins_now(platform: Simulator, wecom: WeCom, clock: VirtualClock) -> None:
    await platform.says(USER, "yesterday")
    clock.advance(86_400)
    _, cursor = await read(wecom, None)
    await platform.says(USER, "today")
    raws, _ = await read(wecom, cursor)
    assert texts(wecom, raws) == ["today"]


async def test_history_is_taken_if_wanted(platform: Simulator, clock: VirtualClock) -> None:
    await platform.says(USER, "yesterday")
    clock.advance(86_400)
    async with lend_account(home=platform.base, clock=clock) as account:
        wecom = WeCom(WeCom.Config(**platform.settings() | {"history": True}), account)
        assert texts(wecom, (await read(wecom, None))[0]) == ["yesterday"]


async def test_an_empty_page_is_not_the_end(platform: Simulator, wecom: WeCom) -> None:
    _, cursor = await read(wecom, None)
    platform.books.boxes[KFID].empty_pages = 3
    await platform.says(USER, "behind empty pages")
    assert texts(wecom, (await read(wecom, cursor))[0]) == ["behind empty pages"]


@pytest.mark.parametrize("at", ["9" * 400, 10**30, -(10**30), "soon", None])
async def test_a_time_that_is_none_holds_nobody_up(platform: Simulator, wecom: WeCom, at: Any) -> None:
    _, cursor = await read(wecom, None)
    await platform.says(USER, "at an odd time")
    await platform.says(USER, "behind it")
    platform.books.boxes[KFID].items[-2][1]["send_time"] = at
    assert texts(wecom, (await read(wecom, cursor))[0]) == ["at an odd time", "behind it"]


async def test_a_cursor_that_stands_still_ends_the_round(
    platform: Simulator, wecom: WeCom, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, cursor = await read(wecom, None)
    await platform.says(USER, "again and again")
    box = platform.books.boxes[KFID]
    answer = box._answer

    def more(items: Any, position: int, **_: Any) -> Any:
        return answer(items, position, more=True) | {"next_cursor": "stands still"}

    monkeypatch.setattr(box, "_answer", more)
    assert "again and again" in texts(wecom, (await read(wecom, cursor))[0])


async def test_three_days_come_again_with_the_same_keys(platform: Simulator, wecom: WeCom) -> None:
    _, cursor = await read(wecom, None)
    await platform.says(USER, "once")
    before, cursor = await read(wecom, cursor)
    platform.books.boxes[KFID].forget()
    after, _ = await read(wecom, cursor)
    assert [raw.key for raw in after] == [raw.key for raw in before]


async def test_a_bell_lends_its_token_for_ten_minutes(platform: Simulator, wecom: WeCom, clock: VirtualClock) -> None:
    _, cursor = await read(wecom, None)
    wecom._mailboxes.ring(KFID, platform.books.boxes[KFID].ring(), clock())
    await platform.says(USER, "with its token")
    raws, cursor = await read(wecom, cursor)
    asked = [fields for path, fields in platform.platform.calls if path.endswith("sync_msg")]
    assert "token" in asked[-1]
    assert texts(wecom, raws) == ["with its token"]
    wecom._mailboxes.ring(KFID, "ENCdead", clock())  # the platform knows better: 95007, then without one
    await platform.says(USER, "with a dead one")
    assert texts(wecom, (await read(wecom, cursor))[0]) == ["with a dead one"]


async def test_bells_of_accounts_that_nobody_reads_are_few(wecom: WeCom, clock: VirtualClock) -> None:
    """Whoever signs may name any account."""
    for number in range(1_500):
        wecom._mailboxes.ring(f"wk{number}", "ENC", clock())
        wecom._mailboxes.ring(KFID, "ENCours", clock())
    assert len(wecom._mailboxes._bells) == 1_000 and KFID in wecom._mailboxes._bells


async def test_without_a_bell_the_platform_throttles(platform: Simulator, wecom: WeCom) -> None:
    _, cursor = await read(wecom, None)
    for _ in range(_UNASKED - 1):
        await read(wecom, cursor)
    with pytest.raises(Throttled) as caught:
        await read(wecom, cursor)
    assert caught.value.retry_after == 60.0


async def test_each_account_has_a_cursor_of_its_own(clock: VirtualClock) -> None:
    async with AsyncExitStack() as stack:
        platform = await stack.enter_async_context(Simulator(clock=clock, accounts=("wkOne", "wkTwo")))
        account = await stack.enter_async_context(lend_account(home=platform.base, clock=clock))
        wecom = WeCom(WeCom.Config(**platform.settings()), account)
        _, cursor = await read(wecom, None)
        await platform.says(USER, "to one", account="wkOne")
        await platform.says(USER, "to two", account="wkTwo")
        raws, cursor = await read(wecom, cursor)
        found = [event for raw in raws for event in wecom.normalise(raw)]
        assert {event.message.conversation for event in found} == {f"wkOne:{USER}", f"wkTwo:{USER}"}
        assert (await read(wecom, cursor))[0] == []


async def test_customers_have_names_and_nothing_waits_for_them(platform: Simulator, wecom: WeCom) -> None:
    _, cursor = await read(wecom, None)
    platform.knows(USER, nickname="李华", unionid="oUnion1")
    await platform.says(USER, "hello")
    raws, cursor = await read(wecom, cursor)
    (event,) = wecom.normalise(raws[0])
    assert (event.contact.name, event.contact.shared_id) == ("李华", "oUnion1")
    other = "wmAnotherCustomerOfOurs"
    platform.fail(48002, where="customer/batchget")
    await platform.says(other, "no name for me")
    assert texts(wecom, (await read(wecom, cursor))[0]) == ["no name for me"]


async def test_what_the_interface_sends_never_comes_back(platform: Simulator, wecom: WeCom) -> None:
    _, cursor = await read(wecom, None)
    platform.lets_reply(USER)
    message = said(Role.CHANNEL, Text(body="from the desk"), conversation="17")
    (step,) = wecom.render([message], RenderContext(replies=5))
    await wecom.deliver(step, Target(key="k", link="1", conversation=f"{KFID}:{USER}"))
    assert platform.received(USER) == ["from the desk"]
    assert (await read(wecom, cursor))[0] == []
