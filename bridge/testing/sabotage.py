"""Connectors with one fault each, made of a good one: a suite that does not notice all of them proves nothing.

`SABOTAGE` names for each fault the tests of the suite that may notice it; `is_noticed` runs them with the author's own
case, hooks and simulator.
"""

import inspect
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from bridge.contract import Audience, LooksUp, Polls, Role
from bridge.testing.conformance.case import ConnectorCase
from bridge.testing.faulty import (
    Kind,
    about_the_account,
    cut_short,
    newest_first,
    no_status,
    not_again,
    notes_in_public,
    other_author,
    other_status,
    polling,
    raises_alone,
    raises_on_names,
    raw_fields,
    reading,
    receiving,
    rendering,
    saying,
    unknown_as_ours,
    without_files,
    without_wordless,
)


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


_OWN = ("test_what_we_wrote_is_known_as_ours", "test_find_knows_what_was_delivered")
_ALONE = ("test_a_conversation_can_be_read_alone", "test_what_we_wrote_is_known_as_ours")
_PAGES = ("test_several_in_one_second_keep_their_order", "test_nothing_is_lost_while_away")
_STATUS = ("test_a_solved_ticket_is_told",)

SABOTAGE: tuple[Sabotage, ...] = (
    Sabotage(
        "private notes are read as public",
        reading(saying(audience=Audience.CUSTOMER)),
        ("test_private_notes_are_read_as_private",),
        _is_desk,
    ),
    Sabotage(
        "the bridge's notes are written publicly",
        notes_in_public,
        ("test_notes_of_the_bridge_are_private_there",),
        _is_desk,
    ),
    Sabotage("own messages come back as an agent's", reading(unknown_as_ours), _OWN[:1], _polls),
    Sabotage("receipts name other messages", receiving(ids=("another",)), _OWN, _looks_up),
    Sabotage("poll(None, conversation) raises", polling(raises_alone), _ALONE, _polls),
    Sabotage("pages are cut short", polling(cut_short), _PAGES, _polls),
    Sabotage("pages come newest first", polling(newest_first), _PAGES, _polls),
    Sabotage("a solved ticket is called open", reading(other_status), _STATUS, _tells_ends),
    Sabotage("the end of a ticket is kept quiet", reading(no_status), _STATUS, _tells_ends),
    Sabotage("files are dropped on their way in", reading(without_files), ("test_files_from_there_arrive",)),
    Sabotage(
        "files are dropped on their way out",
        rendering(lambda steps: [step.model_copy(update={"media": ()}) for step in steps]),
        ("test_files_from_here_can_be_opened_there",),
    ),
    Sabotage("what has no words vanishes", reading(without_wordless), ("test_what_has_no_words_arrives",)),
    Sabotage("one step's error stops the account", about_the_account, ("test_every_refusal_has_its_class",)),
    Sabotage("customers and agents are mixed up", reading(other_author), ("test_who_speaks_is_known",)),
    Sabotage(
        "a route's fields are passed as they are",
        raw_fields,
        ("test_odd_fields_of_a_route_are_no_crash",),
        _is_desk,
    ),
    Sabotage(
        "a receipt's address holds a password",
        receiving(url="https://bridge:password@vendor.example/1"),
        ("test_receipts_show_no_secret",),
    ),
    Sabotage(
        "an agent's own retry is swallowed",
        reading(not_again),
        ("test_a_message_that_is_sent_again_is_told",),
        lambda case: _is_desk(case) and case.has_hook("retries") and case.has_hook("says"),
    ),
    Sabotage("render raises for some messages", raises_on_names, ("test_every_message_is_covered_in_order",)),
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
