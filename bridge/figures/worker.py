"""Keeps the figures: logs become facts, facts spans, spans the sums of hours and days; each batch in a transaction with
how far it came. A conversation or an hour in which something changed is counted anew as a whole, so that what arrives
late, twice or after a crash leads to the same sums.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from bridge.engine.context import Runtime
from bridge.engine.conversation.decision import route_of
from bridge.figures import folding, rising, rollups
from bridge.figures.period import zone_of
from bridge.figures.spans import Business, fold, spans_of
from bridge.routing.calendar import Calendar, between
from mappings import facts, figure_spans, figures, links, state
from mappings.store import Store, Tx

EVERY = timedelta(seconds=10)
_LEASE = timedelta(minutes=5)
_BITE = 10
_TOGETHER = 50  # conversations
_MOST = 1000  # batches in one go
# seven kinds of batches: where much happens each works one second of 250, all of them three in a hundred
_SHARE, _QUICK, _LONGEST = 250, 0.03, 120.0  # seconds: what is quicker needs no rest, and none is longer
_ENOUGH = 0.5  # seconds of one kind in one go
_EPOCH = datetime.fromtimestamp(0, UTC)


async def tick(store: Store, runtime: Runtime, owner: str, *, at_once: bool = False) -> None:
    """Counts what is new. One process at a time does it. `at_once`: also what should rest for a while."""
    now = runtime.now()
    if not await store.write(state.take_lease, "tick figures", owner, now, now + _LEASE):
        return
    zone = zone_of(runtime.settings)
    batches: dict[str, Callable[[Tx], int]] = {
        "facts": partial(collect, now=now),
        "spans": partial(span, runtime=runtime),
        "hours": partial(sum_hours, zone=zone),
        "days": partial(sum_days, zone=zone),
        "weeks": partial(sum_weeks, zone=zone),
        "months": partial(sum_months, zone=zone),
        "old": partial(forget, runtime=runtime, now=now),
    }
    for name, batch in batches.items():
        await _in_turn(store, name, batch, at_once=at_once)
    if runtime.settings.figures.phrases:
        await rising.tick(store, zone, now)
    await store.write(state.take_lease, "tick figures", owner, now, now)  # it is free again


_rests: dict[str, float] = {}


async def _in_turn(store: Store, name: str, long: Callable[[Tx], int], *, at_once: bool) -> None:
    """What takes long where much happens is done the less often the longer it takes: live traffic goes first."""
    loop = asyncio.get_running_loop()
    if not at_once and loop.time() < _rests.get(name, 0.0):
        return
    begun = loop.time()
    for _ in range(_MOST):
        if not await store.write(long) or (not at_once and loop.time() - begun > _ENOUGH):
            break
    took = loop.time() - begun
    _rests[name] = loop.time() + min(_LONGEST, _SHARE * took) if took > _QUICK else 0.0


def collect(tx: Tx, now: datetime, *, all_of_it: bool = False) -> int:
    """Facts of what the logs say, and whose spans they change."""
    since = figures.folded_until(tx)
    read = sum(facts.read_logs(tx, log, now, since=since, all_of_it=all_of_it) for log in facts.LOGS)
    changed, count = facts.changed_links(tx, now, all_of_it=all_of_it)
    figures.mark(tx, "root", figure_spans.roots_of(tx, changed).values())
    return read + count


def span(tx: Tx, runtime: Runtime) -> int:
    """The spans of some conversations anew; the hours in which they counted before or count now are marked."""
    roots = figures.take_due(tx, "root", _TOGETHER)
    if not roots:
        return 0
    moments, began = figure_spans.moments_of(tx, roots), figure_spans.openings_of(tx, roots)
    episodes: list[dict[str, Any]] = []
    turns: list[dict[str, Any]] = []
    shifts: list[dict[str, Any]] = []
    moved: list[int] = []  # that began at another time than was written
    for root, known, told in _known(tx, runtime, figure_spans.chains_of(tx, roots)):
        episode, its_turns = spans_of(known, **told)
        moments |= {one.at for one in known}
        turns += [{"root_id": root, **asdict(turn)} for turn in its_turns]
        if episode is not None:
            written = {"root_id": root, **asdict(episode)}
            del written["shifts"]
            episodes.append(written)
            shifts += [
                {"root_id": root, "link_id": episode.link_id, "number": number, "at": at, "by": by}
                for number, (at, by) in enumerate(episode.shifts)
            ]
        if began.get(root) != (episode.opened_at if episode is not None else None):
            moved.append(root)
    figure_spans.write_spans(tx, roots, episodes=episodes, turns=turns, shifts=shifts)
    moments |= {*figure_spans.openings_beside(tx, moved), *figure_spans.moments_of(tx, roots)}
    figures.mark(tx, "hour", map(_number, moments))
    return len(roots)


def _known(
    tx: Tx, runtime: Runtime, chains: Mapping[int, Sequence[int]]
) -> Iterator[tuple[int, list[Any], dict[str, Any]]]:
    """Of each conversation: its root, its facts, and what else its spans depend on."""
    every = {link_id for chain in chains.values() for link_id in chain}
    found, holders = links.get_links(tx, every), figure_spans.first_holders(tx, chains)
    folded = figure_spans.folded_of(tx, chains)
    told: dict[int, list[Any]] = {}
    for fact in facts.facts_of(tx, sorted(every)):
        told.setdefault(fact.link_id, []).append(fact)
    routed = {route.desk for route in runtime.settings.routes}
    for root, chain in chains.items():
        yield (
            root,
            [fact for link_id in chain for fact in told.get(link_id, ())],
            {
                "desks": frozenset(routed | {found[link_id].desk for link_id in chain}),
                "first_holder": holders[root],
                "business": _business(runtime, found[root]),
                "before": folding.load(folded.get(root, "")),
            },
        )


def forget(tx: Tx, runtime: Runtime, now: datetime) -> int:
    """Facts that are kept no longer go, of some conversations, whose spans are kept as they were; sums stay. Not before
    all that is so old was counted.
    """
    until = rollups.hour_at(now - runtime.settings.retention.facts)
    some = facts.links_before(tx, until)
    if not some or figures.is_due(tx, _number(until)):
        return 0
    figures.freeze(tx, until)
    roots = set(figure_spans.roots_of(tx, some).values())
    chains = figure_spans.chains_of(tx, roots)
    for root, known, told in _known(tx, runtime, chains):
        figure_spans.keep_folded(tx, root, folding.dump(fold(known, until, **told)))
        facts.forget_facts(tx, chains[root], until)
    return len(roots)


def sum_hours(tx: Tx, zone: ZoneInfo) -> int:
    """The sums of some hours anew; their days are marked. Those whose facts are gone stay as they are."""
    frozen = figures.folded_until(tx)
    figures.sum_again(tx)
    due = figures.take_due(tx, "hour", _BITE) or figures.take_due(tx, "again", _BITE)
    hours = [_EPOCH + timedelta(seconds=one) for one in due]
    for hour in [one for one in hours if one >= frozen]:
        upto = hour + rollups.HOUR
        found: dict[str, Any] = {
            "facts": figures.facts_between(tx, hour, upto),
            "answered": figures.turns_between(tx, hour, upto),
            "begun": figures.turns_begun(tx, hour, upto),
            "solved": figures.solved_between(tx, hour, upto),
            "shifts": figures.shifts_between(tx, hour, upto),
        }
        rows = rollups.hour_sums({**found, "links": figures.links_of(tx, _links_in(found))})
        figures.write_measures(tx, "h", hour, rows)
        figures.write_measures(tx, "g", hour, rollups.collapse(rows, *rollups.WHERE, kinds=rollups.GLANCE))
    figures.mark(tx, "day", (_number(rollups.day_at(hour, zone)) for hour in hours))
    return len(hours)


def _links_in(found: dict[str, Any]) -> set[int]:
    return {one.link_id for rows in found.values() for one in rows}


def sum_days(tx: Tx, zone: ZoneInfo) -> int:
    """The sums of one day anew: with agents, by place, and of all places together; its week and month are marked."""
    if figures.anew(tx, zone.key):
        known = figures.hours_of(tx, _EPOCH)
        figures.mark(tx, "day", {_number(rollups.day_at(hour, zone)) for hour in known})
    days = [_EPOCH + timedelta(seconds=one) for one in figures.take_due(tx, "day", 1)]
    for day in days:
        hours = figures.measures(tx, "h", day, rollups.next_day(day, zone))
        rows = rollups.add_rows(hours)
        figures.write_measures(tx, "d", day, rows)
        figures.write_measures(tx, "p", day, rollups.collapse(rows, "agent"))
        whole = rollups.collapse(rows, *rollups.WHERE) + rollups.week_hours(hours, zone)
        figures.write_measures(tx, "t", day, whole)
    figures.mark(tx, "week", (_number(rollups.week_at(day, zone)) for day in days))
    figures.mark(tx, "month", (_number(rollups.month_at(day, zone)) for day in days))
    return len(days)


def sum_weeks(tx: Tx, zone: ZoneInfo) -> int:
    """The sums of one week anew, all places together."""
    weeks = [_EPOCH + timedelta(seconds=one) for one in figures.take_due(tx, "week", 1)]
    for week in weeks:
        days = figures.measures(tx, "t", week, rollups.next_week(week, zone))
        figures.write_measures(tx, "w", week, rollups.add_rows(days))
    return len(weeks)


def sum_months(tx: Tx, zone: ZoneInfo) -> int:
    """The sums of one month anew, by place."""
    months = [_EPOCH + timedelta(seconds=one) for one in figures.take_due(tx, "month", 1)]
    for month in months:
        days = figures.measures(tx, "p", month, rollups.next_month(month, zone))
        figures.write_measures(tx, "m", month, rollups.add_rows(days))
    return len(months)


def rebuild(tx: Tx, runtime: Runtime, since: datetime, now: datetime) -> int:
    """Everything since a moment anew, in one transaction; returns how many conversations were counted."""
    figures.rewind(tx)
    while collect(tx, now, all_of_it=True):
        pass
    after = 0
    while some := figures.all_links(tx, after, since):
        figures.mark(tx, "root", figure_spans.roots_of(tx, some).values())
        after = some[-1]
    figures.mark(tx, "hour", (_number(hour) for hour in figures.hours_of(tx, since)))
    roots = 0
    while count := span(tx, runtime):
        roots += count
    for batch in (sum_hours, sum_days, sum_weeks, sum_months):
        while batch(tx, zone_of(runtime.settings)):
            pass
    return roots


def _business(runtime: Runtime, link: links.LinkRow) -> Business:
    """How long somebody is there, by the calendar of a conversation's route; always, where it has none."""
    route = route_of(runtime, link)
    calendar: Calendar | None = runtime.calendars.get(route.calendar) if route is not None else None
    return partial(between, calendar) if calendar is not None else _elapsed


def _elapsed(begin: datetime, end: datetime) -> timedelta:
    return end - begin


def _number(moment: datetime) -> int:
    return int(rollups.hour_at(moment).timestamp())
