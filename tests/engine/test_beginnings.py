"""An agent writes first, at each desk: the customer reads it, and answers on that ticket."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.desks import Desk, Freshdesk, Rt, Zendesk
from tests.engine.desk_harness import DeskHarness

FIRST = "Your parcel is back"


def harness_of(url: str, folder: Path, desk: type[Desk], **account: Any) -> DeskHarness:
    harness = DeskHarness(url, folder, desk, routes=[{"name": "all", "channel": "shop", "desk": "desk"}])
    if account:
        given = harness.desk.settings
        harness.desk.settings = lambda: {**given(), **account}  # type: ignore[method-assign] # more keys of the account
    return harness


def customer_of(harness: DeskHarness, ticket: str) -> Any:
    found = harness.desk.simulator.state.tickets[int(ticket)]
    return found.requestors[0] if harness.desk.kind == "rt" else found.requester


async def opens(harness: DeskHarness, old: str, *, tag: str = "bridge", source: int = 10) -> str:
    """An agent opens a ticket for the customer of another one, in the agents' own screen."""
    simulator, whom = harness.desk.simulator, customer_of(harness, old)
    if harness.desk.kind == "zendesk":
        made = simulator.open_ticket(
            requester=simulator.state.users[whom], subject=FIRST, as_agent=True, tags=[tag] if tag else []
        )
        return str(made)
    if harness.desk.kind == "freshdesk":
        more = {"tags": [tag] if tag else [], "fields": {"source": source, "responder_id": simulator.colleague.id}}
        return str(simulator.state.add_ticket(whom, "Parcel", f"<div>{FIRST}</div>", **more).id)
    return str(simulator.open_ticket(whom if tag else "somebody@customer.test", FIRST))


DESKS = pytest.mark.parametrize("desk", [Zendesk, Freshdesk, Rt], ids=lambda one: one.kind)


@DESKS
@pytest.mark.parametrize("way", ["by a nudge", "by the poll"])
async def test_an_agent_begins(database_url: str, tmp_path: Path, desk: type[Desk], way: str) -> None:
    harness = harness_of(database_url, tmp_path, desk)
    async with harness.running() as bridge:
        await harness.asks("hello")
        await harness.answer("good day")
        old = harness.desk.ticket
        harness.clock.advance(60)
        new = await opens(harness, old)
        if way == "by the poll":
            bridge.engine.refresh("desk", ("",))  # type: ignore[union-attr]
            await harness.collected()
            await harness.quiet()
        await harness.read()
        assert harness.phone.received(harness.customer) == ["good day", FIRST]
        await harness.asks("thanks!")
        mine = [one.text.strip() for one in harness.desk.entries(new) if one.side == "customer"]
        assert mine[-1].startswith("thanks!")
        assert any(f"began anew with this customer at ticket {new}" in one.text for one in harness.desk.entries(old))
        harness.clock.advance(1)
        await harness.answer("and a voucher", ticket=new)
        await harness.read()
        assert harness.phone.received(harness.customer) == ["good day", FIRST, "and a voucher"]


@DESKS
async def test_a_ticket_that_is_none_of_ours_stays_among_agents(
    database_url: str, tmp_path: Path, desk: type[Desk]
) -> None:
    """Without the tag, or (where there are none) for somebody whom the bridge does not know."""
    harness = harness_of(database_url, tmp_path, desk)
    async with harness.running():
        await harness.asks("hello")
        new = await opens(harness, harness.desk.ticket, tag="")
        await harness.read()
        await harness.desk.agent_says(new, "among ourselves")
        await harness.read()
        assert harness.phone.received(harness.customer) == []


@pytest.mark.parametrize("desk", [Zendesk, Freshdesk], ids=lambda one: one.kind)
async def test_a_tag_of_its_own_begins(database_url: str, tmp_path: Path, desk: type[Desk]) -> None:
    """With `start_tag` the account's own tag does not begin anything any more."""
    harness = harness_of(database_url, tmp_path, desk, start_tag="write-to-customer")
    async with harness.running():
        await harness.asks("hello")
        old = harness.desk.ticket
        await opens(harness, old)
        await harness.read()
        assert harness.phone.received(harness.customer) == []
        await opens(harness, old, tag="write-to-customer")
        await harness.read()
        assert harness.phone.received(harness.customer) == [FIRST]


async def test_what_a_caller_said_is_not_told_to_them(database_url: str, tmp_path: Path) -> None:
    """Freshdesk's description is the customer's own, unless an agent sent it as a mail; the first reply begins."""
    harness = harness_of(database_url, tmp_path, Freshdesk)
    async with harness.running():
        await harness.asks("hello")
        new = await opens(harness, harness.desk.ticket, source=3)
        await harness.read()
        assert harness.phone.received(harness.customer) == []
        await harness.answer("we looked into it", ticket=new)
        assert harness.phone.received(harness.customer) == ["we looked into it"]


async def test_our_own_tickets_are_not_begun_by_anybody(database_url: str, tmp_path: Path) -> None:
    """Request Tracker tells of every ticket that is made, ours too: they stay as they are."""
    harness = harness_of(database_url, tmp_path, Rt)
    async with harness.running() as bridge:
        for _ in range(3):
            await harness.asks("hello")
            bridge.engine.refresh("desk", ("",))  # type: ignore[union-attr]
            await harness.collected()
            await harness.read()
        assert harness.desk.tickets() == [harness.desk.ticket]
        assert harness.phone.received(harness.customer) == [] and harness.notes == []


@pytest.mark.parametrize("desk", [Zendesk, Freshdesk], ids=lambda one: one.kind)
async def test_an_agents_ticket_says_where_the_customer_writes(
    database_url: str, tmp_path: Path, desk: type[Desk]
) -> None:
    """The bridge did not make it, so its tag is put on it with what is left of the replies."""
    harness = harness_of(database_url, tmp_path, desk)
    async with harness.running():
        await harness.asks("hello")
        harness.clock.advance(60)
        new = await opens(harness, harness.desk.ticket)
        await harness.read()
        await harness.wait(6)
        tags = harness.desk.simulator.state.tickets[int(new)].tags
        assert "shop" in tags and any(tag.startswith("replies-left-") for tag in tags)
