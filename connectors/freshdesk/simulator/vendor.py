"""A Freshdesk on loopback, and the agents who work in it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Self

from starlette.applications import Starlette

from bridge.testing.clock import system_clock
from bridge.testing.simulator import Simulator as BaseSimulator
from connectors.freshdesk.setup import RULE, STATUS_RULE
from connectors.freshdesk.simulator.conversations import Conversations
from connectors.freshdesk.simulator.files import Storage
from connectors.freshdesk.simulator.people import People
from connectors.freshdesk.simulator.rules import AGENT, ANYBODY
from connectors.freshdesk.simulator.site import Site
from connectors.freshdesk.simulator.state import Agent, File, Seen, State, Ticket
from connectors.freshdesk.simulator.tickets import Tickets

KEY = "simulated-key-of-the-bridge"
TAG = "bridge"
BRIDGE, COLLEAGUE = 50_000_000_001, 50_000_000_002


class Simulator(BaseSimulator):
    """One account. `site` holds its switches, `site.rules` the automation rules and their calls.

    Calls go to `hook_url` as the printed set-up steps make them: with the secret in a header, unsigned, retried after
    5, 30 and 60 minutes (`settle` after the clock moved).
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = system_clock,
        hook_url: str = "",
        hook_secret: str = "simulated-hook-secret",  # noqa: S107 # a simulator's
        plan: str = "",
    ) -> None:
        super().__init__(clock=clock)
        self.hook_secret = hook_secret
        self.state = State(clock)
        self.storage = Storage(clock)
        self.site = Site(self.state, self.storage)
        self.site.plan = plan
        self.people = People(self.site)
        parts = (Conversations(self.site), Tickets(self.site), self.people)
        self.app = Starlette(routes=[route for part in parts for route in part.routes()])
        self.bridge = self.add_agent(BRIDGE, "Bridge", KEY)
        self.colleague = self.add_agent(COLLEAGUE, "Agent", "key-of-an-agent")
        self._hook_url = ""
        self.hook_url = hook_url

    def settings(self) -> dict[str, Any]:
        return {
            "kind": "freshdesk",
            "domain": "acme.freshdesk.com",
            "api_base": self.base,
            "api_key": KEY,
            "hook_secret": self.hook_secret,
        }

    @property
    def hook_url(self) -> str:
        """Where the rules of the set-up steps call; empty: there are none."""
        return self._hook_url

    @hook_url.setter
    def hook_url(self, url: str) -> None:
        self._hook_url = url
        self.site.rules.rules.clear()
        if url:
            secret = self.hook_secret
            said = ["reply_sent", "note_public", "note_private"]
            self.site.rules.install(RULE, url, secret, events=said, performer=AGENT, tag=TAG)
            self.site.rules.install(STATUS_RULE, url, secret, events=["status"], performer=ANYBODY, tag=TAG)

    @property
    def silent(self) -> bool:
        """No rule calls anybody."""
        return self.site.rules.silent

    @silent.setter
    def silent(self, value: bool) -> None:
        self.site.rules.silent = value

    async def start(self, port: int = 0) -> Self:
        await self.storage.start()
        return await super().start(port)

    async def stop(self) -> None:
        await self.site.close()
        await super().stop()
        await self.storage.stop()

    async def settle(self) -> None:
        """Makes the calls that are due by now."""
        await self.site.settle()

    # What agents do

    def add_agent(self, number: int, name: str, key: str) -> Agent:
        agent = Agent(number, name, f"{name.lower()}@acme.example", key)
        self.state.agents[number] = agent
        return agent

    async def agent_replies(self, ticket: str, html: str, files: Sequence[File] = (), *, who: int = COLLEAGUE) -> str:
        """A reply to the customer; files as (name, MIME type, bytes). Returns the conversation's id."""
        said = self.site.reply(self._get(ticket), self.state.agents[who], {"body": html}, list(files))
        await self.settle()
        return str(said.id)

    async def agent_notes(
        self, ticket: str, html: str, files: Sequence[File] = (), *, public: bool = False, who: int = COLLEAGUE
    ) -> str:
        """A note, private unless `public`."""
        said = self.site.note(self._get(ticket), who, {"body": html, "private": not public}, list(files))
        await self.settle()
        return str(said.id)

    async def agent_says(self, ticket: str, text: str) -> str:
        """A plain reply."""
        return await self.agent_replies(ticket, f"<div>{text}</div>")

    async def edit(self, ticket: str, conversation: str, html: str) -> None:
        found = self._get(ticket)
        said = next(one for one in found.conversations if str(one.id) == conversation)
        self.site.edit(found, said, html, self.colleague)

    async def delete_note(self, ticket: str, conversation: str) -> None:
        found = self._get(ticket)
        self.site.unsay(found, next(one for one in found.conversations if str(one.id) == conversation))

    async def set_status(self, ticket: str, status: int) -> None:
        found = self._get(ticket)
        before, found.status, found.updated = found.status, status, self.state.now
        self.site.status_changed(found, before, self.colleague, AGENT)
        await self.settle()

    async def resolve(self, ticket: str) -> None:
        await self.set_status(ticket, 4)

    async def close(self, ticket: str) -> None:
        await self.set_status(ticket, 5)

    async def merge(self, ticket: str, into: str) -> None:
        self.site.merge(self._get(into), [self._get(ticket)], self.colleague)
        await self.settle()

    async def gives(self, ticket: str, contact: int) -> None:
        """Makes somebody else the requester."""
        found = self._get(ticket)
        found.requester, found.updated = contact, self.state.now

    def archive(self, ticket: str) -> None:
        """What happens to closed tickets after 120 quiet days."""
        found = self._get(ticket)
        found.status, found.archived = 5, True

    def trash(self, ticket: str, *, spam: bool = False) -> None:
        found = self._get(ticket)
        found.spam, found.deleted = spam, not spam

    # What can be seen

    def ticket(self, ticket: str) -> list[Seen]:
        """The ticket as its agent reads it, oldest first."""
        return self.state.seen(self._get(ticket))

    def status(self, ticket: str) -> int:
        return self._get(ticket).status

    def open_ticket(self, subject: str = "by hand", *, tag: str = TAG, customer: str = "") -> str:
        """A ticket that looks as if the bridge had opened it."""
        contact = self.state.add_contact("Customer A", {"unique_external_id": customer} if customer else {})
        ticket = self.state.add_ticket(contact.id, subject, f"<div>{subject}</div>", tags=[tag] if tag else [])
        return str(ticket.id)

    def put_inline(self, data: bytes, mime: str) -> str:
        """A picture inside a body: its path on the account's own host."""
        (file,) = self.state.keep([("inline.png", mime, data)])
        self.state.inline[file.id] = file
        return f"/inline/{file.id}"

    def _get(self, ticket: str) -> Ticket:
        return self.state.tickets[int(ticket)]
