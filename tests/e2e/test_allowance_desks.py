"""The allowance as agents of every desk see it: notes, commands, and what tickets show."""

from typing import Any

import pytest

from bridge.testing.e2e.journey import CUSTOMER, Journey
from bridge.testing.e2e.process import until
from tests.e2e.desks import Freshdesk, Zendesk

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def note_that_says(journey: Journey, words: str) -> str:
    await until(lambda: any(words in note for note in journey.desk.notes()))
    (note,) = [note for note in journey.desk.notes() if words in note]
    return note


async def test_a_closed_window_is_told_once_and_the_customer_reopens_it(journey: Journey) -> None:
    await journey.begin("hello")
    journey.phone.platform.allowances[CUSTOMER].left = 0
    for text in ("one", "two", "three"):
        await journey.desk.agent_says(journey.desk.ticket, text)
    assert "#cancel" in await note_that_says(journey, "Not delivered yet")
    await journey.phone.says(CUSTOMER, "#cancel")  # a customer's word is no command
    await until(lambda: "\n".join(journey.phone.received(CUSTOMER)).split("\n") == ["one", "two", "three"])
    await journey.reach_the_desk("#cancel")
    assert len([note for note in journey.desk.notes() if "Not delivered yet" in note]) == 1


async def test_a_private_note_retries_and_asks_for_the_state(journey: Journey) -> None:
    await journey.begin("hello")
    journey.phone.fail(48002)
    await journey.desk.agent_says(journey.desk.ticket, "answer")
    note = await note_that_says(journey, "Not delivered:")
    assert "answer" in note
    await journey.desk.agent_notes(journey.desk.ticket, "#retry")
    await journey.reach_the_customer("answer")
    await note_that_says(journey, "Sending again: 1.")
    await journey.desk.agent_notes(journey.desk.ticket, "#status")
    await note_that_says(journey, "Replies left: 4.")
    assert journey.phone.received(CUSTOMER) == ["answer"]


async def test_a_private_note_gives_up_what_waits(journey: Journey) -> None:
    await journey.begin("hello")
    journey.phone.platform.allowances[CUSTOMER].left = 0
    await journey.desk.agent_says(journey.desk.ticket, "never mind")
    await note_that_says(journey, "Not delivered yet")
    await journey.desk.agent_notes(journey.desk.ticket, "#cancel")
    await note_that_says(journey, "Cancelled: 1.")
    await journey.there_and_back()
    assert journey.phone.received(CUSTOMER) == ["goodbye"]


@pytest.mark.parametrize("journey", [Freshdesk, Zendesk], indirect=True, ids=lambda desk: desk.kind)
async def test_tags_show_what_is_left(journey: Journey) -> None:
    await journey.begin("hello")
    ticket: Any = journey.desk.simulator.state.tickets[int(journey.desk.ticket)]
    await until(lambda: "replies-left-5" in ticket.tags)
    await journey.desk.agent_says(journey.desk.ticket, "answer")
    await journey.reach_the_customer("answer")
    await until(lambda: "replies-left-4" in ticket.tags and "replies-left-5" not in ticket.tags)
    assert [tag for tag in ticket.tags if tag.startswith("replies-until-")]
    assert journey.phone.received(CUSTOMER) == ["answer"]
