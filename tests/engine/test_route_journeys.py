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
        assert [one["what"] for one in found.problems] == [
            "routes.0: 'orders' names group Finance, which desk does not have",
            "routes.0: 'orders' names field nowhere, which desk does not have",
        ]
    harness = harness_of(database_url, tmp_path, desk, group="wechat")
    async with harness.running() as bridge:
        assert (await Doctor(harness.settings(), {}, tmp_path / "config.toml")._routes(bridge)).problems == []
