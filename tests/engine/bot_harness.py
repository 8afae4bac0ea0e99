"""A shop whose customers are answered by a bot first. The bot says what the test wants it to."""

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
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
    Gone,
    Health,
    MessageReceived,
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
from mappings import handovers
from mappings.store import Tx
from tests.engine.engine_harness import Scene
from tests.engine.fakes import FakeConfig, FakeDesk, FakeVendors

Answer = dict[str, Any]
Opened = Callable[..., AbstractAsyncContextManager["BotScene"]]
HINT = '(Automatic answer. For a person, write "agent".)'


class Brain:
    """What the bot says, and what it was asked. `answer` may raise, or be a coroutine's function."""

    def __init__(self) -> None:
        self.answer: Callable[[str], Any] = lambda text: {"text": f"re: {text}"}
        self.asked: list[dict[str, Any]] = []

    async def think(self, body: dict[str, Any]) -> Answer:
        self.asked.append(body)
        found = self.answer("\n".join(body["texts"]))
        answer: Answer = await found if hasattr(found, "__await__") else found
        return answer


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


class BusyDesk(FakeDesk):
    """Its agents may delete tickets, and open some of their own for customers whom they know."""

    def normalise(self, raw: Raw) -> Sequence[Event]:
        events = super().normalise(raw)
        requester = json.loads(raw.payload).get("requester", "")
        return [
            one.model_copy(update={"requester": requester}) if isinstance(one, MessageReceived) else one
            for one in events
        ]

    async def deliver(self, step: Step, target: Target) -> Receipt:
        if target.conversation is not None and target.conversation not in self.vendors.tickets:
            await self.vendors.meet(self.account.name, step, "before")
            raise Gone("deleted")
        receipt = await super().deliver(step, target)
        return receipt.model_copy(update={"peer": target.contact.id})


class BotScene(Scene):
    """`other`: whether there is a second desk, which no route leads to by itself. `bot_channel`: where the bot answers."""

    def __init__(self, database_url: str, folder: Path, **options: Any) -> None:
        self.routes: list[dict[str, Any]] = []  # else the one with the bot
        self.route_bot = {"name": "helper", "quiet": "0s", **options.pop("bot", {})}
        self.route_more = options.pop("route", {})
        self.bot_channel = options.pop("bot_channel", "shop")
        self.other = FakeVendors(count=1000) if options.pop("other", False) else None
        super().__init__(database_url, folder, **options)
        self.brain = Brain()
        self.desk_class = type("Desk", (BusyDesk,), {"vendors": self.vendors})
        self.other_class = type("Other", (BusyDesk,), {"vendors": self.other})
        self.bot_class = type("Bot", (FakeBot,), {"brain": self.brain, "vendors": self.vendors})
        self.deadline = timedelta(seconds=30)

    def settings(self) -> Any:
        self.options["routes"] = list(self.routes) or [
            {"channel": self.bot_channel, "desk": "desk", "bot": self.route_bot, **self.route_more}
        ]
        self.options["accounts"] = {
            "shop": {"kind": "fake-channel"},
            "desk": {"kind": "fake-desk"},
            "helper": {"kind": "fake-bot"},
        }
        if self.bot_channel != "shop":
            self.options["accounts"][self.bot_channel] = {"kind": "fake-channel"}
            self.options["routes"].append({"channel": "shop", "desk": "desk"})
        if self.other is not None:
            self.options["accounts"]["other"] = {"kind": "fake-desk"}
            away = {"channel": "shop", "desk": "other", "when": {"page": "nowhere"}}
            self.options["routes"].insert(0, away)
        return super().settings()

    def build(self) -> Bridge:
        config = FakeConfig(kind="fake", uncertain=self.options.get("uncertain", "hold"))
        declared = {
            "shop": Declared("shop", self.channel_class, config),
            "desk": Declared("desk", self.desk_class, config),
            "helper": Declared("helper", self.bot_class, BotConfig(kind="fake-bot", deadline=self.deadline)),
        }
        declared.setdefault(self.bot_channel, Declared(self.bot_channel, self.channel_class, config))
        if self.other is not None:
            declared["other"] = Declared("other", self.other_class, config)
        return Bridge(self.settings(), declared, clock=self.clock)

    @property
    def halls(self) -> dict[str, FakeVendors]:
        """Each desk's vendors."""
        return {"desk": self.vendors, **({"other": self.other} if self.other is not None else {})}

    def look(self) -> None:
        super().look()
        if self.other is not None:
            assert self.bridge is not None and self.bridge.engine is not None
            self.bridge.engine.refresh("other", ("any",))

    async def collected(self) -> None:
        await super().collected()
        if self.other is not None:
            assert self.bridge is not None and self.bridge.engine is not None
            poller = self.bridge.engine.loops.pollers["other"]
            await self.until(lambda: not poller._looks)

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


async def whys(scene: BotScene) -> list[str]:
    """Why the conversation changed hands, in order."""
    link = await scene.link()

    def rows(tx: Tx) -> list[str]:
        return [row.why for row in handovers.handovers_of(tx, [link.id])]

    assert scene.bridge is not None
    return await scene.bridge.store.read(rows)
