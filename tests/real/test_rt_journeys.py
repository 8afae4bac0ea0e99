"""Weekends, holidays and forged guests with a real Request Tracker, text by text, on the virtual clock; and an agent who
writes first there.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.alerts.watch import Watch
from bridge.testing.faults import Trouble
from bridge.testing.proxy import FaultProxy
from tests.databases import sqlite_database
from tests.e2e.desks import Zendesk
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


async def test_desk_refused_for_twenty_minutes(rt: RealRt, tmp_path: Path) -> None:
    """Its administrator disables the bridge's user; conversations begin at another desk until it is enabled again."""
    journey: Any = test_route_journeys.desk_refused_for_twenty_minutes
    await journey(sqlite_database(tmp_path), tmp_path, RealRtDesk.of(rt), Zendesk)


class Hampered(RealRtDesk):
    """Behind a gateway that may have trouble of its own."""

    def __init__(self, rt: RealRt) -> None:
        super().__init__(rt)
        self._gateway = FaultProxy(rt.facts["base_url"])

    @property
    def simulator(self) -> FaultProxy:  # type: ignore[override] # what starts and stops with the test
        return self._gateway

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "api_base": self._gateway.rewrite(self._rt.facts["rest2"])}


@pytest.mark.parametrize("status", [503, 0], ids=["overloaded", "nothing listens"])
async def test_desk_away_for_twenty_minutes(rt: RealRt, tmp_path: Path, status: int) -> None:
    """A mere outage sends nobody elsewhere: all wait in their order, admins hear, and it goes on by itself."""
    options = {"routes": [test_route_journeys.FALLS], "accounts": test_route_journeys.ACCOUNTS}
    harness = test_route_journeys.TwoDesks(
        sqlite_database(tmp_path), tmp_path, Hampered.of(rt), other=Zendesk, **options  # type: ignore[arg-type] # as above
    )  # fmt: skip
    desk: Any = harness.desk
    async with harness.other.simulator, harness.running() as bridge:
        heard = bridge.settings.model_copy(update={"alerts": {"ops": {}}})
        ears = test_route_journeys.Ears()
        watch = Watch(bridge.store, heard, {"ops": ears}, harness.clock, {})  # type: ignore[dict-item] # sends nowhere
        if status:
            desk.simulator.faults.add(Trouble.STATUS, times=10**6, status=status)
        else:
            port = desk.simulator.port
            await desk.simulator.stop()
        await harness.asks("one")
        await harness.asks("two")
        for _ in range(20):
            await harness.wait(minutes=1)
            await watch.tick()
        assert desk.tickets() == [] == harness.other.tickets()
        assert harness.phone.received(harness.customer) == []
        (told,) = ears.heard
        assert told.startswith("· messages for desk wait since 2026-01-05 09:00 UTC (")
        if status:
            desk.simulator.faults.clear()
        else:
            await desk.simulator.start(port)
        for _ in range(3):
            await harness.wait(minutes=2)
        await watch.tick()
        assert ears.heard[1:] == ["· desk takes messages again"]
        (ticket,) = desk.tickets()
        assert harness.agents_see(desk, ticket) == [("customer", "one"), ("customer", "two")]
        await harness.answer("here we are")
        assert harness.phone.received(harness.customer) == ["here we are"]
        assert harness.other.tickets() == []


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
