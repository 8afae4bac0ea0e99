"""From spans and facts of an hour to its sums, and from the hours of a day to the day's. Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import attrgetter
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from bridge.figures import buckets

Key = tuple[str, ...]  # as NAMES

HOUR = timedelta(hours=1)
PLACE = ("channel", "desk", "entry", "route", "desk_group", "language")
WHERE = (*PLACE, "agent")  # what sums of all places together lack
NAMES = ("kind", *WHERE, "code")
GLANCE = frozenset({"customer", "opened", "reopened", "shut"})  # what is asked by the hour over long times
GOOD = 4  # of five: whoever gives as much is content
_TIMED = {"desk", "customer"}  # facts whose value is a duration
_SUMMED = {"answer", "bot", "automatic", "rating"}  # … a count
_COUNTED = {
    *_TIMED, *_SUMMED, "lost", "near", "refused", "held", "handover", "survey", "desk.refused", "topic",
    "invitation", "uninvited", "entered",
}  # fmt: skip


_NAMED = attrgetter(*NAMES)


@dataclass(slots=True)
class Sum:
    """So many, their total, and how they spread."""

    n: int = 0
    total: int = 0
    hist: buckets.Hist = field(default_factory=dict)


def hour_sums(found: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """The rows of an hour. `found`: facts, answered, begun, solved, shifts and the links of all of these, as
    `mappings.figures` reads them.
    """
    sums: dict[Key, Sum] = {}
    places = {link.id: place_of(link) for link in found["links"]}
    _put = partial(_count, sums, places)
    for one in found["facts"]:
        if one.kind in _COUNTED:
            agent = one.agent if one.kind in {"answer", "lost", "near"} else ""
            code = str(one.value) if one.kind == "rating" else one.code
            _put(one, one.kind, one.value, of=(agent, code), timed=one.kind in _TIMED)
    for one in found["answered"]:
        kind = "first" if one.first else "next"
        for name, value in ((kind, one.took), (f"{kind}.business", one.business), ("bridge", one.bridge_part)):
            if value is not None:
                _put(one, name, value, of=(one.agent, ""), timed=True)
    for one in found["begun"]:
        _put(one, "turn", 0)
    for one in found["solved"]:
        _put(one, "resolution", _ms(one.first_solved_at - one.opened_at), timed=True)
        for kind in _of_solved(one):
            _put(one, kind, 1)
    for one in found["shifts"]:
        for kind in _of_shift(one):
            _put(one, kind, 0)
    return [_row(key, one) for key, one in sorted(sums.items())]


def place_of(link: Any) -> Key:
    """Where a conversation is, as PLACE. The language is that of its customer's settings, without the country."""
    decided, fields, contact = (json.loads(one or "{}") for one in (link.decided, link.fields, link.contact))
    language = str(contact.get("locale") or "").replace("_", "-").partition("-")[0].lower()
    route, group = str(decided.get("rule") or ""), str(fields.get("group") or "")
    return link.channel, link.desk, link.entry, route[:200], group[:200], language[:20]


def add_rows(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Rows of several buckets as those of one."""
    sums: dict[Key, Sum] = {}
    for row in rows:
        into = sums.setdefault(_NAMED(row), Sum())
        into.n += row.n
        into.total += row.total
        into.hist = buckets.add([into.hist, buckets.load(row.hist)])
    return [_row(key, one) for key, one in sorted(sums.items())]


def collapse(
    rows: Iterable[Mapping[str, Any]], *names: str, kinds: frozenset[str] | None = None
) -> list[dict[str, Any]]:
    """Rows without some of their dimensions, added up; of some kinds, or all."""
    blank = dict.fromkeys(names, "")
    return add_rows(SimpleNamespace(**{**row, **blank}) for row in rows if kinds is None or row["kind"] in kinds)


def week_hours(rows: Iterable[Any], zone: ZoneInfo) -> list[dict[str, Any]]:
    """One row that says how many messages of customers there were in each hour of the week, Monday 0:00 first. `rows`
    are those of hours, with their buckets.
    """
    hist: buckets.Hist = {}
    for row in rows:
        if row.kind == "customer":
            at = week_hour(row.bucket, zone)
            hist[at] = hist.get(at, 0) + row.n
    return [_row(("heat", *[""] * (len(NAMES) - 1)), Sum(sum(hist.values()), 0, hist))] if hist else []


def week_hour(moment: datetime, zone: ZoneInfo) -> int:
    """The hour of the week that a moment lies in, from 0 to 167."""
    local = moment.astimezone(zone)
    return local.weekday() * 24 + local.hour


def week_at(moment: datetime, zone: ZoneInfo) -> datetime:
    """The beginning of the week, a Monday, that a moment lies in."""
    local = moment.astimezone(zone).replace(hour=12)
    return day_at((local.replace(tzinfo=None) - timedelta(days=local.weekday())).replace(tzinfo=zone), zone)


def next_week(week: datetime, zone: ZoneInfo) -> datetime:
    """The beginning of the week after that."""
    local = week.astimezone(zone).replace(hour=12, tzinfo=None) + timedelta(days=7)
    return week_at(local.replace(tzinfo=zone), zone)


def month_at(moment: datetime, zone: ZoneInfo) -> datetime:
    """The beginning of the month that a moment lies in."""
    return day_at(moment.astimezone(zone).replace(day=1, hour=12), zone)


def next_month(month: datetime, zone: ZoneInfo) -> datetime:
    """The beginning of the month after that."""
    return month_at(month.astimezone(zone).replace(day=1, hour=12) + timedelta(days=32), zone)


def hour_at(moment: datetime) -> datetime:
    """The hour that a moment lies in."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def day_at(moment: datetime, zone: ZoneInfo) -> datetime:
    """The midnight, in UTC, with which a moment's day began in a zone, cut to the hour."""
    local = moment.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return hour_at(local)


def next_day(day: datetime, zone: ZoneInfo) -> datetime:
    """The beginning of the day after that of a moment."""
    local = day.astimezone(zone)
    return day_at((local.replace(tzinfo=None) + timedelta(days=1, hours=1)).replace(tzinfo=zone), zone)


def _of_solved(one: Any) -> list[str]:
    """As what a solved episode counts where a bot spoke."""
    if not one.bot:
        return []
    good = ["confirmed"] if (one.rating or 0) >= GOOD else []
    return ["solved.bot", *([] if one.answers else ["contained", *good])]


def _of_shift(one: Any) -> list[str]:
    """As what an episode counts that went open or shut; of one that begins, also whose it is and who spoke."""
    if one.by < 0 or one.number:
        return ["shut" if one.by < 0 else "reopened"]
    with_bot = ["opened.bot", *(["people.after.bot"] if one.answers else [])] if one.bot else []
    return ["opened", "opened.again" if one.again else "opened.new", *with_bot]


def _count(  # noqa: PLR0913 - the first two are bound
    sums: dict[Key, Sum],
    places: Mapping[int, Key],
    one: Any,
    kind: str,
    value: int,
    *,
    of: tuple[str, str] = ("", ""),
    timed: bool = False,
) -> None:
    """`of`: whose, and which (agent, code)."""
    into = sums.setdefault((kind, *places[one.link_id], *of), Sum())
    into.n += 1
    into.total += value
    if timed:
        at = buckets.bucket(value)
        into.hist[at] = into.hist.get(at, 0) + 1


def _row(key: Key, one: Sum) -> dict[str, Any]:
    return {**dict(zip(NAMES, key, strict=True)), "n": one.n, "total": one.total, "hist": buckets.dump(one.hist)}


def _ms(span: timedelta) -> int:
    return max(0, round(span.total_seconds() * 1000))
