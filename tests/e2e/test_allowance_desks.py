"""The allowance as agents of every desk see it: notes, commands, and what tickets show."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from connectors.wechat.simulator import Simulator as Phone
from tests.e2e.desks import DESKS, Desk, Freshdesk, Zendesk
from tests.e2e.process import Process, until
from tests.e2e.test_journeys import CUSTOMER, Way

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(params=DESKS, ids=lambda desk: desk.kind)
async def side(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> AsyncIterator[Way]:
    desk: Desk = request.param()
    async with Phone() as phone, desk.simulator:
        accounts = {"shop": phone.settings(), "desk": desk.settings()}
        bridge = Process(tmp_path, database_url, accounts, [{"channel": "shop", "desk": "desk"}])
        phone.hook_url = bridge.hook("shop")
        desk.calls(bridge.hook("desk"))
        yield Way(phone, desk, bridge)
        await bridge.close()


async def note_that_says(side: Way, words: str) -> str:
    await until(lambda: any(words in note for note in side.desk.notes()))
    (note,) = [note for note in side.desk.notes() if words in note]
    return note


async def test_a_closed_window_is_told_once_and_the_customer_reopens_it(side: Way) -> None:
    await side.begin("hello")
    side.phone.platform.allowances[CUSTOMER].left = 0
    for text in ("one", "two", "three"):
        await side.desk.agent_says(side.desk.ticket, text)
    assert "#cancel" in await note_that_says(side, "Not delivered yet")
    await side.phone.says(CUSTOMER, "#cancel")  # a customer's word is no command
    await until(lambda: "\n".join(side.phone.received(CUSTOMER)).split("\n") == ["one", "two", "three"])
    await side.reach_the_desk("#cancel")
    assert len([note for note in side.desk.notes() if "Not delivered yet" in note]) == 1


async def test_a_private_note_retries_and_asks_for_the_state(side: Way) -> None:
    await side.begin("hello")
    side.phone.fail(48002)
    await side.desk.agent_says(side.desk.ticket, "answer")
    note = await note_that_says(side, "Not delivered:")
    assert "answer" in note
    await side.desk.agent_notes(side.desk.ticket, "#retry")
    await side.reach_the_customer("answer")
    await note_that_says(side, "Sending again: 1.")
    await side.desk.agent_notes(side.desk.ticket, "#status")
    await note_that_says(side, "Replies left: 4.")
    assert side.phone.received(CUSTOMER) == ["answer"]


async def test_a_private_note_gives_up_what_waits(side: Way) -> None:
    await side.begin("hello")
    side.phone.platform.allowances[CUSTOMER].left = 0
    await side.desk.agent_says(side.desk.ticket, "never mind")
    await note_that_says(side, "Not delivered yet")
    await side.desk.agent_notes(side.desk.ticket, "#cancel")
    await note_that_says(side, "Cancelled: 1.")
    await side.there_and_back()
    assert side.phone.received(CUSTOMER) == ["goodbye"]


@pytest.mark.parametrize("side", [Freshdesk, Zendesk], indirect=True, ids=lambda desk: desk.kind)
async def test_tags_show_what_is_left(side: Way) -> None:
    await side.begin("hello")
    ticket: Any = side.desk.simulator.state.tickets[int(side.desk.ticket)]
    await until(lambda: "replies-left-5" in ticket.tags)
    await side.desk.agent_says(side.desk.ticket, "answer")
    await side.reach_the_customer("answer")
    await until(lambda: "replies-left-4" in ticket.tags and "replies-left-5" not in ticket.tags)
    assert [tag for tag in ticket.tags if tag.startswith("replies-until-")]
    assert side.phone.received(CUSTOMER) == ["answer"]
