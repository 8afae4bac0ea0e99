"""Files that a desk does not take: the customer's words are there within seconds, before, with and after the file."""

from pathlib import Path
from typing import Any

import pytest

from bridge.engine.outbound import accessories
from bridge.testing.faults import Trouble
from tests.e2e.desks import DESKS, HouseDesk
from tests.engine.desk_harness import DeskHarness
from tests.engine.platform_harness import PICTURE

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(params=DESKS, ids=lambda desk: desk.kind)
def harness(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> DeskHarness:
    desk: type[HouseDesk] = request.param
    return DeskHarness(database_url, tmp_path, desk)


def seen(harness: DeskHarness) -> str:
    entries = (entry for ticket in harness.desk.tickets() for entry in harness.desk.entries(ticket))
    return "\n".join(f"{entry.text} {' '.join(name for name, _ in entry.files)}" for entry in entries)


def pictures(harness: DeskHarness) -> int:
    """How many entries name one, or hold it."""
    entries = [entry for ticket in harness.desk.tickets() for entry in harness.desk.entries(ticket)]
    return sum(".png" in f"{entry.text} {entry.files}" for entry in entries)


def uploads_fail(harness: DeskHarness, trouble: Trouble, times: int = 99) -> None:
    harness.desk.simulator.faults.add(trouble, ".", status=503, files=True, times=times)


async def picture(harness: DeskHarness) -> None:
    await harness.phone.sends_image(harness.customer, PICTURE, mime="image/png")
    await harness.quiet()


@pytest.mark.parametrize("trouble", [Trouble.STATUS, Trouble.RESET_BEFORE, Trouble.LATE])
async def test_what_comes_after_a_picture_goes_at_once(harness: DeskHarness, trouble: Trouble) -> None:
    async with harness.running():
        await harness.asks("hello")
        uploads_fail(harness, trouble)
        await picture(harness)
        await harness.asks("urgent: the shop closes at six")
        await harness.wait(1)
        assert "closes at six" in seen(harness), "words wait for a picture"
        harness.desk.simulator.faults.clear()
        for _ in range(20):
            await harness.wait(10)
        assert seen(harness).count("closes at six") == 1
        assert pictures(harness) == 1, "the picture follows, or is said to be missing"


async def test_a_picture_that_never_goes_is_said_to_be_missing(harness: DeskHarness) -> None:
    async with harness.running():
        await harness.asks("hello")
        uploads_fail(harness, Trouble.STATUS)
        await picture(harness)
        for _ in range(8):
            await harness.wait(10)
        assert "/media/" in seen(harness), "its link"


async def test_a_picture_that_makes_the_ticket(harness: DeskHarness) -> None:
    async with harness.running():
        uploads_fail(harness, Trouble.STATUS)
        await picture(harness)
        await harness.asks("look at this")
        for _ in range(8):
            await harness.wait(4)
        assert "look at this" in seen(harness) and "/media/" in seen(harness)


async def test_a_picture_that_makes_the_ticket_of_a_slow_desk(
    harness: DeskHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ticket is there at once and says what follows; so are the words after it."""
    monkeypatch.setattr(accessories, "PATIENCE", accessories.PATIENCE / 50)
    async with harness.running():
        slow = harness.desk.simulator.faults.add(Trouble.DELAY, ".", files=True, seconds=60, times=9)
        await harness.phone.sends_image(harness.customer, PICTURE, mime="image/png")
        await harness.moves(lambda: slow.hits)
        assert "image" in seen(harness), "the ticket waits for its picture"
        await harness.phone.says(harness.customer, "look at this")
        await harness.moves(lambda: "look at this" in seen(harness))
        assert not any(entry.files for ticket in harness.desk.tickets() for entry in harness.desk.entries(ticket))
        harness.desk.simulator.faults.clear()
        await harness.moves(lambda: ".png" in seen(harness) or "/media/" in seen(harness))
        await harness.quiet()
        assert len(harness.desk.tickets()) == 1 and seen(harness).count("look at this") == 1


async def test_nothing_waits_while_a_picture_is_being_sent(
    harness: DeskHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A desk that takes its time with each file, and in the end takes it."""
    monkeypatch.setattr(accessories, "PATIENCE", accessories.PATIENCE / 50)
    async with harness.running() as bridge:
        await harness.asks("hello")
        harness.desk.simulator.faults.add(Trouble.DELAY, ".", files=True, seconds=1.0)
        await picture(harness)
        await harness.pass_time(1)
        faults: Any = harness.desk.simulator.faults
        await harness.until(lambda: not faults.pending)
        await harness.phone.says(harness.customer, "urgent: the shop closes at six")
        await harness.until(lambda: "closes at six" in seen(harness) or pictures(harness))
        assert bridge.runtime.capabilities("desk").uploads_apart or not pictures(harness)
        await harness.until(lambda: pictures(harness) and "closes at six" in seen(harness))
        await harness.quiet()
