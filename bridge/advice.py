"""What is no fault of the configuration and yet will be trouble: said by `check`, `doctor` and the console."""

from collections.abc import Mapping
from datetime import date, timedelta

from bridge.contract import AccountConfig
from bridge.routing.calendar import Calendar
from bridge.settings import Settings

SOON = timedelta(days=14)
_PUBLISHED = 11  # the month from which the next year's holidays may be expected


def calendar_gaps(settings: Settings, today: date) -> dict[str, list[int]]:
    """By calendar: the years whose holidays are missing, this one or, from November, the next."""
    found = {}
    for name, one in settings.calendars.items():
        missing = missing_years(one.calendar, today)
        if missing:
            found[name] = missing
    return found


def missing_years(calendar: Calendar, today: date) -> list[int]:
    """This year and, from November, the next, as far as their holidays are wanted and unknown."""
    years = [today.year] + ([today.year + 1] if today.month >= _PUBLISHED else [])
    return [year for year in years if calendar.lacks(year)]


def gap_text(name: str, year: int, language: str = "en") -> str:
    """One gap in words, with what to do."""
    if language == "zh":
        return (
            f"日历 {name}：缺少 {year} 年的节假日安排，届时将只按每周时间计算。"
            "通知公布后请运行 bridge calendar import FILE。"
        )
    return (
        f"calendars.{name}: the holidays of {year} are missing: only the weekly hours count then. "
        "Run `bridge calendar import FILE` as soon as they are published"
    )


def ending_secrets(accounts: Mapping[str, AccountConfig], today: date) -> dict[str, date]:
    """By account: the last day of its credentials, where that is within two weeks, or over."""
    ends = {name: one.secret_ends for name, one in accounts.items()}
    return {name: end for name, end in ends.items() if end is not None and end - today <= SOON}


def secret_text(name: str, end: date, language: str = "en") -> str:
    """One of them in words."""
    if language == "zh":
        return f"账号 {name} 的凭证将于 {end} 到期"
    return f"accounts.{name}: its credentials end on {end}"


def warnings(settings: Settings, accounts: Mapping[str, AccountConfig], today: date) -> list[str]:
    """One line each."""
    gaps = [gap_text(name, year) for name, years in calendar_gaps(settings, today).items() for year in years]
    return gaps + [secret_text(name, end) for name, end in ending_secrets(accounts, today).items()]
