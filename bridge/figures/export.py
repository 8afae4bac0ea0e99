"""Rows for other programs: turns, episodes, ratings and facts, as CSV or JSON lines. No text of anybody is in them.

CSV begins with a byte order mark, because Excel in China reads it as GBK otherwise, and a cell that Excel would take
for a formula, or a number that it would change, begins with an apostrophe. Durations are seconds; each moment stands in
the office's zone and in UTC. In place of a person stands a keyed hash: rows of one person can be counted, and nobody be
looked up.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from bridge.figures.period import Period
from bridge.privacy.hashing import person_hash
from bridge.settings import Settings
from mappings import figure_rows
from mappings.store import Tx

WHAT = tuple(figure_rows.COLUMNS)
FORMATS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
PAGE = 1000
BOM = "\ufeff"
# full-width signs begin a formula in Excel of East Asia, and some programs look behind blanks
_FORMULA = re.compile(r"[\t\r\n]|\s*[=+\-@＝＋－＠]")
_CHANGED = re.compile(r"0\d+|\d{16,}|\d+[eE]\d+")  # what a spreadsheet makes another number of


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows, how written, and how a person's number is hashed."""

    what: str
    form: str
    zone: ZoneInfo
    since: datetime
    until: datetime
    hashed: Callable[[int], str]


def wanted(settings: Settings, what: str, form: str, asked: Period) -> Wanted:
    """An export of a time."""
    hashed = partial(person_hash, settings.bridge.secret_key.get_secret_value())
    return Wanted(what, form, asked.zone, asked.since, asked.until, hashed)


def header(asked: Wanted) -> str:
    """What stands before the rows."""
    return BOM + _line(_names(asked.what)) if asked.form == "csv" else ""


def page(tx: Tx, asked: Wanted, after: int) -> tuple[str, int]:
    """The next rows after a number, and the number of the last of them; -1 at the end."""
    rows = figure_rows.read(tx, asked.what, asked.since, asked.until, after, PAGE)
    lines = [_written(asked, row) for row in rows]
    return "".join(lines), rows[-1].id if len(rows) == PAGE else -1


def whole(tx: Tx, asked: Wanted) -> Iterator[str]:
    """All of it, piece by piece."""
    yield header(asked)
    after = 0
    while after >= 0:
        text, after = page(tx, asked, after)
        yield text


def cell(value: Any) -> str:
    """What stands in a cell: never a formula, nor a number that names something and loses its digits in Excel."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    quoted = isinstance(value, str) and (_FORMULA.match(text) or _CHANGED.fullmatch(text))
    return f"'{text}" if quoted else text


def _names(what: str) -> list[str]:
    found = []
    for name in figure_rows.COLUMNS[what]:
        if name.endswith("_ms"):
            found.append(f"{name.removesuffix('_ms')}_seconds")
        else:
            found += [name, f"{name}_utc"] if _is_moment(name) else [name]
    return found


def _written(asked: Wanted, row: Any) -> str:
    values: dict[str, Any] = {}
    for name in figure_rows.COLUMNS[asked.what]:
        if name == "person_hash":
            values[name] = asked.hashed(row.person_id)
            continue
        value = getattr(row, name)
        if name.endswith("_ms"):
            values[f"{name.removesuffix('_ms')}_seconds"] = None if value is None else value / 1000
        elif _is_moment(name):
            values[name] = value.astimezone(asked.zone).isoformat(timespec="milliseconds") if value else None
            values[f"{name}_utc"] = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if value else None
        else:
            values[name] = value
    if asked.form == "csv":
        return _line([cell(value) for value in values.values()])
    return json.dumps(values, ensure_ascii=False) + "\n"


def _is_moment(name: str) -> bool:
    return name == "at" or name.endswith("_at")


def _line(cells: list[str]) -> str:
    into = io.StringIO()
    csv.writer(into).writerow(cells)
    return into.getvalue()
