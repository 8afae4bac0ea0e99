"""What the tests of this folder share."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from bridge.contract import (
    Audience,
    Author,
    AuthorKind,
    Contact,
    Event,
    Media,
    Message,
    MessageReceived,
    Page,
    Part,
    Raw,
    Receipt,
    RenderContext,
    Request,
    Status,
    Step,
    Target,
    Text,
)
from bridge.testing.rig import make_account
from connectors.zendesk import Zendesk

OPENID = "oA9bC8dE7fG6hI5jK4lM3nO2pQ1r"
CUSTOMER = Contact(id=OPENID, name="Customer A")
SETTINGS = {
    "kind": "zendesk",
    "subdomain": "acme",
    "client_id": "bridge_client",
    "client_secret": "simulated-client-secret",
    "webhook_secret": "c2ltdWxhdGVkLXdlYmhvb2stc2VjcmV0",
}


def make_zendesk(clock: Callable[[], datetime], **settings: Any) -> Zendesk:
    """A connector for what needs no network."""
    return Zendesk(Zendesk.Config(**(SETTINGS | settings)), make_account("support", clock=clock))


def customer(*parts: Part | str, id: str = "m1", **fields: Any) -> Message:  # noqa: A002 # as the field is called
    shaped = tuple(Text(body=part) if isinstance(part, str) else part for part in parts)
    author = Author(kind=AuthorKind.CUSTOMER, id=OPENID, name="Customer A")
    return Message(id=id, conversation=OPENID, author=author, parts=shaped, **fields)


def note(text: str, id: str = "n1") -> Message:  # noqa: A002 # as the field is called
    author = Author(kind=AuthorKind.BRIDGE)
    return Message(id=id, conversation="x", author=author, parts=(Text(body=text),), audience=Audience.AGENTS)


def context(conversation: str | None = None, **fields: Any) -> RenderContext:
    return RenderContext(conversation=conversation, contact=fields.pop("contact", CUSTOMER), **fields)


def target(conversation: str | None = None, *, key: str = "key-1", **fields: Any) -> Target:
    return Target(key=key, link="7", conversation=conversation, contact=fields.pop("contact", CUSTOMER), **fields)


async def send(zendesk: Zendesk, step: Step, where: Target) -> Receipt:
    """As the engine does it."""
    prepared = await zendesk.prepare(step, where)
    return await zendesk.deliver(step, where.model_copy(update={"prepared": json.loads(json.dumps(prepared))}))


async def say(
    zendesk: Zendesk,
    *said: Message | str,
    ticket: str | None = None,
    key: str = "key-1",
    status: Status = Status.OPEN,
    fields: dict[str, Any] | None = None,
    previous: str = "",
    **more: Any,
) -> list[Receipt]:
    """Renders and delivers, step after step; a new ticket's id goes to the steps that follow."""
    messages = [customer(part, id=f"m{n}") if isinstance(part, str) else part for n, part in enumerate(said)]
    contact = more.get("contact", CUSTOMER)
    steps = zendesk.render(
        messages, context(ticket, status=status, fields=fields or {}, previous=previous, contact=contact)
    )
    receipts: list[Receipt] = []
    for number, step in enumerate(steps):
        where = target(ticket, key=f"{key}-{number}" if number else key, previous=previous, fields=fields or {}, **more)
        receipts.append(await send(zendesk, step, where))
        ticket = receipts[-1].conversation
    return receipts


def events(zendesk: Zendesk, raws: Sequence[Raw] | Page) -> list[Event]:
    found = raws.raws if isinstance(raws, Page) else raws
    return [event for raw in found for event in zendesk.normalise(raw)]


def answers(zendesk: Zendesk, raws: Sequence[Raw] | Page) -> list[Message]:
    """What the engine would send to a customer."""
    return [
        event.message
        for event in events(zendesk, raws)
        if isinstance(event, MessageReceived)
        and event.message.audience is Audience.CUSTOMER
        and event.message.author.kind in {AuthorKind.AGENT, AuthorKind.SYSTEM}
    ]


async def kept(zendesk: Zendesk, data: bytes, name: str = "photo.png", mime: str = "image/png") -> Media:
    media = await zendesk.account.media.keep(data, name=name, mime=mime)
    return media.model_copy(update={"mime": mime})


def hook(body: bytes | dict[str, Any], *, at: datetime, headers: dict[str, str], method: str = "POST") -> Request:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request(method, "/hooks/support", (), headers, raw, "198.51.100.7", at)
