"""No customer gets two automatic texts for one cause, whatever crashes: greeting, away, waiting, hand-over, survey, and
what the shop itself says.

The process dies where it hurts most: the send is marked and nothing went (`before`), or the platform has the text and
nobody wrote that down (`after`). Then all that could cause the text happens again: the callback is repeated, the customer
acts once more, time passes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.app import Bridge
from bridge.contract import BotConfig, Receipt, Step, Target
from bridge.registry import Declared
from connectors.wechat import WeChat
from tests.engine.bot_harness import Brain, FakeBot
from tests.engine.engine_harness import Scene
from tests.engine.platform_harness import CUSTOMER, PlatformHarness

TOKEN = "a-token-of-the-shops-own-server-0001"
ROUTE = {"channel": "shop", "desk": "desk", "calendar": "office"}
GREETING = ("Hello!", "What can we do?")


class Dying(PlatformHarness):
    """A bridge that can be killed in the middle of a send of one text."""

    def __init__(self, database_url: str, folder: Path, moment: str, text: str, **options: Any) -> None:
        super().__init__(database_url, folder, **options)
        self.moment, self.text = moment, text
        self.dying = asyncio.Event()
        self.alive = True
        self.brain = Brain()
        self.brain.answer = lambda _: {"text": "", "verdict": "handoff"}
        scene = self

        class Phone(WeChat):
            async def deliver(self, step: Step, target: Target) -> Receipt:
                fatal = scene.alive and scene.text in str(step.body)
                if fatal and scene.moment == "before":
                    await scene.die()
                receipt = await super().deliver(step, target)
                if fatal:
                    await scene.die()
                return receipt

        self.phone_class = Phone

    async def die(self) -> None:
        self.dying.set()
        await asyncio.Event().wait()

    def build(self) -> Bridge:
        made = super().build()
        declared = {
            name: Declared(name, type(one.connector), one.config) for name, one in made.runtime.accounts.items()
        }
        declared["shop"] = Declared("shop", self.phone_class, declared["shop"].config)
        if any("bot" in route for route in self.options["routes"]):
            bot = type("Bot", (FakeBot,), {"brain": self.brain, "vendors": self.vendors})
            declared["helper"] = Declared("helper", bot, BotConfig(kind="fake-bot"))
        return Bridge(self.settings(), declared, clock=self.clock)

    async def crash(self) -> None:
        """No step is finished, no lease is given back."""
        assert self.bridge is not None and self.bridge.engine is not None
        engine = self.bridge.engine
        engine.timetable.scheduler.stop()
        for dispatcher in engine.loops.dispatchers.values():
            dispatcher.cancel()
        tasks = [*engine._tasks, *(task for one in engine.loops.dispatchers.values() for task in one._tasks)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        engine._tasks.clear()
        self.alive = False


Act = Callable[[Dying], Awaitable[None]]


async def enters(harness: Dying) -> None:
    await harness.phone.enters(CUSTOMER)


async def writes(harness: Dying) -> None:
    await harness.phone.says(CUSTOMER, "are you there?")


async def waits(harness: Dying) -> None:
    await writes(harness)
    await settle(harness)
    await harness.pass_time(minutes=4)


async def is_told(harness: Dying) -> None:
    """The shop's server says something, and says it again because it got no answer."""
    await writes(harness)
    await settle(harness)
    assert harness.bridge is not None
    transport = httpx.ASGITransport(harness.bridge.app())
    async with httpx.AsyncClient(transport=transport, base_url="https://bridge.example.com") as server:
        said = {"account": "shop", "conversation": CUSTOMER, "text": "Parcel 7 has left", "id": "event-1"}
        answer = await server.post("/api/messages", json=said, headers={"authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 202, answer.text


async def is_served(harness: Dying) -> None:
    await harness.phone.says(CUSTOMER, "where is it?")
    await harness.quiet()
    harness.vendors.agent_says(harness.only_ticket, "on its way")
    harness.look()
    await harness.quiet()
    harness.vendors.set_status(harness.only_ticket, "solved")
    harness.look()
    await harness.quiet()
    await harness.pass_time(minutes=3)


async def settle(harness: Dying) -> None:
    """What may move has moved, but for the send in which the process will die."""
    idle = asyncio.ensure_future(harness.quiet())
    dies = asyncio.ensure_future(harness.dying.wait())
    await asyncio.wait({idle, dies}, return_when=asyncio.FIRST_COMPLETED)
    for one in (idle, dies):
        one.cancel()
    await asyncio.gather(idle, dies, return_exceptions=True)


OFFICE = {"office": {"hours": "mon-fri 09:00-18:00"}}
CASES: dict[str, tuple[str, Act, str, dict[str, Any]]] = {
    "greeting": (GREETING[0], enters, "2026-11-30T10:00", {"greeting": {"texts": GREETING}}),
    "the greeting's second text": (GREETING[1], enters, "2026-11-30T10:00", {"greeting": {"texts": GREETING}}),
    "away": ("We are away", writes, "2026-11-30T20:00", {"away": {"texts": ["We are away"]}}),
    "waiting": ("It takes long", waits, "2026-11-30T10:00", {"waiting": {"after": "3m", "texts": ["It takes long"]}}),
    "hand-over": (
        "A person comes", writes, "2026-11-30T10:00",
        {"bot": {"name": "helper", "quiet": "0s", "reserve": 1, "handoff_text": "A person comes"}},
    ),
    "survey": ("How satisfied were you", is_served, "2026-11-30T10:00", {"survey": {"ask": "solved"}}),
    "shop": ("Parcel 7 has left", is_told, "2026-11-30T10:00", {}),
}  # fmt: skip
LIVES = [("sqlite", "before"), ("sqlite", "after"), ("postgresql", "after")]


@pytest.mark.parametrize(("database_url", "moment"), LIVES, indirect=["database_url"])
@pytest.mark.parametrize("cause", CASES)
async def test_one_text_for_one_cause_whatever_crashes(
    database_url: str, tmp_path: Path, cause: str, moment: str
) -> None:
    text, act, when, route = CASES[cause]
    more = {"bridge": {"api_token": TOKEN}, "calendars": OFFICE}
    harness = Dying(database_url, tmp_path, moment, text, routes=[{**ROUTE, **route}], **more)
    at = datetime.fromisoformat(f"{when}+08:00")
    harness.clock.advance((at - harness.clock()).total_seconds())
    pushed: list[Any] = []
    push = harness.phone._push

    async def remembered(fields: Any) -> bool:
        pushed.append(fields)
        return await push(fields)

    harness.phone._push = remembered  # type: ignore[method-assign] # what the platform told, to tell it again
    async with harness.phone:
        async with Scene.running(harness):  # the first life
            await act(harness)
            await settle(harness)
            assert harness.dying.is_set(), "the text was not sent"
            await harness.crash()
        async with Scene.running(harness):  # the second one
            if "postgresql" in database_url:  # another process may live: what it has in hand is its own for a while
                await harness.pass_time(minutes=2)
            for fields in pushed:
                await push(fields)
            await harness.quiet()
            if act is is_told:
                await act(harness)
            for minutes in (1, 2, 5):
                await harness.wait(minutes=minutes)
            await enters(harness)
            await harness.wait(seconds=5)
            await harness.phone.says(CUSTOMER, "hello again")
            await harness.wait(seconds=5)
            got = [one for one in harness.received() if text in one]
            assert len(got) == (1 if moment == "after" else 0)
