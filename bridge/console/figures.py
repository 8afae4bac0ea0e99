"""The charts of the figures page, from a report: each with its table, its `n` and its words. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from bridge.console import charts
from bridge.console.pages import span
from bridge.console.texts import say

TARGET = "600"  # seconds: the share that the first row shows
_MOST = 20  # rows of a table by something


@dataclass(frozen=True, slots=True)
class Chart:
    """`name` is that in the catalogue and of its CSV. Columns are names of the catalogue, rows their values."""

    name: str
    n: int
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    svg: Markup | None = None
    legend: Sequence[tuple[str, str]] = ()


def took(seconds: float | None, language: str) -> str:
    """A duration; what is short in parts of a second."""
    if seconds is None or seconds >= 10 or seconds == 0:
        return span(seconds, language)
    return f"{seconds:.1f} {'秒' if language == 'zh' else 's'}" if seconds >= 0.1 else f"{seconds * 1000:.0f} ms"


def charts_of(found: dict[str, Any], entries: Sequence[dict[str, Any]], hours: Any, language: str) -> list[Chart]:
    """All of them, in the order of the page. `found` has a row for each day, `entries` one for each way in."""
    return [
        _volume(found, language),
        _first_response(found, language),
        _backlog(found, language),
        _heat(hours, language),
        _funnel(found, language),
        _allowance(found, language),
        _lost(found),
        _entries(entries),
        _waits(found),
        _ratings(found),
        _bot(found),
    ]


def _label(language: str, name: str) -> str:
    return say(language, f"figures.{name}")


def _volume(found: dict[str, Any], language: str) -> Chart:
    days = found["rows"]
    kinds = (("c1", "customer_messages"), ("c2", "people"), ("c3", "bot"), ("c4", "automatic"))
    series = [(kind, [day["volume"][name] for day in days]) for kind, name in kinds]
    svg = charts.bars(_label(language, "volume"), [day["day"] for day in days], series, open_end=not found["complete"])
    rows = [
        [day["day"], *(day["volume"][name] for name in ("conversations", *(name for _, name in kinds)))] for day in days
    ]
    n = sum(found["volume"][name] for _, name in kinds)
    return Chart("volume", n, ("day", "conversations", *(name for _, name in kinds)), rows, svg, kinds)


def _first_response(found: dict[str, Any], language: str) -> Chart:
    days = found["rows"]
    series = [(kind, [day["first_response"][name] for day in days]) for kind, name in (("l1", "median"), ("l2", "p90"))]
    top = max([0.0, *(value for _, values in series for value in values if value is not None)])
    names = [day["day"] for day in days]
    svg = charts.lines(_label(language, "first_response"), names, series, took(top, language))
    rows = [
        [day["day"], *(day["first_response"][name] for name in ("n", "median", "p90", "p99")),
         day["first_response"]["within"][TARGET], day["first_response_business"]["median"]]
        for day in days
    ]  # fmt: skip
    columns = ("day", "n", "median", "p90", "p99", "within", "business")
    return Chart("first_response", found["first_response"]["n"], columns, rows, svg, (("l1", "median"), ("l2", "p90")))


def _backlog(found: dict[str, Any], language: str) -> Chart:
    level, rows = found["backlog"]["begin"], []
    for day in found["rows"]:
        level += day["volume"]["conversations"] + day["reopened"] - day["solved"]
        rows.append([day["day"], day["volume"]["conversations"], day["solved"], day["reopened"], level])
    svg = charts.lines(_label(language, "backlog"), [row[0] for row in rows], [("l1", [row[-1] for row in rows])])
    return Chart("backlog", level, ("day", "opened", "solved", "reopened", "open"), rows, svg)


def _heat(hours: Sequence[tuple[datetime, int]], language: str) -> Chart:
    days = _label(language, "weekdays").split()
    values = charts.hours_of(hours)
    rows = [[days[number], *row] for number, row in enumerate(values)]
    n = sum(map(sum, values))
    columns = ("weekday", *(f"{hour:02}" for hour in range(24)))
    return Chart("heat", n, columns, rows, charts.heat(_label(language, "heat"), days, values))


def _funnel(found: dict[str, Any], language: str) -> Chart:
    steps = (
        ("wrote", found["volume"]["conversations"]),
        ("answered", found["first_response"]["n"]),
        ("solved", found["solved"]),
        ("asked", found["satisfaction"]["asked"]),
        ("rated", found["satisfaction"]["n"]),
    )
    named = [(_label(language, name), value) for name, value in steps]
    return Chart("funnel", steps[0][1], ("step", "n"), named, charts.funnel(_label(language, "funnel"), named))


def _allowance(found: dict[str, Any], language: str) -> Chart:
    used = found["allowance"]
    kinds = (("c2", "people"), ("c3", "bot"), ("c4", "automatic"))
    series = [(kind, [one[name] for one in used.values()]) for kind, name in kinds]
    svg = charts.bars(_label(language, "allowance"), list(used), series, open_end=False) if used else None
    rows = [[number, *(one[name] for _, name in kinds)] for number, one in used.items()]
    n = sum(sum(row[1:]) for row in rows)
    return Chart("allowance", n, ("reply", *(name for _, name in kinds)), rows, svg, kinds)


def _lost(found: dict[str, Any]) -> Chart:
    parts = (
        ("not_arrived", found["lost"]["by_cause"]),
        ("near", found["near_misses"]),
        ("held", found["held"]),
        ("refused", found["refused"]),
    )
    rows = [[what, cause, n] for what, causes in parts for cause, n in causes.items()]
    return Chart("lost", found["lost"]["n"], ("what", "cause", "n"), rows)


def _entries(entries: Sequence[dict[str, Any]]) -> Chart:
    most = sorted(entries, key=lambda one: (-one["volume"]["conversations"], one["entry"]))[:_MOST]
    rows = [
        [one["entry"] or "–", one["volume"]["conversations"], one["first_response"]["median"],
         one["satisfaction"]["share"], one["satisfaction"]["n"], one["lost"]["n"]]
        for one in most
    ]  # fmt: skip
    n = sum(one["volume"]["conversations"] for one in entries)
    return Chart("entries", n, ("entry", "conversations", "median", "satisfied", "ratings_n", "lost_n"), rows)


def _waits(found: dict[str, Any]) -> Chart:
    parts = {"reply_time": found["reply_time"], "resolution": found["resolution"], **found["bridge"]}
    rows = [[name, *(one[key] for key in ("n", "median", "p90", "p95", "p99"))] for name, one in parts.items()]
    return Chart("waits", found["reply_time"]["n"], ("part", "n", "median", "p90", "p95", "p99"), rows)


def _ratings(found: dict[str, Any]) -> Chart:
    rating = found["satisfaction"]
    rows = [[score, n] for score, n in (rating["scores"] or {}).items()]
    return Chart("ratings", rating["n"], ("score", "n"), rows)


def _bot(found: dict[str, Any]) -> Chart:
    bot = found["bot"]
    rows = [
        [name, bot[key]]
        for name, key in (("with_bot", "solved"), ("contained", "contained"), ("confirmed", "confirmed"))
    ]
    return Chart("bot", bot["solved"], ("what", "n"), rows)
