"""Connectors with one fault each, made of a good one: a suite that does not notice all of them proves nothing.

`SABOTAGE` names for each fault the tests of the suite that may notice it; `is_noticed` runs them with the author's own
case, hooks and simulator.
"""

import inspect
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from bridge.contract import (
    Audience,
    AuthorKind,
    Connector,
    ConnectorError,
    Event,
    LooksUp,
    Message,
    MessageReceived,
    Page,
    Polls,
    Raw,
    Receipt,
    RenderContext,
    Retried,
    Role,
    Scope,
    Status,
    StatusChanged,
    Step,
    Target,
    Text,
)
from bridge.testing.conformance.case import ConnectorCase

Kind = type[Connector[Any]]


@dataclass(frozen=True, slots=True)
class Sabotage:
    """`name` says what the connector does wrong. `tests` may notice it; it is tried where `applies` says so."""

    name: str
    make: Callable[[Kind], Kind]
    tests: tuple[str, ...]
    applies: Callable[[type[ConnectorCase]], bool] = lambda _: True


def _is_desk(case: type[ConnectorCase]) -> bool:
    return case.role is Role.DESK


def _polls(case: type[ConnectorCase]) -> bool:
    return issubclass(case.connector, Polls)


def _looks_up(case: type[ConnectorCase]) -> bool:
    return issubclass(case.connector, LooksUp)


def _tells_ends(case: type[ConnectorCase]) -> bool:
    return _is_desk(case) and case.tickets_end and _polls(case)


def _reading(change: Callable[[Event], Event | None]) -> Callable[[Kind], Kind]:
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


def _saying(**changes: Any) -> Callable[[Event], Event]:
    def change(event: Event) -> Event:
        if not isinstance(event, MessageReceived):
            return event
        return event.model_copy(update={"message": event.message.model_copy(update=changes)})

    return change


def _other_author(event: Event) -> Event:
    if not isinstance(event, MessageReceived):
        return event
    swapped = {AuthorKind.AGENT: AuthorKind.CUSTOMER, AuthorKind.CUSTOMER: AuthorKind.AGENT}
    author = event.message.author
    author = author.model_copy(update={"kind": swapped.get(author.kind, author.kind)})
    return _saying(author=author)(event)


def _unknown_as_ours(event: Event) -> Event:
    if not isinstance(event, MessageReceived):
        return event
    agent = event.message.author.model_copy(update={"kind": AuthorKind.AGENT})
    ours = event.message.origin or event.message.author.kind is AuthorKind.BRIDGE
    return _saying(origin="", author=agent, id=f"other-{event.message.id}")(event) if ours else event


def _without_files(event: Event) -> Event | None:
    if not isinstance(event, MessageReceived):
        return event
    parts = tuple(part for part in event.message.parts if not hasattr(part, "media"))
    return _saying(parts=parts)(event) if parts else None


def _without_wordless(event: Event) -> Event:
    """What has no letters of its own is read as an empty text."""
    if not isinstance(event, MessageReceived):
        return event
    words = [part.body for part in event.message.parts if isinstance(part, Text) and "://" not in part.body]
    return event if "".join(words).strip() else _saying(parts=(Text(body=""),))(event)


def _other_status(event: Event) -> Event:
    return event.model_copy(update={"status": Status.OPEN}) if isinstance(event, StatusChanged) else event


def _no_status(event: Event) -> Event | None:
    return None if isinstance(event, StatusChanged) else event


def _not_again(event: Event) -> Event | None:
    return None if isinstance(event, Retried) else event


def _rendering(change: Callable[[Sequence[Step]], Sequence[Step]]) -> Callable[[Kind], Kind]:
    def make(kind: Kind) -> Kind:
        def render(self: Connector[Any], messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
            return change(kind.render(self, messages, context))

        return type(kind.__name__, (kind,), {"render": render})

    return make


def _notes_in_public(kind: Kind) -> Kind:
    def render(self: Connector[Any], messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        private = {message.id for message in messages if message.audience is Audience.AGENTS}
        public = [message.model_copy(update={"audience": Audience.CUSTOMER}) for message in messages]
        steps = kind.render(self, public, context)
        return [
            step.model_copy(update={"audience": Audience.AGENTS}) if set(step.covers) <= private else step
            for step in steps
        ]

    return type(kind.__name__, (kind,), {"render": render})


def _raises_on_names(kind: Kind) -> Kind:
    def render(self: Connector[Any], messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        if any(len(message.parts) > 1 for message in messages):
            raise KeyError("parts")
        return kind.render(self, messages, context)

    return type(kind.__name__, (kind,), {"render": render})


def _receiving(**changes: Any) -> Callable[[Kind], Kind]:
    def make(kind: Kind) -> Kind:
        async def deliver(self: Connector[Any], step: Step, target: Target) -> Receipt:
            receipt = await kind.deliver(self, step, target)
            return receipt.model_copy(update=changes)

        return type(kind.__name__, (kind,), {"deliver": deliver})

    return make


def _about_the_account(kind: Kind) -> Kind:
    """Whatever goes wrong with one step stops everything."""

    async def deliver(self: Connector[Any], step: Step, target: Target) -> Receipt:
        try:
            return await kind.deliver(self, step, target)
        except ConnectorError as error:
            error.scope = Scope.ACCOUNT
            raise

    return type(kind.__name__, (kind,), {"deliver": deliver})


def _raw_fields(kind: Kind) -> Kind:
    async def deliver(self: Connector[Any], step: Step, target: Target) -> Receipt:
        for value in target.fields.values():
            str.lower(value)  # as if all of them were words
        return await kind.deliver(self, step, target)

    return type(kind.__name__, (kind,), {"deliver": deliver})


def _polling(change: Callable[[Page, bool], Page]) -> Callable[[Kind], Kind]:
    def make(kind: Kind) -> Kind:
        async def poll(self: Any, cursor: str | None, conversation: str | None = None) -> Page:
            page: Page = await kind.poll(self, cursor, conversation)  # type: ignore[attr-defined] # only for Polls
            return change(page, conversation is not None)

        return type(kind.__name__, (kind,), {"poll": poll})

    return make


def _raises_alone(page: Page, alone: bool) -> Page:
    if alone:
        raise KeyError("conversation")
    return page


def _cut_short(page: Page, alone: bool) -> Page:
    return page if alone else Page(page.raws[: (len(page.raws) + 1) // 2], page.cursor, page.more)


def _newest_first(page: Page, alone: bool) -> Page:
    return page if alone else Page(tuple(reversed(page.raws)), page.cursor, page.more)


_OWN = ("test_what_we_wrote_is_known_as_ours", "test_find_knows_what_was_delivered")
_ALONE = ("test_a_conversation_can_be_read_alone", "test_what_we_wrote_is_known_as_ours")
_PAGES = ("test_several_in_one_second_keep_their_order", "test_nothing_is_lost_while_away")
_STATUS = ("test_a_solved_ticket_is_told",)

SABOTAGE: tuple[Sabotage, ...] = (
    Sabotage(
        "private notes are read as public",
        _reading(_saying(audience=Audience.CUSTOMER)),
        ("test_private_notes_are_read_as_private",),
        _is_desk,
    ),
    Sabotage(
        "the bridge's notes are written publicly",
        _notes_in_public,
        ("test_notes_of_the_bridge_are_private_there",),
        _is_desk,
    ),
    Sabotage("own messages come back as an agent's", _reading(_unknown_as_ours), _OWN[:1], _polls),
    Sabotage("receipts name other messages", _receiving(ids=("another",)), _OWN, _looks_up),
    Sabotage("poll(None, conversation) raises", _polling(_raises_alone), _ALONE, _polls),
    Sabotage("pages are cut short", _polling(_cut_short), _PAGES, _polls),
    Sabotage("pages come newest first", _polling(_newest_first), _PAGES, _polls),
    Sabotage("a solved ticket is called open", _reading(_other_status), _STATUS, _tells_ends),
    Sabotage("the end of a ticket is kept quiet", _reading(_no_status), _STATUS, _tells_ends),
    Sabotage("files are dropped on their way in", _reading(_without_files), ("test_files_from_there_arrive",)),
    Sabotage(
        "files are dropped on their way out",
        _rendering(lambda steps: [step.model_copy(update={"media": ()}) for step in steps]),
        ("test_files_from_here_can_be_opened_there",),
    ),
    Sabotage("what has no words vanishes", _reading(_without_wordless), ("test_what_has_no_words_arrives",)),
    Sabotage("one step's error stops the account", _about_the_account, ("test_every_refusal_has_its_class",)),
    Sabotage("customers and agents are mixed up", _reading(_other_author), ("test_who_speaks_is_known",)),
    Sabotage(
        "a route's fields are passed as they are",
        _raw_fields,
        ("test_odd_fields_of_a_route_are_no_crash",),
        _is_desk,
    ),
    Sabotage(
        "a receipt's address holds a password",
        _receiving(url="https://bridge:password@vendor.example/1"),
        ("test_receipts_show_no_secret",),
    ),
    Sabotage(
        "an agent's own retry is swallowed",
        _reading(_not_again),
        ("test_a_message_that_is_sent_again_is_told",),
        lambda case: _is_desk(case) and case.has_hook("retries") and case.has_hook("says"),
    ),
    Sabotage("render raises for some messages", _raises_on_names, ("test_every_message_is_covered_in_order",)),
)  # fmt: skip


NAMES: tuple[str, ...] = tuple(fault.name for fault in SABOTAGE)


async def is_noticed(case: type[ConnectorCase], name: str) -> bool:
    """Whether the case notices a fault. True as well where it cannot be had: another role, a protocol that is missing,
    a hook that is missing (that is in `unproven`), or something that never comes back and so cannot be misread.
    """
    (fault,) = [fault for fault in SABOTAGE if fault.name == name]
    tests = [test for test in fault.tests if getattr(case, test, None) is not None]
    if not tests or not fault.applies(case):
        return True
    return await _is_noticed(case, fault, tests)


async def _is_noticed(case: type[ConnectorCase], fault: Sabotage, tests: Sequence[str]) -> bool:
    kind = fault.make(case.connector)
    broken = type(case.__name__, (case,), {"connector": kind, "role": case.role, "shrinks": False})()
    for name in tests:
        test = getattr(broken, name)
        takes = inspect.signature(test).parameters
        async with broken.staged() as harness:
            try:
                result = test(**({"harness": harness} if "harness" in takes else {}))
                if inspect.isawaitable(result):
                    await result
            except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - however it shows
                logging.getLogger(__name__).debug("%s: %s noticed it: %s", fault.name, name, type(error).__name__)
                return True
    return not getattr(kind, "had_effect", True)
