"""Customers are asked once how it was, also by a bridge that is killed while it asks."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.testing.e2e.process import Process, until
from connectors.rt.simulator import Simulator as Desk
from connectors.wechat.simulator import Simulator as Phone

ANN = "oCustomer_A"


class Harness:
    def __init__(self, phone: Phone, desk: Desk, bridge: Process) -> None:
        self.phone, self.desk, self.bridge = phone, desk, bridge

    @property
    def asked(self) -> int:
        return sum("How satisfied" in str(text) for text in self.phone.received(ANN))

    async def is_answered(self) -> str:
        """A question and its answer; returns the ticket."""
        await self.bridge.start()
        await self.phone.says(ANN, "hello")
        await until(lambda: bool(self.desk.state.tickets))
        (ticket,) = map(str, self.desk.state.tickets)
        await self.desk.agent_says(ticket, "hi")
        await until(lambda: self.phone.received(ANN) == ["hi"])
        assert await self.bridge.terminate() == 0
        return ticket


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> AsyncIterator[Harness]:
    async with Phone() as phone, Desk() as desk:
        route = {"channel": "shop", "desk": "desk", "survey": {"after": "1s"}}
        accounts = {"shop": phone.settings(), "desk": desk.settings()}
        bridge = Process(tmp_path, database_url, accounts, [route])
        phone.hook_url, desk.hook_url = bridge.hook("shop"), bridge.hook("desk")
        yield Harness(phone, desk, bridge)
        await bridge.close()


@pytest.mark.parametrize(
    ("database_url", "points", "asked"),
    [
        ("sqlite", ("asking", "claimed", "answered"), 1),  # written down, in hand, gone: it is there, once
        ("postgresql", ("asking", "begun"), 0),  # perhaps gone: it is not tried again
    ],
    indirect=["database_url"],
)
async def test_a_question_is_asked_at_most_once_whatever_is_killed(
    shop: Harness, points: tuple[str, ...], asked: int
) -> None:
    ticket = await shop.is_answered()
    async with shop.bridge.supervised(failpoint=points[0], then=points[1:]) as ends:
        await shop.desk.resolve(ticket)
        await until(lambda: len(ends) == len(points))
        assert set(ends) == {-signal.SIGKILL}
        await shop.bridge.until_ready()
        await asyncio.sleep(4)  # its lease, and the time in which it might still take effect
        assert shop.asked == asked
