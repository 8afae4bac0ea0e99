from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.testing.e2e.journey import Journey
from bridge.testing.e2e.process import Process
from connectors.rt.simulator import Simulator as DeskSimulator
from connectors.wechat.simulator import Simulator as PhoneSimulator
from tests.e2e.desks import DESKS, Desk


@dataclass
class PlatformHarness:
    """A platform with its customers, a desk with its agents, and the bridge between them as a process of its own."""

    phone: PhoneSimulator
    desk: DeskSimulator
    bridge: Process

    @property
    def ticket(self) -> str:
        (number,) = self.desk.state.tickets
        return str(number)

    def said(self) -> list[str]:
        """What stands on all tickets from the customer's side, line by line."""
        lines = []
        for number in self.desk.state.tickets:
            for seen in self.desk.ticket(str(number)):
                if seen.who == "bridge" and seen.kind != "Comment":
                    lines += [line for line in seen.text.split("\n") if line and not line.startswith("[")]
        return lines

    def notes(self) -> list[str]:
        return [
            seen.text
            for number in self.desk.state.tickets
            for seen in self.desk.ticket(str(number))
            if seen.kind == "Comment" and seen.who == "bridge"
        ]


@pytest.fixture
async def harness(database_url: str, tmp_path: Path) -> AsyncIterator[PlatformHarness]:
    async with PhoneSimulator() as phone, DeskSimulator() as desk:
        accounts = {"shop": phone.settings(), "desk": desk.settings()}
        bridge = Process(tmp_path, database_url, accounts, [{"channel": "shop", "desk": "desk"}])
        phone.hook_url, desk.hook_url = bridge.hook("shop"), bridge.hook("desk")
        yield PlatformHarness(phone, desk, bridge)
        await bridge.close()


@pytest.fixture(params=DESKS, ids=lambda desk: desk.kind)
async def journey(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> AsyncIterator[Journey]:
    desk: Desk = request.param()
    async with PhoneSimulator() as phone, desk.simulator:
        accounts = {"shop": phone.settings(), "desk": desk.settings()}
        bridge = Process(tmp_path, database_url, accounts, [{"channel": "shop", "desk": "desk"}])
        phone.hook_url = bridge.hook("shop")
        desk.calls(bridge.hook("desk"))
        yield Journey(phone, desk, bridge)
        await bridge.close()
