"""A country's holidays and make-up days, from a data file: ours (`data/`), or one that was imported.

Two shapes are read: ours (TOML, `[[years]]` with `off` and `work` by date), and the public one by year
(JSON, `{"year", "papers", "days": [{"name", "date", "isOffDay"}]}`).
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from bridge.routing.hours import parse_dates

_DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class Year:
    """One year's days off and days worked in exchange, each with its name. `source` says who published them."""

    year: int
    off: Mapping[date, str] = field(default_factory=dict)
    work: Mapping[date, str] = field(default_factory=dict)
    source: str = ""


def countries() -> list[str]:
    """Those whose data is shipped."""
    return sorted(path.stem for path in _DATA.glob("*.toml"))


@cache
def shipped(country: str) -> tuple[Year, ...]:
    """The years that are shipped for a country."""
    return tuple(read_holidays(_DATA / f"{country}.toml"))


def read_holidays(path: Path) -> list[Year]:
    """The years of a file. Raises ValueError, with the file's name, for what cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
        return parse_holidays(text, as_json=path.suffix == ".json")
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:  # of decoding, JSON and TOML as well
        raise ValueError(f"{path}: {error}") from None


def parse_holidays(text: str, *, as_json: bool) -> list[Year]:
    """The years of a text in one of the two shapes. A year without days is none: it is not published yet."""
    if as_json:
        years = [_from_json(json.loads(text))]
    else:
        years = [_from_toml(one) for one in tomllib.loads(text).get("years", [])]
    return [year for year in years if year.off]


def merge(*lists: Iterable[Year]) -> dict[int, Year]:
    """By year; of several that tell of one year the last counts."""
    return {year.year: year for years in lists for year in years}


def dump(years: Iterable[Year]) -> str:
    """Our shape."""
    lines: list[str] = []
    for one in sorted(years, key=lambda one: one.year):
        lines += ["[[years]]", f"year = {one.year}", f"source = {_quoted(one.source)}"]
        for name, days in (("off", one.off), ("work", one.work)):
            lines += [f"[years.{name}]", *(f'"{day}" = {_quoted(days[day])}' for day in sorted(days))]
        lines.append("")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _from_toml(content: Any) -> Year:
    try:
        year = int(content["year"])
        off = {day: str(name) for dates, name in content.get("off", {}).items() for day in parse_dates(dates)}
        work = {day: str(name) for dates, name in content.get("work", {}).items() for day in parse_dates(dates)}
    except (KeyError, TypeError, AttributeError):
        raise ValueError('every year needs `year = 2027` and its days under "off" and "work"') from None
    return _checked(Year(year, off, work, str(content.get("source", ""))))


def _from_json(content: Any) -> Year:
    try:
        year = int(content["year"])
        days = [(date.fromisoformat(one["date"]), str(one["name"]), bool(one["isOffDay"])) for one in content["days"]]
        papers = [str(paper) for paper in content.get("papers") or ()]
    except (KeyError, TypeError, AttributeError):
        raise ValueError('needs "year" and "days", each with "name", "date" and "isOffDay"') from None
    own = [one for one in days if one[0].year == year]  # a paper may name days of a neighbour
    off = {day: name for day, name, is_off in own if is_off}
    work = {day: name for day, name, is_off in own if not is_off}
    return _checked(Year(year, off, work, ", ".join(papers)))


def _checked(year: Year) -> Year:
    wrong = [day for day in (*year.off, *year.work) if day.year != year.year]
    if wrong:
        raise ValueError(f"{wrong[0]} does not belong to {year.year}")
    both = set(year.off) & set(year.work)
    if both:
        raise ValueError(f"{min(both)} is both a day off and a working day")
    return year
