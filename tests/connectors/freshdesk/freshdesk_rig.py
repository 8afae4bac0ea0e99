"""A connector at a simulated Freshdesk, used as the engine would use it."""

import itertools
from dataclasses import dataclass, field
from typing import Any

from bridge.contract import (
    Account,
    Audience,
    Author,
    AuthorKind,
    ConnectorError,
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
from connectors.freshdesk import Freshdesk
from connectors.freshdesk.simulator import Simulator
from connectors.freshdesk.simulator.state import Ticket

CUSTOMER = Contact(id="oGZUI0egBJY1zhBYw2KhdUfwVJJE", name="Customer A")


@dataclass
class Bench:
    desk: Simulator
    clock: VirtualClock
    account: Account
    connector: Freshdesk
    numbers: itertools.count = field(default_factory=itertools.count)

    def configured(self, **changes: Any) -> Freshdesk:
        """Another connector for the same account; nothing remembered, as after a restart."""
        return Freshdesk(Freshdesk.Config(**{**self.desk.settings(), **changes}), self.account)

    def message(self, *parts: Part | str, private: bool = False, **more: Any) -> Message:
        kind = AuthorKind.BRIDGE if private else AuthorKind.CUSTOMER
        return Message(
            id=f"m{next(self.numbers)}",
            conversation="c1",
            author=Author(kind=kind, id=CUSTOMER.id, name=CUSTOMER.name),
            audience=Audience.AGENTS if private else Audience.CUSTOMER,
            parts=tuple(Text(body=part) if isinstance(part, str) else part for part in parts),
            **more,
        )

    def step(self, *messages: Message, conversation: str | None = None, **context: Any) -> Step:
        (step,) = self.connector.render(
            messages, RenderContext(conversation=conversation, **{"contact": CUSTOMER, **context})
        )
        return step

    def target(self, conversation: str | None = None, **more: Any) -> Target:
        if isinstance(more.get("contact"), dict):
            more["contact"] = Contact(**more["contact"])
        values = {"key": f"key-{next(self.numbers)}", "link": "1", "contact": CUSTOMER, "tried_at": self.clock()}
        return Target(conversation=conversation, **{**values, **more})

    async def send(self, step: Step, target: Target, connector: Freshdesk | None = None) -> Receipt:
        connector = connector or self.connector
        prepared = await connector.prepare(step, target)
        return await connector.deliver(step, target.model_copy(update={"prepared": prepared}))

    async def open(self, text: str = "hello", **target: Any) -> Receipt:
        return await self.send(self.step(self.message(text)), self.target(**target))

    async def say(self, ticket: str, text: str, **target: Any) -> Receipt:
        step = self.step(self.message(text), conversation=ticket)
        return await self.send(step, self.target(ticket, **target))

    async def as_engine(self, step: Step, target: Target) -> Receipt:
        """Sends; where the outcome is unknown, looks first and sends again only what is absent."""
        try:
            return await self.send(step, target)
        except ConnectorError as error:
            if error.certain:
                raise
        return await self.connector.lookup(step, target) or await self.send(step, target)

    def row(self, ticket: str) -> Ticket:
        return self.desk.state.tickets[int(ticket)]

    async def poll(self, cursor: str | None, connector: Freshdesk | None = None) -> tuple[list[Raw], str]:
        raws: list[Raw] = []
        for _ in range(400):
            page = await (connector or self.connector).poll(cursor)
            raws += page.raws
            cursor = page.cursor
            if not page.more:
                assert cursor is not None
                return raws, cursor
        raise AssertionError("the poll does not end")

    def events(self, raws: list[Raw] | tuple[Raw, ...]) -> list[Event]:
        return [event for raw in raws for event in self.connector.normalise(raw)]

    def heard(self, raws: Any) -> list[str]:
        """What would go to the customer."""
        return [
            part.body
            for event in self.events(raws)
            if isinstance(event, MessageReceived)
            and event.message.author.kind is AuthorKind.AGENT
            and event.message.audience is Audience.CUSTOMER
            for part in event.message.parts
            if isinstance(part, Text)
        ]
