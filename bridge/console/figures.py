"""The charts of the figures page, from a report: each with its table, its `n` and its words. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from bridge.console import charts
from bridge.console.pages import span
from bridge.console.texts import say
from bridge.figures.report import PLACES

TARGET = "600"  # seconds: the share that the first row shows
_MOST = 20  # rows of a table by something
_OF_PLACE = ("conversations", "median", "satisfied", "ratings", "lost")


@dataclass(frozen=True, slots=True)
class Chart:
    """`name` is that in the catalogue and of its CSV. Columns are names of the catalogue, rows their values."""

    name: str
    n: int
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    svg: Markup | None = None
    legend: Sequence[tuple[str, str]] = ()
    missing: str = ""  # why there is nothing, where that has a reason of its own
    plot: str = ""  # the same for a script, as JSON: what is drawn over time


def took(seconds: float | None, language: str) -> str:
    """A duration; what is short in parts of a second."""
    if seconds is None or seconds >= 10 or seconds == 0:
        return span(seconds, language)
    return f"{seconds:.1f} {'秒' if language == 'zh' else 's'}" if seconds >= 0.1 else f"{seconds * 1000:.0f} ms"


Places = Mapping[str, Sequence[dict[str, Any]]]


def charts_of(found: dict[str, Any], places: Places, language: str, off: str = "") -> list[Chart]:
    """All of them, in the order of the page. `found` has a row for each day or week, `places` what they are split by.
    `off`: why there are no phrases.
    """
    return [
        _volume(found, language),
        _first_response(found, language),
        _spread(found, language),
        _backlog(found, language),
        _heat(found, language),
        _funnel(found, language),
        _allowance(found, language),
        _lost(found),
        _topics(found, language),
        _phrases(found, off),
        _entries(places["entry"], language),
        _places(places, language),
        _waits(found),
        _delay(found, language),
        _ratings(found),
        _bot(found),
        _customers(found),
    ]


def _label(language: str, name: str) -> str:
    return say(language, f"figures.{name}")


def _volume(found: dict[str, Any], language: str) -> Chart:
    days = found["rows"]
    kinds = (("c1", "customer_messages"), ("c2", "people"), ("c3", "bot"), ("c4", "automatic"))
    series = [(kind, [day["volume"][name] for day in days]) for kind, name in kinds]
    svg = charts.bars(
        _label(language, "volume"), [day[found["by"]] for day in days], series, open_end=not found["complete"]
    )
    rows = [
        [day[found["by"]], *(day["volume"][name] for name in ("conversations", *(name for _, name in kinds)))]
        for day in days
    ]
    n = sum(found["volume"][name] for _, name in kinds)
    plot = _plot(found, language, kinds, [values for _, values in series], kind="bars")
    columns = (found["by"], "conversations", *(name for _, name in kinds))
    return Chart("volume", n, columns, rows, svg, kinds, plot=plot)


def _first_response(found: dict[str, Any], language: str) -> Chart:
    days = found["rows"]
    kinds = (("l1", "median"), ("l2", "p90"))
    series = [(kind, [day["first_response"][name] for day in days]) for kind, name in kinds]
    rows = [
        [day[found["by"]], *(day["first_response"][name] for name in ("n", "median", "p90", "p99")),
         day["first_response"]["within"][TARGET], day["first_response_business"]["median"]]
        for day in days
    ]  # fmt: skip
    columns = (found["by"], "n", "median", "p90", "p99", "within", "business")
    svg = _lines(found, language, "first_response", series)
    plot = _plot(found, language, kinds, [values for _, values in series], kind="lines", band=True)
    return Chart("first_response", found["first_response"]["n"], columns, rows, svg, kinds, plot=plot)


def _delay(found: dict[str, Any], language: str) -> Chart:
    """The bridge's own part of each answer, over time."""
    kinds = (("l1", "median"), ("l2", "p95"), ("l3", "p99"))
    of = [row["bridge"]["answer_in_bridge"] for row in found["rows"]]
    series = [(kind, [one[name] for one in of]) for kind, name in kinds]
    rows = [
        [row[found["by"]], *(one[name] for name in ("n", "median", "p95", "p99"))]
        for row, one in zip(found["rows"], of, strict=True)
    ]
    svg = _lines(found, language, "delay", series)
    plot = _plot(found, language, kinds, [values for _, values in series], kind="lines")
    n = found["bridge"]["answer_in_bridge"]["n"]
    return Chart("delay", n, (found["by"], "n", "median", "p95", "p99"), rows, svg, kinds, plot=plot)


def _spread(found: dict[str, Any], language: str) -> Chart:
    """How many first answers came how soon, as desks in China show it."""
    named = [(_label(language, f"spread_{name}"), n) for name, n in found["first_response"]["spread"].items()]
    svg = charts.funnel(_label(language, "spread"), named) if found["first_response"]["n"] else None
    return Chart("spread", found["first_response"]["n"], ("took", "n"), named if svg else (), svg)


Series = Sequence[tuple[str, Sequence[float | None]]]


def _lines(found: dict[str, Any], language: str, name: str, series: Series) -> Markup:
    top = max([0.0, *(value for _, values in series for value in values if value is not None)])
    return charts.lines(
        _label(language, name), [row[found["by"]] for row in found["rows"]], series, took(top, language)
    )


_DASHES = {"l2": [6, 3], "l3": [2, 3]}


def _plot(  # noqa: PLR0913 - what a script draws, by name
    found: dict[str, Any],
    language: str,
    kinds: Sequence[tuple[str, str]],
    values: Sequence[Sequence[float | None]],
    *,
    kind: str,
    units: bool = True,
    band: bool = False,
) -> str:
    series = [
        {"kind": style, "label": _label(language, name), "values": list(some), "dash": _DASHES.get(style)}
        for (style, name), some in zip(kinds, values, strict=True)
    ]
    given = {
        "kind": kind,
        "over": _label(language, found["by"]),
        "names": [row[found["by"]] for row in found["rows"]],
        "series": series,
        "open": not found["complete"],
        "units": _label(language, "units").split() if kind == "lines" and units else None,
        "band": band,
    }
    return json.dumps(given, ensure_ascii=False)


def _backlog(found: dict[str, Any], language: str) -> Chart:
    level, rows = found["backlog"]["begin"], []
    for day in found["rows"]:
        level += day["volume"]["conversations"] + day["reopened"] - day["solved"]
        rows.append([day[found["by"]], day["volume"]["conversations"], day["solved"], day["reopened"], level])
    svg = charts.lines(_label(language, "backlog"), [row[0] for row in rows], [("l1", [row[-1] for row in rows])])
    kinds = (("l1", "open"),)
    plot = _plot(found, language, kinds, [[row[-1] for row in rows]], kind="lines", units=False)
    return Chart("backlog", level, (found["by"], "opened", "solved", "reopened", "open"), rows, svg, kinds, plot=plot)


def _heat(found: dict[str, Any], language: str) -> Chart:
    days, values = _label(language, "weekdays").split(), found["heat"]
    rows = [[days[number], *row] for number, row in enumerate(values)]
    n = sum(map(sum, values))
    columns = ("weekday", *(f"{hour:02}" for hour in range(24)))
    return Chart("heat", n, columns, rows, charts.heat(_label(language, "heat"), days, values))


def _funnel(found: dict[str, Any], language: str) -> Chart:
    steps = (
        *([("entered", found["volume"]["entered"])] if found["volume"]["entered"] else []),
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
        ("desk_refused", found["refused_by_desk"]),
    )
    rows = [[what, cause, n] for what, causes in parts for cause, n in causes.items()]
    return Chart("lost", found["lost"]["n"], ("what", "cause", "n"), rows)


def _entries(entries: Sequence[dict[str, Any]], language: str) -> Chart:
    comma = "、" if language == "zh" else ", "
    rows = [
        [one["name"] or "–", *(one[name] for name in _OF_PLACE), comma.join(one["topics"]) or "–"] for one in entries
    ]
    n = sum(one["conversations"] for one in entries)
    return Chart("entries", n, ("entry", "conversations", "median", "satisfied", "ratings_n", "lost_n", "topics"), rows)


def _places(places: Places, language: str) -> Chart:
    """The same conversations by channel, desk, route, group of the desk and language."""
    rows = [
        [_label(language, by), one["name"] or "–", *(one[name] for name in _OF_PLACE)]
        for by in PLACES
        if any(one["name"] for one in places[by])
        for one in places[by]
    ]
    n = sum(one["conversations"] for one in places["channel"])
    return Chart("places", n, ("by", "name", "conversations", "median", "satisfied", "ratings_n", "lost_n"), rows)


def _topics(found: dict[str, Any], language: str) -> Chart:
    before = found["before"]["topics"]
    rows = [[name, n, before.get(name, 0)] for name, n in found["topics"].items()]
    svg = charts.funnel(_label(language, "topics"), [(name, n) for name, n, _ in rows[:_MOST]]) if rows else None
    return Chart("topics", sum(found["topics"].values()), ("topic", "conversations", "earlier"), rows, svg)


def _phrases(found: dict[str, Any], off: str) -> Chart:
    rows = [[one["phrase"], one["n"], one["people"], one["before"], *one["days"][-1:]] for one in found["phrases"]]
    return Chart(
        "phrases", len(rows), ("phrase", "conversations", "customers", "earlier_28", "yesterday"), rows, missing=off
    )


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
    named = ("begun", "people_after", "with_bot", "contained", "confirmed")
    values = (bot["begun"], bot["people_after"], bot["solved"], bot["contained"], bot["confirmed"])
    rows = [[name, "", n] for name, n in zip(named, values, strict=True)] if bot["begun"] or bot["solved"] else []
    rows += [["handed_over", why, n] for why, n in found["handovers"].items()]
    return Chart("bot", bot["begun"], ("what", "cause", "n"), rows)


def _customers(found: dict[str, Any]) -> Chart:
    people, sent = found["customers"], found["notifications"]
    rows = [[name, n] for name, n in (*people.items(), ("notified", sent["sent"]), ("not_notified", sent["not_sent"]))]
    n = sum(people.values())
    return Chart("customers", n, ("what", "n"), rows if n else ())
