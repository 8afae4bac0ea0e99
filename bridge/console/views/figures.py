"""How long customers waited, what they thought, what was lost: five numbers, and charts with their tables."""

import csv
import io
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from bridge.console.charts import spark
from bridge.console.figures import TARGET, Chart, charts_of, took
from bridge.console.visit import NotFound, Visit
from bridge.figures.export import BOM, cell
from bridge.figures.period import Period, period, zone_of
from bridge.figures.phrases import is_installed
from bridge.figures.report import FINE, read_report
from bridge.figures.split import read_places
from mappings.store import Tx

RANGES = (1, 7, 30, 90, 365)


async def show(visit: Visit) -> Response:
    """The page, for the range in the address."""
    asked, wrong = _asked(visit)
    found, charts = await _read(visit, asked)
    before, first = found["before"], found["first_row"]
    last = (asked.until - timedelta(hours=1)).astimezone(asked.zone)
    return visit.page(
        "figures.html",
        found=found,
        charts=charts,
        first=first,
        before=before,
        target=int(TARGET),
        within=first["first_response"]["within"][TARGET],
        sparks={
            "conversations": spark([row["volume"]["conversations"] for row in found["rows"]]),
            "median": spark([row["first_response"]["median"] for row in found["rows"]]),
            "lost": spark([row["lost"]["n"] for row in found["rows"]]),
        },
        since=f"{asked.since.astimezone(asked.zone):%Y-%m-%d}",
        until=f"{last:%Y-%m-%d}",
        zone=asked.zone.key,
        ranges=RANGES,
        wrong=wrong,
        took=took,
    )


async def download(visit: Visit) -> Response:
    """The table of one chart as CSV."""
    asked, _ = _asked(visit)
    name = str(visit.request.path_params["chart"])
    _, charts = await _read(visit, asked)
    chart = next((one for one in charts if f"{one.name}.csv" == name), None)
    if chart is None:
        raise NotFound
    into = io.StringIO()
    writer = csv.writer(into)
    writer.writerow([visit.say(f"figures.{column}") if not column.isdigit() else column for column in chart.columns])
    writer.writerows([cell(value) for value in row] for row in chart.rows)
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response((BOM + into.getvalue()).encode(), headers=headers, media_type="text/csv; charset=utf-8")


def _asked(visit: Visit) -> tuple[Period, str]:
    """The range of the address, and what is wrong with it: then the last seven days are shown."""
    zone = zone_of(visit.desk.runtime.settings)
    try:
        return period(visit.asked("since"), visit.asked("until"), zone, visit.now), ""
    except ValueError:
        return period("", "", zone, visit.now), "figures.wrong"


async def _read(visit: Visit, asked: Period) -> tuple[dict[str, Any], list[Chart]]:
    found, places = await visit.read(read_page, asked, visit.now)
    wanted = visit.desk.runtime.settings.figures.phrases
    off = "figures.phrases_off" if not wanted else "" if is_installed() else "figures.phrases_not_installed"
    return found, charts_of(found, places, visit.language, off)


def read_page(tx: Tx, asked: Period, now: datetime) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """(the report by day, or by week where there are many; what is asked of places)."""
    return read_report(tx, asked, now, "day" if asked.until - asked.since <= FINE else "week"), read_places(tx, asked)
