"""The allowance as agents of every desk see it: notes, commands, and what tickets show."""

from typing import Any

import pytest

from bridge.testing.e2e.process import until
from bridge.testing.e2e.way import CUSTOMER, Way
from tests.e2e.desks import Freshdesk, Zendesk

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def note_that_says(way: Way, words: str) -> str:
    await until(lambda: any(words in note for note in way.desk.notes()))
    (note,) = [note for note in way.desk.notes() if words in note]
    return note


async def test_a_closed_window_is_told_once_and_the_customer_reopens_it(way: Way) -> None:
    await way.begin("hello")
    way.phone.platform.allowances[CUSTOMER].left = 0
    for text in ("one", "two", "three"):
        await way.desk.agent_says(way.desk.ticket, text)
    assert "#cancel" in await note_that_says(way, "Not delivered yet")
    await way.phone.says(CUSTOMER, "#cancel")  # a customer's word is no command
    await until(lambda: "\n".join(way.phone.received(CUSTOMER)).split("\n") == ["one", "two", "three"])
    await way.reach_the_desk("#cancel")
    assert len([note for note in way.desk.notes() if "Not delivered yet" in note]) == 1


async def test_a_private_note_retries_and_asks_for_the_state(way: Way) -> None:
    await way.begin("hello")
    way.phone.fail(48002)
    await way.desk.agent_says(way.desk.ticket, "answer")
    note = await note_that_says(way, "Not delivered:")
    assert "answer" in note
    await way.desk.agent_notes(way.desk.ticket, "#retry")
    await way.reach_the_customer("answer")
    await note_that_says(way, "Sending again: 1.")
    await way.desk.agent_notes(way.desk.ticket, "#status")
    await note_that_says(way, "Replies left: 4.")
    assert way.phone.received(CUSTOMER) == ["answer"]


async def test_a_private_note_gives_up_what_waits(way: Way) -> None:
    await way.begin("hello")
    way.phone.platform.allowances[CUSTOMER].left = 0
    await way.desk.agent_says(way.desk.ticket, "never mind")
    await note_that_says(way, "Not delivered yet")
    await way.desk.agent_notes(way.desk.ticket, "#cancel")
    await note_that_says(way, "Cancelled: 1.")
    await way.there_and_back()
    assert way.phone.received(CUSTOMER) == ["goodbye"]


@pytest.mark.parametrize("way", [Freshdesk, Zendesk], indirect=True, ids=lambda desk: desk.kind)
async def test_tags_show_what_is_left(way: Way) -> None:
    await way.begin("hello")
    ticket: Any = way.desk.simulator.state.tickets[int(way.desk.ticket)]
    await until(lambda: "replies-left-5" in ticket.tags)
    await way.desk.agent_says(way.desk.ticket, "answer")
    await way.reach_the_customer("answer")
    await until(lambda: "replies-left-4" in ticket.tags and "replies-left-5" not in ticket.tags)
    assert [tag for tag in ticket.tags if tag.startswith("replies-until-")]
    assert way.phone.received(CUSTOMER) == ["answer"]
