"""A country's holidays and make-up days, from a data file: ours (`data/`), or one that was imported.

Two shapes are read: ours (TOML, `[[years]]` with `off` and `work` by date), and the public one by year
(JSON, `{"year", "papers", "days": [{"name", "date", "isOffDay"}]}`).
"""

import json
import re
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


class _Wrong(ValueError):
    """`line` of the text is at fault, counted from 1; 0 where nobody can say which."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__(what)
        self.line = line


def read_holidays(path: Path) -> list[Year]:
    """The years of a file. Raises ValueError, in one sentence with the file's name and the line, where it cannot be
    read.
    """
    try:
        data = path.read_bytes()
        text = data.decode()
        return parse_holidays(text, as_json=path.suffix == ".json")
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{path}: line {line}: is no text in UTF-8; save the file as UTF-8") from None
    except _Wrong as error:
        raise ValueError(f"{path}: line {error.line}: {error}" if error.line else f"{path}: {error}") from None


def parse_holidays(text: str, *, as_json: bool) -> list[Year]:
    """The years of a text in one of the two shapes. A year without days is none: it is not published yet."""
    years = [_from_json(text)] if as_json else _from_toml(text)
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


def _from_toml(text: str) -> list[Year]:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, _, where = str(error).partition(" (at ")
        found = re.match(r"line (\d+)", where)
        line = int(found[1]) if found else text.count("\n") + 1  # "at end of document"
        raise _Wrong(f"not valid TOML: {what}", line) from None
    tables = content.get("years")
    if not isinstance(tables, list):
        raise _Wrong("has no [[years]]; write one for each year, or give the public file of a year as .json", 1)
    heads = [number for number, line in enumerate(text.split("\n"), 1) if line.strip().startswith("[[years]]")]
    if len(heads) != len(tables):  # written as one list
        heads = [1] * len(tables)
    return [_year_of(one, text, head) for one, head in zip(tables, heads, strict=True)]


def _year_of(table: Any, text: str, head: int) -> Year:
    """One `[[years]]`, which begins in line `head`."""
    try:
        year, named = int(table["year"]), [dict(table.get(name, {})) for name in ("off", "work")]
    except (KeyError, TypeError, ValueError):
        raise _Wrong('every year needs `year = 2027` and its days under "off" and "work"', head) from None
    off: dict[date, str] = {}
    work: dict[date, str] = {}
    lines: dict[date, int] = {}
    for days, found in zip(named, (off, work), strict=True):
        for dates, name in days.items():
            line = _line_with(text, f'"{dates}"', head)
            try:
                parsed = parse_dates(dates)
            except ValueError as error:
                raise _Wrong(str(error), line) from None
            found.update(dict.fromkeys(parsed, str(name)))
            lines.update(dict.fromkeys(parsed, line))
    return _checked(Year(year, off, work, str(table.get("source", ""))), lines)


def _from_json(text: str) -> Year:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise _Wrong(f"not valid JSON: {error.msg}", error.lineno) from None
    try:
        year, listed = int(content["year"]), list(content["days"])
        papers = [str(paper) for paper in content.get("papers") or ()]
    except (KeyError, TypeError, AttributeError, ValueError):
        raise _Wrong('needs "year" and "days", each with "name", "date" and "isOffDay"', 1) from None
    off: dict[date, str] = {}
    work: dict[date, str] = {}
    lines: dict[date, int] = {}
    place = text.find('"days"')
    for one in listed:
        place = max(text.find("{", place + 1), place)
        line = text.count("\n", 0, place) + 1
        try:
            day, name, is_off = date.fromisoformat(one["date"]), str(one["name"]), one["isOffDay"]
        except (KeyError, TypeError):
            raise _Wrong('every day needs "name", "date" and "isOffDay"', line) from None
        except ValueError:
            raise _Wrong(f'{one["date"]!r} is no date; write "{year}-02-05"', line) from None
        if not isinstance(is_off, bool):
            raise _Wrong(f'"isOffDay" of {day} is neither true nor false', line)
        if day.year == year:  # a paper may name days of a neighbour
            (off if is_off else work)[day] = name
            lines[day] = line
    if listed and not lines:
        raise _Wrong(f"no day of {year} is among its days", 1)
    return _checked(Year(year, off, work, ", ".join(papers)), lines)


def _line_with(text: str, what: str, after: int) -> int:
    """The first line from `after` on that holds this; `after` where none does."""
    lines = enumerate(text.split("\n"), 1)
    return next((number for number, line in lines if number >= after and what in line), after)


def _checked(year: Year, lines: Mapping[date, int]) -> Year:
    wrong = [day for day in (*year.off, *year.work) if day.year != year.year]
    if wrong:
        raise _Wrong(f"{wrong[0]} does not belong to {year.year}", lines[wrong[0]])
    both = set(year.off) & set(year.work)
    if both:
        raise _Wrong(f"{min(both)} is both a day off and a working day", lines[min(both)])
    return year
