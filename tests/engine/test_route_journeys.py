"""Routes with the shipped connectors: what customers and agents see when a desk is not as the configuration thinks."""

from pathlib import Path
from typing import Any

import pytest

from bridge.doctor import Doctor
from tests.e2e.desks import Desk, Freshdesk, Zendesk
from tests.engine.desk_harness import DeskHarness


def harness_of(database_url: str, folder: Path, desk: type[Desk], **route: Any) -> DeskHarness:
    routes = [{"name": "orders", "channel": "shop", "desk": "desk", **route}]
    return DeskHarness(database_url, folder, desk, routes=routes)


@pytest.mark.parametrize("desk", [Zendesk, Freshdesk], ids=lambda one: one.kind)
@pytest.mark.parametrize("group", ["Finance", "99"], ids=["by name", "by number"])
async def test_moved_group(database_url: str, tmp_path: Path, desk: type[Desk], group: str) -> None:
    """The group that a rule names is gone: the message has its ticket, and agents and admins hear of it."""
    harness = harness_of(database_url, tmp_path, desk, group=group, tags=["after-hours"])
    async with harness.running():
        await harness.asks("where is my parcel?")
        assert harness.desk.seen() == ["where is my parcel?"]
        (note,) = harness.notes
        assert (
            f"The desk did not take what the route asks for: group {group}. The ticket was opened without it." in note
        )
        assert "after-hours" in harness.tags
        await harness.answer("on its way")
        assert harness.phone.received(harness.customer) == ["on its way"]
        await harness.asks("thanks")
        assert len(harness.notes) == 1


@pytest.mark.parametrize("desk", [Zendesk, Freshdesk], ids=lambda one: one.kind)
async def test_a_group_that_is_there_takes_the_ticket(database_url: str, tmp_path: Path, desk: type[Desk]) -> None:
    harness = harness_of(database_url, tmp_path, desk, group="wechat")
    async with harness.running():
        await harness.asks("where is my parcel?")
        ticket = harness.desk.simulator.state.tickets[int(harness.desk.ticket)]
        assert {15, 82} & {getattr(ticket, "group", None), getattr(ticket, "fields", {}).get("group_id")}
        assert harness.notes == []


@pytest.mark.parametrize("desk", [Zendesk, Freshdesk], ids=lambda one: one.kind)
async def test_doctor_finds_a_group_that_is_not_there(database_url: str, tmp_path: Path, desk: type[Desk]) -> None:
    """Before a ticket does: what a rule names is looked for at the desk, by name and by number."""
    harness = harness_of(database_url, tmp_path, desk, group="Finance", custom_fields={"nowhere": "x"})
    async with harness.running() as bridge:
        doctor = Doctor(harness.settings(), {}, tmp_path / "config.toml")
        found = await doctor._routes(bridge)
        assert [one["what"] for one in found.told("en")["problems"]] == [
            "routes.0: 'orders' names group Finance, which desk does not have",
            "routes.0: 'orders' names field nowhere, which desk does not have",
        ]
    harness = harness_of(database_url, tmp_path, desk, group="wechat")
    async with harness.running() as bridge:
        assert (await Doctor(harness.settings(), {}, tmp_path / "config.toml")._routes(bridge)).problems == []


async def test_an_agent_begins_for_a_customer_whom_the_bridge_knows(database_url: str, tmp_path: Path) -> None:
    """A new ticket of the agent's own, with the bridge's tag: the customer reads it, and answers there."""
    harness = harness_of(database_url, tmp_path, Zendesk)
    async with harness.running():
        await harness.asks("hello")
        await harness.answer("good day")
        old = harness.desk.ticket
        state = harness.desk.simulator.state
        customer = state.users[state.tickets[int(old)].requester]
        harness.clock.advance(60)
        new = harness.desk.simulator.open_ticket(requester=customer, subject="Your parcel is back", as_agent=True)
        await harness.read()
        assert harness.phone.received(harness.customer) == ["good day", "Your parcel is back"]
        await harness.asks("thanks!")
        assert [one.text.strip() for one in harness.desk.entries(new) if one.side == "customer"] == ["thanks!"]
        assert any(f"began anew with this customer at ticket {new}" in one.text for one in harness.desk.entries(old))
        await harness.read()
        assert len(harness.phone.received(harness.customer)) == 2


@pytest.mark.parametrize("tags", [[], ["bridge"]], ids=["without the tag", "for a stranger"])
async def test_an_agents_ticket_that_is_none_of_ours_stays_theirs(
    database_url: str, tmp_path: Path, tags: list[str]
) -> None:
    harness = harness_of(database_url, tmp_path, Zendesk)
    async with harness.running():
        await harness.asks("hello")
        state = harness.desk.simulator.state
        customer = state.users[state.tickets[int(harness.desk.ticket)].requester] if not tags else None
        harness.desk.simulator.open_ticket(requester=customer, subject="among ourselves", tags=tags, as_agent=True)
        await harness.read()
        assert harness.phone.received(harness.customer) == []


@pytest.mark.parametrize("stick", ["agent", "none"])
async def test_who_served_them_last_is_said(database_url: str, tmp_path: Path, stick: str) -> None:
    harness = harness_of(database_url, tmp_path, Zendesk, stick=stick)
    harness.options["tickets"] = {"reopen_within": "1m"}
    async with harness.running():
        await harness.asks("hello")
        await harness.answer("good day")
        await harness.wait(10)
        await harness.desk.close(harness.desk.ticket)
        await harness.read()
        harness.clock.advance(3600)
        await harness.asks("hello again")
        named = [one.text.strip() for one in harness.desk.entries(harness.desk.ticket) if one.side == "note"]
        assert named == (["Last served by Agent."] if stick == "agent" else [])
