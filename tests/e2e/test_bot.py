"""A bot first and people after, with the shipped process: seen from outside, killed at every crash point of its own."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.testing.e2e.process import Process, until
from connectors.openai.simulator import Simulator as Model
from connectors.wechat.simulator import Simulator as Phone
from tests.e2e.desks import Desk, Rt, Zendesk

CUSTOMER = "oCustomer_A"
SHOP = Path(__file__).parents[2] / "bridge" / "demo_faq.toml"


def has(desk: Desk, text: str) -> bool:
    """Whether a ticket says it on the customer's side: as a message, or in the transcript."""
    return any(text in line for line in desk.seen())


HANDED = "正在为您转接人工客服，请稍候。"


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> AsyncIterator[tuple[Phone, Rt, Process]]:
    desk = Rt()
    async with Phone() as phone, desk.simulator:
        accounts = {
            "shop": phone.settings(),
            "desk": desk.settings(),
            "helper": {"kind": "faq", "file": str(SHOP)},
        }
        route = {"channel": "shop", "desk": "desk", "bot": {"name": "helper", "quiet": "0s"}}
        bridge = Process(tmp_path, database_url, accounts, [route])
        phone.hook_url = bridge.hook("shop")
        desk.calls(bridge.hook("desk"))
        yield phone, desk, bridge
        await bridge.close()


@pytest.mark.parametrize("failpoint", ["bot kept", "bot answered"])
async def test_a_question_survives(shop: tuple[Phone, Rt, Process], failpoint: str) -> None:
    phone, desk, bridge = shop
    async with bridge.supervised(failpoint=failpoint) as ends:
        await phone.says(CUSTOMER, "包邮吗？")
        await until(lambda: ends)
        await until(lambda: phone.received(CUSTOMER))
        await phone.says(CUSTOMER, "转人工")
        await until(lambda: len(phone.received(CUSTOMER)) >= 2)
        await until(lambda: has(desk, "转人工"))
        assert ends == [-signal.SIGKILL]
        first, *rest = phone.received(CUSTOMER)
        assert first.startswith("满 99 元包邮") and "回复“人工”" in first
        assert rest == [HANDED]
        assert len(desk.tickets()) == 1
    code, out, _ = await bridge.run("trace", CUSTOMER)
    assert code == 0
    assert "helper asked" in out
    assert "helper → desk: words, term 2" in out


async def test_a_hand_over_survives(shop: tuple[Phone, Rt, Process]) -> None:
    """Killed inside its transaction: it is as if it had not begun, and what caused it is found again."""
    phone, desk, bridge = shop
    async with bridge.supervised(failpoint="handover") as ends:
        await phone.says(CUSTOMER, "包邮吗？")
        await until(lambda: phone.received(CUSTOMER) and desk.tickets())
        await desk.agent_says(desk.ticket, "您好，我是小王")
        await until(lambda: ends)
        await until(lambda: len(phone.received(CUSTOMER)) >= 2)
        assert phone.received(CUSTOMER)[1:] == ["您好，我是小王"]
    code, out, _ = await bridge.run("trace", CUSTOMER)
    assert code == 0
    assert out.count("helper → desk: agent") == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here asks the database anything new
async def test_the_customer_sees_that_a_machine_answers(shop: tuple[Phone, Rt, Process]) -> None:
    phone, _, bridge = shop
    await bridge.start()
    await phone.says(CUSTOMER, "When do you ship?")
    await until(lambda: phone.received(CUSTOMER))
    (bubble,) = [one for one in phone.chat(CUSTOMER) if one.who == "service"]
    assert bubble.body["aimsgcontext"] == {"is_ai_msg": 1}
    code, out, _ = await bridge.run("doctor", "--account", "helper", "--json")
    assert code == 0 and '"ok": true' in out


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here asks the database anything new
async def test_a_model_that_is_down_brings_a_person(database_url: str, tmp_path: Path) -> None:
    desk = Rt()
    async with Phone() as phone, desk.simulator, Model() as model:
        accounts = {"shop": phone.settings(), "desk": desk.settings(), "model": model.settings() | {"deadline": "3s"}}
        bot = {"name": "model", "quiet": "0s", "ticket": "handoff"}
        bridge = Process(tmp_path, database_url, accounts, [{"channel": "shop", "desk": "desk", "bot": bot}])
        phone.hook_url = bridge.hook("shop")
        desk.calls(bridge.hook("desk"))
        try:
            await bridge.start()
            await phone.says(CUSTOMER, "when do you open?")
            await until(lambda: any(model.says in text for text in phone.received(CUSTOMER)))
            assert desk.tickets() == []
            await model.stop()
            await phone.says(CUSTOMER, "and on sunday?")
            await until(lambda: desk.tickets() and has(desk, "and on sunday?"))
            assert has(desk, model.says), "the ticket begins with what was said"
        finally:
            await bridge.close()


async def test_a_talk_goes_to_another_desk_and_back(database_url: str, tmp_path: Path) -> None:
    """With answers that wait on both desks, and without any warning, at each turn of it."""
    first, second = Zendesk(), Rt()
    async with Phone() as phone, first.simulator, second.simulator:
        accounts = {"shop": phone.settings(), "zen": first.settings(), "rt": second.settings()}
        routes = [
            {"channel": "shop", "desk": "rt", "when": {"page": "special"}},
            {"channel": "shop", "desk": "zen"},
        ]
        bridge = Process(tmp_path, database_url, accounts, routes)
        phone.hook_url = bridge.hook("shop")
        first.calls(bridge.hook("zen"))
        second.calls(bridge.hook("rt"))
        answers = ["answer one", "answer two", "answer three", "answer four"]

        async def dies() -> None:
            bridge.kill()
            await bridge.died()
            await bridge.start()

        async def waits(desk: Zendesk | Rt, text: str) -> None:
            """The agent is told of it, so no attempt is on its way: whatever is killed then is no matter of doubt."""
            told = desk.notes()
            await desk.agent_says(desk.ticket, text)
            await until(lambda: any("Not delivered yet" in note for note in desk.notes()[len(told) :]))

        try:
            await bridge.start()
            await phone.says(CUSTOMER, "where is my parcel?")
            await until(lambda: has(first, "where is my parcel?"))
            phone.fail(45015, times=99)  # the window is closed: what is answered now waits
            await waits(first, answers[0])
            await first.agent_notes(first.ticket, "#move rt")
            await dies()
            await until(lambda: second.tickets() and has(second, "where is my parcel?"))
            await waits(second, answers[1])
            await dies()
            phone.platform.forced.clear()
            await phone.says(CUSTOMER, "hello?")
            await until(lambda: phone.received(CUSTOMER) == answers[:2])
            await dies()
            await until(lambda: has(second, "hello?"))
            phone.fail(45015, times=99)
            await waits(second, answers[2])
            await second.agent_notes(second.ticket, "#move zen")
            await dies()
            await until(lambda: has(first, answers[1]))
            await waits(first, answers[3])
            await dies()
            phone.platform.forced.clear()
            await phone.says(CUSTOMER, "thanks")
            await until(lambda: phone.received(CUSTOMER) == answers)
            await until(lambda: has(first, "thanks"))
            assert phone.received(CUSTOMER) == answers
            assert len(first.tickets()) == len(second.tickets()) == 1
            assert not has(second, "thanks") and sum("thanks" in line for line in first.seen()) == 1
            for desk, name in ((first, "rt"), (second, "zen")):
                assert sum(f"goes on at {name}" in note for note in desk.notes()) == 1
        finally:
            await bridge.close()


@pytest.mark.parametrize(
    ("database_url", "failpoint"),
    [("sqlite", "handover"), ("sqlite", "drafts"), ("postgresql", "begun:6")],
    indirect=["database_url"],
)
async def test_an_agents_commands_survive(database_url: str, tmp_path: Path, failpoint: str) -> None:
    """`#move`, `#send` and `#bot`, killed inside their transactions, or while their notes are sent: each happens once."""
    first, second = Zendesk(), Rt()
    async with Phone() as phone, first.simulator, second.simulator:
        accounts = {
            "shop": phone.settings(),
            "zen": first.settings(),
            "rt": second.settings(),
            "helper": {"kind": "faq", "file": str(SHOP)},
        }
        bot = {"name": "helper", "quiet": "0s", "hours": "always"}
        routes = [
            {"channel": "shop", "desk": "rt", "when": {"page": "special"}},
            {"channel": "shop", "desk": "zen", "bot": bot},
        ]
        bridge = Process(tmp_path, database_url, accounts, routes)
        phone.hook_url = bridge.hook("shop")
        first.calls(bridge.hook("zen"))
        second.calls(bridge.hook("rt"))
        try:
            async with bridge.supervised(failpoint=failpoint) as ends:
                await phone.says(CUSTOMER, "我要人工")
                await until(lambda: has(first, "我要人工") and phone.received(CUSTOMER) == [HANDED])
                await first.agent_notes(first.ticket, "#move rt")
                await until(lambda: second.tickets() and has(second, "我要人工"))
                await until(lambda: any("goes on at rt" in note for note in first.notes()))
                await first.agent_says(first.ticket, "too late")
                await until(lambda: any(note.startswith("Not sent") for note in first.notes()))
                await first.agent_notes(first.ticket, "#send")
                await until(lambda: phone.received(CUSTOMER)[1:] == ["too late"])
                await second.agent_notes(second.ticket, "#bot")
                await until(lambda: any("helper answers this customer" in note for note in second.notes()))
                await phone.says(CUSTOMER, "包邮吗？")
                await until(lambda: len(phone.received(CUSTOMER)) == 3)
                assert ends == [-signal.SIGKILL]
            assert phone.received(CUSTOMER)[2].startswith("满 99 元包邮")
            assert sum(note.startswith("This conversation goes on at rt") for note in first.notes()) == 1
            assert len(first.tickets()) == len(second.tickets()) == 1
            assert sum("我要人工" in line for line in second.seen()) == 1
        finally:
            await bridge.close()
