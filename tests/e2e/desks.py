"""Every desk that tickets can stand in, under the same words: what its agents see and do, and what can go wrong there."""

import html
from abc import abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, ClassVar

from bridge.testing.clock import system_clock
from bridge.testing.e2e.desk import Desk, Entry, File, shown
from connectors.freshdesk.simulator import COLLEAGUE
from connectors.freshdesk.simulator import Simulator as FreshdeskSimulator
from connectors.rt.simulator import TOKEN
from connectors.rt.simulator import Simulator as RtSimulator
from connectors.zendesk.simulator import Simulator as ZendeskSimulator
from connectors.zendesk.simulator.gate import CLIENT_SECRET

Clock = Callable[[], datetime]


class HouseDesk(Desk):
    """A desk of this repository. `creates` and `says` are its two writes, as faults name requests; `closed_is_final` says
    whether a closed ticket stays closed, so that a customer who writes again gets another one.
    """

    creates: ClassVar[str]
    says: ClassVar[str]
    closed_is_final: ClassVar[bool]

    def silence(self) -> None:
        """Its webhook calls nobody any more."""
        self.simulator.silent = True

    def tickets(self) -> list[str]:
        return [str(number) for number in sorted(self.simulator.state.tickets)]

    @abstractmethod
    def is_open(self, ticket: str) -> bool: ...

    @abstractmethod
    async def solve(self, ticket: str) -> None: ...

    @abstractmethod
    async def close(self, ticket: str) -> None: ...

    @abstractmethod
    def refuse_credentials(self) -> None:
        """What the account's settings name is wrong from now on."""

    @abstractmethod
    def accept_credentials(self) -> None: ...


class Rt(HouseDesk):
    kind = "rt"
    creates = r"POST .*/ticket$"
    says = r"POST .*/correspond$"
    closed_is_final = True

    def __init__(self, clock: Clock = system_clock) -> None:
        self.simulator = RtSimulator(clock=clock)

    def entries(self, ticket: str) -> list[Entry]:
        return [
            Entry(
                "agent" if seen.who == "agent" else "note" if seen.kind == "Comment" else "customer",
                seen.text,
                seen.files,
            )
            for seen in self.simulator.ticket(ticket)
        ]

    def is_open(self, ticket: str) -> bool:
        return self.simulator.status(ticket) in {"new", "open"}

    async def agent_says(self, ticket: str, text: str, files: Sequence[File] = ()) -> None:
        await self.simulator.agent_says(ticket, text, files=files)

    async def agent_notes(self, ticket: str, text: str) -> None:
        await self.simulator.agent_comments(ticket, text)

    async def solve(self, ticket: str) -> None:
        await self.simulator.resolve(ticket)

    async def close(self, ticket: str) -> None:
        await self.simulator.resolve(ticket, "rejected")

    def refuse_credentials(self) -> None:
        self.simulator.rest.users.tokens.pop(TOKEN)

    def accept_credentials(self) -> None:
        self.simulator.rest.users.tokens[TOKEN] = "bridge"


class Freshdesk(HouseDesk):
    """Its tickets are reopened whatever their state; only an archived one is followed by another."""

    kind = "freshdesk"
    creates = r"POST /api/v2/tickets$"
    says = r"POST .*/notes$"
    closed_is_final = False

    def __init__(self, clock: Clock = system_clock) -> None:
        self.simulator = FreshdeskSimulator(clock=clock)
        self._key = self.simulator.bridge.key

    def entries(self, ticket: str) -> list[Entry]:
        found = self.simulator.state.tickets[int(ticket)]
        entries = [Entry("customer", shown(found.description), _named(found.files))]
        for said in found.conversations:
            side = "agent" if said.user == COLLEAGUE else "note" if said.private else "customer"
            entries.append(Entry(side, shown(said.body), _named(said.files)))
        return entries

    def is_open(self, ticket: str) -> bool:
        return self.simulator.status(ticket) == 2

    async def agent_says(self, ticket: str, text: str, files: Sequence[File] = ()) -> None:
        await self.simulator.agent_replies(ticket, f"<div>{html.escape(text)}</div>", files)

    async def agent_notes(self, ticket: str, text: str) -> None:
        await self.simulator.agent_notes(ticket, f"<div>{html.escape(text)}</div>")

    async def solve(self, ticket: str) -> None:
        await self.simulator.resolve(ticket)

    async def close(self, ticket: str) -> None:
        await self.simulator.close(ticket)

    def refuse_credentials(self) -> None:
        self.simulator.bridge.key = "another"

    def accept_credentials(self) -> None:
        self.simulator.bridge.key = self._key


class Zendesk(HouseDesk):
    kind = "zendesk"
    creates = r"POST /api/v2/tickets(\.json)?$"
    says = r"PUT /api/v2/tickets/\d+(\.json)?$"
    closed_is_final = True

    def __init__(self, clock: Clock = system_clock) -> None:
        self.simulator = ZendeskSimulator(clock=clock)

    def silence(self) -> None:
        self.simulator.hooks.silent = True

    def entries(self, ticket: str) -> list[Entry]:
        entries = []
        for comment in self.simulator.ticket(ticket):
            by_agent = comment.author == self.simulator.state.agent.id
            side = "agent" if by_agent else "customer" if comment.public else "note"
            entries.append(Entry(side, shown(comment.html), _named(comment.attachments)))
        return entries

    def is_open(self, ticket: str) -> bool:
        return self.simulator.state.tickets[int(ticket)].status in {"new", "open"}

    async def agent_says(self, ticket: str, text: str, files: Sequence[File] = ()) -> None:
        await self.simulator.agent_says(ticket, f"<p>{html.escape(text)}</p>", files=files)

    async def agent_notes(self, ticket: str, text: str) -> None:
        await self.simulator.agent_says(ticket, f"<p>{html.escape(text)}</p>", public=False)

    async def solve(self, ticket: str) -> None:
        await self.simulator.agent_solves(ticket)

    async def close(self, ticket: str) -> None:
        await self.simulator.closes(ticket)

    def refuse_credentials(self) -> None:
        self.simulator.gate.secret = "another"
        self.simulator.gate.tokens.clear()

    def accept_credentials(self) -> None:
        self.simulator.gate.secret = CLIENT_SECRET


def _named(files: Sequence[Any]) -> tuple[tuple[str, bytes], ...]:
    return tuple((file.name, file.data) for file in files)


DESKS: tuple[type[HouseDesk], ...] = (Rt, Freshdesk, Zendesk)
