"""How many statements a message costs: counted, not timed, so that later work cannot add some without a word.

What sixteen messages need is what two need: people, links, messages and steps are read and written as sets.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from bridge.app import Bridge
from bridge.contract import Receipt
from bridge.engine.context import Runtime, Work
from bridge.engine.inbound.routing import route_batch
from bridge.engine.outbound.claims import ClaimBudget, Claims
from bridge.engine.outbound.interfaces import Interfaces
from bridge.engine.outbound.settling import Entry, Group, Settling
from bridge.engine.outbound.success import accept
from mappings import attempts, deferred, inbox, prepared, sets
from mappings.store import Store, Tx
from tests.engine.engine_harness import Scene

# statements, at most, however many messages: on SQLite; PostgreSQL reads again what it had to wait for
MOST = {"route": (8, 10), "claim": (7, 9), "mark": (2, 2), "settle": (5, 5)}
ANSWERED = 8


class Statements:
    """All that are sent to the database from now on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[str] = []
        send, past, take = deferred.send, deferred.send_past, deferred._take

        def note(tx: Tx, sql: str, values: Any) -> Any:
            self.sent.append(sql)
            return send(tx, sql, values)

        def note_past(tx: Tx, sql: str, values: Any) -> Any:
            self.sent.append(sql)
            return past(tx, sql, values)

        def note_waiting(tx: Tx) -> Any:
            waiting = take(tx)
            self.sent += [sql for sql, _ in waiting]
            return waiting

        monkeypatch.setattr(prepared, "send", note)
        monkeypatch.setattr(prepared, "send_past", note_past)
        monkeypatch.setattr(sets, "send", note)
        monkeypatch.setattr(deferred, "_take", note_waiting)
        event.listen(Engine, "before_cursor_execute", self._note)

    def _note(self, _tx: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.sent.append(statement)

    def close(self) -> None:
        event.remove(Engine, "before_cursor_execute", self._note)

    def drawn(self) -> list[str]:
        """Those since the last time."""
        sent, self.sent[:] = list(self.sent), []
        return sent


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[Statements]:
    found = Statements(monkeypatch)
    yield found
    found.close()


class Line:
    """The way of messages through one bridge whose loops do not run: a transaction for each step of it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.bridge: Bridge = scene.build()
        self.store: Store = self.bridge.store
        self.runtime: Runtime = self.bridge.runtime
        self.store.open()
        self.accounts = {name: Claims(self.runtime, name, "test", lambda: False) for name in ("desk", "shop")}
        self.settling = Settling(self.store, self.runtime, lambda _effects: None)

    def keep(self, customers: int, text: str) -> None:
        raws = [self.scene.vendors.customer_message(f"c{number}", text) for number in range(customers)]
        self.store.run(inbox.keep_raws, [("shop", raw.key, raw.payload, self.scene.clock()) for raw in raws])

    def keep_echoes(self, rows: list[Any]) -> None:
        """What the bridge wrote on tickets comes back, under ids that no receipt named."""
        raws = []
        for row in rows:
            where = {"ticket": f"t{row.link_id}", "id": f"echo {row.key}"}
            said = {"type": "message", **where, "text": "hello", "private": False, "origin": row.key}
            raws.append(("desk", said["id"], json.dumps(said).encode(), self.scene.clock()))
        self.store.run(inbox.keep_raws, raws)

    def keep_answers(self, tickets: int, text: str) -> None:
        """An agent wrote on so many tickets."""
        raws = []
        for number in range(1, tickets + 1):
            said = {"type": "message", "ticket": f"t{number}", "id": f"{text}-{number}", "text": text, "private": False}
            raws.append(("desk", said["id"], json.dumps(said).encode(), self.scene.clock()))
        self.store.run(inbox.keep_raws, raws)

    def route(self, account: str = "shop") -> int:
        def run(tx: Tx) -> int:
            work = Work(tx, self.runtime, self.runtime.now())
            route_batch(work, account, limit=16)
            return work.effects.done

        return self.store.run(run)

    def claim(self, steps: int, account: str = "desk") -> list[Any]:
        budget = ClaimBudget(steps, 0, rested=False)
        found = self.store.run(lambda tx: self.accounts[account].claim(tx, budget, [], Interfaces(), careful=False))
        return [row for row, _, _ in found.steps]

    def together(self, rows: list[Any], act: Any, *, ends: bool) -> None:
        loop = asyncio.new_event_loop()

        def settled(row: Any) -> Callable[[Work], Any]:
            return lambda work: act(work, row)

        entries = [Entry(row, settled(row), loop.create_future(), ends=ends) for row in rows]
        self.store.run(self.settling._settle, Group(lambda: entries))
        loop.close()

    def mark(self, rows: list[Any]) -> None:
        self.together(
            rows,
            lambda work, row: attempts.begin_attempt(work.tx, row.id, row.lease, work.now, work.now + timedelta(60)),
            ends=False,
        )

    def settle(self, rows: list[Any]) -> None:
        def act(work: Work, row: Any) -> None:
            accept(work, row, Receipt(ids=(f"x{row.id}",), conversation=f"t{row.link_id}"))

        self.together(rows, act, ends=True)


@pytest.fixture
def line(scene: Scene) -> Iterator[Line]:
    made = Line(scene)
    yield made
    made.store.close()


def test_sixteen_messages_cost_as_many_statements_as_two(line: Line, statements: Statements) -> None:
    line.keep(16, "hello")
    assert line.route() == 16
    for _ in range(2):  # everybody has a ticket
        rows = line.claim(8)
        line.mark(rows)
        line.settle(rows)
    found: dict[int, dict[str, list[str]]] = {}
    for count in (1, 2, 8, 16):
        sent = found[count] = {}
        line.keep(count, f"again {count}")
        statements.drawn()
        assert line.route() == count
        sent["route"] = statements.drawn()
        rows = line.claim(16)
        sent["claim"] = statements.drawn()
        assert len(rows) == count
        line.mark(rows)
        sent["mark"] = statements.drawn()
        line.settle(rows)
        sent["settle"] = statements.drawn()
    for name, allowed in MOST.items():
        most = allowed[0 if line.store.sqlite else 1]
        counts = {count: len(sent[name]) for count, sent in found.items()}
        assert len(set(counts.values())) == 1, (name, counts)
        assert counts[16] <= most, (name, found[16][name])


def test_sixteen_first_messages_are_sets_but_for_who_they_are_of(line: Line, statements: Statements) -> None:
    """Person, identity and link of each are one statement, because the next needs its id; tickets and echoes are sets."""
    found: dict[int, dict[str, list[str]]] = {}
    for count in (2, 16):
        sent = found[count] = {}
        raws = [line.scene.vendors.customer_message(f"new {count} {number}", "hello") for number in range(count)]
        line.store.run(inbox.keep_raws, [("shop", raw.key, raw.payload, line.scene.clock()) for raw in raws])
        statements.drawn()
        assert line.route() == count
        sent["route"] = statements.drawn()
        rows = line.claim(16)
        assert len(rows) == count
        line.mark(rows)
        statements.drawn()
        line.settle(rows)
        sent["tickets"] = statements.drawn()
        line.keep_echoes(rows)
        statements.drawn()
        assert line.route("desk") == count
        sent["echoes"] = statements.drawn()
    counts = {name: (len(found[2][name]), len(found[16][name])) for name in found[2]}
    assert counts["route"][1] - counts["route"][0] == 3 * 14, found[16]["route"]
    assert counts["tickets"][0] == counts["tickets"][1] <= 9, found[16]["tickets"]
    assert counts["echoes"][0] == counts["echoes"][1] <= 8, found[16]["echoes"]


def test_facts_travel_together(scene: Scene, statements: Statements) -> None:
    """What messages are about is one statement for all of them; the others are read from the logs, later."""
    scene.options["topics"] = [{"name": "parcel", "words": ["parcel"]}, {"name": "refund", "words": ["refund"]}]
    line = Line(scene)
    try:
        line.keep(16, "hello")
        line.route()
        for _ in range(2):  # everybody has a ticket
            rows = line.claim(8)
            line.mark(rows)
            line.settle(rows)
        counts = {}
        for count, text in ((2, "where is it?"), (16, "my parcel"), (16, "my parcel, or a refund")):
            line.keep(count, text)
            statements.drawn()
            assert line.route() == count
            counts[text] = statements.drawn()
        assert [sum("fact" in sql for sql in sent) for sent in counts.values()] == [0, 1, 1]
    finally:
        line.store.close()


def test_sixteen_answers_are_settled_with_as_many_statements_as_two(line: Line, statements: Statements) -> None:
    """Whether agents believe that answers of a conversation wait is asked once, for all that were accepted."""
    line.keep(16, "hello")
    assert line.route() == 16
    for _ in range(2):
        rows = line.claim(8)
        line.mark(rows)
        line.settle(rows)
    found: dict[int, list[str]] = {}
    for count in (2, 16):
        line.keep_answers(count, f"answer {count}")
        assert line.route("desk") == count
        rows = line.claim(16, "shop")
        assert len(rows) == count
        line.mark(rows)
        statements.drawn()
        line.settle(rows)
        found[count] = statements.drawn()
    assert len(found[2]) == len(found[16]) <= ANSWERED, found[2]
    assert sum("notice" in sql for sql in found[16]) == 1
