"""The console's questions find their rows by an index, as they are really sent: none walks through a large table."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from psycopg import RawCursor
from sqlalchemy import create_engine, text

from bridge.console.views.figures import read_page
from bridge.figures.period import period
from bridge.figures.report import read_report
from mappings import (
    callbacks,
    causes,
    changes,
    console,
    conversations,
    facts,
    figure_spans,
    figures,
    history,
    inbox,
    inspection,
    links,
    overview,
    replays,
    search,
    shop,
    state,
)
from mappings.causes import Cause
from mappings.conversations import Filters
from mappings.store import Tx
from tests.databases import sqlite_database
from tests.mappings.test_plans import sent_by

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
LARGE = (
    "outbox",
    "inbox",
    "link",
    "message_ref",
    "identity",
    "attempt",
    "person",
    "fact",
    "turn",
    "episode",
    "measure",
)
FEW = (
    "outbox_due",
    "outbox_lane",
    "outbox_failed",
    "inbox_ready",
    "inbox_quarantined",
    "link_warn",
    "turn_waiting",
)  # of some rows only
ACCOUNTS = ["shop", "desk"]


def _asked(tx: Tx) -> Any:
    """A message of the shop's that became no step yet."""
    return tx.execute(text("SELECT NULL AS step_id, 1 AS link_id, 'x' AS message_id")).one()


QUESTIONS: dict[str, Callable[[Tx], Any]] = {
    "stamps": changes.stamps,
    "counts of steps": inspection.count_steps,
    "counts of payloads": inbox.count_raws,
    "oldest waiting": overview.oldest_waiting,
    "next attempts": overview.next_attempts,
    "parked": overview.parked_counts,
    "tried": overview.tried_steps,
    "ending": overview.ending_links,
    "latest": lambda tx: conversations.latest(tx, Filters()),
    "latest, filtered, further back": lambda tx: conversations.latest(
        tx, Filters("shop", "desk", "open", "p"), before=9
    ),
    "troubled": lambda tx: conversations.troubled(tx, Filters()),
    "troubles": lambda tx: conversations.troubles(tx, [1, 2]),
    "last words": lambda tx: conversations.last_words(tx, [1, 2]),
    "by ids": lambda tx: conversations.by_ids(tx, [1, 2]),
    "links of a conversation": lambda tx: links.conversation_links(tx, "shop", "c"),
    "of a person": lambda tx: conversations.of_person(tx, 1),
    "named": lambda tx: search.named(tx, "s12", ACCOUNTS),
    "accounts": search.accounts_known,
    "steps of a page": lambda tx: inspection.latest_steps(tx, 1, before=9),
    "arrivals": lambda tx: inspection.arrivals_of(tx, 1, [1, 2]),
    "causes": causes.groups,
    "a piece of a cause": lambda tx: causes.piece(tx, Cause("shop", "failed", "E7", ""), 0),
    "a piece of what is unreadable": lambda tx: causes.piece(tx, Cause("shop", "quarantined", "", ""), 0),
    "replays": replays.is_running,
    "session": lambda tx: console.session_and_user(tx, "x"),
    "audit": state.audits,
    "refused": lambda tx: callbacks.last_refused(tx, "shop", NOW),
    "received": lambda tx: inbox.last_raws(tx, "shop"),
    "a message by its id": lambda tx: links.find_refs(tx, "x"),
    "payloads by an id": lambda tx: inbox.find_raws(tx, "x"),
    "where a message of the shop's is": lambda tx: shop.where_is(tx, _asked(tx)),
    "figures of a year": lambda tx: read_page(tx, period("365d", "", ZONE, NOW), NOW),
    "figures of a week": lambda tx: read_page(tx, period("7d", "", ZONE, NOW), NOW),
    "figures by agent": lambda tx: read_report(tx, period("7d", "", ZONE, NOW), NOW, "agent"),
    "facts that are kept no longer": lambda tx: facts.links_before(tx, NOW),
    "an hour's openings": lambda tx: figures.shifts_between(tx, NOW, NOW),
    "an hour's facts": lambda tx: figures.facts_between(tx, NOW, NOW),
    "entries of the newest": lambda tx: history.entries_since(tx, NOW, among=20_000),
    "openings beside": lambda tx: figure_spans.openings_beside(tx, [1]),
}


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Tx]:
    sqlite_database(tmp_path)
    engine = create_engine(f"sqlite:///{tmp_path}/bridge.db")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


# bounded by their own words, in the order of a key: a piece of the table, never all of it
BOUNDED: dict[str, Callable[[Tx], Any]] = {
    "called": lambda tx: search.called(tx, "anna"),
    "said": lambda tx: search.said(tx, "hello"),
}


# the newest of all, in the order of their key, with an end
WINDOWS = {
    "latest": "SCAN message_ref",
    "latest, filtered, further back": "SCAN message_ref",
    "entries of the newest": "SCAN link",
}


def scans(tx: Tx, statement: str, values: Any) -> list[str]:
    """Large tables that a statement walks through, and indexes that SQLite would have to make for it."""
    plan = [row[3] for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    return [
        line
        for line in plan
        if (line.startswith("SCAN ") and line.split()[1] in LARGE and line.rpartition(" ")[2] not in FEW)
        or ("AUTOMATIC" in line and any(line.split()[1] == name for name in LARGE))
    ]


@pytest.mark.parametrize("name", [*QUESTIONS, *BOUNDED])
def test_no_question_walks_through_a_large_table(tx: Tx, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for statement, values in sent_by((QUESTIONS | BOUNDED)[name], tx, monkeypatch):
        found = scans(tx, statement, values)
        if name in WINDOWS and "LIMIT" in statement:
            found = [line for line in found if line != WINDOWS[name]]
        assert not found, statement


def test_a_walk_is_noticed(tx: Tx) -> None:
    for statement in (
        "SELECT count(*) FROM outbox WHERE state IN ('ready', 'parked', 'failed', 'unconfirmed', 'dead')",
        "SELECT id FROM link WHERE ticket = '1'",
        "SELECT link_id FROM message_ref WHERE message_id = 'x'",
    ):
        assert scans(tx, statement, ()), statement


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_no_question_walks_through_a_large_table_of_postgresql(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With walks made dear, the planner takes one only where no index can answer."""
    engine = create_engine(database_url)
    walks: dict[str, list[str]] = {}
    with engine.connect() as tx:
        tx.exec_driver_sql("SET enable_seqscan = off")
        assert _walks(tx, "SELECT count(*) FROM outbox WHERE error = 'x'", ()), "a walk is noticed"
        for name, ask in (QUESTIONS | BOUNDED).items():
            with monkeypatch.context() as patch:
                sent = sent_by(ask, tx, patch)
            for statement, values in sent:
                found = _walks(tx, statement, values)
                if found:
                    walks[name] = [*walks.get(name, []), *found]
    engine.dispose()
    assert walks == {}


def _walks(tx: Tx, statement: str, values: Any) -> list[str]:
    if "$1" in statement:  # a prepared one, as it goes to the driver
        rows: Any = RawCursor(tx.connection.driver_connection).execute(f"EXPLAIN {statement}", values)
    else:
        rows = tx.exec_driver_sql(f"EXPLAIN {statement}", values)
    lines = [str(row[0]) for row in rows]
    return [line.strip() for line in lines if any(f"Seq Scan on {name} " in line for name in LARGE)]
