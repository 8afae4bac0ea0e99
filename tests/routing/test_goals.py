"""Deadlines: the office's clock, the platform's window, and what comes first."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.routing.calendar import is_open
from bridge.routing.goals import Level, deadline, levels
from bridge.settings import CalendarSettings

OFFICE = CalendarSettings(hours="mon-fri 09:00-18:00", holidays="cn").calendar
ZONE = ZoneInfo("Asia/Shanghai")
MARGIN = timedelta(hours=4)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("asked", "length", "due", "last"),
    [
        ("2026-11-25T10:00", 3, "2026-11-25T10:03", "2026-11-26T18:00"),  # Wednesday: all is easy
        ("2026-11-27T17:59", 10, "2026-11-27T18:00", "2026-11-27T18:00"),  # Friday: Monday would be too late
        ("2026-11-26T17:59", 10, "2026-11-27T09:09", "2026-11-27T18:00"),  # Thursday: Friday morning will do
        ("2026-09-30T17:00", 24 * 60, "2026-09-30T18:00", "2026-09-30T18:00"),  # before the National Day's week
        ("2026-10-09T17:00", 24 * 60, "2026-10-10T18:00", "2026-10-10T18:00"),  # the Saturday is worked
        ("2026-02-14T17:00", 24 * 60, "2026-02-14T18:00", "2026-02-14T18:00"),  # before the Spring Festival
        ("2026-11-24T15:30", 24 * 60, "2026-11-26T11:30", "2026-11-26T11:30"),  # the window ends within the hours
    ],
)
def test_when_an_answer_is_due(asked: str, length: int, due: str, last: str) -> None:
    begun = at(asked)
    found = deadline(OFFICE, begun, timedelta(minutes=length), begun + timedelta(hours=48), MARGIN)
    assert (found.due_at, found.last_at, found.lost) == (at(due), at(last), False)


def test_nobody_is_there_before_the_window_ends() -> None:
    begun = at("2026-11-27T18:30")
    found = deadline(OFFICE, begun, timedelta(minutes=3), begun + timedelta(hours=48), MARGIN)
    assert found.lost and found.last_at is None
    assert levels(OFFICE, begun, found)[0] == (begun, Level.CLOSING)


def test_without_a_window_only_the_goal_counts() -> None:
    found = deadline(OFFICE, at("2026-09-30T17:30"), timedelta(hours=1), None, MARGIN)
    assert found.due_at == at("2026-10-08T09:30")


def test_levels_come_in_the_offices_time() -> None:
    begun = at("2026-11-26T17:59")
    found = deadline(OFFICE, begun, timedelta(minutes=10), begun + timedelta(hours=48), MARGIN)
    assert levels(OFFICE, begun, found) == [
        (at("2026-11-27T09:06:30"), Level.SOON),
        (at("2026-11-27T09:09"), Level.LATE),
        (at("2026-11-27T17:00"), Level.CLOSING),
    ]


@settings(max_examples=150, deadline=None)
@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 20)).map(lambda one: one.replace(tzinfo=UTC)),
    st.integers(1, 3000),
)
def test_what_holds_for_every_question(begun: datetime, minutes: int) -> None:
    ends = begun + timedelta(hours=48)
    found = deadline(OFFICE, begun, timedelta(minutes=minutes), ends, MARGIN)
    assert begun <= found.due_at <= ends
    if found.last_at is not None:
        assert found.due_at <= found.last_at <= ends
        assert is_open(OFFICE, found.last_at - timedelta(microseconds=1))
    when = levels(OFFICE, begun, found)
    assert when == sorted(when) and {flag for _, flag in when} <= set(Level)
    assert all(begun <= moment <= ends for moment, _ in when)
