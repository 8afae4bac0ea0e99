"""What the tests let people say, and to whom."""

from collections.abc import Iterator
from itertools import count
from typing import Any

from bridge.contract import (
    Author,
    AuthorKind,
    Connector,
    Contact,
    Message,
    Part,
    Prepares,
    Receipt,
    RenderContext,
    Role,
    Step,
    Target,
)
from bridge.testing.conformance.harness import Harness

_numbers = count(1)
CUSTOMER = Contact(id="customer-a", name="Customer A", email="customer.a@acme.example")


def said(role: Role, *parts: Part, conversation: str) -> Message:
    """A customer's message for a desk, an agent's for a channel."""
    if role is Role.DESK:
        author = Author(kind=AuthorKind.CUSTOMER, id=CUSTOMER.id, name=CUSTOMER.name)
    else:
        author = Author(kind=AuthorKind.AGENT, id="agent-1", name="Agent")
    return Message(id=f"said-{next(_numbers)}", conversation=conversation, author=author, parts=parts)


def target_for(role: Role, conversation: str | None, *, key: str) -> tuple[RenderContext, Target]:
    """The context that render sees and the target that deliver gets. A desk's customer is known from the channel."""
    contact = CUSTOMER if role is Role.DESK else Contact(id=conversation or "")
    replies = None if role is Role.DESK else 5
    context = RenderContext(conversation=conversation, contact=contact, replies=replies)
    return context, Target(key=key, link="link-1", conversation=conversation, contact=contact)


async def send(harness: Harness, step: Step, target: Target) -> Receipt:
    """Prepare where there is something to prepare, then deliver."""
    connector: Connector[Any] = harness.connector
    if isinstance(connector, Prepares):
        target = target.model_copy(update={"prepared": await connector.prepare(step, target)})
    return await connector.deliver(step, target)


def leaves(value: Any) -> Iterator[str]:
    """Every text inside a step's body, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from leaves(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from leaves(part)
