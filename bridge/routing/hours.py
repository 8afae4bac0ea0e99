"""Opening hours as people write them: `"mon-fri 09:00-12:00, mon-fri 13:30-18:00, sat 22:00-02:00"`.

An interval is a pair of minutes since the day's midnight. It belongs to the day on which it begins; one that ends after
midnight ends beyond minute 1440.
"""

import re
from collections.abc import Iterable
from datetime import date, timedelta

Interval = tuple[int, int]
Intervals = tuple[Interval, ...]
Week = tuple[Intervals, ...]
"""Monday first."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60
_NAMES = dict(
    zip(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"), range(7), strict=True)
) | {name: number for number, name in enumerate(DAYS)}
_TIMES = r"(?P<from>(?:[01]\d|2[0-3]):[0-5]\d)-(?P<to>(?:[01]\d|2[0-3]):[0-5]\d|24:00)"
_SPAN = rf"(?P<first>{'|'.join(DAYS)})(?:-(?P<last>{'|'.join(DAYS)}))?\s+{_TIMES}"

ALWAYS: Week = (((0, DAY),),) * 7


def parse_week(text: str) -> Week:
    """The week that a text describes; an empty one is always open. Raises ValueError with what to write instead."""
    days: list[list[Interval]] = [[] for _ in DAYS]
    spans = [span.strip() for span in text.lower().split(",") if span.strip()]
    for span in spans:
        found = re.fullmatch(_SPAN, span, re.ASCII)
        if found is None:
            raise ValueError(
                f'{span!r} cannot be read; write days and times such as "mon-fri 09:00-18:00, sat 10:00-14:00"'
            )
        first = DAYS.index(found["first"])
        last = DAYS.index(found["last"] or found["first"])
        for step in range((last - first) % 7 + 1):
            days[(first + step) % 7].append(_interval(span, found["from"], found["to"]))
    return tuple(tuple(sorted(day)) for day in days) if spans else ALWAYS


def parse_day(text: str, week: Week) -> Intervals:
    """What one dated day is instead of its weekday: `off`, a weekday's name (`on as monday`), or hours of its own."""
    wanted = text.strip().lower()
    if wanted in {"off", "closed"}:
        return ()
    weekday = _NAMES.get(wanted.removeprefix("on ").removeprefix("as ").strip())
    if weekday is not None:
        return week[weekday]
    found = []
    for span in (span.strip() for span in wanted.split(",")):
        times = re.fullmatch(_TIMES, span, re.ASCII)
        if times is None:
            raise ValueError(f'{text!r} cannot be read; write "off", a weekday such as "monday", or "09:00-12:00"')
        found.append(_interval(span, times["from"], times["to"]))
    return tuple(sorted(found))


def parse_dates(text: str) -> Iterable[date]:
    """A date, or all days from one to another: `2027-02-05` or `2027-02-05/2027-02-12`."""
    first, _, last = text.partition("/")
    try:
        begin = date.fromisoformat(first.strip())
        end = date.fromisoformat(last.strip()) if last else begin
    except ValueError:
        raise ValueError(f'{text!r} is no date; write "2027-02-05", or "2027-02-05/2027-02-12" for several') from None
    if not timedelta() <= end - begin <= timedelta(days=366):
        raise ValueError(f"{text!r} ends before it begins, or is longer than a year")
    return [begin + timedelta(days=step) for step in range((end - begin).days + 1)]


def clock(minutes: int) -> str:
    """Minutes since midnight as people write them."""
    return f"{minutes // 60 % 24 if minutes != DAY else 24:02}:{minutes % 60:02}"


def _interval(span: str, begin: str, end: str) -> Interval:
    if begin == end:
        raise ValueError(f"{span!r} begins and ends at the same time; write 00:00-24:00 for the whole day")
    first, last = (int(part[:2]) * 60 + int(part[3:]) for part in (begin, end))
    return (first, last if last > first else last + DAY)
