"""The shipped connectors between the simulated platform and a simulated helpdesk, all on one virtual clock."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bridge.app import Bridge
from bridge.registry import Declared, known_kinds, load_kind
from connectors.wechat import WeChat
from connectors.wechat.settings import Settings as PlatformSettings
from tests.e2e.desks import Desk, File
from tests.engine.platform_harness import TEMPLATE, PlatformHarness


class DeskHarness(PlatformHarness):
    """A harness whose desk is one of the helpdesks. `route` is what the configuration says of the way to it."""

    def __init__(self, database_url: str, folder: Path, desk: type[Desk], **options: Any) -> None:
        super().__init__(database_url, folder, **options)
        self.desk: Any = desk(clock=self.clock)  # type: ignore[call-arg] # simulators of desks take it
        self.desk.silence()  # nudges are given by `read`, so that no call is on its way when the clock moves

    def build(self) -> Bridge:
        template = {"id": TEMPLATE, "page": "pages/chat", "data": {"thing1": "An answer waits for you"}}
        platform = PlatformSettings(**self.phone.settings(), templates={"back": template}, window=self.window)
        kind = load_kind(known_kinds()[self.desk.kind])
        declared = {
            "shop": Declared("shop", WeChat, platform),
            "desk": Declared("desk", kind, kind.Config.model_validate(self.desk.settings())),
        }
        return Bridge(self.settings(), declared, clock=self.clock)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Bridge]:
        async with self.desk.simulator, super().running() as bridge:
            yield bridge

    async def asks(self, text: str = "hello", customer: str = "") -> None:
        """The customer writes, and what may move has moved."""
        await self.phone.says(customer or self.customer, text)
        await self.quiet()

    async def answer(self, *texts: str, ticket: str = "", private: bool = False) -> list[str]:
        for text in texts:
            if private:
                await self.desk.agent_notes(ticket or self.desk.ticket, text)
            else:
                await self.desk.agent_says(ticket or self.desk.ticket, text)
            self.clock.advance(1)  # desks count time in seconds
        await self.read()
        return []

    async def moves(self, condition: Callable[[], Any]) -> None:
        """Time passes, while something may be on its way, until something is true."""
        for _ in range(200):
            if condition():
                return
            await self.pass_time(0.3)
            await asyncio.sleep(0.05)
        raise AssertionError("it never happens")

    async def attach(self, text: str, *files: File) -> None:
        await self.desk.agent_says(self.desk.ticket, text, files)
        self.clock.advance(1)
        await self.read()
        await self.wait(1)

    async def read(self) -> None:
        """Every ticket is looked at."""
        assert self.bridge is not None and self.bridge.engine is not None
        self.bridge.engine.refresh("desk", self.desk.tickets())
        await self.collected()
        await self.quiet()

    @property
    def customer(self) -> str:
        return "oCustomer_A"

    @property
    def notes(self) -> list[str]:
        return self.desk.notes()

    @property
    def tags(self) -> Sequence[str]:
        """Those of the newest ticket, on desks that have tags."""
        found: Sequence[str] = self.desk.simulator.state.tickets[int(self.desk.ticket)].tags
        return found
