"""One simulated account: who may ask, how often, and what follows when somebody does something on a ticket."""

import asyncio
import base64
import binascii
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from connectors.freshdesk.simulator.checks import Form, Refusal, denied, invalid
from connectors.freshdesk.simulator.files import Storage
from connectors.freshdesk.simulator.rules import AGENT, REQUESTER, Happening, Rules
from connectors.freshdesk.simulator.state import Agent, Attachment, Conversation, File, State, Ticket, sanitised

# calls in a minute: in all, creating, updating and listing tickets, listing contacts
# https://developers.freshdesk.com/api/#ratelimit
PLANS: dict[str, dict[str, int]] = {
    "": {"total": 1_000_000},
    "trial": {"total": 50},
    "growth": {"total": 200, "create": 80, "update": 80, "list": 20, "contacts": 20},
    "pro": {"total": 400, "create": 160, "update": 160, "list": 100, "contacts": 100},
    "enterprise": {"total": 700, "create": 280, "update": 280, "list": 200, "contacts": 200},
}
ROOM = 20 * 2**20  # bytes of all files of one ticket

Handler = Callable[[Request, Agent], Awaitable[Response]]


class Site:
    """The switches are the points at which accounts differ, or at which nothing is documented."""

    def __init__(self, state: State, storage: Storage) -> None:
        self.state = state
        self.storage = storage
        self.plan = ""
        self.suspended = ""  # a code such as account_suspended: everything is refused with it
        self.reopens = False  # whether a rule opens a ticket when its requester writes
        self.duplicate_status = 409
        self.unknown_filter_is_empty = False
        self.reply_needs_email = False
        self.notes_count_as_agents = False  # whether a note as the customer counts as written by the key's agent
        self.merge_note_is_private = True
        self.inline_needs_login = False
        self.statuses: dict[int, str] = {2: "Open", 3: "Pending", 4: "Resolved", 5: "Closed", 6: "Waiting on Customer"}
        self.custom_fields: list[str] = ["cf_openid", "cf_bridge"]
        self.scale: tuple[int, ...] = ()  # what the active survey takes; without any survey nothing is rated
        self.numbers: set[str] = set()  # custom fields that take numbers only
        self.required: list[str] = []
        self.rules = Rules(state, self.draw)
        self.asked: list[str] = []  # "METHOD /path" of each call
        self.queries: list[str] = []
        self.bodies: list[str] = []
        self.refused: list[str] = []  # what was answered with an error other than 404
        self._used: Counter[str] = Counter()
        self._minute = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def address(self, file: Attachment) -> str:
        return self.storage.address(file)

    def origin(self, request: Request) -> str:
        return str(request.base_url).rstrip("/")

    # Who may ask, and how often

    def guarded(self, handler: Handler, kind: str = "") -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            line = f"{request.method} {request.url.path}"
            self.asked.append(line)
            self.queries.append(request.url.query)
            self.bodies.append((await request.body()).decode("utf-8", "replace"))
            try:
                response = await handler(request, self._admit(request, kind))
            except Refusal as refusal:
                response = refusal.response()
                if response.status_code != 404:
                    self.refused.append(f"{response.status_code} {line}")
            total = PLANS[self.plan]["total"]
            response.headers["x-ratelimit-total"] = f"{total}.0"  # floats were seen on live accounts
            response.headers["x-ratelimit-remaining"] = str(max(0, total - self._used["total"]))
            response.headers["x-ratelimit-used-currentrequest"] = "1"
            response.headers["x-freshdesk-api-version"] = "latest=v2; requested=v2"
            return response

        return serve

    def _admit(self, request: Request, kind: str) -> Agent:
        agent = self._agent(request)
        self._draw_for(kind)
        accept = request.headers.get("accept", "*/*")
        if "json" not in accept and "*/*" not in accept:
            raise Refusal(406)
        if not agent.rights and not request.url.path.endswith("/agents/me"):
            raise denied(403, "access_denied")
        return agent

    def _agent(self, request: Request) -> Agent:
        scheme, _, pair = request.headers.get("authorization", "").partition(" ")
        try:
            key = base64.b64decode(pair, validate=True).decode().partition(":")[0] if scheme == "Basic" else ""
        except (binascii.Error, UnicodeDecodeError):
            key = ""
        agent = next((agent for agent in self.state.agents.values() if key and agent.key == key), None)
        if self.suspended:
            raise denied(403, self.suspended)
        if agent is None:
            self.draw()  # wrong calls count, too
            raise denied(401, "invalid_credentials", "You have to be logged in to perform this action.")
        return agent

    def draw(self, kind: str = "") -> bool:
        """Takes one call of this minute's budget; False when it is used up."""
        minute = int(self.state.clock().timestamp()) // 60
        if minute != self._minute:
            self._minute = minute
            self._used.clear()
        plan = PLANS[self.plan]
        for name in filter(None, ("total", kind)):
            if self._used[name] >= plan.get(name, plan["total"]):
                return False
        for name in filter(None, ("total", kind)):
            self._used[name] += 1
        return True

    def _draw_for(self, kind: str) -> None:
        if not self.draw(kind):
            left = 60 - int(self.state.clock().timestamp()) % 60
            raise Refusal(429, {"message": "You have exceeded the limit of requests"}, {"retry-after": str(left)})

    # Which tickets are there

    def found(self, request: Request) -> Ticket:
        """The ticket that a path names. Archived ones are elsewhere."""
        ticket = self.state.tickets.get(request.path_params["id"])
        if ticket is None or ticket.archived:
            raise Refusal(404)
        return ticket

    def in_archive(self, request: Request) -> Ticket:
        ticket = self.state.tickets.get(request.path_params["id"])
        if ticket is None or not ticket.archived:
            raise Refusal(404)
        return ticket

    def writable(self, request: Request) -> Ticket:
        """Not in the trash or spam."""
        ticket = self.found(request)
        if ticket.deleted or ticket.spam:
            raise Refusal(405, headers={"allow": "GET"})
        return ticket

    def check_room(self, form: Form, taken: int) -> None:
        if taken + sum(len(data) for _, _, data in form.files) > ROOM:
            raise invalid("attachments", "invalid_value", "The total size of all attachments exceeded 20 MB")

    # What happens on tickets

    def happened(self, happening: Happening, _agent: Agent | None = None) -> None:
        """Rules run, and their calls go out by themselves."""
        self.rules.happened(happening)
        if self.rules.pending:
            task = asyncio.ensure_future(self.rules.run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def status_changed(self, ticket: Ticket, before: int, agent: Agent | None, performer: int) -> None:
        self.happened(Happening(ticket, "status", performer, f"{{status:{{from:{before},to:{ticket.status}}}}}"), agent)

    def reply(self, ticket: Ticket, agent: Agent, fields: dict[str, Any], files: list[File]) -> Conversation:
        """An agent writes to the customer; a mail goes out if there is an address."""
        if self.reply_needs_email and not self.state.contacts[ticket.requester].fields.get("email"):
            raise denied(400, "inconsistent_state", "The requester has no email")
        said = self._say(ticket, agent.id, fields, files, source=0)
        self.happened(Happening(ticket, "reply_sent", AGENT, "{reply_sent:sent}"), agent)
        return said

    def note(self, ticket: Ticket, user: int, fields: dict[str, Any], files: list[File]) -> Conversation:
        """Private unless it says otherwise."""
        private = fields.get("private", True)
        said = self._say(ticket, user, fields, files, source=2, private=private)
        requester = user in self.state.contacts
        performer = REQUESTER if requester and not self.notes_count_as_agents else AGENT
        kind = "private" if private else "public"
        self.happened(Happening(ticket, f"note_{kind}", performer, f"{{note_type:{kind}}}"))
        if requester and self.reopens and ticket.status in {3, 4, 5}:
            before, ticket.status = ticket.status, 2
            self.status_changed(ticket, before, None, 4)
        return said

    def _say(
        self,
        ticket: Ticket,
        user: int,
        fields: dict[str, Any],
        files: list[File],
        *,
        source: int,
        private: bool = False,
    ) -> Conversation:
        return self.state.say(
            ticket,
            fields.get("body", ""),
            user=user,
            source=source,
            private=private,
            incoming=fields.get("incoming", False),
            files=files,
            structured=fields.get("structured_body"),
        )

    def edit(self, ticket: Ticket, said: Conversation, body: str, agent: Agent) -> None:
        said.body = sanitised(body)
        said.edited = said.updated = ticket.updated = self.state.now
        said.edited_by = agent.id

    def unsay(self, ticket: Ticket, said: Conversation) -> None:
        ticket.conversations.remove(said)
        ticket.updated = self.state.now

    def merge(self, primary: Ticket, secondaries: list[Ticket], agent: Agent) -> None:
        """The others are closed with a note that names the first."""
        for ticket in secondaries:
            before, ticket.status = ticket.status, 5
            body = f"This ticket is closed and merged into ticket {primary.id}"
            private = self.merge_note_is_private
            self.state.say(ticket, body, user=agent.id, source=2, private=private)
            self.status_changed(ticket, before, agent, AGENT)
            said = f"Ticket {ticket.id} ({ticket.subject}) is merged into this ticket. {ticket.description}"
            self.state.say(primary, said, user=agent.id, source=2, private=private)
        primary.updated = self.state.now

    async def settle(self) -> None:
        """Returns when the calls that were due have been made."""
        await self.rules.run()
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.rules.close()
