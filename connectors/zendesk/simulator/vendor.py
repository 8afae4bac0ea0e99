"""A Zendesk account on loopback, and the agents who work in it."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Self

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bridge.contract import Format, Http, to_plain
from bridge.testing.clock import system_clock
from bridge.testing.simulator import Simulator as BaseSimulator
from connectors.zendesk.simulator.admin import Admin
from connectors.zendesk.simulator.files import FileHost, Files
from connectors.zendesk.simulator.gate import API_TOKEN, CLIENT_ID, CLIENT_SECRET, EMAIL, Gate
from connectors.zendesk.simulator.hooks import ConnectorCase
from connectors.zendesk.simulator.lists import Lists
from connectors.zendesk.simulator.rest import Rest
from connectors.zendesk.simulator.state import Attachment, Comment, Row, State, Ticket, User
from connectors.zendesk.simulator.tickets import Tickets
from connectors.zendesk.simulator.views import WEB, Views

WEBHOOK_SECRET = "c2ltdWxhdGVkLXdlYmhvb2stc2VjcmV0"  # noqa: S105 # a simulator's
File = tuple[str, str, bytes]
"""(name, MIME type, bytes)"""


class Simulator(BaseSimulator):
    """One account with one group of agents.

    `hook_url` is called by a trigger that stands ready when it is given; without it `bridge setup` makes one. `oauth`
    says which credentials `settings` name. Attachments are served from a second host.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = system_clock,
        hook_url: str = "",
        webhook_secret: str = WEBHOOK_SECRET,
        oauth: bool = True,
    ) -> None:
        super().__init__(clock=clock)
        self.webhook_secret = webhook_secret
        self.oauth = oauth
        self.state = State(clock)
        self.views = Views()
        self.gate = Gate(self.state)
        self.host = FileHost(self.state, clock)
        self.tickets = Tickets(self.state, self.views)
        self.hooks = ConnectorCase(self.state)
        self.rest = Rest(self.state, self.views, self.gate, self.tickets, self._after_request)
        self.lists = Lists(self.state, self.views)
        self.files = Files(self.state, self.views, self.gate, self.host)
        self._hook_url = ""
        self._calls: set[asyncio.Task[None]] = set()
        self._http = Http(timeout=5.0)
        self.hook_url = hook_url
        routes = [
            Route("/oauth/tokens", self.gate.token, methods=["POST"]),
            *self.lists.routes(self.rest),
            *self.rest.routes(),
            *self.files.routes(self.rest),
            *Admin(self.hooks).routes(self.rest),
        ]
        self.app = _WithoutSuffix(_ordered(routes))  # type: ignore[assignment] # any ASGI app will do

    @property
    def hook_url(self) -> str:
        """Where the trigger that stands ready calls."""
        return self._hook_url

    @hook_url.setter
    def hook_url(self, url: str) -> None:
        self._hook_url = url
        if url:
            self.hooks.install(url, self.webhook_secret, "bridge")

    def settings(self) -> dict[str, Any]:
        if self.oauth:
            credentials = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        else:
            credentials = {"email": EMAIL, "api_token": API_TOKEN}
        return {
            "kind": "zendesk",
            "subdomain": "acme",
            "api_base": self.base,
            "webhook_secret": self.webhook_secret,
            **credentials,
        }

    async def start(self, port: int = 0) -> Self:
        await self.host.start()
        await super().start(port)
        self.views.base = self.origin
        return self

    async def stop(self) -> None:
        await super().stop()
        await self.called()
        await self.host.stop()
        await self._http.close()
        self._http = Http(timeout=5.0)

    # What agents do

    async def agent_says(  # noqa: PLR0913 - what an agent can choose, by name
        self,
        ticket: str,
        html: str,
        *,
        files: Sequence[File] = (),
        public: bool = True,
        status: str = "",
        who: User | None = None,
        scan: str = "malware_not_found",
    ) -> str:
        """Writes in the agent's screen. Returns the comment's id."""
        found = self._get(ticket)
        actor = who or self.state.agent
        self.gate.admit_update(found.id, actor.id)
        attached = [self.files.add(name, mime, data, scan=scan) for name, mime, data in files]
        token = f"screen-{self.state.next_id()}"
        self.state.uploads[token] = (attached, datetime.max.replace(tzinfo=self.clock().tzinfo))
        fields: Row = {"comment": {"html_body": html, "public": public, "uploads": [token]}}
        if status:
            fields["status"] = status
        self.tickets.update(found, fields, actor, via=WEB)
        await self._after()
        return str(found.comments[-1].id)

    async def agent_solves(self, ticket: str, status: str = "solved") -> None:
        self.tickets.update(self._get(ticket), {"status": status}, self.state.agent, via=WEB)
        await self._after()

    async def closes(self, ticket: str) -> None:
        """What the automation does some days after solving: no trigger sees it."""
        self.tickets.set_status(self._get(ticket), "closed")

    async def automation_says(self, ticket: str, html: str) -> str:
        """A public comment of an automation."""
        found = self._get(ticket)
        rule = {
            "channel": "rule",
            "source": {"from": {"id": 9, "title": "Pending reminder"}, "to": {}, "rel": "automation"},
        }
        self.tickets.update(found, {"comment": {"html_body": html, "public": True}}, self.state.bridge, via=rule)
        found.comments[-1].author = -1
        return str(found.comments[-1].id)

    async def merges(self, ticket: str, into: str, *, public: bool = False) -> None:
        """`public`: with "Requester can see this comment" on both sides."""
        self.tickets.merge(self._get(ticket), self._get(into), self.state.agent, public=public)
        await self._after()

    async def gives(self, ticket: str, user: User) -> None:
        """Makes somebody else the requester."""
        self.tickets.update(self._get(ticket), {"requester_id": user.id}, self.state.agent, via=WEB)
        await self._after()

    async def hides(self, ticket: str, comment: str) -> None:
        """Makes a public comment private."""
        self.tickets.hide(self._get(ticket), self._comment(ticket, comment), self.state.agent)
        await self._after()

    async def redacts(self, ticket: str, comment: str, text: str) -> None:
        self.tickets.redact(self._get(ticket), self._comment(ticket, comment), text, self.state.agent)
        await self._after()

    async def deletes(self, ticket: str) -> None:
        found = self._get(ticket)
        found.deleted = True
        self.tickets.touch(found)

    def merges_users(self, loser: int, winner: int) -> None:
        self.state.merge_users(self.state.users[loser], self.state.users[winner])

    def open_ticket(
        self,
        *,
        tags: Sequence[str] = ("bridge",),
        requester: User | None = None,
        subject: str = "by hand",
        as_agent: bool = False,
    ) -> str:
        """A ticket that an agent opened; the bridge's tag makes it one that it follows. `as_agent`: in the agent's
        screen, where its first comment is the agent's own; else by the interface, where it is the requester's.
        """
        person = requester or self.state.add_user("Customer A")
        comment: Row = {"body": subject, "public": True}
        if as_agent:
            comment["author_id"] = self.state.agent.id
        fields = {
            "subject": subject,
            "comment": comment,
            "requester_id": person.id,
            "tags": list(tags),
        }
        ticket, _ = self.tickets.create(fields, self.state.agent, via=WEB)
        self.tickets.changed.clear()
        return str(ticket.id)

    def follows_up(self, ticket: str) -> str:
        """An agent creates a follow-up of a closed ticket in the agent's screen; tags come along."""
        source = self._get(ticket)
        fields = {
            "subject": f"Re: {source.subject}",
            "comment": {"body": "follow-up", "public": False},
            "requester_id": source.requester,
            "via_followup_source_id": source.id,
        }
        made, _ = self.tickets.create(fields, self.state.agent, via=WEB)
        self.tickets.changed.clear()
        return str(made.id)

    # What can be seen

    def ticket(self, ticket: str) -> list[Comment]:
        """The ticket as its agent reads it, oldest first."""
        return list(self._get(ticket).comments)

    def texts(self, ticket: str) -> list[str]:
        """The words of each comment, as plain text."""
        return [to_plain(comment.html, Format.HTML) for comment in self._get(ticket).comments]

    def last_file(self) -> Attachment:
        return list(self.state.attachments.values())[-1]

    def _get(self, ticket: str) -> Ticket:
        return self.state.tickets[int(ticket)]

    def _comment(self, ticket: str, comment: str) -> Comment:
        return next(one for one in self._get(ticket).comments if str(one.id) == comment)

    async def called(self) -> None:
        """All calls that follow from requests were made."""
        while self._calls:
            await asyncio.gather(*self._calls)

    async def _after_request(self) -> None:
        """Nobody who writes waits for the webhooks that follow."""
        if self.tickets.changed:
            task = asyncio.create_task(self._after())
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)

    async def _after(self) -> None:
        """Triggers run after each change, whoever made it."""
        changed, self.tickets.changed = self.tickets.changed, []
        for ticket, what in changed:
            self.hooks.fire(ticket, what, ticket.audits[-1].author)
            self.hooks.emit(ticket, what, ticket.audits[-1].author)
        with contextlib.suppress(KeyError):
            await self.hooks.deliver(self._http)


def _ordered(routes: list[Route]) -> Starlette:
    """Fixed paths before those with ids in them."""
    return Starlette(routes=[*(r for r in routes if "{" not in r.path), *(r for r in routes if "{" in r.path)])


class _WithoutSuffix:
    """Paths work with and without `.json`."""

    def __init__(self, app: Starlette) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/api/") and scope["path"].endswith(".json"):
            scope = {**scope, "path": scope["path"].removesuffix(".json"), "raw_path": None}
        await self._app(scope, receive, send)
