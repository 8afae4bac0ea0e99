"""A connector in a simulated mail rig, for tests."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bridge.contract import Author, AuthorKind, Contact, Message, Raw, Receipt, RenderContext, Step, Target, Text
from bridge.testing.clock import VirtualClock
from bridge.testing.rig import lend_account
from connectors.email import Email
from connectors.email.simulator import Simulator


@dataclass
class MailRig:
    """A connector in a simulated mail rig, and the few things the engine would do for it."""

    sim: Simulator
    box: Email
    clock: VirtualClock
    cursor: str | None = None
    raws: list[Raw] = field(default_factory=list)
    steps: int = 0

    async def poll(self) -> list[Raw]:
        """What is new, as raws."""
        found: list[Raw] = []
        while True:
            page = await self.box.poll(self.cursor)
            found += page.raws
            self.cursor = page.cursor
            if not page.more:
                break
        self.raws += found
        return found

    async def events(self) -> list[Any]:
        return [event for raw in await self.poll() for event in self.box.normalise(raw)]

    def step(self, *parts: Any, messages: int = 1, name: str = "Customer A", **more: Any) -> Step:
        said = [
            Message(
                id=f"m{self.steps}.{number}",
                conversation="c",
                author=Author(kind=AuthorKind.CUSTOMER),
                parts=tuple(Text(body=part) if isinstance(part, str) else part for part in parts),
                **more,
            )
            for number in range(messages)
        ]
        (step,) = self.box.render(said, RenderContext(contact=Contact(id="c", name=name)))
        return step

    def target(self, conversation: str | None = None, *, key: str = "", link: str = "link-1", **more: Any) -> Target:
        self.steps += 1
        return Target(key=key or f"key-{self.steps}", link=link, conversation=conversation, **more)

    async def send(self, *parts: Any, conversation: str | None = None, **more: Any) -> Receipt:
        step, target = self.step(*parts), self.target(conversation, **more)
        prepared = await self.box.prepare(step, target)
        return await self.box.deliver(step, target.model_copy(update={"prepared": prepared}))


@asynccontextmanager
async def make_rig(*, settings: dict[str, Any] | None = None, **options: Any):
    clock = VirtualClock()
    oauth = bool((settings or {}).pop("oauth", False)) if settings else False
    async with Simulator(clock=clock, **options) as sim, lend_account("mailbox", home=sim.base, clock=clock) as account:
        config = Email.Config.model_validate(sim.settings(oauth=oauth, **(settings or {})))
        rig = MailRig(sim, Email(config, account), clock)
        await rig.poll()
        yield rig


async def until(condition, seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
