"""What makes a faulty connector of a good one: one way of reading, writing or polling is replaced."""

from collections.abc import Callable, Sequence
from typing import Any

from bridge.contract import (
    Audience,
    AuthorKind,
    Connector,
    ConnectorError,
    Event,
    Message,
    MessageReceived,
    Page,
    Raw,
    Receipt,
    RenderContext,
    Retried,
    Scope,
    Status,
    StatusChanged,
    Step,
    Target,
    Text,
)

Kind = type[Connector[Any]]


def reading(change: Callable[[Event], Event | None]) -> Callable[[Kind], Kind]:
    """A connector that makes something else of what it reads."""

    def make(kind: Kind) -> Kind:
        def normalise(self: Connector[Any], raw: Raw) -> Sequence[Event]:
            events = list(kind.normalise(self, raw))
            found = [made for event in events if (made := change(event)) is not None]
            broken.had_effect = broken.had_effect or found != events  # type: ignore[attr-defined] # set below
            return found

        broken = type(kind.__name__, (kind,), {"normalise": normalise, "had_effect": False})
        return broken

    return make


def saying(**changes: Any) -> Callable[[Event], Event]:
    def change(event: Event) -> Event:
        if not isinstance(event, MessageReceived):
            return event
        return event.model_copy(update={"message": event.message.model_copy(update=changes)})

    return change


def other_author(event: Event) -> Event:
    if not isinstance(event, MessageReceived):
        return event
    swapped = {AuthorKind.AGENT: AuthorKind.CUSTOMER, AuthorKind.CUSTOMER: AuthorKind.AGENT}
    author = event.message.author
    author = author.model_copy(update={"kind": swapped.get(author.kind, author.kind)})
    return saying(author=author)(event)


def unknown_as_ours(event: Event) -> Event:
    if not isinstance(event, MessageReceived):
        return event
    agent = event.message.author.model_copy(update={"kind": AuthorKind.AGENT})
    ours = event.message.origin or event.message.author.kind is AuthorKind.BRIDGE
    return saying(origin="", author=agent, id=f"other-{event.message.id}")(event) if ours else event


def without_files(event: Event) -> Event | None:
    if not isinstance(event, MessageReceived):
        return event
    parts = tuple(part for part in event.message.parts if not hasattr(part, "media"))
    return saying(parts=parts)(event) if parts else None


def without_wordless(event: Event) -> Event:
    """What has no letters of its own is read as an empty text."""
    if not isinstance(event, MessageReceived):
        return event
    words = [part.body for part in event.message.parts if isinstance(part, Text) and "://" not in part.body]
    return event if "".join(words).strip() else saying(parts=(Text(body=""),))(event)


def other_status(event: Event) -> Event:
    return event.model_copy(update={"status": Status.OPEN}) if isinstance(event, StatusChanged) else event


def no_status(event: Event) -> Event | None:
    return None if isinstance(event, StatusChanged) else event


def not_again(event: Event) -> Event | None:
    return None if isinstance(event, Retried) else event


def rendering(change: Callable[[Sequence[Step]], Sequence[Step]]) -> Callable[[Kind], Kind]:
    def make(kind: Kind) -> Kind:
        def render(self: Connector[Any], messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
            return change(kind.render(self, messages, context))

        return type(kind.__name__, (kind,), {"render": render})

    return make


def notes_in_public(kind: Kind) -> Kind:
    def render(self: Connector[Any], messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        private = {message.id for message in messages if message.audience is Audience.AGENTS}
        public = [message.model_copy(update={"audience": Audience.CUSTOMER}) for message in messages]
        steps = kind.render(self, public, context)
        return [
            step.model_copy(update={"audience": Audience.AGENTS}) if set(step.covers) <= private else step
            for step in steps
        ]

    return type(kind.__name__, (kind,), {"render": render})


def raises_on_names(kind: Kind) -> Kind:
    def render(self: Connector[Any], messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        if any(len(message.parts) > 1 for message in messages):
            raise KeyError("parts")
        return kind.render(self, messages, context)

    return type(kind.__name__, (kind,), {"render": render})


def receiving(**changes: Any) -> Callable[[Kind], Kind]:
    def make(kind: Kind) -> Kind:
        async def deliver(self: Connector[Any], step: Step, target: Target) -> Receipt:
            receipt = await kind.deliver(self, step, target)
            return receipt.model_copy(update=changes)

        return type(kind.__name__, (kind,), {"deliver": deliver})

    return make


def about_the_account(kind: Kind) -> Kind:
    """Whatever goes wrong with one step stops everything."""

    async def deliver(self: Connector[Any], step: Step, target: Target) -> Receipt:
        try:
            return await kind.deliver(self, step, target)
        except ConnectorError as error:
            error.scope = Scope.ACCOUNT
            raise

    return type(kind.__name__, (kind,), {"deliver": deliver})


def raw_fields(kind: Kind) -> Kind:
    async def deliver(self: Connector[Any], step: Step, target: Target) -> Receipt:
        for value in target.fields.values():
            str.lower(value)  # as if all of them were words
        return await kind.deliver(self, step, target)

    return type(kind.__name__, (kind,), {"deliver": deliver})


def polling(change: Callable[[Page, bool], Page]) -> Callable[[Kind], Kind]:
    def make(kind: Kind) -> Kind:
        async def poll(self: Any, cursor: str | None, conversation: str | None = None) -> Page:
            page: Page = await kind.poll(self, cursor, conversation)  # type: ignore[attr-defined] # only for Polls
            return change(page, conversation is not None)

        return type(kind.__name__, (kind,), {"poll": poll})

    return make


def raises_alone(page: Page, alone: bool) -> Page:
    if alone:
        raise KeyError("conversation")
    return page


def cut_short(page: Page, alone: bool) -> Page:
    return page if alone else Page(page.raws[: (len(page.raws) + 1) // 2], page.cursor, page.more)


def newest_first(page: Page, alone: bool) -> Page:
    return page if alone else Page(tuple(reversed(page.raws)), page.cursor, page.more)
