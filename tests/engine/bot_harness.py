"""A shop whose customers are answered by a bot first. The bot says what the test wants it to."""

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from bridge.app import Bridge
from bridge.contract import (
    BotAnswered,
    BotConfig,
    CallbackResult,
    Capabilities,
    Connector,
    Event,
    Health,
    Raw,
    Receipt,
    RenderContext,
    Request,
    Role,
    Step,
    Target,
    Text,
    Unauthentic,
    answered_step,
)
from bridge.registry import Declared
from tests.engine.engine_harness import Scene
from tests.engine.fakes import FakeConfig, FakeVendors

Answer = dict[str, Any]


class Brain:
    """What the bot says, and what it was asked. `answer` may raise, or be a coroutine's function."""

    def __init__(self) -> None:
        self.answer: Callable[[str], Any] = lambda text: {"text": f"re: {text}"}
        self.asked: list[dict[str, Any]] = []

    async def think(self, body: dict[str, Any]) -> Answer:
        self.asked.append(body)
        found = self.answer("\n".join(body["texts"]))
        return await found if hasattr(found, "__await__") else found


class FakeBot(Connector[BotConfig]):
    kind = "fake-bot"
    roles = frozenset({Role.BOT})
    Config = BotConfig
    capabilities = Capabilities(max_concurrency=2)
    brain: ClassVar[Brain] = Brain()
    vendors: ClassVar[FakeVendors] = FakeVendors()

    def verify(self, request: Request) -> CallbackResult:
        raise Unauthentic("no callbacks")

    def normalise(self, raw: Raw) -> Sequence[Event]:
        return (BotAnswered(job=answered_step(raw.key), **json.loads(raw.payload)),)

    def render(self, messages: Sequence[Any], context: RenderContext) -> Sequence[Step]:
        texts = [part.body for message in messages for part in message.parts if isinstance(part, Text)]
        history = [
            f"{one.author.kind.value}: {part.body}"
            for one in context.history
            for part in one.parts
            if isinstance(part, Text)
        ]
        body = {"texts": texts, "history": history, "who": context.contact.model_dump(), "memory": context.memory}
        return [Step(verb="ask", body=body, covers=tuple(message.id for message in messages), cost=0)]

    async def deliver(self, step: Step, target: Target) -> Receipt:
        await self.vendors.meet(self.account.name, step, "before")
        answer = await self.brain.think(step.body | {"target": target.model_dump(mode="json")})
        await self.vendors.meet(self.account.name, step, "after")
        return Receipt(payload=json.dumps(answer))

    async def check(self) -> Health:
        return Health()


class BotScene(Scene):
    def __init__(self, database_url: str, folder: Path, **options: Any) -> None:
        self.routes: list[dict[str, Any]] = []  # else the one with the bot
        self.route_bot = {"name": "helper", "quiet": "0s", **options.pop("bot", {})}
        super().__init__(database_url, folder, **options)
        self.brain = Brain()
        self.bot_class = type("Bot", (FakeBot,), {"brain": self.brain, "vendors": self.vendors})
        self.deadline = timedelta(seconds=30)

    def settings(self) -> Any:
        self.options["routes"] = self.routes or [{"channel": "shop", "desk": "desk", "bot": self.route_bot}]
        self.options["accounts"] = {
            "shop": {"kind": "fake-channel"},
            "desk": {"kind": "fake-desk"},
            "helper": {"kind": "fake-bot"},
        }
        return super().settings()

    def build(self) -> Bridge:
        config = FakeConfig(kind="fake", uncertain=self.options.get("uncertain", "hold"))
        declared = {
            "shop": Declared("shop", self.channel_class, config),
            "desk": Declared("desk", self.desk_class, config),
            "helper": Declared("helper", self.bot_class, BotConfig(kind="fake-bot", deadline=self.deadline)),
        }
        return Bridge(self.settings(), declared, clock=self.clock)

    async def customer(self, text: str, who: str = "ann", **more: Any) -> None:
        await self.says(who, text, **more)
        await self.quiet()

    async def agent(self, text: str, *, private: bool = False) -> None:
        self.vendors.agent_says(self.only_ticket, text, private=private)
        self.look()
        await self.collected()
        await self.quiet()

    def heard(self, customer: str = "ann") -> list[str]:
        return [said.text for said in self.vendors.phones.get(customer, [])]

    async def link(self, who: str = "ann") -> Any:
        from mappings import links

        assert self.bridge is not None
        return await self.bridge.store.read(links.open_link, "shop", who, lock=False)
