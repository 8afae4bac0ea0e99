"""The time that figures are about: whole days of the office, or whole hours."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bridge.figures.rollups import HOUR, day_at, hour_at, next_day
from bridge.settings import Settings

DEFAULT = timedelta(days=7)
_ZONE = "Asia/Shanghai"  # of a shop that named none
_SPAN = re.compile(r"(\d{1,4})([dhw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def zone_of(settings: Settings) -> ZoneInfo:
    """Whose days are counted: those of `bridge.timezone`, else of the first calendar."""
    if settings.bridge.timezone:
        return ZoneInfo(settings.bridge.timezone)
    return next((one.calendar.zone for one in settings.calendars.values()), ZoneInfo(_ZONE))


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` up to, not including, `until`, both in UTC. `grain`: of what sums it consists, `d` or `h`."""

    since: datetime
    until: datetime
    zone: ZoneInfo
    grain: str

    @property
    def before(self) -> "Period":
        """As long a time just before."""
        length = self.until - self.since
        since = self.since - length
        if self.grain == "d":
            days = round(length / timedelta(days=1))
            local = self.since.astimezone(self.zone).replace(tzinfo=None) - timedelta(days=days) + HOUR
            since = day_at(local.replace(tzinfo=self.zone), self.zone)
        return Period(since, self.since, self.zone, self.grain)


def period(since: str, until: str, zone: ZoneInfo, now: datetime, *, hours: bool = False) -> Period:
    """What two texts mean: a date, an ISO time, or a length back from now (`7d`). Whole days, unless `hours` or a time
    of day is wanted. Raises ValueError with what to write.
    """
    end = _moment(until, zone, now) if until else now
    begin = _moment(since, zone, now) if since else end - DEFAULT
    if until and re.fullmatch(r"\d{4}-\d\d-\d\d", until):
        end = next_day(end, zone)  # the day itself belongs to it
    fine = hours or any("T" in text or text.endswith("h") for text in (since, until))
    if fine:
        first, last = hour_at(begin), hour_at(end + HOUR - timedelta(microseconds=1))
    else:
        first, last = day_at(begin, zone), day_at(end, zone)
        last = last if last == end else next_day(last, zone)
    if not first < last:
        raise ValueError("--since must be before --until")
    if last - first > timedelta(days=3700):
        raise ValueError("that is longer than ten years")
    return Period(first, last, zone, "h" if fine else "d")


def _moment(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    span = _SPAN.fullmatch(text)
    try:
        if span is not None:
            return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
        found = datetime.fromisoformat(text)
        found = found if found.tzinfo is not None else found.replace(tzinfo=zone)
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} cannot be read; write a date (2026-11-30), a time, or 7d") from None
