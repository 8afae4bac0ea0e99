"""Every figure of the page equals what one counts by hand from what happened, over days, weeks and months."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bridge.console.views.figures import read_page
from bridge.figures import worker
from bridge.figures.period import period
from bridge.figures.report import open_at, read_report
from mappings import facts, links
from mappings.sql import table
from mappings.store import Tx
from mappings.tables import Person
from tests.engine.engine_harness import Scene
from tests.figures.test_figures import counting

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 7, 1, 3, 0, tzinfo=UTC)
DAYS = 150
ENTRIES = ("pages/order", "pages/cart", "")
LOCALES = ("zh_CN", "zh-TW", "en", "")


@dataclass(frozen=True)
class Talk:
    """One conversation as it went; times in UTC."""

    link: int
    person: int
    entry: str
    route: str
    group: str
    locale: str
    at: datetime
    answered: datetime | None
    wrote: datetime | None  # at the desk
    solved: datetime | None
    again: datetime | None  # when it went open once more
    lost: str
    near: str
    number: str  # which reply it used
    rating: int | None
    topic: str
    bot: bool


def happen(tx: Tx) -> list[Talk]:
    chance, found = random.Random(11), []
    people = [
        tx.execute(table(Person).insert().values(created_at=NOW).returning(table(Person).c.id)).scalar_one()
        for _ in range(60)
    ]
    for number in range(400):
        at = NOW - timedelta(seconds=chance.randint(3600, DAYS * 86400))
        person, entry = chance.choice(people), chance.choice(ENTRIES)
        common = {"channel": "shop", "desk": "desk", "person_id": person, "created_at": at, "touched_at": at}
        route, group, locale = chance.choice(("orders", "rest")), chance.choice(("Sales", "")), chance.choice(LOCALES)
        more = {"entry": entry, "holder": "desk", "conversation": f"c{number}"}
        decided = {
            "contact": json.dumps({"id": "x", "locale": locale}),
            "decided": json.dumps({"rule": route}),
            "fields": json.dumps({"group": group} if group else {}),
        }
        link = links.add_link(tx, **common, **more, **decided).id
        answered = at + timedelta(seconds=chance.lognormvariate(5, 1.5)) if chance.random() < 0.8 else None
        solved = answered + timedelta(minutes=chance.randint(1, 3000)) if answered and chance.random() < 0.8 else None
        solved = solved if solved and solved < NOW else None
        again = solved + timedelta(hours=chance.randint(1, 90)) if solved and chance.random() < 0.2 else None
        talk = Talk(
            link,
            person,
            entry,
            route,
            group,
            locale,
            at,
            answered if answered and answered < NOW else None,
            answered - timedelta(milliseconds=chance.randint(100, 900)) if answered and answered < NOW else None,
            solved,
            again if again and again < NOW else None,
            chance.choice(("window.over", "window.spent")) if not answered and chance.random() < 0.5 else "",
            chance.choice(("", "", "last", "hour")) if answered and answered < NOW else "",
            str(chance.randint(1, 5)),
            chance.randint(1, 5) if solved and chance.random() < 0.5 else None,
            chance.choice(("", "退款", "shipping")),
            chance.random() < 0.3,
        )
        found.append(talk)
        facts.add_facts(tx, list(_facts(talk)))
    return found


def _facts(talk: Talk) -> Iterator[dict[str, Any]]:
    end = {"ref": f"{talk.link}.1", "link_id": talk.link}
    yield {"kind": "customer", "ref": f"{talk.link}", "link_id": talk.link, "at": talk.at, "value": 12}
    if talk.topic:
        yield {"kind": "topic", **end, "at": talk.at, "code": talk.topic}
    if talk.bot:
        yield {"kind": "bot", **end, "ref": f"{talk.link}.9", "at": talk.at, "code": "1", "value": 1}
    if talk.answered:
        reply = {"code": talk.number, "agent": "kim", "value": 1, "from_at": talk.wrote}
        yield {"kind": "answer", **end, "at": talk.answered, **reply}
    if talk.near:
        yield {"kind": "near", **end, "at": talk.answered, "code": talk.near}
    if talk.lost:
        yield {"kind": "lost", **end, "at": talk.at + timedelta(minutes=1), "code": f"answer {talk.lost}"}
    if talk.solved:
        yield {"kind": "state", **end, "at": talk.solved, "code": "solved"}
    if talk.rating:
        yield {"kind": "survey", **end, "at": talk.solved}
        yield {"kind": "rating", **end, "at": talk.solved, "value": talk.rating}
    if talk.again:
        yield {"kind": "state", "ref": f"{talk.link}.2", "link_id": talk.link, "at": talk.again, "code": "open"}


@pytest.fixture
def counted(database_url: str, tmp_path: Path) -> Iterator[tuple[Any, list[Talk]]]:
    scene = Scene(database_url, tmp_path, bridge={"timezone": ZONE.key})
    with counting(scene) as (store, runtime):
        talks = store.run(happen)
        store.run(worker.rebuild, runtime, NOW - timedelta(days=DAYS + 9), NOW)
        yield store, talks


def test_all_figures_equal_a_plain_recomputation(counted: tuple[Any, list[Talk]]) -> None:
    store, talks = counted
    first_of = {
        person: min(one.at for one in talks if one.person == person) for person in {one.person for one in talks}
    }
    for since in ("140d", "90d", "20d", "3d", "30h"):
        asked = period(since, "", ZONE, NOW)

        def within(moment: datetime | None, asked: Any = asked) -> bool:
            return moment is not None and asked.since <= moment < asked.until

        found, places = store.run(read_page, asked, NOW)
        begun = [one for one in talks if within(one.at)]
        answered = [one for one in talks if within(one.answered)]
        took = sorted((one.answered - one.at).total_seconds() for one in answered if one.answered)
        assert found["volume"]["conversations"] == found["volume"]["customer_messages"] == len(begun)
        assert found["volume"]["people"] == found["first_response"]["n"] == len(answered)
        for share, name in ((0.5, "median"), (0.9, "p90"), (0.99, "p99")):
            rank = next((n for n in range(len(took)) if n + 1 >= share * len(took)), 0)
            assert not took or found["first_response"][name] == pytest.approx(took[rank], rel=0.06, abs=0.002), name
        bridge = sorted((one.answered - one.wrote).total_seconds() for one in answered if one.answered and one.wrote)
        assert not bridge or found["bridge"]["answer_in_bridge"]["p99"] == pytest.approx(bridge[-1], rel=0.2)
        spread = found["first_response"]["spread"]
        assert sum(spread.values()) == len(took)
        assert abs(spread["15"] + spread["30"] + spread["60"] - sum(one <= 60 for one in took)) <= max(
            2, len(took) // 10
        )
        assert found["solved"] == sum(within(one.solved) for one in talks)
        assert found["reopened"] == sum(within(one.again) for one in talks)
        lost = Counter(one.lost for one in talks if one.lost and within(one.at + timedelta(minutes=1)))
        assert found["lost"] == {"n": sum(lost.values()), "by_cause": dict(sorted(lost.items()))}
        assert found["near_misses"] == dict(sorted(Counter(one.near for one in answered if one.near).items()))
        used = Counter(one.number for one in answered)
        bots = sum(one.bot for one in begun)
        assert {key: one["people"] for key, one in found["allowance"].items() if one["people"]} == dict(used)
        assert sum(one["bot"] for one in found["allowance"].values()) == bots == found["bot"]["begun"]
        assert found["bot"]["people_after"] == sum(one.bot and one.answered is not None for one in begun)
        assert found["topics"] == dict(
            sorted(Counter(one.topic for one in begun if one.topic).items(), key=lambda one: (-one[1], one[0]))
        )
        new = sum(first_of[one.person] == one.at for one in begun)
        assert found["customers"] == {"new": new, "returning": len(begun) - new}
        heat = Counter((one.at.astimezone(ZONE).weekday(), one.at.astimezone(ZONE).hour) for one in begun)
        assert {(day, hour): n for day, row in enumerate(found["heat"]) for hour, n in enumerate(row) if n} == dict(
            heat
        )
        of_talk: dict[str, Callable[[Talk], str]] = {
            "entry": lambda one: one.entry, "route": lambda one: one.route, "group": lambda one: one.group,
            "language": lambda one: one.locale[:2], "channel": lambda _: "shop", "desk": lambda _: "desk",
        }  # fmt: skip
        assert set(places) == set(of_talk)
        for by, named in of_talk.items():
            counted_by = {one["name"]: one["conversations"] for one in places[by] if one["conversations"]}
            assert counted_by == dict(Counter(named(one) for one in begun)), by
            lost_by = sum(one["lost"] for one in places[by])
            assert lost_by == sum(bool(one.lost) and within(one.at + timedelta(minutes=1)) for one in talks), by
        by_route = {one["name"]: one["median"] for one in places["route"]}
        for route in {one.route for one in answered}:
            mine = sorted(
                (one.answered - one.at).total_seconds() for one in answered if one.answered and one.route == route
            )
            assert by_route[route] == pytest.approx(mine[max(0, -(-len(mine) // 2) - 1)], rel=0.06, abs=0.002)
        rated = [one.rating for one in talks if one.rating and within(one.solved)]
        assert found["satisfaction"]["n"] == found["satisfaction"]["asked"] == len(rated)
        if len(rated) >= 5:
            assert found["satisfaction"]["share"] == pytest.approx(
                sum(one >= 4 for one in rated) / len(rated), abs=1e-4
            )
        rows = found["rows"]
        assert sum(row["volume"]["conversations"] for row in rows) == len(begun)
        assert sum(row["solved"] for row in rows) == found["solved"]
    waiting = sum(one.answered is None for one in talks)
    assert found["waiting"]["n"] == waiting


def test_backlog_at_any_past_hour(counted: tuple[Any, list[Talk]]) -> None:
    store, talks = counted
    for hours in (0, 1, 7, 30, 24 * 9, 24 * 40, 24 * 100, 24 * 149):
        moment = (NOW - timedelta(hours=hours)).replace(minute=0, second=0)
        shut = sum((one.solved is not None and one.solved < moment) for one in talks)
        again = sum((one.again is not None and one.again < moment) for one in talks)
        assert store.run(open_at, moment, ZONE) == sum(one.at < moment for one in talks) - shut + again, hours


def test_rows_of_agents_and_of_months_add_up(counted: tuple[Any, list[Talk]]) -> None:
    store, talks = counted
    asked = period("140d", "", ZONE, NOW)
    answered = sum(one.answered is not None and one.answered >= asked.since for one in talks)
    for by in ("agent", "day", "week", "month", "entry", "channel", "desk", "route", "group", "language"):
        rows = store.run(read_report, asked, NOW, by)["rows"]
        assert sum(row["volume"]["people"] for row in rows) == answered, by
