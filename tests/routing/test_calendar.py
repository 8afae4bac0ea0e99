"""Calendars: every day of 2026 against a third party, midnights, changes of clocks, and what must hold for any."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.routing.calendar import Calendar, Version, add, between, is_open, last_open, next_close, next_open
from bridge.routing.hours import parse_day, parse_week
from bridge.routing.wording import opening, with_opening
from bridge.settings import CalendarSettings

SHANGHAI = ZoneInfo("Asia/Shanghai")


def office(**more: object) -> Calendar:
    return CalendarSettings.model_validate({"hours": "mon-fri 09:00-18:00", "holidays": "cn", **more}).calendar


def at(text: str, zone: str = "Asia/Shanghai") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize("day", [date(2026, 1, 1) + timedelta(days=step) for step in range(365)], ids=str)
def test_every_day_of_2026_is_as_a_third_party_says(day: date) -> None:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=SHANGHAI)
    assert is_open(office(), noon) is chinese_calendar.is_workday(day)


def test_a_year_that_is_not_published_has_its_week_and_says_so() -> None:
    calendar = office()
    assert calendar.lacks(2027) and not calendar.lacks(2026)
    assert is_open(calendar, at("2027-01-01T10:00"))  # a Friday
    assert not is_open(calendar, at("2027-01-02T10:00"))
    assert not office(holidays="").lacks(2027)


@pytest.mark.parametrize(
    ("when", "opens"),
    [
        ("2026-09-30T17:59", "2026-09-30T17:59"),
        ("2026-09-30T18:00", "2026-10-08T09:00"),  # all of the National Day's week
        ("2026-02-14T18:30", "2026-02-24T09:00"),  # the Spring Festival, after a Saturday that is worked
        ("2026-10-09T19:00", "2026-10-10T09:00"),  # a make-up Saturday
        ("2026-09-18T19:00", "2026-09-20T09:00"),  # a make-up Sunday
    ],
)
def test_the_next_opening_knows_holidays_and_make_up_days(when: str, opens: str) -> None:
    assert next_open(office(), at(when)) == at(opens)


def test_own_days_come_before_make_up_days_and_holidays() -> None:
    calendar = office(
        makeup="10:00-16:00",
        days={"2026-10-10": "off", "2026-10-01/2026-10-02": "10:00-12:00", "2026-12-24": "09:00-12:00"},
    )
    assert not is_open(calendar, at("2026-10-10T11:00"))
    assert is_open(calendar, at("2026-10-01T11:00")) and not is_open(calendar, at("2026-10-03T11:00"))
    assert not is_open(calendar, at("2026-09-20T09:30")) and is_open(calendar, at("2026-09-20T10:30"))
    assert next_close(calendar, at("2026-12-24T09:00")) == at("2026-12-24T12:00")


def test_a_make_up_day_works_as_the_weekday_that_is_named() -> None:
    calendar = office(hours="mon 08:00-12:00, fri 14:00-20:00", makeup="friday")
    assert next_open(calendar, at("2026-10-10T06:00")) == at("2026-10-10T14:00")


def test_a_span_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    calendar = office(hours="fri 22:00-02:00", days={"2026-10-16": "off"})
    assert is_open(calendar, at("2026-10-24T01:59")) and not is_open(calendar, at("2026-10-24T02:00"))
    assert not is_open(calendar, at("2026-10-17T01:00"))  # that Friday was off, and its night with it


def test_spans_that_touch_are_one() -> None:
    calendar = office(hours="mon 09:00-24:00, tue 00:00-12:00", holidays="")
    assert next_close(calendar, at("2026-11-02T10:00")) == at("2026-11-03T12:00")
    assert next_close(office(hours="", holidays=""), at("2026-11-02T10:00")) is None


def test_the_last_moment_at_which_somebody_is_there() -> None:
    calendar = office()
    friday = at("2026-11-27T18:30")
    assert last_open(calendar, at("2026-11-29T18:30"), friday) is None  # asked when the office had closed
    asked = at("2026-11-27T17:00")
    assert last_open(calendar, at("2026-11-29T17:00"), asked) == at("2026-11-27T18:00")
    assert last_open(calendar, at("2026-11-27T17:30"), asked) == at("2026-11-27T17:30")
    before = at("2026-09-30T17:00")
    assert last_open(calendar, at("2026-10-02T13:00"), before) == at("2026-09-30T18:00")


def test_clocks_that_are_put_forward_and_back() -> None:
    """Berlin 2026: 02:00 becomes 03:00 on 29 March, 03:00 becomes 02:00 on 25 October."""
    night = CalendarSettings(timezone="Europe/Berlin", hours="sat-sun 22:00-02:30").calendar
    assert next_close(night, at("2026-03-28T23:00", "Europe/Berlin")) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert next_close(night, at("2026-10-24T23:00", "Europe/Berlin")) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    early = CalendarSettings(timezone="Europe/Berlin", hours="sun 02:30-04:00").calendar
    assert next_open(early, at("2026-03-29T00:00", "Europe/Berlin")) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    day = CalendarSettings(timezone="Europe/Berlin", hours="mon-sun 09:00-18:00").calendar
    for text in ("2026-03-28T19:00", "2026-10-24T19:00"):
        moment = next_open(day, at(text, "Europe/Berlin"))
        assert moment is not None and moment.astimezone(ZoneInfo("Europe/Berlin")).hour == 9
    assert between(night, at("2026-10-24T22:00", "Europe/Berlin"), at("2026-10-25T12:00", "Europe/Berlin")) == (
        timedelta(hours=5, minutes=30)
    )


def test_hours_change_with_a_version() -> None:
    calendar = office(versions=[{"valid_from": "2026-11-01", "hours": "mon-fri 10:00-19:00", "holidays": "cn"}])
    assert next_open(calendar, at("2026-10-30T08:00")) == at("2026-10-30T09:00")
    assert next_open(calendar, at("2026-11-02T08:00")) == at("2026-11-02T10:00")
    same_day = office(versions=[{"valid_from": "2026-11-02", "hours": "mon-fri 10:00-19:00", "holidays": "cn"}])
    assert next_open(same_day, at("2026-11-02T08:00")) == at("2026-11-02T10:00"), "from that very day on"


@pytest.mark.parametrize(
    ("when", "chinese", "english"),
    [
        ("2026-11-27T12:30", "今天 13:30", "today at 13:30 (Asia/Shanghai time)"),
        ("2026-11-26T20:00", "明天 09:00", "tomorrow at 09:00 (Asia/Shanghai time)"),
        ("2026-11-28T20:00", "后天 09:00", "Mon 30 Nov at 09:00 (Asia/Shanghai time)"),
        ("2026-02-14T20:00", "2月24日（周二） 09:00", "Tue 24 Feb at 09:00 (Asia/Shanghai time)"),
    ],
)
def test_openings_in_words(when: str, chinese: str, english: str) -> None:
    calendar = office(hours="mon-fri 09:00-12:00, mon-fri 13:30-18:00")
    assert opening(calendar, at(when), "zh") == chinese
    assert with_opening("Back {opens}.", calendar, at(when), "en") == f"Back {english}."


def test_an_office_that_never_opens_promises_nothing() -> None:
    never = Calendar(SHANGHAI, (Version(((),) * 7),))
    now = at("2026-11-27T12:00")
    assert (next_open(never, now), next_close(never, now), add(never, now, timedelta(hours=1))) == (None, None, None)
    assert opening(never, now, "zh") == "恢复服务后"


minutes = st.integers(0, 24 * 60 - 1)
spans = st.tuples(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), minutes, minutes).filter(
    lambda one: one[1] != one[2]
)
weeks = st.lists(spans, min_size=1, max_size=6).map(
    lambda found: parse_week(
        ", ".join(f"{day} {a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for day, a, b in found)
    )
)
zones = st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"])
off_days = st.dictionaries(
    st.dates(date(2026, 3, 20), date(2026, 4, 10)), st.sampled_from(["off", "monday", "09:00-12:00"]), max_size=5
)
moments = st.datetimes(datetime(2026, 3, 22), datetime(2026, 4, 8)).map(lambda one: one.replace(tzinfo=UTC))


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    week = draw(weeks)
    days = {day: parse_day(what, week) for day, what in draw(off_days).items()}
    return Calendar(ZoneInfo(draw(zones)), (Version(week, days),))


@settings(max_examples=60, deadline=None)
@given(calendars(), moments, moments, moments)
def test_what_holds_for_every_calendar(calendar: Calendar, one: datetime, two: datetime, three: datetime) -> None:
    first, second, third = sorted((one, two, three))
    opens = next_open(calendar, first)
    assert opens is not None and opens >= first and is_open(calendar, opens)
    assert (opens > first) is not is_open(calendar, first)
    closes = next_close(calendar, first)
    assert closes is None or (closes > first and not is_open(calendar, closes))
    assert between(calendar, first, second) + between(calendar, second, third) == between(calendar, first, third)
    worked = between(calendar, first, second)
    reached = add(calendar, first, worked)
    assert reached is not None and reached <= max(second, opens)
    assert between(calendar, first, reached) == worked
    last = last_open(calendar, third, first)
    assert (last is None) is (between(calendar, first, third) == timedelta())
    assert last is None or (first < last <= third and between(calendar, last, third) == timedelta())


def test_an_opening_is_said_in_the_language_of_its_text() -> None:
    """A list of texts names no language: what is Chinese is filled in Chinese, whatever the bridge speaks."""
    office = Calendar(ZoneInfo("Asia/Shanghai"), (Version(parse_week("mon-fri 09:00-18:00")),))
    evening = datetime(2026, 11, 27, 20, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert with_opening("我们{opens}恢复服务", office, evening, "en") == "我们11月30日（周一） 09:00恢复服务"
    assert with_opening("Back {opens}!", office, evening, "zh") == "Back Mon 30 Nov at 09:00 (Asia/Shanghai time)!"
    assert with_opening("{opens}", office, evening, "zh") == "11月30日（周一） 09:00"
