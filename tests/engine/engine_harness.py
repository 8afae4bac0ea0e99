"""A bridge under test, on a real database and a virtual clock, between a fake channel and a fake desk."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bridge.app import Bridge
from bridge.contract import Raw
from bridge.engine.context import Effects, Runtime, Work
from bridge.engine.inbound.routing import route_batch
from bridge.registry import Declared
from bridge.settings import Settings
from bridge.testing.clock import VirtualClock
from mappings.store import Tx
from tests.engine.fakes import FakeChannel, FakeConfig, FakeDesk, FakeVendors


class Scene:
    """The vendors, with one bridge at a time."""

    def __init__(self, database_url: str, folder: Path, **options: Any) -> None:
        self.vendors = FakeVendors()
        self.clock = VirtualClock()
        self.database_url = database_url
        self.folder = folder
        self.options = options
        self.bridge: Bridge | None = None
        self.channel_class = type("Channel", (FakeChannel,), {"vendors": self.vendors})
        self.desk_class = type("Desk", (FakeDesk,), {"vendors": self.vendors})

    def settings(self) -> Settings:
        content = {
            "bridge": {
                "public_url": "https://bridge.example.com",
                "database_url": self.database_url,
                "media_dir": str(self.folder / "media"),
                "secret_key": "0123456789abcdef0123456789abcdef",
                **self.options.get("bridge", {}),
            },
            "accounts": {"shop": {"kind": "fake-channel"}, "desk": {"kind": "fake-desk"}},
            "routes": [{"channel": "shop", "desk": "desk"}],
            "engine": {
                "settle": "30s",
                "request_timeout": "10s",
                "reconcile_every": "1h",
                **self.options.get("engine", {}),
            },
            **{key: value for key, value in self.options.items() if key not in {"engine", "uncertain", "bridge"}},
        }
        return Settings(**content)

    def build(self) -> Bridge:
        config = FakeConfig(kind="fake", uncertain=self.options.get("uncertain", "hold"))
        declared = {
            "shop": Declared("shop", self.channel_class, config),
            "desk": Declared("desk", self.desk_class, config),
        }
        return Bridge(self.settings(), declared, clock=self.clock)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Bridge]:
        bridge = self.build()
        async with bridge.running():
            self.bridge = bridge
            await self._caught_up(bridge)
            yield bridge
        self.bridge = None

    async def _caught_up(self, bridge: Bridge) -> None:
        """The first round of each poll is over. Else it may see a ticket before its number is known here, and what it
        saw waits for a moment that no virtual clock brings.
        """
        assert bridge.engine is not None
        pollers = bridge.engine.loops.pollers.values()
        await self.until(lambda: all(one.wake.rests for one in pollers))

    async def push(self, raw: Raw, account: str = "shop") -> None:
        assert self.bridge is not None and self.bridge.engine is not None
        await self.bridge.engine.persist(account, (raw,))

    async def says(self, customer: str, text: str, **more: Any) -> Raw:
        raw = self.vendors.customer_message(customer, text, **more)
        await self.push(raw)
        return raw

    def look(self) -> None:
        """The desk's webhook points at something, or the poll comes round."""
        assert self.bridge is not None and self.bridge.engine is not None
        self.bridge.engine.refresh("desk", ("any",))

    async def collected(self) -> None:
        """All that the desk's poll could find has been kept."""
        assert self.bridge is not None and self.bridge.engine is not None
        await self.quiet()
        poller = self.bridge.engine.loops.pollers["desk"]
        await self.until(lambda: not poller._looks)

    async def until(self, condition: Callable[[], Any], *, seconds: float = 60.0) -> None:
        """Waits in real time for something to become true."""
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.01)

    async def quiet(self) -> None:
        """Nothing is on its way any more, at this moment of the virtual clock."""
        assert self.bridge is not None and self.bridge.engine is not None
        async with asyncio.timeout(60):
            await self.bridge.engine.idle()

    async def pass_time(self, seconds: float = 0, **parts: float) -> None:
        self.clock.advance(seconds, **parts)
        assert self.bridge is not None and self.bridge.engine is not None
        await self.bridge.engine.timetable.recover()
        await self.bridge.engine.timetable.run_deadlines()
        for dispatcher in self.bridge.engine.loops.dispatchers.values():
            dispatcher.wake.set()
        for router in self.bridge.engine.loops.routers.values():
            router.wake.set()

    @property
    def only_ticket(self) -> str:
        (ticket,) = self.vendors.tickets
        return ticket


def route(tx: Tx, runtime: Runtime, name: str, **options: Any) -> Effects:
    """A transaction of the router."""
    work = Work(tx, runtime, runtime.now())
    route_batch(work, name, **options)
    return work.effects
