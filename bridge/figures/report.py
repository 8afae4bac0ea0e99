"""Figures of a time, from sums: the same for the command, the console, the API and the weekly summary. Pure but for
`read_report`. Durations are seconds. Where there is nothing, a figure is None and its `n` 0: nothing is never zero.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from bridge.figures import buckets
from bridge.figures.period import Period
from bridge.figures.rollups import GOOD, month_at, next_month
from mappings import figures
from mappings.store import Tx

BY = ("day", "hour", "channel", "desk", "entry", "agent")
TARGETS = (120, 600, 3600, 14400)  # seconds
FEWEST = 5  # ratings below which no score is shown
WHO = {"answer": "people", "bot": "bot", "automatic": "automatic"}
_OF_AGENTS = {"answer", "first", "next", "lost", "near"}


def read_report(
    tx: Tx, asked: Period, now: datetime, by: str = "", rows: Sequence[Any] | None = None
) -> dict[str, Any]:
    """All figures of a time, with the first ones of as long a time before it. `rows` are its sums where they were
    read.
    """
    grain = "t" if asked.grain == "d" else asked.grain  # the whole day, all places together
    if rows is None:
        mine = by in {"channel", "desk", "entry", "agent"}
        rows = figures.measures(tx, asked.grain if mine else grain, asked.since, asked.until)
    earlier = figures.measures(tx, grain, asked.before.since, asked.before.until)
    waiting, oldest = figures.waiting_turns(tx)
    found: dict[str, Any] = {
        "since": _said(asked.since, asked),
        "until": _said(asked.until, asked),
        "timezone": asked.zone.key,
        "complete": asked.until <= now,
        "waiting": {"n": waiting, "oldest": _said(oldest, asked) if oldest else None},
        "backlog": {"begin": figures.open_at(tx, asked.since), "end": figures.open_at(tx, min(asked.until, now))},
        **summary(rows),
        "before": summary(earlier)["first_row"],
    }
    if by:
        found["by"] = by
        found["rows"] = [{by: key, **summary(some)} for key, some in grouped(rows, by, asked)]
    return found


def read_places(tx: Tx, asked: Period, kinds: Sequence[str]) -> list[Any]:
    """Sums of some kinds by place: whole months where there are any, days at both ends."""
    if asked.grain != "d":
        return figures.measures(tx, asked.grain, asked.since, asked.until, kinds)
    begin = month_at(asked.since, asked.zone)
    first = begin if begin == asked.since else next_month(begin, asked.zone)
    last = month_at(asked.until, asked.zone)
    if first >= last:
        return figures.measures(tx, "d", asked.since, asked.until, kinds)
    ends = figures.measures(tx, "d", asked.since, first, kinds) + figures.measures(tx, "d", last, asked.until, kinds)
    return ends + figures.measures(tx, "m", first, last, kinds)


def grouped(rows: Iterable[Any], by: str, asked: Period) -> list[tuple[str, list[Any]]]:
    """Rows by what they share, in its order."""
    forms: dict[str, Callable[[Any], str]] = {
        "day": lambda row: f"{row.bucket.astimezone(asked.zone):%Y-%m-%d}",
        "hour": lambda row: f"{row.bucket.astimezone(asked.zone):%Y-%m-%dT%H:00%z}",
    }
    key = forms.get(by, lambda row: str(getattr(row, by)))
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for row in rows:
        if by != "agent" or row.kind in _OF_AGENTS:
            found[key(row)].append(row)
    return sorted(found.items())


def summary(rows: Sequence[Any]) -> dict[str, Any]:
    """The figures of some sums."""
    of: defaultdict[str, list[Any]] = defaultdict(list)
    for row in rows:
        of[row.kind].append(row)

    def n(kind: str) -> int:
        return sum(row.n for row in of[kind])

    first, rating = times(of["first"]), ratings(of["rating"], n("survey"))
    lost = sum(row.n for row in of["lost"] if row.code.startswith("answer"))
    return {
        "first_row": {
            "conversations": n("opened"),
            "first_response": {"median": first["median"], "within": first["within"], "n": first["n"]},
            "satisfied": {"share": rating["share"], "n": rating["n"]},
            "lost": lost,
        },
        "volume": {
            "conversations": n("opened"),
            "customer_messages": n("customer"),
            "turns": n("turn"),
            **{WHO[kind]: n(kind) for kind in WHO},
        },
        "first_response": first,
        "first_response_business": times(of["first.business"]),
        "reply_time": times([*of["first"], *of["next"]]),
        "reply_time_business": times([*of["first.business"], *of["next.business"]]),
        "resolution": times(of["resolution"]),
        "solved": n("shut"),
        "reopened": n("reopened"),
        "allowance": {
            number: {WHO[kind]: sum(row.n for row in of[kind] if row.code == number) for kind in WHO}
            for number in sorted({row.code for kind in WHO for row in of[kind] if row.code})
        },
        "lost": {"n": lost, "by_cause": _by_code(row for row in of["lost"] if row.code.startswith("answer"))},
        "near_misses": _by_code(of["near"]),
        "held": _by_code(of["held"]),
        "refused": _by_code(of["refused"]),
        "handovers": _by_code(of["handover"]),
        "bridge": {
            "received_to_stored": times(of["customer"]),
            "stored_to_desk": times(of["desk"]),
            "answer_in_bridge": times(of["bridge"]),
        },
        "satisfaction": rating,
        "bot": {"solved": n("solved.bot"), "contained": n("contained"), "confirmed": n("confirmed")},
    }


def times(rows: Sequence[Any]) -> dict[str, Any]:
    """Percentiles of durations, in seconds, and the share within each target."""
    hist = buckets.add(buckets.load(row.hist) for row in rows)
    found: dict[str, Any] = {"n": sum(row.n for row in rows)}
    for name, value in zip(
        ("median", "p90", "p95", "p99"), buckets.percentiles(hist, (0.5, 0.9, 0.95, 0.99)), strict=True
    ):
        found[name] = None if value is None else round(value / 1000, 3)
    found["within"] = {str(limit): _rounded(buckets.share_within(hist, limit * 1000)) for limit in TARGETS}
    return found


def ratings(rows: Sequence[Any], asked: int) -> dict[str, Any]:
    """How many were content, of how many who said so, of how many who were asked. No score of fewer than five."""
    count = sum(row.n for row in rows)
    scores = {str(score): sum(row.n for row in rows if row.code == str(score)) for score in range(1, 6)}
    enough = count >= FEWEST
    good = sum(number for score, number in scores.items() if int(score) >= GOOD)
    return {
        "n": count,
        "asked": asked,
        "response_rate": _rounded(count / asked) if asked else None,
        "share": _rounded(good / count) if enough else None,
        "mean": _rounded(sum(row.total for row in rows) / count) if enough else None,
        "scores": scores if enough else None,
    }


def _by_code(rows: Iterable[Any]) -> dict[str, int]:
    found: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        found[row.code.removeprefix("answer ")] += row.n
    return dict(sorted(found.items()))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _said(moment: datetime, asked: Period) -> str:
    return moment.astimezone(asked.zone).isoformat(timespec="seconds")
