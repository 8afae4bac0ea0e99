"""Web chat: what the engine calls."""

from collections.abc import Sequence
from typing import Any, ClassVar, Never

from starlette.routing import BaseRoute, Route

from bridge.contract import (
    Account,
    Append,
    Audience,
    Capabilities,
    Cause,
    Connector,
    Event,
    Format,
    Guide,
    Health,
    Labels,
    MediaRule,
    Message,
    Persist,
    Problem,
    Put,
    Raw,
    Receipt,
    Rejected,
    RenderContext,
    Request,
    Role,
    Said,
    Step,
    Subject,
    Support,
    Target,
    Unauthentic,
    Words,
)
from connectors.webchat import inbound, outbound
from connectors.webchat.agents import Agents, add_agent
from connectors.webchat.chat import Chat
from connectors.webchat.desk import Desk
from connectors.webchat.files import records_of
from connectors.webchat.forgetting import Forgetting
from connectors.webchat.office import Office
from connectors.webchat.settings import Settings
from connectors.webchat.tickets import Entry, Ticket, set_contact
from connectors.webchat.visitors import PREFIX, events_of


class WebChat(Connector[Settings]):
    """A chat for visitors of a web site (channel), and a desk in the browser for agents (desk).

    There is no vendor: both screens read the account's own records, so a step's effect is one commit that remembers
    the step's key. Delivery is exact, and `find` always knows.
    """

    kind: ClassVar[str] = "webchat"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.CHANNEL, Role.DESK})
    Config: ClassVar[type[Settings]] = Settings
    calls_people: ClassVar[Words] = Words("Visitor", "访客")
    guide: ClassVar[Guide] = Guide(
        name=("Chat on your website", "网页聊天"),
        as_desk=("Built-in web desk", "内置网页客服台"),
    )
    capabilities = Capabilities(
        formats=(Format.PLAIN,),
        uploads_apart=True,
        image=MediaRule(support=Support.FULL),
        voice=MediaRule(support=Support.FULL),
        video=MediaRule(support=Support.FULL),
        file=MediaRule(support=Support.FULL),
        card=Support.FULL,
        location=Support.PARTIAL,
        max_concurrency=8,
        notes=True,
        delivery_status=True,
        threads=True,
        tags=True,
        fields=("group", "priority", "tags"),
        knows_presence=True,
        shows_profile=True,
        reads_languages=True,
        customer_is_author=Support.FULL,
    )

    def __init__(self, config: Settings, account: Account) -> None:
        super().__init__(config, account)
        self._office = Office(config, account)
        self._visitors = self._office.visitors
        self._tickets = self._office.tickets

    def routes(self, persist: Persist) -> Sequence[BaseRoute]:
        """`/chat/{account}/…` for visitors, where a route leads on from there, `/desk/{account}/…` for agents, and
        files, which both have links to.
        """
        chat = Chat(self._office, persist).routes() if self._has_visitors else ()
        files = Route(f"/chat/{self.account.name}/v1/files/{{file}}", self._office.files.answer, methods=["GET"])
        return [files, *chat, *Desk(self._office, persist).routes()]

    @property
    def _has_visitors(self) -> bool:
        return Role.CHANNEL.value in self.account.roles

    def drain(self) -> None:
        """The process is about to end: open streams say so and end."""
        self._office.hub.close()
        self._office.agents.close()

    async def verify(self, request: Request) -> Never:
        """Nobody calls back: visitors and agents come by the routes."""
        raise Unauthentic("web chat has no callbacks", cause=Cause.NO_CALLBACKS)

    def normalise(self, raw: Raw) -> Sequence[Event]:
        return inbound.normalise(raw, self.account.name)

    def labels(self, labels: Labels, context: RenderContext) -> Step | None:
        return outbound.show(labels)

    def render(self, messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        return outbound.render(messages, context)

    async def deliver(self, step: Step, target: Target) -> Receipt:
        """One commit, once per key."""
        known = await self.lookup(step, target)
        if known is not None:
            return known
        if step.verb == "say" or (target.conversation or "").startswith(PREFIX):
            return await self._to_visitor(step, target)
        if step.verb == "labels":
            return await self._tag(step, target)
        return await self._to_ticket(step, target)

    async def lookup(self, step: Step, target: Target) -> Receipt | None:
        made = await self._tickets.done(target.key)
        if made is None:
            return None
        return self._receipt(step, target, made.get("t", ""))

    async def typing(self, conversation: str, *, on: bool) -> None:
        """To the visitor's open windows, or to agents who have the ticket open; stored nowhere."""
        if conversation.startswith(PREFIX):
            self._office.hub.tell(conversation, "typing", {"name": "", "on": on})
        else:
            self._office.agents.tell_all("typing", {"t": conversation, "customer": True, "on": on})

    async def add_agent(self, name: str, password: str) -> None:
        """A sign-in for the web desk, or a new password for an existing one."""
        await add_agent(self.account, name, password)

    async def agents(self) -> Sequence[str]:
        """Who may sign in at the web desk."""
        return await Agents(self.config, self.account).names()

    async def remove_agent(self, name: str) -> None:
        """Takes a sign-in away. Raises ValueError for one that is not there, or stands in the configuration."""
        await Agents(self.config, self.account).remove(name)

    async def records_of(self, subject: Subject) -> dict[str, Any]:
        return await Forgetting(self._office).records_of(subject)

    async def forget(self, subject: Subject) -> Sequence[Said]:
        return await Forgetting(self._office).forget(subject)

    async def check(self) -> Health:
        """There is nobody to ask: what is worth knowing is where things are."""
        agents = await Agents(self.config, self.account).names()
        name, public = self.account.name, self.account.public_url
        chat: dict[str, Said] = {
            "snippet": f'<script async src="{public}/chat/{name}/loader.js"></script>',
            "page": f"{public}/chat/{name}/",
            "allowed origins": ", ".join(self.config.allowed_origins)
            or Words("none: only the page above", "无：仅限上述页面"),
        }
        desk: dict[str, Said] = {
            "desk": f"{public}/desk/{name}/",
            "agents": ", ".join(agents) or Words("none yet", "暂无"),
        }
        nobody = Problem(
            what="nobody can sign in at the desk yet",
            what_zh="还没有人可以登录客服台",
            remedy=f"Add an agent (on a terminal: bridge desk add-agent NAME --account {name}).",
            zh=f"请添加客服账号（终端命令：bridge desk add-agent 姓名 --account {name}）。",
            stops=False,
        )
        is_desk = Role.DESK.value in self.account.roles
        return Health(
            problems=(nobody,) if is_desk and not agents else (),
            facts=(chat if self._has_visitors else {}) | desk,
        )

    async def _to_visitor(self, step: Step, target: Target) -> Receipt:
        visitor = target.conversation or ""
        if await self._visitors.get(visitor) is None:
            raise Rejected(f"there is no visitor {visitor}", code="no visitor")
        puts, events = self._events(step, target.key)
        done = Put("done", target.key, {"v": visitor})
        appends = [
            Append(events_of(visitor), event, once=f"{target.key}:{place}") for place, event in enumerate(events)
        ]
        await self.account.records.commit(*puts, *appends, done)
        return self._receipt(step, target, "")

    def _events(self, step: Step, key: str) -> tuple[list[Put], list[dict[str, Any]]]:
        if step.verb == "progress":
            at = self._visitors.time()
            return [], [{"type": "message.state", "at": at, **mark} for mark in step.body["marks"]]
        puts, attachments, cards = records_of(step, key)
        event = {
            "type": "message.new",
            "id": f"r_{key}",
            "from": step.body["from"],
            "text": step.body["text"],
            "at": self._visitors.time(),
        }
        if attachments:
            event["attachments"] = attachments
        if cards:
            event["cards"] = cards
        return puts, [event]

    async def _tag(self, step: Step, target: Target) -> Receipt:
        def work(ticket: Ticket) -> list[Entry] | None:
            fields = ticket.get("fields", {})
            before = list(fields.get("tags") or ())
            tags = [*(tag for tag in before if not str(tag).startswith(step.body["prefix"])), *step.body["tags"]]
            if tags == before:
                return None
            ticket["fields"] = {**fields, "tags": tags}
            return []

        await self._tickets.change(target.conversation or "", target.key, work)
        return Receipt(conversation=target.conversation or "")

    async def _to_ticket(self, step: Step, target: Target) -> Receipt:
        entries = self._entries(step, target.key)
        puts = records_of(step, target.key)[0]
        if target.conversation is None:
            if step.audience is Audience.AGENTS:
                raise Rejected("there is no ticket yet to write on", code="no ticket")
            made = await self._tickets.open(target.key, self._facts(step, target), entries, *puts)
            return self._receipt(step, target, made["t"])

        def work(ticket: Ticket) -> list[Entry]:
            reopened: list[Entry] = []
            if step.verb == "comment":
                set_contact(ticket, target.contact, target.context)
                if ticket["status"] != "open":
                    reopened.append({"type": "status", "status": "open", "by": "", "at": entries[0]["at"]})
            return [*reopened, *entries]

        await self._tickets.change(target.conversation, target.key, work, *puts)
        return self._receipt(step, target, target.conversation)

    def _entries(self, step: Step, key: str) -> list[Entry]:
        at = self._tickets.time()
        if step.verb == "progress":
            return [{"type": "state", "at": at, **mark} for mark in step.body["marks"]]
        _, attachments, cards = records_of(step, key)
        entry: Entry = {
            "type": "note" if step.verb == "note" else "message",
            "id": f"c_{key}",
            "from": step.body["from"],
            "text": step.body["text"],
            "at": at,
        }
        if step.body.get("words"):
            entry["words"] = step.body["words"]
        if step.body.get("at"):
            entry["said_at"] = step.body["at"]
        if attachments:
            entry["attachments"] = attachments
        if cards:
            entry["cards"] = cards
        return [entry]

    def _facts(self, step: Step, target: Target) -> Ticket:
        facts: Ticket = {
            "subject": outbound.subject_of(step, target.context),
            "fields": {key: value for key, value in target.fields.items() if value and key != "last_agent"},
            "assignee": self._present(str(target.fields.get("last_agent") or "")),
            "previous": target.previous,
            "channel": target.channel,
        }
        set_contact(facts, target.contact, target.context)
        return facts

    def _present(self, agent: str) -> str:
        """The agent's name if their screen is open here; "" else."""
        return agent if agent and self._office.agents.listens(agent) else ""

    def _receipt(self, step: Step, target: Target, ticket: str) -> Receipt:
        """`r_` names what a visitor sees, `c_` what an agent sees: by these ids the screens say what was read."""
        if step.verb in {"progress", "labels"}:
            return Receipt(conversation=ticket)
        if not ticket:
            return Receipt(ids=(f"r_{target.key}",), conversation=target.conversation or "")
        url = f"{self.account.public_url}/desk/{self.account.name}/#{ticket}"
        return Receipt(ids=(f"c_{target.key}",), conversation=ticket, url=url, peer=target.contact.id)
