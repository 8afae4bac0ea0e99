"""A desk that carries a request out after it closed the connection: nothing is there twice, however late it comes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.contract import Response, Retryable
from bridge.engine.outbound.policy import AttemptFacts, decide, next_look
from bridge.testing.faults import Fault, Trouble
from mappings.store import Tx
from tests.e2e.desks import DESKS, HouseDesk
from tests.engine.desk_harness import DeskHarness

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FACTS = AttemptFacts(
    now=NOW, attempts=1, tries=1, age=timedelta(0), max_age=timedelta(hours=1), looks=True, repeats=False,
    settle=timedelta(seconds=60), backoff_max=timedelta(minutes=5), towards_customer=False,
)  # fmt: skip
OPTIONS = {"engine": {"settle": "5s", "request_timeout": "30s"}}


@pytest.fixture(params=DESKS, ids=lambda desk: desk.kind)
def harness(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> DeskHarness:
    desk: type[HouseDesk] = request.param
    return DeskHarness(database_url, tmp_path, desk, **OPTIONS)


def said(harness: DeskHarness, text: str) -> int:
    """How often it stands on any ticket."""
    return sum(text in entry.text for ticket in harness.desk.tickets() for entry in harness.desk.entries(ticket))


def late(harness: DeskHarness, line: str) -> Fault:
    found: Fault = harness.desk.simulator.faults.add(Trouble.LATE, line)
    return found


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("after", [1, 20])
async def test_a_ticket_and_a_message_that_come_late_are_there_once(harness: DeskHarness, after: int) -> None:
    """Once before the first look and once after several; on a new ticket and on one that is there."""
    desk = harness.desk
    assert isinstance(desk, HouseDesk)
    async with harness.running():
        for line, text in ((desk.creates, "is my order on its way"), (desk.says, "it has the number 17")):
            fault = late(harness, line)
            await harness.asks(text)
            for _ in range(after // 4):
                await harness.wait(4)
            assert fault.hits == 1 and said(harness, text) == 0
            await fault.commit()
            for _ in range(10):
                await harness.wait(10)
            assert said(harness, text) == 1, "it was sent again before the vendor was done"
        assert len(desk.tickets()) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_never_comes_is_sent_again(harness: DeskHarness) -> None:
    desk = harness.desk
    assert isinstance(desk, HouseDesk)
    async with harness.running():
        desk.simulator.faults.add(Trouble.RESET_BEFORE, desk.creates)
        await harness.asks("is my order on its way")
        await harness.wait(3)
        assert said(harness, "is my order") == 0
        for _ in range(8):
            await harness.wait(10)
        assert said(harness, "is my order") == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_fault_that_was_answered_is_looked_for_at_once(harness: DeskHarness) -> None:
    desk = harness.desk
    assert isinstance(desk, HouseDesk)
    async with harness.running():
        desk.simulator.faults.add(Trouble.STATUS, desk.creates, status=500)
        await harness.asks("is my order on its way")
        await harness.wait(3)
        assert said(harness, "is my order") == 1, "who answered is done with it"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_attempt_whose_process_ended_may_go_on_without_us(harness: DeskHarness) -> None:
    desk = harness.desk
    assert isinstance(desk, HouseDesk)
    async with harness.running() as bridge:
        fault = late(harness, desk.creates)
        await harness.asks("is my order on its way")

        def lose(tx: Tx) -> None:  # as a process that was killed leaves it
            tx.exec_driver_sql(
                "UPDATE outbox SET begun_at = created_at, unknown = false, settles_at = NULL, due_at = created_at"
            )

        await bridge.store.write(lose)
        await harness.wait(15)
        assert said(harness, "is my order") == 0
        await fault.commit()
        for _ in range(10):
            await harness.wait(10)
        assert said(harness, "is my order") == 1


def test_how_long_nobody_answered_is_how_long_it_is_waited() -> None:
    silent, answered = Retryable("m", certain=False), Retryable("m", certain=False, ended=True)
    first = decide(silent, FACTS)
    assert first.due_at == NOW + timedelta(seconds=2) and first.settles_at == NOW + timedelta(seconds=60)
    assert decide(silent, replace(FACTS, tries=9)).settles_at == NOW + timedelta(seconds=240)
    assert decide(answered, FACTS).settles_at == NOW
    assert decide(Retryable("m"), FACTS).settles_at is None, "it never left"
    looks, now = [], NOW
    while now < NOW + timedelta(seconds=60):
        now = next_look(now, NOW - timedelta(seconds=60), NOW + timedelta(seconds=60))
        looks.append((now - NOW).seconds)
    assert looks == [30, 60]


@pytest.mark.parametrize(
    ("status", "ended"), [(500, True), (400, True), (408, False), (503, True), (504, False), (524, False)]
)
def test_what_stands_in_front_of_a_vendor_gives_up_sooner(status: int, ended: bool) -> None:
    assert Response(status, {}, b"", "POST desk").ended is ended


@pytest.mark.parametrize(("safely", "seconds"), [(True, 2), (False, 60)])
def test_a_repeat_waits_unless_the_vendor_refuses_it(safely: bool, seconds: int) -> None:
    facts = replace(FACTS, looks=False, repeats=True, safely=safely)
    decision = decide(Retryable("no answer", certain=False), facts)
    assert decision.due_at == NOW + timedelta(seconds=seconds)
