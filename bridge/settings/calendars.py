"""`[calendars.*]`: when somebody is there, with holidays, make-up days and days of one's own."""

from datetime import date
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import field_validator, model_validator

from bridge.routing.calendar import Calendar, Version
from bridge.routing.holidays import Year, countries, merge, read_holidays, shipped
from bridge.routing.hours import Intervals, parse_dates, parse_day, parse_week
from bridge.settings.section import Section


def known_zone(value: str) -> str:
    """A validator: the name of a time zone."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is no time zone; write one such as Asia/Shanghai") from None
    return value


class HoursSettings(Section):
    """What the office's hours are: by the week, on holidays, on make-up days, on days of its own."""

    hours: str = ""
    holidays: str = ""
    makeup: str = "monday"
    days: dict[str, str] = {}

    @field_validator("hours")
    @classmethod
    def _readable(cls, value: str) -> str:
        parse_week(value)
        return value

    @field_validator("holidays")
    @classmethod
    def _known(cls, value: str) -> str:
        if value and not is_file(value) and value not in countries():
            raise ValueError(f"there is no data for {value!r}; known: {', '.join(countries())}, or the path of a file")
        return value

    @model_validator(mode="after")
    def _days(self) -> "HoursSettings":
        week = parse_week(self.hours)
        parse_day(self.makeup, week)
        for dates, what in self.days.items():
            parse_dates(dates)
            parse_day(what, week)
        return self

    def holiday_years(self, imported: Path | None) -> dict[int, Year]:
        """The years whose holidays are known. Raises ValueError for a file that cannot be read."""
        if not self.holidays:
            return {}
        if is_file(self.holidays):
            return merge(read_holidays(Path(self.holidays)))
        return merge(shipped(self.holidays), read_holidays(imported) if imported is not None else ())

    def version(self, imported: Path | None, valid_from: date) -> Version:
        """The same as a value."""
        week = parse_week(self.hours)
        makeup = parse_day(self.makeup, week)
        days: dict[date, Intervals] = {}
        names: dict[date, str] = {}
        for year in self.holiday_years(imported).values():
            days |= dict.fromkeys(year.off, ()) | dict.fromkeys(year.work, makeup)
            names |= {**year.off, **year.work}
        own = {day: parse_day(what, week) for dates, what in self.days.items() for day in parse_dates(dates)}
        return Version(week, {**days, **own}, names, valid_from)


class VersionSettings(HoursSettings):
    """`[[calendars.*.versions]]`: other hours from a day on."""

    valid_from: date


class CalendarSettings(HoursSettings):
    """`[calendars.NAME]`. `imported` is found by itself: `calendars/<country>.toml` beside the configuration."""

    timezone: str = "Asia/Shanghai"
    versions: tuple[VersionSettings, ...] = ()
    imported: Path | None = None

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        return known_zone(value)

    @model_validator(mode="after")
    def _files(self) -> "CalendarSettings":
        assert self.calendar.versions  # what its files hold is read now: later nobody could mend it
        return self

    @cached_property
    def calendar(self) -> Calendar:
        """The calendar as a value."""
        later = sorted(self.versions, key=lambda one: one.valid_from)
        versions = [self.version(self.imported, date.min)]
        versions += [one.version(self.imported, one.valid_from) for one in later]
        last = later[-1] if later else self
        years = frozenset(last.holiday_years(self.imported)) if last.holidays else None
        return Calendar(ZoneInfo(self.timezone), tuple(versions), years)


def is_file(holidays: str) -> bool:
    """Whether `holidays` names a file and no country."""
    return "/" in holidays or "." in holidays
