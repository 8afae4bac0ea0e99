"""A Request Tracker 5 on loopback, and the agents who work in it."""

import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from bridge.contract import ConnectorError, Http
from bridge.testing.clock import system_clock
from bridge.testing.simulator import Simulator as BaseSimulator
from connectors.rt.simulator.rest import Rest
from connectors.rt.simulator.state import Said, Seen, State, Ticket, Transaction

TOKEN = "1-31-simulated-bridge"  # noqa: S105 # a simulator's
_EVENTS = {"Correspond": "correspond", "Comment": "comment", "Status": "status"}


class Simulator(BaseSimulator):
    """One RT with one queue. Scrips call `hook_url` once, with no retry; `silent` switches them off."""

    path = "/REST/2.0"

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = system_clock,
        queue: str = "Support",
        hook_url: str = "",
        hook_secret: str = "simulated-hook-secret",  # noqa: S107 # a simulator's
        mail_gateway: bool = False,
    ) -> None:
        super().__init__(clock=clock)
        self.queue = queue
        self.hook_url = hook_url
        self.hook_secret = hook_secret
        self.mail_gateway = mail_gateway
        self.silent = False
        self.state = State(clock, queue)
        self.rest = Rest(self.state, {TOKEN: "bridge", "agent-token": "agent"}, queue)
        self.app = self.rest.app
        self.notes: list[int] = []  # the status of each call of a scrip, 0 for none
        self._http = Http(timeout=5.0)

    def settings(self) -> dict[str, Any]:
        return {
            "kind": "rt",
            "api_base": self.base,
            "token": TOKEN,
            "queue": self.queue,
            "hook_secret": self.hook_secret,
            **({"mail_gateway": self.origin} if self.mail_gateway else {}),
        }

    async def stop(self) -> None:
        await self._http.close()
        self._http = Http(timeout=5.0)
        await super().stop()

    # What agents do

    async def agent_says(
        self,
        ticket: str,
        text: str,
        *,
        html: bool = False,
        files: Sequence[tuple[str, str, bytes]] = (),
        status: str = "",
        who: str = "agent",
    ) -> str:
        """A public answer, as (file name, MIME type, bytes). Returns the transaction's id."""
        said = Said(text, "text/html" if html else "text/plain", files)
        return await self._writes(ticket, "Correspond", said, status=status, who=who)

    async def agent_comments(self, ticket: str, text: str, *, who: str = "agent") -> str:
        """An internal comment."""
        return await self._writes(ticket, "Comment", Said(text), who=who)

    async def resolve(self, ticket: str, status: str = "resolved") -> None:
        self.state.set_status(self._get(ticket), status, "agent")
        await self._run_scrips()

    async def merge(self, ticket: str, into: str) -> None:
        self.state.merge(self._get(ticket), self._get(into), "agent")
        await self._run_scrips()

    async def gives(self, ticket: str, requestor: str) -> None:
        """Makes somebody else the requestor."""
        self.state.give(self._get(ticket), requestor, "agent")
        await self._run_scrips()

    async def move(self, ticket: str, queue: str = "General") -> None:
        """To another queue, which the bridge's user may not see."""
        self.state.move(self._get(ticket), queue, "agent")
        await self._run_scrips()

    def ticket(self, ticket: str) -> list[Seen]:
        """The ticket as its agent reads it, oldest first."""
        return self.state.seen(self._get(ticket))

    def status(self, ticket: str) -> str:
        return self._get(ticket).status

    def open_ticket(self, requestor: str = "somebody@customer.test", subject: str = "by hand") -> str:
        """A ticket that the bridge knows nothing of."""
        ticket = self.state.create(self.queue, subject, "agent", [requestor])
        self.state.say(ticket, "Create", "agent", Said(subject))
        return str(ticket.id)

    async def _writes(self, ticket: str, kind: str, words: Said, *, status: str = "", who: str) -> str:
        found = self._get(ticket)
        said = self.state.say(found, kind, who, words)
        if status:
            self.state.set_status(found, status, who)
        await self._run_scrips()
        return str(said.id)

    def _get(self, ticket: str) -> Ticket:
        found = self.state.ticket(int(ticket))
        if found is None:
            raise KeyError(ticket)
        return found

    async def _run_scrips(self) -> None:
        """After the agent's own request, as RT does; the bridge's own writes are told, too."""
        changed, self.state.changed = self.state.changed, []
        for transaction in changed:
            if self.hook_url and not self.silent and transaction.kind in _EVENTS:
                await self._tell(transaction)

    async def _tell(self, transaction: Transaction) -> None:
        note = {
            "event": _EVENTS[transaction.kind],
            "ticket": transaction.ticket,
            "transaction": transaction.id,
            "type": transaction.kind,
            "creator": transaction.creator,
        }
        body = json.dumps(note, separators=(",", ":")).encode()
        mark = hmac.new(self.hook_secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-rt-signature": f"sha256={mark}"}
        try:
            answer = await self._http.request("POST", self.hook_url, content=body, headers=headers)
        except ConnectorError:
            self.notes.append(0)
        else:
            self.notes.append(answer.status)
