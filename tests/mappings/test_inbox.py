"""Payloads are kept in order, however many come at a time; what is read again and again is written once."""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import Row, insert, select, text

from mappings import inbox
from mappings.sql import table
from mappings.store import Store, Tx
from mappings.tables import Inbox

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    store = Store(database_url)
    store.open()
    yield store
    store.close()


def raw(key: str, payload: str = "x", account: str = "shop") -> inbox.RawRow:
    return (account, key, payload.encode(), NOW)


def rows(tx: Tx) -> list[Row[Any]]:
    kept = table(Inbox)
    return list(tx.execute(select(kept).order_by(kept.c.id)))


def route(tx: Tx, key: str) -> None:
    inbox.finish_raws(tx, [row.id for row in rows(tx) if row.key == key and row.state == "ready"], NOW)


def quarantine(tx: Tx, key: str) -> None:
    (one,) = [row.id for row in rows(tx) if row.key == key]
    inbox.quarantine_raw(tx, one, "cannot be read", NOW)


@pytest.mark.parametrize("count", [1, 2, 3, 63, 64, 65, 200])
def test_many_at_once_are_as_one_after_the_other(store: Store, count: int) -> None:
    """Repeats are kept as well: the first of them, which was told that it arrived, is never behind another."""
    given = [raw(f"key {number // 2}", f"payload {number}") for number in range(count)]
    store.run(inbox.keep_raws, given[: count // 3])
    assert store.run(inbox.keep_raws, given) == count
    found = store.run(rows)
    assert [(row.key, row.payload) for row in found] == [one[1:3] for one in [*given[: count // 3], *given]]
    assert {(row.account, row.state, row.tries, row.received_at) for row in found} == {("shop", "ready", 0, NOW)}
    ready = store.run(inbox.ready_raws, "shop", 500)
    assert [row.id for row in ready] == [row.id for row in found] and {row.known for row in ready} == {None}


def test_what_is_ready_is_known_by_what_was_routed(store: Store) -> None:
    for key in ("done", "quarantined", "dropped", "forgotten", "replayed", "ready", "waiting"):
        store.run(inbox.keep_raws, [raw(key)])
    store.run(inbox.keep_raws, [raw("ready", account="desk"), raw("done", account="desk")])
    firsts = {(row.account, row.key): row.id for row in store.run(rows)}
    store.run(inbox.delay_raw, firsts["shop", "waiting"], NOW + timedelta(seconds=2), 1)
    for key in ("done", "forgotten"):
        store.run(route, key)
    for key in ("quarantined", "dropped", "replayed"):
        store.run(quarantine, key)
    store.run(inbox.drop_raws, [firsts["shop", "dropped"]])
    store.run(inbox.replay_raws, [firsts["shop", "replayed"]])
    store.run(inbox.forget_payloads, NOW + timedelta(days=20))
    store.run(inbox.keep_raws, [*(raw(key) for account, key in firsts if account == "shop"), raw("new")])
    last = {row.key: row.known for row in store.run(inbox.ready_raws, "shop", 50)}  # the later of two by the same key
    routed = ("done", "quarantined", "dropped", "forgotten")
    assert last == {
        **{key: firsts["shop", key] for key in routed},
        **dict.fromkeys(("replayed", "ready", "waiting", "new")),
    }
    assert [row.key for row in store.run(inbox.ready_raws, "shop", 3)] == ["replayed", "ready", "waiting"], (
        "the first of them before all repeats"
    )


def test_a_key_is_routed_once_or_not_at_all(store: Store) -> None:
    """Should a router ever take a repeat for new, the database refuses all that it did."""
    store.run(inbox.keep_raws, [raw("a"), raw("a")])
    with pytest.raises((sqlite3.IntegrityError, psycopg.errors.UniqueViolation)):
        store.run(route, "a")
    assert {row.state for row in store.run(rows)} == {"ready"}


def test_what_is_removed_is_a_repeat_that_was_not_routed(store: Store) -> None:
    store.run(inbox.keep_raws, [raw("a"), raw("b"), raw("b")])
    store.run(route, "a")
    first, second, third = [row.id for row in store.run(rows)]
    store.run(inbox.remove_raws, [first, third])
    assert [row.id for row in store.run(rows)] == [first, second]
    store.run(inbox.remove_raws, [])
    assert len(store.run(rows)) == 2


def test_a_page_that_was_read_before_writes_what_is_new(store: Store) -> None:
    page = [raw(key) for key in ("done", "quarantined", "forgotten", "waiting", "ready")]
    assert store.run(inbox.keep_new_raws, "shop", page) == 5
    for act, key in ((route, "done"), (route, "forgotten"), (quarantine, "quarantined")):
        store.run(act, key)
    store.run(inbox.forget_payloads, NOW + timedelta(days=20))
    (waiting,) = [row.id for row in store.run(rows) if row.key == "waiting"]
    store.run(inbox.delay_raw, waiting, NOW + timedelta(seconds=2), 1)
    before = store.run(rows)
    assert store.run(inbox.keep_new_raws, "shop", page) == 0
    assert store.run(rows) == before
    more = [raw("new 2", "first"), *page, raw("new 1"), raw("new 2", "second")]
    assert store.run(inbox.keep_new_raws, "shop", more) == 2
    assert [(row.key, row.payload) for row in store.run(rows)[5:]] == [("new 2", b"first"), ("new 1", b"x")]
    assert store.run(inbox.keep_new_raws, "desk", [raw(one[1], account="desk") for one in page]) == 5, (
        "an other account"
    )
    assert store.run(inbox.keep_new_raws, "shop", []) == 0


def test_a_page_may_be_long(store: Store) -> None:
    page = [raw(f"key {number}") for number in range(5000)]
    assert store.run(inbox.keep_new_raws, "shop", page[:4000]) == 4000
    assert store.run(inbox.keep_new_raws, "shop", page) == 1000


def test_what_is_not_routed_is_counted_by_account(store: Store) -> None:
    store.run(inbox.keep_raws, [raw("a"), raw("a"), raw("b"), raw("c"), raw("a", account="desk")])
    store.run(quarantine, "b")
    store.run(route, "c")
    assert store.run(inbox.count_raws) == {("shop", "ready"): 2, ("shop", "quarantined"): 1, ("desk", "ready"): 1}


def test_keys_are_forgotten_with_what_was_routed_by_them(store: Store) -> None:
    store.run(inbox.keep_raws, [raw("a")])
    store.run(route, "a")
    assert store.run(inbox.forget_keys, NOW + timedelta(days=91)) == 1
    store.run(inbox.keep_raws, [raw("a")])
    assert [row.known for row in store.run(inbox.ready_raws, "shop", 50)] == [None]


def test_payloads_of_an_id_are_found_however_old_they_are(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.run(
        inbox.keep_raws, [raw("message:7"), raw("message:17"), raw("7", account="desk"), raw("other"), raw("z:%")]
    )
    first, _, third, other, _ = [row.id for row in store.run(rows)]

    def found(text: str, known: Sequence[int] = (), **more: Any) -> tuple[list[int], bool]:
        rows, since = store.run(lambda tx: inbox.find_raws(tx, text, known, **more))
        return [row.id for row in rows], since is None

    monkeypatch.setattr(inbox, "_PIECE", 2)
    for made in (lambda: None, lambda: store.run(route, "message:7"), lambda: store.run(quarantine, "7")):
        made()
        assert found("7", [other]) == ([other, third, first], True)
    assert found("7", limit=2)[0] == [third, first], "as many as are asked for"
    store.run(route, "other")
    assert found("other", seconds=0.0) == ([other], False), "a whole key has an index"
    assert found("7", seconds=0.0) == ([third], False), "and what is quarantined; else it is said how far it was looked"
    assert found("7", [first], seconds=0.0) == ([third, first], False)


ROUTED, READY = 20_000, 3_000


def test_keys_are_looked_up_and_never_read_through(store: Store) -> None:
    """With many rows, whether the database has counted them or not, and also by a plan that is made for any values."""
    store.run(fill, 0, ROUTED, "done")
    store.run(fill, ROUTED, ROUTED + READY, "ready")
    for analysed in (False, True):
        if analysed:
            store.run(lambda tx: tx.execute(text("ANALYZE inbox")))
        for plan in store.run(plans):
            assert "inbox_once" in plan and "inbox_ready" in plan, plan
            assert not re.search("SCAN inbox|SCAN once|Seq Scan", plan), plan


def fill(tx: Tx, low: int, high: int, state: str) -> None:
    kept = table(Inbox)
    row = {"account": "shop", "payload": b"x", "received_at": NOW, "state": state, "error": ""}
    tx.execute(insert(kept), [{**row, "key": f"key {number}"} for number in range(low, high)])


def plans(tx: Tx) -> list[str]:
    """Of the two statements that look for keys."""
    ready = inbox._READY._for(tx, {"account": "shop", "most": 16})
    page = inbox._known_among("shop", [f"key {number}" for number in range(0, ROUTED + READY, 500)])
    page_sql = str(page.compile(dialect=tx.dialect, compile_kwargs={"literal_binds": True}))
    if tx.dialect.name == "sqlite":
        return [
            explained(tx, f"EXPLAIN QUERY PLAN {ready.sql}", *ready.bind(("shop", 16))),
            explained(tx, f"EXPLAIN QUERY PLAN {page_sql}"),
        ]
    tx.exec_driver_sql(f"PREPARE ready AS {ready.sql}".replace("%(account)s", "$1").replace("%(most)s", "$2"))
    found = []
    for mode in ("force_custom_plan", "force_generic_plan"):
        tx.exec_driver_sql(f"SET LOCAL plan_cache_mode = {mode}")
        found.append(explained(tx, "EXPLAIN EXECUTE ready('shop', 16)"))
    tx.exec_driver_sql("DEALLOCATE ready")
    return [*found, explained(tx, f"EXPLAIN {page_sql}")]


def explained(tx: Tx, statement: str, *values: Any) -> str:
    return "\n".join(str(row[-1]) for row in tx.exec_driver_sql(statement, values))
