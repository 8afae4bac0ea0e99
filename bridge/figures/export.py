"""Rows for other programs: turns, episodes, ratings and facts, as CSV or JSON lines. No text of anybody is in them.

CSV begins with a byte order mark, because Excel in China reads it as GBK otherwise, and a cell that Excel would take
for a formula begins with an apostrophe. Durations are seconds; each moment stands in the office's zone and in UTC.
"""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from mappings import figure_rows
from mappings.store import Tx

WHAT = tuple(figure_rows.COLUMNS)
FORMATS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
PAGE = 1000
BOM = "\ufeff"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def header(what: str, form: str) -> str:
    """What stands before the rows."""
    return BOM + _line(_names(what)) if form == "csv" else ""


def page(
    tx: Tx, what: str, form: str, zone: ZoneInfo, window: tuple[datetime, datetime], after: int
) -> tuple[str, int]:
    """The next rows after a number, and the number of the last of them; -1 at the end."""
    rows = figure_rows.read(tx, what, *window, after, PAGE)
    lines = [_written(what, form, row, zone) for row in rows]
    return "".join(lines), rows[-1].id if len(rows) == PAGE else -1


def whole(tx: Tx, what: str, form: str, zone: ZoneInfo, window: tuple[datetime, datetime]) -> Iterator[str]:
    """All of it, piece by piece."""
    yield header(what, form)
    after = 0
    while after >= 0:
        text, after = page(tx, what, form, zone, window, after)
        yield text


def cell(value: Any) -> str:
    """What stands in a cell: never a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def _names(what: str) -> list[str]:
    found = []
    for name in figure_rows.COLUMNS[what]:
        if name.endswith("_ms"):
            found.append(f"{name.removesuffix('_ms')}_seconds")
        else:
            found += [name, f"{name}_utc"] if _is_moment(name) else [name]
    return found


def _written(what: str, form: str, row: Any, zone: ZoneInfo) -> str:
    values: dict[str, Any] = {}
    for name in figure_rows.COLUMNS[what]:
        value = getattr(row, name)
        if name.endswith("_ms"):
            values[f"{name.removesuffix('_ms')}_seconds"] = None if value is None else value / 1000
        elif _is_moment(name):
            values[name] = value.astimezone(zone).isoformat(timespec="milliseconds") if value else None
            values[f"{name}_utc"] = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if value else None
        else:
            values[name] = value
    if form == "csv":
        return _line([cell(value) for value in values.values()])
    return json.dumps(values, ensure_ascii=False) + "\n"


def _is_moment(name: str) -> bool:
    return name == "at" or name.endswith("_at")


def _line(cells: list[str]) -> str:
    into = io.StringIO()
    csv.writer(into).writerow(cells)
    return into.getvalue()
