"""A channel and a desk that live in memory: small enough to be driven through anything.

They keep what a vendor would keep (`FakeVendors`) apart from the connector objects, so that a bridge can be thrown away and a
new one built on the same vendors, as after a crash.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bridge.contract import (
    AccountConfig,
    Audience,
    Author,
    AuthorKind,
    CallbackResult,
    Capabilities,
    Connector,
    ConsentChanged,
    Contact,
    Entered,
    Event,
    File,
    Format,
    Gone,
    Health,
    Malformed,
    Media,
    MediaRule,
    Message,
    MessageChanged,
    MessageReceived,
    Page,
    Problem,
    Progress,
    Raw,
    Receipt,
    RenderContext,
    Reply,
    Request,
    Role,
    Status,
    StatusChanged,
    Step,
    Support,
    Target,
    Text,
    Unauthentic,
    Window,
    WindowClosed,
)


@dataclass
class Said:
    """One entry of a ticket or a phone, as its reader sees it."""

    who: str
    text: str
    key: str = ""
    id: str = ""


@dataclass
class Ticket:
    id: str
    customer: str
    entries: list[Said] = field(default_factory=list)
    status: str = "open"
    previous: str = ""
    moved_to: str = ""


@dataclass
class FakeVendors:
    """Everything outside the bridge."""

    tickets: dict[str, Ticket] = field(default_factory=dict)
    phones: dict[str, list[Said]] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    journal: list[tuple[str, dict[str, Any]]] = field(default_factory=list)  # what the desk's poll would find
    files: dict[str, bytes] = field(default_factory=dict)
    # trouble: called with (account, step, phase "before" | "after"); may raise
    trouble: Any = None
    forgets: bool = False  # the desk cannot be asked
    replies: int | None = None  # the channel's own count; None: unlimited
    count: int = 0

    def number(self) -> int:
        self.count += 1
        return self.count

    async def meet(self, account: str, step: Step, phase: str) -> None:
        if self.trouble is not None:
            result = self.trouble(account, step, phase)
            if asyncio.iscoroutine(result):
                await result

    def agent_says(self, ticket: str, text: str, *, private: bool = False, who: str = "agent", **more: str) -> str:
        identifier = f"c{self.number()}"
        self.tickets[ticket].entries.append(Said(who, text, id=identifier))
        self.journal.append(
            (
                f"comment:{identifier}",
                {
                    "type": "message",
                    "ticket": ticket,
                    "id": identifier,
                    "text": text,
                    "private": private,
                    "who": who,
                    **more,
                },
            )
        )
        return identifier

    def set_status(self, ticket: str, status: str, moved_to: str = "") -> None:
        self.tickets[ticket].status = status
        self.tickets[ticket].moved_to = moved_to
        self.journal.append(
            (f"status:{self.number()}", {"type": "status", "ticket": ticket, "status": status, "moved_to": moved_to})
        )

    def change(self, ticket: str, message: str, change: str) -> None:
        self.journal.append(
            (f"change:{self.number()}", {"type": "change", "ticket": ticket, "id": message, "change": change})
        )

    def customer_message(self, customer: str, text: str, **more: Any) -> Raw:
        if self.replies is not None:
            self.left[customer] = self.replies
        identifier = more.pop("id", f"m{self.number()}")
        payload = {"type": "message", "customer": customer, "id": identifier, "text": text, **more}
        return Raw(f"msg:{customer}:{identifier}", json.dumps(payload).encode())

    def enters(self, customer: str, **context: str) -> Raw:
        payload = {"type": "enter", "customer": customer, "context": context}
        return Raw(f"enter:{customer}:{self.number()}", json.dumps(payload).encode())

    def visible(self, ticket: str) -> list[str]:
        return [entry.text for entry in self.tickets[ticket].entries if entry.who != "note"]

    def notes(self, ticket: str) -> list[str]:
        return [entry.text for entry in self.tickets[ticket].entries if entry.who == "note"]


class FakeConfig(AccountConfig):
    secret: str = "s3cret"


class _Fake(Connector[FakeConfig]):
    Config = FakeConfig
    vendors: FakeVendors = FakeVendors()  # replaced by the fixture

    async def verify(self, request: Request) -> CallbackResult:
        if request.headers.get("x-secret") != self.config.secret:
            raise Unauthentic("no secret")
        try:
            entry = json.loads(request.body)
        except ValueError:
            raise Malformed("not JSON") from None
        if "look" in entry:
            return CallbackResult(refresh=(entry["look"],))
        return CallbackResult(Reply(200, "success"), (Raw(entry["key"], json.dumps(entry["payload"]).encode()),))

    async def check(self) -> Health:
        try:
            await self.vendors.meet(self.account.name, Step(verb="check"), "before")
        except Exception as error:
            return Health(problems=(Problem(what=str(error)),))
        return Health()

    async def fetch(self, media: Media, limit: int) -> AsyncIterator[bytes]:
        await self.vendors.meet(self.account.name, Step(verb="fetch"), "before")
        yield self.vendors.files[media.id]


class FakeChannel(_Fake):
    kind = "fake-channel"
    roles = frozenset({Role.CHANNEL})
    capabilities = Capabilities(
        window=Window(replies=5, lasts=timedelta(hours=48), on_entry=2, entry_lasts=timedelta(minutes=1))
    )

    def normalise(self, raw: Raw) -> Sequence[Event]:
        entry = json.loads(raw.payload)
        if entry.get("broken"):
            raise Malformed("cannot be read")
        if entry.get("bug"):
            raise KeyError("a bug")
        customer = entry["customer"]
        extra = entry.get("extra", {})
        proven = extra.get("customer_id", "")
        contact = Contact(id=customer, name=f"Customer {customer}", extra=extra, verified_customer_id=proven)
        context = entry.get("context", {})
        if entry["type"] == "enter":
            return (
                Entered(conversation=customer, contact=contact, context=context, opens_chat="event" not in context),
            )
        if entry["type"] == "consent":
            return (ConsentChanged(conversation=customer, template="t1", count=entry["count"]),)
        parts: list[Any] = [Text(body=entry["text"]), *_files(self.account.name, entry)]
        message = Message(
            id=entry["id"],
            conversation=customer,
            author=Author(kind=AuthorKind.CUSTOMER, id=customer),
            parts=tuple(parts),
        )
        return (MessageReceived(message=message, contact=contact, context=context),)

    def render(self, messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        steps = []
        joined = context.replies is not None and context.replies < len(messages)
        if joined:
            text = "\n".join(_text(message) for message in messages)
            return [Step(verb="send", body={"text": text}, covers=tuple(message.id for message in messages))]
        for message in messages:
            for line in _text(message).split("¶"):
                steps.append(Step(verb="send", body={"text": line}, covers=(message.id,)))
        return steps

    async def deliver(self, step: Step, target: Target) -> Receipt:
        await self.vendors.meet(self.account.name, step, "before")
        customer = target.conversation or ""
        if self.vendors.replies is not None:
            if self.vendors.left.get(customer, 0) <= 0:
                raise WindowClosed("spent", code="45047", spent=True)
            self.vendors.left[customer] -= 1
        self.vendors.phones.setdefault(customer, []).append(Said("agent", step.body["text"], target.key))
        await self.vendors.meet(self.account.name, step, "after")
        return Receipt()

    def invitation(self, template: str, context: RenderContext) -> Step:
        return Step(verb="send", body={"text": f"invitation {template}"}, cost=0)


class FakeDesk(_Fake):
    kind = "fake-desk"
    roles = frozenset({Role.DESK})
    capabilities = Capabilities(notes=True, threads=True, formats=(Format.PLAIN,), file=MediaRule(support=Support.FULL))

    def normalise(self, raw: Raw) -> Sequence[Event]:
        entry = json.loads(raw.payload)
        match entry["type"]:
            case "status":
                return (
                    StatusChanged(
                        conversation=entry["ticket"], status=Status(entry["status"]), moved_to=entry["moved_to"]
                    ),
                )
            case "change":
                return (MessageChanged(conversation=entry["ticket"], message=entry["id"], change=entry["change"]),)
        message = Message(
            id=entry["id"],
            conversation=entry["ticket"],
            author=Author(kind=AuthorKind.AGENT),
            audience=Audience.AGENTS if entry["private"] else Audience.CUSTOMER,
            parts=(Text(body=entry["text"]), *_files(self.account.name, entry)),
            origin=entry.get("origin", ""),
        )
        return (MessageReceived(message=message),)

    def render(self, messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        steps: list[Step] = []
        for message in messages:
            verb = "note" if message.audience is Audience.AGENTS else "comment"
            if any(isinstance(part, Progress) for part in message.parts):
                verb = "progress"
            text = _text(message)
            if steps and steps[-1].verb == verb == "comment":
                last = steps[-1]
                steps[-1] = last.model_copy(
                    update={"body": {"texts": [*last.body["texts"], text]}, "covers": (*last.covers, message.id)}
                )
            else:
                steps.append(Step(verb=verb, body={"texts": [text]}, covers=(message.id,), audience=message.audience))
        return steps

    async def deliver(self, step: Step, target: Target) -> Receipt:
        await self.vendors.meet(self.account.name, step, "before")
        vendors = self.vendors
        if target.conversation is None:
            ticket = Ticket(f"t{vendors.number()}", target.contact.id, previous=target.previous)
            vendors.tickets[ticket.id] = ticket
        else:
            ticket = vendors.tickets[target.conversation]
            if ticket.moved_to:
                raise Gone("merged", moved_to=ticket.moved_to)
            if ticket.status == "closed":
                raise Gone("closed")
        who = "note" if step.verb == "note" else "customer"
        ids = []
        for text in step.body["texts"]:
            identifier = f"c{vendors.number()}"
            ids.append(identifier)
            ticket.entries.append(Said(who, text, target.key, identifier))
            payload = {
                "type": "message",
                "ticket": ticket.id,
                "id": identifier,
                "text": text,
                "private": who == "note",
                "who": who,
                "origin": target.key,
            }
            vendors.journal.append((f"comment:{identifier}", payload))  # our own voice comes back
        if who == "customer":
            ticket.status = "open"
        await vendors.meet(self.account.name, step, "after")
        return Receipt(ids=tuple(ids), conversation=ticket.id)

    async def lookup(self, step: Step, target: Target) -> Receipt | None:
        await self.vendors.meet(self.account.name, Step(verb="find"), "before")
        for ticket in self.vendors.tickets.values():
            ids = tuple(entry.id for entry in ticket.entries if entry.key == target.key)
            if ids:
                return Receipt(ids=ids, conversation=ticket.id)
        return None

    async def poll(self, cursor: str | None, conversation: str | None = None) -> Page:
        await self.vendors.meet(self.account.name, Step(verb="collect"), "before")
        start = int(cursor or 0)
        raws = [Raw(key, json.dumps(payload).encode()) for key, payload in self.vendors.journal[start:]]
        return Page(tuple(raws), str(len(self.vendors.journal)))


def _files(account: str, entry: dict[str, Any]) -> list[File]:
    name = entry.get("file")
    return [File(media=Media(account=account, id=name, name=name))] if name else []


def _text(message: Message) -> str:
    words = []
    for part in message.parts:
        match part:
            case Text():
                words.append(part.body)
            case File():
                words.append(f"[{part.media.name} {part.media.size} {part.media.error}]".replace(" ]", "]"))
            case Progress():
                words.append(f"{part.of}={part.state.value}")
    return " ".join(words)
