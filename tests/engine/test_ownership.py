"""A ticket of ours that comes to belong to somebody else: nothing goes to the former customer, nor to the new one."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.desks import DESKS, Desk, Freshdesk, Zendesk
from tests.engine.desk_harness import DeskHarness

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(params=DESKS, ids=lambda desk: desk.kind)
def harness(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> DeskHarness:
    return DeskHarness(database_url, tmp_path, request.param)


async def give(desk: Desk, ticket: str) -> Callable[[], Awaitable[None]]:
    """An agent makes another customer the one whose ticket it is; called again, the former one is it again."""
    vendor: Any = desk.simulator
    if desk.kind == "zendesk":
        before = vendor.state.users[vendor.state.tickets[int(ticket)].requester]
        await vendor.gives(ticket, vendor.state.add_user("Customer B"))
        return lambda: vendor.gives(ticket, before)
    if desk.kind == "freshdesk":
        before = vendor.state.tickets[int(ticket)].requester
        await vendor.gives(ticket, vendor.state.add_contact("Customer B", {}).id)
        return lambda: vendor.gives(ticket, before)
    (before,) = vendor.state.tickets[int(ticket)].requestors
    await vendor.gives(ticket, "customer.b@acme.example")
    return lambda: vendor.gives(ticket, before)


def told(harness: DeskHarness, words: str) -> int:
    return sum(words in note for note in harness.notes)


async def test_an_answer_to_the_new_customer_does_not_reach_the_former_one(harness: DeskHarness) -> None:
    async with harness.running():
        await harness.asks("hello")
        ticket = harness.desk.ticket
        await harness.answer("for the first customer")
        await harness.wait(10)
        await give(harness.desk, ticket)
        harness.clock.advance(2)
        await harness.answer("for somebody else", "and more", ticket=ticket)
        await harness.wait(10)
        assert harness.received() == ["for the first customer"]
        assert told(harness, "belongs to another customer now") == 1
        await harness.asks("still me")
        await harness.wait(10)
        fresh = harness.desk.ticket
        assert fresh != ticket, "the customer's words went to somebody else's ticket"
        assert not any("still me" in entry.text for entry in harness.desk.entries(ticket))
        await harness.answer("for the first customer again", ticket=fresh)
        await harness.wait(10)
        assert harness.received()[-1] == "for the first customer again" and len(harness.received()) == 2


async def test_words_that_come_first_open_a_new_ticket(harness: DeskHarness) -> None:
    """Nobody has read of the change yet when the customer writes."""
    async with harness.running():
        await harness.asks("hello")
        ticket = harness.desk.ticket
        await give(harness.desk, ticket)
        harness.clock.advance(2)
        await harness.asks("for my eyes")
        await harness.wait(10)
        assert harness.desk.ticket != ticket
        assert not any("for my eyes" in entry.text for entry in harness.desk.entries(ticket))
        assert any("for my eyes" in entry.text for entry in harness.desk.entries(harness.desk.ticket))


async def test_a_ticket_that_is_given_back_goes_on_and_what_was_not_sent_can_be(harness: DeskHarness) -> None:
    async with harness.running():
        await harness.asks("hello")
        ticket = harness.desk.ticket
        take_back = await give(harness.desk, ticket)
        harness.clock.advance(2)
        await harness.answer("written by mistake", ticket=ticket)
        await take_back()
        harness.clock.advance(2)
        await harness.answer("for the customer", ticket=ticket)
        await harness.wait(10)
        assert harness.received() == ["for the customer"]
        assert told(harness, "again") >= 1
        await harness.answer("#send", ticket=ticket, private=True)
        await harness.wait(10)
        assert harness.received() == ["for the customer", "written by mistake"]
        await harness.asks("thank you")
        assert harness.desk.ticket == ticket


@pytest.mark.parametrize("harness", [Freshdesk, Zendesk], indirect=True)  # RT merges users by an extension only
async def test_a_customer_who_was_merged_is_still_the_same(harness: DeskHarness) -> None:
    vendor: Any = harness.desk.simulator
    async with harness.running():
        await harness.asks("hello")
        ticket = harness.desk.ticket
        loser = vendor.state.tickets[int(ticket)].requester
        if harness.desk.kind == "zendesk":
            vendor.merges_users(loser, vendor.state.add_user("Customer A, known before").id)
        else:
            winner = vendor.state.add_contact("Customer A, known before", {})
            vendor.people.merge(winner, [vendor.state.contacts[loser]])
        harness.clock.advance(2)
        await harness.answer("for the customer", ticket=ticket)
        await harness.asks("still me")
        await harness.wait(10)
        assert harness.received() == ["for the customer"]
        assert harness.desk.ticket == ticket, "a merge of two profiles is no reason for another ticket"


async def test_what_a_merge_writes_reaches_no_customer(harness: DeskHarness) -> None:
    """Another customer's ticket is merged into ours, and the note of it is public: it quotes them."""
    vendor: Any = harness.desk.simulator
    async with harness.running():
        await harness.asks("hello")
        ticket = harness.desk.ticket
        foreign = vendor.open_ticket(subject="my secret number is 42")
        if harness.desk.kind == "zendesk":
            await vendor.merges(foreign, ticket, public=True)
        elif harness.desk.kind == "freshdesk":
            vendor.site.merge_note_is_private = False
            await vendor.merge(foreign, ticket)
        else:
            await vendor.merge(foreign, ticket)
        harness.clock.advance(2)
        await harness.answer("for the customer", ticket=ticket)
        await harness.wait(10)
        assert harness.received() == ["for the customer"]
