"""When somebody is there: weekly hours in a time zone, holidays, make-up days, days of one's own. Pure.

A dated day replaces its weekday: own days before make-up days before holidays before the week. All moments are aware;
local times that a change of clocks skips mean the moment of the change, times that come twice open with the first and
close with the second.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from bridge.routing.hours import ALWAYS as ALL_WEEK
from bridge.routing.hours import Intervals, Week

_FAR = 800  # days: what does not come within these does not come
_LONGEST = 2  # days that an interval may reach beyond the midnight on which its day began


@dataclass(frozen=True, slots=True)
class Version:
    """The hours from a day on. `days` replaces the week on single days, `names` says why (holidays)."""

    week: Week = ALL_WEEK
    days: Mapping[date, Intervals] = field(default_factory=dict)
    names: Mapping[date, str] = field(default_factory=dict)
    valid_from: date = date.min

    def intervals(self, day: date) -> Intervals:
        """The hours of a day, in minutes since its midnight."""
        own = self.days.get(day)
        return self.week[day.weekday()] if own is None else own


@dataclass(frozen=True, slots=True)
class Calendar:
    """One office. `versions` are in the order of `valid_from`. `years`: those whose holidays are known, None where the
    calendar knows no holidays.
    """

    zone: ZoneInfo
    versions: tuple[Version, ...]
    years: frozenset[int] | None = None

    def version(self, day: date) -> Version:
        """What is valid on a day: the first version where none is yet."""
        return next((one for one in reversed(self.versions) if one.valid_from <= day), self.versions[0])

    def lacks(self, year: int) -> bool:
        """Whether the holidays of a year are wanted and not known: then the weekly hours are all there is."""
        return self.years is not None and year not in self.years


ALWAYS = Calendar(ZoneInfo("UTC"), (Version(),))
"""Somebody is there all of the time."""


def is_open(calendar: Calendar, moment: datetime) -> bool:
    """Whether a moment lies within the hours; the last moment of a span does not."""
    return any(begin <= moment < end for begin, end in _spans(calendar, moment, 1))


def next_open(calendar: Calendar, moment: datetime) -> datetime | None:
    """The moment itself when it is open, else the next opening; None when there is none for two years."""
    return next((max(begin, moment) for begin, end in _spans(calendar, moment) if end > moment), None)


def next_close(calendar: Calendar, moment: datetime) -> datetime | None:
    """The end of the present hours, or of the next ones; None for an office that never closes, or never opens."""
    return next((end for begin, end in _spans(calendar, moment) if end > moment and _ends(calendar, end)), None)


def last_open(calendar: Calendar, moment: datetime, since: datetime) -> datetime | None:
    """The last moment, up to one, at which somebody is there: itself, or the closing before it; None when nobody is
    between `since` and then.
    """
    found = None
    for begin, end in _spans(calendar, since, (moment - since).days + 1):
        if begin >= moment:
            break
        if end > since < moment:
            found = min(end, moment)
    return found


def between(calendar: Calendar, begin: datetime, end: datetime) -> timedelta:
    """How long somebody is there between two moments; zero when the second is not the later one."""
    total = timedelta()
    for first, last in _spans(calendar, begin, max(0, (end - begin).days) + 1):
        if first >= end:
            break
        total += max(timedelta(), min(last, end) - max(first, begin))
    return total


def add(calendar: Calendar, begin: datetime, length: timedelta) -> datetime | None:
    """The moment at which somebody was there for so long since another; None when it does not come for two years."""
    left = length
    for first, last in _spans(calendar, begin):
        if last <= begin:
            continue
        here = last - max(first, begin)
        if here >= left:
            return max(first, begin) + left
        left -= here
    return None


def _spans(calendar: Calendar, moment: datetime, days: int = _FAR) -> Iterator[tuple[datetime, datetime]]:
    """Spans in UTC that end after a moment, in order; those that touch or overlap are one, as far as is looked."""
    begun: tuple[datetime, datetime] | None = None
    local = moment.astimezone(calendar.zone).date()
    for step in range(-_LONGEST, days + 1):
        try:
            day = local + timedelta(days=step)
        except OverflowError:
            break
        for first, last in calendar.version(day).intervals(day):
            begin = _moment(calendar.zone, day, first, fold=0)
            end = _moment(calendar.zone, day, last, fold=1)
            if end <= begin:
                continue  # skipped by a change of clocks
            if begun is None:
                begun = (begin, end)
            elif begin <= begun[1]:
                begun = (begun[0], max(begun[1], end))
            else:
                if begun[1] > moment:
                    yield begun
                begun = (begin, end)
    if begun is not None and begun[1] > moment:
        yield begun


def _ends(calendar: Calendar, end: datetime) -> bool:
    """Whether hours end there, and not only the days that were looked at."""
    return not is_open(calendar, end)


def _moment(zone: ZoneInfo, day: date, minutes: int, *, fold: int) -> datetime:
    local = datetime.combine(day, datetime.min.time()) + timedelta(minutes=minutes)
    found = local.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == local:
        return found
    before = local.replace(tzinfo=zone, fold=1).astimezone(UTC)  # of a time that no clock shows, fold 1 is the earlier
    after = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(minutes=1):
        middle = before + (after - before) / 2
        before, after = (middle, after) if middle.astimezone(zone).utcoffset() == offset else (before, middle)
    return after.replace(second=0, microsecond=0)
