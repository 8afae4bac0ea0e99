"""The simulated platform with its own count of replies, a desk in memory, one clock for both and the bridge between."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bridge.app import Bridge
from bridge.contract import (
    Audience,
    Author,
    AuthorKind,
    DeliveryState,
    Event,
    Image,
    Labels,
    Media,
    Message,
    MessageReceived,
    Raw,
    Receipt,
    ReceiptReceived,
    RenderContext,
    Request,
    Step,
    Target,
)
from bridge.registry import Declared
from bridge.testing.rig import result_of
from connectors.wechat import WeChat
from connectors.wechat.settings import Settings as PlatformSettings
from connectors.wechat.simulator import Simulator
from connectors.wechat.simulator.state import Allowance, Refused
from tests.engine.engine_harness import Scene
from tests.engine.fakes import FakeConfig, FakeDesk

CUSTOMER = "oCustomer_A"
TEMPLATE = "TEMPLATE-ID-0001"
PICTURE = b"\x89PNG\r\n\x1a\n" + b"picture"


@dataclass(slots=True)
class Counted(Allowance):
    """The platform's count, which remembers when it was asked for more than it allows."""

    refused: list[tuple[int, datetime]] = field(default_factory=list)

    def spend(self, now: datetime) -> None:
        try:
            Allowance.spend(self, now)
        except Refused as error:
            self.refused.append((error.code, now))
            raise


class Phone(Simulator):
    """Its callbacks reach the bridge without a network."""

    scene: "PlatformHarness"

    async def _push(self, fields: Mapping[str, Any]) -> bool:
        query, body = self.push(fields)
        bridge = self.scene.bridge
        assert bridge is not None
        assert bridge.engine is not None
        request = Request("POST", "/hooks/shop", tuple(query.items()), {}, body, "127.0.0.1", self.clock())
        result = await result_of(bridge.runtime.accounts["shop"].connector, request)
        await bridge.engine.persist("shop", result.raws)
        return True


class ShowingDesk(FakeDesk):
    """Shows labels, takes pictures from agents, and may say later that something bounced."""

    capabilities = FakeDesk.capabilities.model_copy(update={"tags": True})
    shown: dict[str, list[dict[str, Any]]] = {}  # replaced by the harness

    def normalise(self, raw: Raw) -> Sequence[Event]:
        entry = self.entry(raw)
        if entry["type"] == "bounce":
            return (
                ReceiptReceived(
                    conversation=entry["ticket"], message=entry["id"], state=DeliveryState.FAILED, reason="mailbox full"
                ),
            )
        events = super().normalise(raw)
        if "image" in entry:
            media = Media(account=self.account.name, id=entry["image"], mime="image/png", name=entry["image"])
            message = Message(
                id=entry["id"],
                conversation=entry["ticket"],
                author=Author(kind=AuthorKind.AGENT),
                parts=(Image(media=media, caption=entry["text"]),),
            )
            return (MessageReceived(message=message),)
        return events

    @staticmethod
    def entry(raw: Raw) -> dict[str, Any]:
        import json

        found: dict[str, Any] = json.loads(raw.payload)
        return found

    def labels(self, labels: Labels, context: RenderContext) -> Step | None:
        return Step(verb="labels", body=labels.model_dump(mode="json"), audience=Audience.AGENTS)

    async def deliver(self, step: Step, target: Target) -> Receipt:
        if step.verb != "labels":
            return await super().deliver(step, target)
        await self.vendors.meet(self.account.name, step, "before")
        assert target.conversation is not None
        self.shown[target.conversation].append(step.body)
        return Receipt(conversation=target.conversation)


class PlatformHarness(Scene):
    """A customer's phone at the simulated platform, and a desk with agents."""

    def __init__(self, database_url: str, folder: Path, **options: Any) -> None:
        super().__init__(database_url, folder, **options)
        self.phone = Phone(clock=self.clock)
        self.phone.scene = self
        self.phone.platform.allowances = defaultdict(Counted)
        self.phone.platform.templates = {TEMPLATE: ("thing1",)}
        self.shown: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.desk_class = type("Desk", (ShowingDesk,), {"vendors": self.vendors, "shown": self.shown})
        self.window: dict[str, Any] = {}

    def declared(self) -> dict[str, Declared]:
        template = {"id": TEMPLATE, "page": "pages/chat", "data": {"thing1": "An answer waits for you"}}
        config = PlatformSettings(**self.phone.settings(), templates={"back": template}, window=self.window)
        return {
            "shop": Declared("shop", WeChat, config),
            "desk": Declared("desk", self.desk_class, FakeConfig(kind="fake")),
        }

    def build(self) -> Bridge:
        return Bridge(self.settings(), self.declared(), clock=self.clock)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Bridge]:
        async with self.phone, super().running() as bridge:
            yield bridge

    # What people do

    async def asks(self, text: str = "hello", customer: str = CUSTOMER) -> None:
        """The customer writes, and it stands on the ticket."""
        await self.phone.says(customer, text)
        await self.quiet()

    async def answer(self, *texts: str, ticket: str = "", private: bool = False) -> list[str]:
        """Agents write, and the bridge has read it. Returns the ids."""
        ids = [self.vendors.agent_says(ticket or self.only_ticket, text, private=private) for text in texts]
        await self.read()
        return ids

    async def send_picture(self, name: str, caption: str) -> str:
        self.vendors.files[name] = PICTURE
        identifier = self.vendors.agent_says(self.only_ticket, caption)
        self.vendors.journal[-1][1]["image"] = name
        await self.read()
        await self.wait(1)  # until the bytes are here
        return identifier

    async def read(self) -> None:
        """What agents did has reached the bridge, and what may go has gone."""
        self.look()
        await self.collected()
        await self.quiet()

    async def wait(self, seconds: float = 0, **parts: float) -> None:
        """Time passes, and what it makes due is done."""
        await self.pass_time(seconds, **parts)
        await self.quiet()

    # What people see

    def received(self, customer: str = CUSTOMER) -> list[str]:
        return self.phone.received(customer)

    @property
    def notes(self) -> list[str]:
        return [note for ticket in self.vendors.tickets for note in self.vendors.notes(ticket)]

    def refused(self, customer: str = CUSTOMER) -> list[int]:
        """The codes with which the platform refused sends for want of allowance."""
        allowance = self.phone.platform.allowances[customer]
        assert isinstance(allowance, Counted)
        return [code for code, _ in allowance.refused]
