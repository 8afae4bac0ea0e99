"""WeChat and Chatwoot, with the bridge as a process that is killed, and webhooks that come twice or never."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.testing.e2e.process import Process, until
from connectors.chatwoot.simulator import Simulator as Desk
from connectors.wechat.simulator import Simulator as Phone

CUSTOMER = "oCustomer_A"
LINES = [f"line {number}" for number in range(4)]


class Harness:
    """A platform with its customers, an installation with its agents, and the bridge between them."""

    def __init__(self, phone: Phone, desk: Desk, bridge: Process) -> None:
        self.phone = phone
        self.desk = desk
        self.bridge = bridge

    @property
    def place(self) -> str:
        (number,) = self.desk.books.conversations
        return str(number)

    def said(self) -> list[str]:
        """The customer's lines, as agents read them."""
        found = []
        for number in self.desk.books.conversations:
            for message in self.desk.seen(str(number)):
                if message.message_type == 0:
                    found += [line for line in (message.content or "").split("\n") if line and not line.startswith("[")]
        return found

    def state_of(self, text: str) -> str:
        return next(message.status for message in self.desk.seen(self.place) if message.content == text)


@pytest.fixture
async def chat(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> AsyncIterator[Harness]:
    async with Phone() as phone, Desk(doubles=request.param == "told twice") as desk:
        accounts = {"shop": phone.settings(), "desk": desk.settings()}
        bridge = Process(tmp_path, database_url, accounts, [{"channel": "shop", "desk": "desk"}])
        phone.hook_url, desk.hook_url = bridge.hook("shop"), bridge.hook("desk")
        desk.silent = request.param == "never told"
        yield Harness(phone, desk, bridge)
        await bridge.close()


@pytest.mark.parametrize("chat", ["told twice"], indirect=True)
async def test_killed_at_any_point_nothing_is_lost_or_doubled(chat: Harness) -> None:
    """Before a request, behind it, when all is written down, and before the next one."""
    async with chat.bridge.supervised(failpoint="begun", then=("answered", "settled", "begun")) as ends:
        for number, line in enumerate(LINES):
            await chat.phone.says(CUSTOMER, line)
            await until(lambda: len(ends) > number)  # noqa: B023 - it is waited for at once
        await until(lambda: len(chat.said()) >= len(LINES))
        assert ends == [-signal.SIGKILL] * 4
        assert chat.said() == LINES
        assert len(chat.desk.books.conversations) == 1


@pytest.mark.parametrize(
    ("database_url", "chat"), [("sqlite", "told twice"), ("postgresql", "never told")], indirect=True, ids=str
)
async def test_answers_go_out_once_and_say_how_far_they_came(chat: Harness) -> None:
    await chat.bridge.start()
    await chat.phone.says(CUSTOMER, "hello")
    await until(lambda: chat.said() == ["hello"])
    await chat.desk.notes(chat.place, "not for the customer")
    await chat.desk.agent_says(chat.place, "How can I help?")
    await chat.desk.agent_says(chat.place, "with a paper", (("a.pdf", "application/pdf", b"%PDF-1.4 a paper"),))
    await until(lambda: len(chat.phone.received(CUSTOMER)) >= 2)
    assert chat.phone.received(CUSTOMER)[0] == "How can I help?"
    assert "not for the customer" not in str(chat.phone.received(CUSTOMER))
    if not chat.desk.silent:
        await chat.desk.types(chat.place, private=True)
        await chat.desk.types(chat.place)
        await until(lambda: chat.phone.platform.typed)
    await chat.desk.resolves(chat.place)
    await chat.phone.says(CUSTOMER, "one more thing")
    await until(lambda: chat.said() == ["hello", "one more thing"])
    assert chat.desk.books.conversation(int(chat.place)).status == "open"
    chat.phone.platform.blocked.add(CUSTOMER)
    await chat.desk.agent_says(chat.place, "into the void")
    await until(lambda: chat.state_of("into the void") == "failed")
    failed = next(message for message in chat.desk.seen(chat.place) if message.content == "into the void")
    assert "does not receive" in failed.error
    if chat.desk.silent:
        return
    assert chat.phone.platform.typed == [(CUSTOMER, "Typing")], "who types a note answers nobody"
    chat.phone.platform.blocked.discard(CUSTOMER)
    await chat.desk.retries(chat.place, str(failed.id), event="message_updated")  # the button beside the failed answer
    await until(lambda: "into the void" in chat.phone.received(CUSTOMER))
    await until(lambda: chat.state_of("into the void") == "sent" or chat.state_of("into the void") == "delivered")
