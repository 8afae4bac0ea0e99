"""A connector, its simulated RT, and a customer."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from bridge.contract import (
    Account,
    Audience,
    Author,
    AuthorKind,
    Contact,
    Event,
    Message,
    MessageReceived,
    Part,
    Raw,
    Receipt,
    RenderContext,
    Step,
    Target,
    Text,
)
from bridge.testing.clock import VirtualClock
from bridge.testing.rig import lend_account
from connectors.rt import RequestTracker
from connectors.rt.simulator import Simulator

CUSTOMER = Contact(id="oABC_def-123", name="Customer A")


class Rig:
    def __init__(self, vendor: Simulator, account: Account, clock: VirtualClock) -> None:
        self.vendor, self.account, self.clock = vendor, account, clock
        self.connector = self.another()

    def another(self, **changes: Any) -> RequestTracker:
        """A connector that remembers nothing but what is stored."""
        return RequestTracker(RequestTracker.Config.model_validate(self.vendor.settings() | changes), self.account)

    def step(self, *parts: Part | str, ticket: str | None = None, note: bool = False, **context: Any) -> Step:
        said = tuple(Text(body=part) if isinstance(part, str) else part for part in parts)
        kind = AuthorKind.BRIDGE if note else AuthorKind.CUSTOMER
        audience = Audience.AGENTS if note else Audience.CUSTOMER
        message = Message(id="m", conversation="c", author=Author(kind=kind), parts=said, audience=audience)
        (step,) = self.connector.render([message], RenderContext(conversation=ticket, contact=CUSTOMER, **context))
        return step

    def target(self, ticket: str | None = None, **more: Any) -> Target:
        more = {"key": uuid4().hex, "contact": CUSTOMER, "tried_at": self.clock(), **more}
        return Target(link="1", conversation=ticket, **more)

    async def send(self, step: Step, target: Target) -> Receipt:
        prepared = await self.connector.prepare(step, target)
        return await self.connector.deliver(step, target.model_copy(update={"prepared": prepared}))

    async def says(self, *parts: Part | str, ticket: str | None = None, **more: Any) -> Receipt:
        return await self.send(self.step(*parts, ticket=ticket), self.target(ticket, **more))

    async def poll(self, cursor: str | None) -> tuple[list[Raw], str | None]:
        """All pages, as the engine asks for them."""
        raws: list[Raw] = []
        for _ in range(400):
            page = await self.connector.poll(cursor)
            raws += page.raws
            cursor = page.cursor
            if not page.more:
                return raws, cursor
        raise AssertionError("no end")

    def events(self, raws: Sequence[Raw]) -> list[Event]:
        return [event for raw in raws for event in self.connector.normalise(raw)]

    def texts(self, raws: Sequence[Raw]) -> list[str]:
        return [
            part.body
            for event in self.events(raws)
            if isinstance(event, MessageReceived)
            for part in event.message.parts
            if isinstance(part, Text)
        ]

    def on_desk(self) -> list[str]:
        """Every message on every ticket."""
        tickets = [number for number, ticket in self.vendor.state.tickets.items() if not ticket.merged_into]
        return [seen.text for number in tickets for seen in self.vendor.ticket(str(number))]

    def later(self, **parts: float) -> None:
        self.clock.advance(**parts)


@asynccontextmanager
async def rigged(*, mail_gateway: bool = False) -> AsyncIterator[Rig]:
    clock = VirtualClock()
    async with (
        Simulator(clock=clock, mail_gateway=mail_gateway) as vendor,
        lend_account("desk", home=vendor.base, clock=clock) as account,
    ):
        yield Rig(vendor, account, clock)
