"""Weekends, holidays and forged guests with a real Request Tracker, text by text, on the virtual clock; and an agent who
writes first there.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.databases import sqlite_database
from tests.engine import test_beginnings, test_route_journeys, test_target_journeys
from tests.engine.desk_harness import DeskHarness
from tests.real.rt_desk import RealRtDesk
from tests.real.rt_server import RealRt

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def rt() -> Iterator[RealRt]:
    with tempfile.TemporaryDirectory(prefix="bridge-rt-") as place:
        Path(place).chmod(0o755)  # RT's server is another user
        found = RealRt(Path(place) / "data").start()
        yield found
        found.clean()


JOURNEYS: tuple[Callable[..., Any], ...] = (
    test_target_journeys.test_friday_18_30,
    test_target_journeys.test_30_september,
    test_target_journeys.test_make_up_saturday,
    test_target_journeys.test_spring_festival,
)


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda one: one.__name__.removeprefix("test_"))
async def test_a_journey(rt: RealRt, tmp_path: Path, journey: Callable[..., Any]) -> None:
    await journey(sqlite_database(tmp_path), tmp_path, RealRtDesk.of(rt))


async def test_vip_forged(rt: RealRt, tmp_path: Path) -> None:
    url = sqlite_database(tmp_path)
    await test_route_journeys.test_vip_forged(url, tmp_path, RealRtDesk.of(rt), "another key")  # type: ignore[arg-type] # makes one


async def test_what_it_cannot_take_costs_no_ticket(rt: RealRt, tmp_path: Path) -> None:
    """A group is no place of RT's: the ticket is made all the same, and says so."""
    url = sqlite_database(tmp_path)
    routes = [{"name": "orders", "channel": "shop", "desk": "desk", "group": "Finance", "priority": 7}]
    harness = DeskHarness(url, tmp_path, RealRtDesk.of(rt), routes=routes)  # type: ignore[arg-type] # as above
    async with harness.running():
        await harness.asks("where is my parcel?")
        assert harness.desk.seen() == ["where is my parcel?"]
        (note,) = harness.notes
        assert "The desk did not take what the route asks for: group Finance." in note
        assert harness.desk._get(f"/ticket/{harness.desk.ticket}")["Priority"] == "7"  # type: ignore[attr-defined] # RT's own


async def test_an_agent_begins(rt: RealRt, tmp_path: Path) -> None:
    url = sqlite_database(tmp_path)
    harness = DeskHarness(url, tmp_path, RealRtDesk.of(rt))  # type: ignore[arg-type] # as above
    desk: Any = harness.desk
    async with harness.running() as bridge:
        await harness.asks("hello")
        await harness.answer("good day")
        old = desk.ticket
        whose = desk._get(f"/ticket/{old}")["Requestor"][0]["id"]
        new = await desk.opens(whose, test_beginnings.FIRST)
        bridge.engine.refresh("desk", ("",))  # type: ignore[union-attr]
        await harness.collected()
        await harness.quiet()
        assert harness.phone.received(harness.customer) == ["good day", test_beginnings.FIRST]
        await harness.asks("thanks!")
        mine = [one.text.strip() for one in desk.entries(new) if one.side == "customer"]
        assert [one.split("\n")[0] for one in mine] == ["thanks!"]
        assert any(f"began anew with this customer at ticket {new}" in one.text for one in desk.entries(old))
