"""Figures of a time, from sums: the same for the command, the console, the API and the weekly summary. Pure but for
`read_report`. Durations are seconds. Where there is nothing, a figure is None and its `n` 0: nothing is never zero.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from bridge.figures import buckets
from bridge.figures.period import Period
from bridge.figures.rollups import GOOD, HOUR, day_at, month_at, next_month, next_week, week_at, week_hour
from mappings import figures
from mappings.figures import Stretch
from mappings.store import Tx

TIMES = ("hour", "day", "week", "month")
PLACES = {"channel": "channel", "desk": "desk", "route": "route", "group": "desk_group", "language": "language"}
"""What figures can be split by, and the name of it where sums are kept."""
BY = ("day", "hour", *PLACES, "entry", "agent", "week", "month")
FIRST = ("opened", "first", "rating", "survey", "lost", "topic")  # what is compared with the time before
FINE = timedelta(days=62)  # of which each day is looked at; of more, weeks
TARGETS = (120, 600, 3600, 14400)  # seconds
SPREAD = (15, 30, 60, 300, 1800)  # seconds
FEWEST = 5  # ratings below which no score is shown
WHO = {"answer": "people", "bot": "bot", "automatic": "automatic"}
_OF_AGENTS = {"answer", "first", "next", "lost", "near"}


class Part(NamedTuple):
    """A sum as it was read; `hist` by bucket."""

    bucket: datetime
    kind: str
    channel: str
    desk: str
    entry: str
    route: str
    desk_group: str
    language: str
    agent: str
    code: str
    n: int
    total: int
    hist: buckets.Hist


def read_report(tx: Tx, asked: Period, now: datetime, by: str = "") -> dict[str, Any]:
    """All figures of a time, with the first ones of as long a time before it; a row for each of what `by` names."""
    rows = read_sums(tx, whole(asked, fine=by in {"day", "hour", "month"}))
    earlier = read_sums(tx, whole(asked.before), FIRST)
    waiting, oldest = figures.waiting_turns(tx)
    last = min(asked.until, now)
    found: dict[str, Any] = {
        "since": _said(asked.since, asked),
        "until": _said(asked.until, asked),
        "timezone": asked.zone.key,
        "complete": asked.until <= now,
        "waiting": {"n": waiting, "oldest": _said(oldest, asked) if oldest else None},
        "backlog": {"begin": open_at(tx, asked.since, asked.zone), "end": open_at(tx, last, asked.zone)},
        **summary(rows),
        "heat": heat(rows, asked),
        "before": _before(earlier),
        "phrases": [_phrase(row) for row in figures.phrases(tx)],
    }
    if by:
        parts = rows if by in TIMES else read_sums(tx, places(asked, agents=by == "agent"))
        found["by"] = by
        found["rows"] = [{by: key, **summary(some)} for key, some in grouped(parts, by, asked)]
    return found


def open_at(tx: Tx, moment: datetime, zone: ZoneInfo) -> int:
    """How many conversations were open at a moment, to the hour."""
    return figures.open_at(tx, moment, week_at(moment, zone), day_at(moment, zone))


def read_sums(tx: Tx, spans: Sequence[Stretch], kinds: Sequence[str] = ()) -> list[Part]:
    """Sums of some stretches, ready to be added up."""
    return [
        Part._make((*row[:-1], buckets.load(row.hist) if len(row.hist) > len("{}") else {}))
        for grain, since, until in spans
        for row in figures.measures(tx, grain, since, until, kinds)
    ]


def whole(asked: Period, *, fine: bool = False) -> list[Stretch]:
    """From which sums the figures of all places together are made: weeks of a long time, with days at both ends."""
    if asked.grain != "d":
        return [("h", asked.since, asked.until)]
    if fine or asked.until - asked.since <= FINE:
        return [("t", asked.since, asked.until)]
    first, last = next_week(asked.since - HOUR, asked.zone), week_at(asked.until, asked.zone)
    return [("t", asked.since, first), ("w", first, last), ("t", last, asked.until)]


def places(asked: Period, *, agents: bool = False) -> list[Stretch]:
    """The same for sums that know the place: months, with days at both ends; with agents there are only days."""
    if asked.grain != "d":
        return [("h", asked.since, asked.until)]
    begin = month_at(asked.since, asked.zone)
    first = begin if begin == asked.since else next_month(begin, asked.zone)
    last = month_at(asked.until, asked.zone)
    if agents or first >= last:
        return [("d" if agents else "p", asked.since, asked.until)]
    return [("p", asked.since, first), ("m", first, last), ("p", last, asked.until)]


def heat(rows: Iterable[Part], asked: Period) -> list[list[int]]:
    """How many messages of customers there were, by weekday, Monday first, and hour."""
    found = [0] * 168
    for row in rows:
        if row.kind == "heat":
            for at, n in row.hist.items():
                found[at] += n
        elif asked.grain != "d" and row.kind == "customer":
            found[week_hour(row.bucket, asked.zone)] += row.n
    return [found[day * 24 : day * 24 + 24] for day in range(7)]


def grouped(rows: Iterable[Any], by: str, asked: Period) -> list[tuple[str, list[Any]]]:
    """Rows by what they share, in its order."""
    forms: dict[str, Callable[[Any], str]] = {
        "day": lambda row: f"{_local(row.bucket, asked):%Y-%m-%d}",
        "week": lambda row: f"{_local(week_at(row.bucket, asked.zone), asked):%Y-%m-%d}",
        "month": lambda row: f"{_local(row.bucket, asked):%Y-%m}",
        "hour": lambda row: f"{row.bucket.astimezone(asked.zone):%Y-%m-%dT%H:00%z}",
    }
    key = forms.get(by, lambda row: str(getattr(row, PLACES.get(by, by))))
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
            "entered": n("entered"),
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
        "topics": dict(sorted(_by_code(of["topic"]).items(), key=lambda one: (-one[1], one[0]))),
        "bot": {
            "begun": n("opened.bot"),
            "people_after": n("people.after.bot"),
            "solved": n("solved.bot"),
            "contained": n("contained"),
            "confirmed": n("confirmed"),
        },
        "customers": {"new": n("opened.new"), "returning": n("opened.again")},
        "notifications": {"sent": n("invitation"), "not_sent": n("uninvited")},
        "refused_by_desk": _by_code(of["desk.refused"]),
    }


def _before(rows: Sequence[Any]) -> dict[str, Any]:
    found = summary(rows)
    return {**found["first_row"], "topics": found["topics"]}


def times(rows: Sequence[Any]) -> dict[str, Any]:
    """Percentiles of durations, in seconds, and the share within each target."""
    hist = buckets.add(row.hist for row in rows)
    found: dict[str, Any] = {"n": sum(row.n for row in rows)}
    for name, value in zip(
        ("median", "p90", "p95", "p99"), buckets.percentiles(hist, (0.5, 0.9, 0.95, 0.99)), strict=True
    ):
        found[name] = None if value is None else round(value / 1000, 3)
    found["spread"] = _spread(hist)
    found["within"] = {str(limit): rounded(buckets.share_within(hist, limit * 1000)) for limit in TARGETS}
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
        "response_rate": rounded(count / asked) if asked else None,
        "share": rounded(good / count) if enough else None,
        "mean": rounded(sum(row.total for row in rows) / count) if enough else None,
        "scores": scores if enough else None,
    }


def _spread(hist: buckets.Hist) -> dict[str, int]:
    """How many values lie up to each limit, and above the last one."""
    found, below = {}, 0
    for limit in SPREAD:
        last = buckets.last_within(limit * 1000)
        upto = sum(n for at, n in hist.items() if at <= last)
        found[str(limit)], below = upto - below, upto
    return {**found, "more": sum(hist.values()) - below}


def _phrase(row: Any) -> dict[str, Any]:
    """A rising phrase, as it was counted in the last night: of the last seven days, whatever time is asked for."""
    return {name: getattr(row, name) for name in ("phrase", "n", "people", "before")} | {"days": json.loads(row.days)}


def _local(moment: datetime, asked: Period) -> datetime:
    return moment.astimezone(asked.zone)


def _by_code(rows: Iterable[Any]) -> dict[str, int]:
    found: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        found[row.code.removeprefix("answer ") if row.kind == "lost" else row.code] += row.n
    return dict(sorted(found.items()))


def rounded(value: float | None) -> float | None:
    """A share as it is told."""
    return None if value is None else round(value, 4)


def _said(moment: datetime, asked: Period) -> str:
    return moment.astimezone(asked.zone).isoformat(timespec="seconds")
