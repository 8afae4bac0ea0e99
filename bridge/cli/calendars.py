"""`bridge calendar`: what the opening times of a year are, and another year's holidays."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from bridge.cli.common import CONFIG, Fault, guarded


@click.group()
def calendar() -> None:
    """Opening times, holidays and make-up days."""


@calendar.command()
@click.argument("name")
@click.option("--year", type=click.IntRange(1970, 9998), help="Else the present one.")
@CONFIG
@click.option("--json", "as_json", is_flag=True)
@guarded
def show(name: str, year: int | None, config: str | None, as_json: bool) -> None:
    """The opening times of a calendar: its week, and every day of a year that differs."""
    from bridge.settings import find_config, load_settings, nearest

    settings = load_settings(find_config(config))
    if name not in settings.calendars:
        known = ", ".join(sorted(settings.calendars)) or "none"
        raise Fault(f"calendars: there is no calendar {name!r}; calendars: {known}{nearest(name, settings.calendars)}")
    found = calendar_json(settings, name, year)
    click.echo(json.dumps(found, ensure_ascii=False, indent=2) if as_json else calendar_text(found))


@calendar.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--country", default="cn", show_default=True, metavar="CODE", help="Whose holidays they are.")
@CONFIG
@guarded
def import_command(file: Path, country: str, config: str | None) -> None:
    """Adds a year's holidays from a file: JSON by year (days with name, date, isOffDay), or TOML as ours."""
    from bridge.routing.holidays import countries, read_holidays
    from bridge.settings import find_config

    if country not in countries():
        raise Fault(f"--country: there is no data for {country!r}; known: {', '.join(countries())}")
    try:
        years = read_holidays(file)
        if not years:
            raise Fault(f"{file}: holds no days; that year is not published yet")
        target = import_years(find_config(config), country, years)
    except ValueError as error:
        raise Fault(str(error)) from None
    except OSError as error:
        raise Fault(f"{error.filename}: cannot be written: {error.strerror}") from None
    named = ", ".join(f"{one.year} ({len(one.off)} days off, {len(one.work)} make-up days)" for one in years)
    click.echo(f"{target}: {named}. A bridge that serves reads it when it starts anew.")


def import_years(config: Path, country: str, years: list[Any]) -> Path:
    """Writes years beside a configuration, over those of the same number. Returns the file."""
    from bridge.routing.holidays import dump, merge, read_holidays
    from bridge.settings.loading import imported_holidays
    from mappings.private import write_whole

    target = imported_holidays(config, country)
    target.parent.mkdir(exist_ok=True)
    before = read_holidays(target) if target.is_file() else []
    write_whole(target, dump(merge(before, years).values()).encode(), 0o644)
    return target


def calendar_json(settings: Any, name: str, year: int | None = None, now: datetime | None = None) -> dict[str, Any]:
    """A calendar's week and days of a year, whether it is open now, and what is missing."""
    from bridge.routing.calendar import is_open, next_close, next_open
    from bridge.routing.hours import DAYS, clock

    now = now or datetime.now(UTC)
    section = settings.calendars[name]
    value = section.calendar
    year = year or now.astimezone(value.zone).year
    first = date(year, 1, 1)
    week = value.version(first).week
    days = []
    for step in range((date(year + 1, 1, 1) - first).days):
        day = first + timedelta(days=step)
        version = value.version(day)
        if day in version.days or version.week != week:
            hours = [f"{clock(begin)}-{clock(end)}" for begin, end in version.intervals(day)]
            reason = version.names.get(day, "")
            days.append({"date": f"{day}", "weekday": DAYS[day.weekday()], "hours": hours, "name": reason})
    opens, closes = next_open(value, now), next_close(value, now)
    return {
        "name": name,
        "year": year,
        "timezone": value.zone.key,
        "open": is_open(value, now),
        "opens": opens.astimezone(value.zone).isoformat() if opens else None,
        "closes": closes.astimezone(value.zone).isoformat() if closes else None,
        "missing": value.lacks(year),
        "sources": [one.source for one in section.holiday_years(section.imported).values() if one.year == year],
        "week": {day: [f"{clock(a)}-{clock(b)}" for a, b in hours] for day, hours in zip(DAYS, week, strict=True)},
        "days": days,
    }


def calendar_text(found: dict[str, Any]) -> str:
    """The same for people."""
    from bridge.advice import gap_text

    lines = [f"{found['name']} ({found['timezone']}), {found['year']}"]
    lines.append(f"now {'open' if found['open'] else 'closed'}; next opening {found['opens'] or 'never'}")
    lines += [f"  {day}  {', '.join(hours) or 'closed'}" for day, hours in found["week"].items()]
    if found["days"]:
        lines.append("Days that differ:")
    lines += [
        f"  {one['date']} {one['weekday']}  {', '.join(one['hours']) or 'closed'}  {one['name']}".rstrip()
        for one in found["days"]
    ]
    lines += [f"Source: {source}" for source in found["sources"]]
    if found["missing"]:
        lines.append(f"✗ {gap_text(found['name'], found['year'])}")
    return "\n".join(lines)
