"""Any order, repetition and crash of the same events gives the same figures as a plain recomputation."""

import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bridge.figures import buckets, folding, worker
from bridge.figures.rollups import day_at, week_at
from bridge.figures.spans import ANSWERED, UNNEEDED, WAITING, fold, spans_of
from mappings import facts, figures, links
from mappings.figure_tables import Episode, Measure, Shift, Turn
from mappings.sql import table
from mappings.store import Tx
from mappings.tables import Link, Person
from tests.engine.engine_harness import Scene

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SUMMED = (worker.sum_hours, worker.sum_days, worker.sum_weeks, worker.sum_months)
KINDS = ("customer", "answer", "bot", "automatic", "state", "lost", "rating", "handover", "near", "desk", "aside")
STATES = ("open", "solved", "closed")


@dataclass(frozen=True)
class Happened:
    kind: str
    ref: str
    link_id: int
    at: datetime
    from_at: datetime | None = None
    agent: str = ""
    code: str = ""
    value: int = 0


@st.composite
def happenings(draw: st.DrawFn) -> list[Happened]:
    found = []
    for number in range(draw(st.integers(1, 25))):
        kind = draw(st.sampled_from(KINDS))
        at = START + timedelta(minutes=draw(st.integers(0, 60 * 60)))
        code = {"state": draw(st.sampled_from(STATES)), "lost": "answer late"}.get(kind, "")
        agent = draw(st.sampled_from(("desk", "helper"))) if kind == "handover" else "kim" if kind == "answer" else ""
        about = [one.ref for one in found if one.kind == {"lost": "answer", "aside": "customer"}.get(kind)]
        ref = draw(st.sampled_from(about)) if about else f"{number}.1"
        value = draw(st.integers(0, 5)) if kind != "desk" else draw(st.integers(0, 10**6))
        found.append(Happened(kind, ref, draw(st.integers(1, 3)), at, at - timedelta(seconds=30), agent, code, value))
    return list({(one.kind, one.ref): one for one in found}.values())


def spans(events: list[Happened], holder: str = "desk") -> Any:
    return spans_of(events, desks=frozenset({"desk"}), first_holder=holder, business=lambda a, b: b - a)


@given(happenings(), st.randoms(use_true_random=False))
def test_spans_do_not_depend_on_order_or_repetition(events: list[Happened], chance: random.Random) -> None:
    again = [*events, *chance.sample(events, len(events) // 2)]
    chance.shuffle(again)
    assert spans(again) == spans(events)


@given(happenings())
def test_every_turn_ends_once_and_in_order(events: list[Happened]) -> None:
    episode, turns = spans(events)
    assert (episode is None) == (not turns)
    assert [turn.number for turn in turns] == list(range(len(turns)))
    assert all(turn.outcome != WAITING for turn in turns[:-1])
    for turn in turns:
        assert (turn.answered_at is not None) == (turn.outcome == ANSWERED)
        assert turn.took is None or turn.took >= 0
    if episode is not None:
        assert [by for _, by in episode.shifts] == [1 if n % 2 == 0 else -1 for n in range(len(episode.shifts))]


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def test_a_turn_lasts_from_the_first_unanswered_message_to_a_persons_answer() -> None:
    episode, (turn, after) = spans(
        [
            Happened("customer", "1", 1, at(0)),
            Happened("customer", "2", 1, at(1)),
            Happened("automatic", "1.1", 1, at(2)),
            Happened("bot", "2.1", 1, at(3)),
            Happened("answer", "3.1", 1, at(5), at(4.5), "kim"),
            Happened("customer", "3", 1, at(9)),
            Happened("state", "1.0", 1, at(10), code="solved"),
        ]
    )
    assert (turn.took, turn.bridge_part, turn.agent, turn.first) == (300_000, 30_000, "kim", True)
    assert (after.outcome, after.took) == (UNNEEDED, None)
    assert (episode.messages, episode.answers, episode.bot, episode.automatic) == (3, 1, 1, 1)
    assert (episode.state, episode.reopens) == ("solved", 0)


def test_the_clock_of_people_starts_with_the_hand_over() -> None:
    _, (turn,) = spans(
        [
            Happened("customer", "1", 1, at(0)),
            Happened("bot", "1.1", 1, at(1)),
            Happened("handover", "1", 1, at(10), agent="desk", code="words"),
            Happened("answer", "2.1", 1, at(12)),
        ],
        holder="helper",
    )
    assert turn.took == 120_000


def test_an_answer_refused_after_all_is_no_answer() -> None:
    said = Happened("customer", "1", 1, at(0)), Happened("answer", "7.1", 1, at(2))
    _, (turn,) = spans([*said, Happened("lost", "7.1", 1, at(30), code="answer receipt")])
    assert turn.outcome == WAITING


def test_a_rating_is_no_question() -> None:
    episode, turns = spans(
        [
            Happened("customer", "1", 1, at(0)),
            Happened("state", "1.0", 1, at(3), code="solved"),
            Happened("customer", "2", 1, at(5)),
            Happened("aside", "2", 1, at(5)),
            Happened("rating", "1", 1, at(5), value=4),
        ]
    )
    assert (episode.rating, episode.state, len(turns)) == (4, "solved", 1)


def test_reopening_moves_the_last_solution_and_a_hand_over_ends_nothing() -> None:
    episode, _ = spans(
        [
            Happened("customer", "1", 1, at(0)),
            Happened("state", "1.0", 1, at(10), code="solved"),
            Happened("state", "1.1", 1, at(20), code="open"),
            Happened("handover", "1", 2, at(25), agent="desk"),
            Happened("state", "1.2", 1, at(25), code="ended"),
            Happened("state", "2.0", 2, at(40), code="solved"),
        ]
    )
    assert (episode.first_solved_at, episode.last_solved_at, episode.reopens) == (at(10), at(40), 1)
    assert (episode.handovers, episode.state, len(episode.shifts)) == (1, "solved", 4)


@given(st.lists(st.integers(1, 10**8), min_size=1, max_size=300), st.sampled_from([0.5, 0.9, 0.99]))
def test_percentiles_are_within_five_percent_however_they_are_added_up(values: list[int], share: float) -> None:
    parts = [buckets.load(buckets.dump(buckets.count(values[n::3]))) for n in range(3)]
    found = buckets.percentile(buckets.add(parts), share)
    rank = next(n for n in range(len(values)) if (n + 1) >= share * len(values))
    assert found == pytest.approx(sorted(values)[rank], rel=0.05)


@contextmanager
def counting(scene: Scene) -> Iterator[tuple[Any, Any]]:
    """A store with the settings of a shop, and no engine."""
    bridge = scene.build()
    bridge.store.open()
    try:
        yield bridge.store, bridge.runtime
    finally:
        bridge.store.close()


def make_links(tx: Tx, now: datetime) -> list[int]:
    person = tx.execute(table(Person).insert().values(created_at=now).returning(table(Person).c.id)).scalar_one()
    common = {
        "channel": "shop",
        "desk": "desk",
        "person_id": person,
        "created_at": now,
        "touched_at": now,
        "contact": '{"id": "ann"}',
    }
    return [links.add_link(tx, **common, conversation=f"c{n}-{person}", holder="desk").id for n in range(3)]


def clear(tx: Tx) -> None:
    for name in ("fact", "turn", "episode_shift", "episode", "measure", "figure_due", "figure_cursor", "figure_folded"):
        tx.exec_driver_sql(f"DELETE FROM {name}")


def written(tx: Tx) -> dict[str, list[tuple[Any, ...]]]:
    found = {}
    for model in (Turn, Episode, Shift, Measure):
        of = table(model)
        shown = [column for column in of.c if column.key != "id"]
        found[of.name] = sorted((tuple(row) for row in tx.execute(select(*shown))), key=repr)
    return found


def take(tx: Tx, ids: list[int], some: list[Happened]) -> None:
    """Facts are stored as whoever causes them does it."""
    rows = [replace(one, link_id=ids[one.link_id - 1]) for one in some]
    facts.add_facts(tx, [{name: getattr(one, name) for name in one.__dataclass_fields__} for one in rows])


class Crash(Exception):
    pass


@pytest.fixture
def counted(database_url: str, tmp_path: Path) -> Iterator[tuple[Any, Any]]:
    with counting(Scene(database_url, tmp_path)) as found:
        yield found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=happenings(), chance=st.randoms(use_true_random=False))
def test_incremental_equals_rebuilt_whatever_crashes(
    counted: tuple[Any, Any], events: list[Happened], chance: random.Random
) -> None:
    store, runtime = counted
    zone, now = worker.zone_of(runtime.settings), START + timedelta(days=9)
    store.run(clear)
    ids = store.run(make_links, START)
    mixed = [*events, *chance.sample(events, len(events) // 3)]
    chance.shuffle(mixed)

    def batch(tx: Tx, crash: bool) -> None:
        chance.choice(
            [
                lambda: worker.collect(tx, now, all_of_it=True),
                lambda: worker.span(tx, runtime),
                lambda: worker.sum_hours(tx, zone),
                lambda: worker.sum_days(tx, zone),
                lambda: worker.sum_weeks(tx, zone),
                lambda: worker.sum_months(tx, zone),
            ]
        )()
        if crash:
            raise Crash

    while mixed:
        count = chance.randint(1, 6)
        some, mixed = mixed[:count], mixed[count:]
        store.run(take, ids, some)
        for _ in range(chance.randint(0, 4)):
            with suppress(Crash):
                store.run(batch, chance.random() < 0.3)
    for step in (
        lambda tx: worker.collect(tx, now, all_of_it=True),
        lambda tx: worker.span(tx, runtime),
        lambda tx: worker.sum_hours(tx, zone),
        lambda tx: worker.sum_days(tx, zone),
        lambda tx: worker.sum_weeks(tx, zone),
        lambda tx: worker.sum_months(tx, zone),
    ):
        while store.run(step):
            pass
    incremental = store.run(written)
    store.run(figures_gone)
    store.run(worker.rebuild, runtime, START - timedelta(days=1), now)
    assert store.run(written) == incremental
    sums = [row for row in incremental["measure"] if row[0] == "h"]
    stored = store.run(lambda tx: len(facts.facts_of(tx, ids)))
    assert sum(row[11] for row in sums if row[2] in {"customer", "answer", "rating", "lost"}) <= stored
    assert store.run(figures.open_at, now, week_at(now, zone), day_at(now, zone)) == sum(
        row[-1] for row in incremental["episode_shift"]
    )


def figures_gone(tx: Tx) -> None:
    for name in ("turn", "episode_shift", "episode", "measure", "figure_due"):
        tx.exec_driver_sql(f"DELETE FROM {name}")


@given(happenings(), st.integers(0, 60 * 60), st.integers(0, 60 * 60))
def test_a_conversation_goes_on_from_what_was_folded(events: list[Happened], first: int, second: int) -> None:
    """What was counted stays when the facts go, however often; but for what takes back an answer across the fold."""
    cuts = sorted((at(first), at(second)))
    moments = {(one.kind, one.ref): one.at for one in events}

    def side(kind: str, ref: str) -> int | None:
        return None if (kind, ref) not in moments else sum(moments[kind, ref] >= cut for cut in cuts)

    pairs = (("lost", "answer"), ("aside", "customer"))
    events = [
        one
        for one in events
        if not any(one.kind == late and side(of, one.ref) not in {None, side(late, one.ref)} for late, of in pairs)
    ]
    told = {"desks": frozenset({"desk"}), "business": lambda a, b: b - a}
    folded = None
    for cut in cuts:
        folded = folding.load(folding.dump(fold(events, cut, first_holder="desk", before=folded, **told)))
    left = [one for one in events if one.at >= cuts[-1]]
    assert spans_of(left, first_holder="desk", before=folded, **told) == spans(events)


def test_sums_outlive_their_facts(counted: tuple[Any, Any]) -> None:
    store, runtime = counted
    zone = worker.zone_of(runtime.settings)
    store.run(clear)
    ids = store.run(make_links, START)
    common = [
        Happened("customer", "1", 1, at(0)),
        Happened("answer", "1.1", 1, at(5), at(4), "kim"),
        Happened("customer", "2", 2, at(0)),
        Happened("state", "2.0", 2, at(9), code="solved"),
    ]

    def count(now: datetime) -> None:
        for batch in (
            lambda tx: worker.collect(tx, now, all_of_it=True),
            lambda tx: worker.span(tx, runtime),
            lambda tx: worker.sum_hours(tx, zone),
            lambda tx: worker.sum_days(tx, zone),
            lambda tx: worker.sum_weeks(tx, zone),
            lambda tx: worker.sum_months(tx, zone),
            lambda tx: worker.forget(tx, runtime, now),
        ):
            while store.run(batch):
                pass

    store.run(take, ids, common)
    late = START + timedelta(days=500)
    assert store.run(worker.forget, runtime, late) == 0  # not before it was counted
    count(START + timedelta(days=1))
    before = store.run(written)
    assert len(before["turn"]) == 2
    count(late)
    assert store.run(facts.facts_of, ids) == [] and store.run(written) == before
    # the conversation goes on: solved now, it was opened then; what is told of then counts no more
    store.run(take, ids, [Happened("state", "1.0", 1, late, code="solved"), Happened("customer", "9", 1, at(2))])
    count(late + timedelta(hours=1))
    store.run(worker.rebuild, runtime, START - timedelta(days=1), late + timedelta(hours=1))
    after = store.run(written)
    old = late - timedelta(days=40)
    assert [row for row in after["measure"] if row[1] < old] == [row for row in before["measure"] if row[1] < old]
    assert sum(row[-1] for row in after["episode_shift"]) == 0
    opened = max(after["episode"], key=lambda row: row[2] == at(0) and row[0] == ids[0])
    assert opened[0] == ids[0] and (opened[2], opened[3]) == (at(0), at(5))


def test_other_days_of_the_office_are_summed_anew(counted: tuple[Any, Any]) -> None:
    store, runtime = counted
    store.run(clear)
    ids = store.run(make_links, START)
    store.run(take, ids, [Happened("customer", str(n), 1, at(60 * n)) for n in range(30)])
    sums = {}
    for name in ("Asia/Shanghai", "Asia/Tokyo", "America/New_York", "Asia/Shanghai"):
        zone = ZoneInfo(name)
        for batch in (
            lambda tx: worker.collect(tx, START, all_of_it=True),
            lambda tx: worker.span(tx, runtime),
            lambda tx: worker.sum_hours(tx, zone),  # noqa: B023 - run within this turn
            lambda tx: worker.sum_days(tx, zone),  # noqa: B023
            lambda tx: worker.sum_weeks(tx, zone),  # noqa: B023
        ):
            while store.run(batch):
                pass
        for grain in "dptw":
            found = [row for row in store.run(written)["measure"] if row[:1] == (grain,) and row[2] == "customer"]
            assert sum(row[11] for row in found) == 30, (name, grain)
            sums.setdefault(name, [])
            sums[name].append(found)
    assert sums["Asia/Shanghai"][:4] == sums["Asia/Shanghai"][4:] != sums["Asia/Tokyo"]


def test_sums_of_before_get_what_was_not_summed_then_by_themselves(counted: tuple[Any, Any]) -> None:
    store, runtime = counted
    store.run(clear)
    ids = store.run(make_links, START)
    tongue = table(Link).update().values(contact='{"id": "ann", "locale": "zh_CN"}')
    store.run(lambda tx: tx.execute(tongue))
    store.run(take, ids, [Happened("customer", str(n), 1, at(60 * n)) for n in range(30)])
    zone = worker.zone_of(runtime.settings)

    def count(rounds: int = 99) -> None:
        """The first rounds of it: a process may end at any time."""
        store.run(worker.collect, START, all_of_it=True)
        for batch in (partial(worker.span, runtime=runtime), *(partial(one, zone=zone) for one in SUMMED)):
            for _ in range(rounds):
                if not store.run(batch):
                    break

    def spoken(grain: str = "p") -> list[tuple[str, int]]:
        rows = [row for row in store.run(written)["measure"] if row[0] == grain and row[2] == "customer"]
        return sorted((row[8], row[11]) for row in rows)

    count()
    today = spoken()
    assert {language for language, _ in today} == {"zh"}
    store.run(lambda tx: tx.exec_driver_sql("UPDATE measure SET language = ''"))  # as an older version summed them
    store.run(lambda tx: tx.exec_driver_sql("DELETE FROM figure_cursor WHERE log = 'places'"))
    count(1)
    assert {language for language, _ in spoken()} == {"", "zh"}, "little by little"
    store.run(take, ids, [Happened("customer", "new", 2, at(60 * 40))])
    count(1)
    assert len([one for one in spoken("h") if one == ("zh", 1)]) == 11, "what is new does not wait for it"
    count()
    assert spoken() == sorted([*today, ("zh", 1)])
