"""The hot statements find their rows by an index, as they are really sent: with the values the bridge binds."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event

from mappings import attempts, inbox, links, media, outbox, prepared, waiting
from mappings.store import Tx
from tests.databases import sqlite_database

NOW = datetime(2026, 1, 1, tzinfo=UTC)

HOT: dict[str, tuple[Callable[[Tx], Any], str]] = {
    "claim": (
        lambda tx: outbox.claim(tx, "desk", NOW, 50, lease="x", lease_until=NOW + timedelta(minutes=1)),
        "outbox_due",
    ),
    "lost": (lambda tx: outbox.lost_steps(tx, NOW), "outbox_due"),
    "unpark": (lambda tx: outbox.unpark(tx, 4, NOW), "outbox_lane"),
    "in flight": (lambda tx: outbox.in_flight(tx, 4), "outbox_lane"),
    "idle lanes": (lambda tx: waiting.idle_lanes(tx, "desk", NOW, 50), "waiting_free"),
    "touched": (lambda tx: links.lock_touched(tx, "wx", ["anna"]), "link_open"),
    "held of those": (lambda tx: links.lock_touched(tx, "wx", ["anna"]), "outbox_lane"),
    "followed": (lambda tx: attempts.is_followed(tx, 4), "outbox_lane"),
    "held": (lambda tx: links.anything_held(tx, 1), "outbox_lane"),
    "open link": (lambda tx: links.open_link(tx, "wx", "anna"), "link_open"),
    "ready": (lambda tx: inbox.ready_raws(tx, "wx", 50), "inbox_ready"),
    "repeats": (lambda tx: inbox.ready_raws(tx, "wx", 50), "inbox_once"),
    "page": (lambda tx: inbox.keep_new_raws(tx, "wx", [("wx", "a", b"", NOW), ("wx", "b", b"", NOW)]), "inbox_once"),
    "waiting": (inbox.count_raws, "inbox_ready"),
    "quarantined": (inbox.quarantined, "inbox_quarantined"),
    "wanted": (lambda tx: media.claim_media(tx, NOW, NOW + timedelta(minutes=1), 10), "media_wanted"),
}


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Tx]:
    sqlite_database(tmp_path)
    engine = create_engine(f"sqlite:///{tmp_path}/bridge.db")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def sent_by(act: Callable[[Tx], Any], tx: Tx, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """The statements of an act with their values."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        sent.append((statement, values))

    bind = prepared._Compiled.bind

    def note_prepared(compiled: prepared._Compiled, values: Any) -> Any:
        bound: Any = bind(compiled, values)
        sent.append((compiled.sql, bound if isinstance(bound, dict) else tuple(bound)))
        return bound

    monkeypatch.setattr(prepared._Compiled, "bind", note_prepared)
    event.listen(tx.engine, "before_cursor_execute", note)
    act(tx)
    event.remove(tx.engine, "before_cursor_execute", note)
    return sent


@pytest.mark.parametrize("name", HOT)
def test_a_hot_statement_uses_its_index(tx: Tx, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    act, index = HOT[name]
    statement, values = sent_by(act, tx, monkeypatch)[0]
    plan = [row[3] for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    assert any(index in line for line in plan), (statement, plan)
    full = [line for line in plan if line.startswith("SCAN outbox") and "INDEX" not in line]
    assert not full, plan


@pytest.mark.parametrize("name", HOT)
def test_words_that_decide_about_an_index_stand_in_the_statement(
    name: str, tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bound one makes SQLite prepare the statement anew for every value, wherever a partial index might serve."""
    for statement, _ in sent_by(HOT[name][0], tx, monkeypatch):
        assert not re.search(r"\.(held|state)\s*(=|!=|<>|IN)\s*\(?\?", statement), statement
