"""Figures against a real Request Tracker's own history: a day's conversations, counted by hand from what RT wrote down.

`BRIDGE_REAL_DAY` says how many conversations; in the suite a few stand for the day, because RT needs about a second for
each request here.
"""

import asyncio
import json
import os
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bridge.app import Bridge
from bridge.figures import export, worker
from bridge.figures.period import period, zone_of
from bridge.figures.report import read_report
from bridge.registry import Declared
from connectors.rt import RequestTracker
from mappings.figure_tables import Fact
from mappings.sql import table
from mappings.store import Tx
from tests.databases import sqlite_database
from tests.engine.engine_harness import Scene
from tests.engine.fakes import FakeConfig
from tests.real.rt_server import RealRt

COUNT = int(os.environ.get("BRIDGE_REAL_DAY", "8"))
pytestmark = [pytest.mark.real, pytest.mark.timeout(240 + COUNT * 15)]


@pytest.fixture(scope="module")
def rt() -> Iterator[RealRt]:
    with tempfile.TemporaryDirectory(prefix="bridge-rt-") as place:
        Path(place).chmod(0o755)  # RT's server is another user
        found = RealRt(Path(place) / "data").start()
        yield found
        found.clean()


class Day(Scene):
    """Customers without a vendor, and the real desk."""

    def __init__(self, folder: Path, rt: RealRt) -> None:
        super().__init__(
            sqlite_database(folder),
            folder,
            engine={"reconcile_every": "10s", "request_timeout": "280s", "settle": "281s"},
        )
        self.rt = rt
        self.clock = lambda: datetime.now(UTC)  # type: ignore[assignment]

    def build(self) -> Bridge:
        config = RequestTracker.Config.model_validate(self.rt.account())
        declared = {
            "shop": Declared("shop", self.channel_class, FakeConfig(kind="fake")),
            "desk": Declared("desk", RequestTracker, config),
        }
        return Bridge(self.settings(), declared)

    async def facts(self, kind: str, code: str = "") -> int:
        assert self.bridge is not None
        for log in range(2):
            await worker.tick(self.bridge.store, self.bridge.runtime, f"test{log}", at_once=True)
        of = table(Fact)
        mine = select(func.count()).where(of.c.kind == kind, *([of.c.code == code] if code else []))
        return int(await self.bridge.store.read(lambda tx: tx.execute(mine).scalar_one()))

    async def agents(self, method: str, path: str, entries: list[dict[str, Any]]) -> None:
        """What agents do with several tickets, in bulk."""
        for place in range(0, len(entries), 4):
            await self.rt._call(method, path, json=entries[place : place + 4])

    def history(self) -> dict[int, list[tuple[str, str, str, datetime]]]:
        """By ticket: (type, creator, new value, when), as RT keeps it."""
        with sqlite3.connect(f"file:{self.rt.facts['dir']}/rt5.sqlite?mode=ro", uri=True) as base:
            rows = base.execute(
                "SELECT t.ObjectId, t.Type, u.Name, t.NewValue, t.Created FROM Transactions t"
                " JOIN Users u ON u.id = t.Creator WHERE t.ObjectType = 'RT::Ticket' ORDER BY t.id"
            ).fetchall()
        found = defaultdict(list)
        for ticket, kind, who, value, at in rows:
            found[ticket].append((kind, who, value or "", datetime.fromisoformat(at).replace(tzinfo=UTC)))
        return found


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(120 + COUNT * 10):
        while not await condition():
            await asyncio.sleep(0.5 + COUNT / 50)


async def test_figures_equal_what_is_counted_by_hand(rt: RealRt, tmp_path: Path) -> None:
    day = Day(tmp_path, rt)
    async with day.running() as bridge:
        for number in range(COUNT):
            await day.says(f"customer-{number}", f"question {number}")
        await until(lambda: _reaches(day, "desk", COUNT))
        tickets = sorted(day.history())
        assert len(tickets) == COUNT
        answered = [one for place, one in enumerate(tickets) if place % 10 != 3]
        solved = [one for place, one in enumerate(tickets) if place % 3 != 2]
        remarks = [{"id": one, "Content": f"answer {one}", "ContentType": "text/plain"} for one in answered]
        await day.agents("POST", "/tickets/bulk/correspond", remarks)
        await until(lambda: _reaches(day, "answer", len(answered)))
        await day.agents("PUT", "/tickets/bulk", [{"id": one, "Status": "resolved"} for one in solved])
        await until(lambda: _reaches(day, "state", len(solved), "solved"))
        again = [number for number in range(COUNT) if number % 6 == 0]
        for number in again:
            await day.says(f"customer-{number}", "and one more thing")
        await until(lambda: _reaches(day, "desk", COUNT + len(again)))
        await day.facts("customer")
        asked = period("1d", "", zone_of(bridge.settings), datetime.now(UTC))
        found = await bridge.store.read(read_report, asked, datetime.now(UTC), "")
        history = day.history()
        await _compare(found, history)

        def turns(tx: Tx) -> list[dict[str, Any]]:
            lines = "".join(export.whole(tx, export.wanted(bridge.settings, "turns", "jsonl", asked)))
            return [json.loads(line) for line in lines.splitlines()]

        for turn in await bridge.store.read(turns):  # the desk's own part of each wait ends when RT says so
            if turn["outcome"] == "answered":
                wrote = next(
                    at for kind, who, _, at in history[int(turn["ticket"])] if (kind, who) == ("Correspond", "agent")
                )
                begun = datetime.fromisoformat(turn["asked_at"])
                desk_part = turn["took_seconds"] - turn["bridge_seconds"]
                assert abs((wrote - begun).total_seconds() - desk_part) <= 1.1, turn


async def _reaches(day: Day, kind: str, count: int, code: str = "") -> bool:
    return await day.facts(kind, code) >= count


async def _compare(found: dict[str, Any], history: dict[int, list[tuple[str, str, str, datetime]]]) -> None:
    created = by_customers = answers = shut = reopened = waiting = first = resolved = 0
    for entries in history.values():
        status, open_turn, was_answered, was_solved = "new", True, False, False
        for kind, who, value, _ in entries:
            if kind == "Create":
                created += 1
            elif kind == "Correspond" and who == "agent":
                answers += 1
                first += not was_answered
                was_answered, open_turn = True, False
            elif kind == "Correspond":
                by_customers += 1
                open_turn = True
            elif kind == "Status":
                shut += value == "resolved"
                reopened += value == "open" and status == "resolved"
                resolved += value == "resolved" and not was_solved
                was_solved = was_solved or value == "resolved"
                open_turn = open_turn and value != "resolved"
                status = value
        waiting += open_turn
    assert found["volume"]["conversations"] == created
    assert found["volume"]["customer_messages"] == created + by_customers
    assert found["volume"]["people"] == answers
    assert found["first_response"]["n"] == first
    assert (found["solved"], found["reopened"], found["resolution"]["n"]) == (shut, reopened, resolved)
    assert found["waiting"]["n"] == waiting
    assert found["backlog"]["end"] == created - shut + reopened
