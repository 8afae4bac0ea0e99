"""A database with a past is brought to the newest revision, and back, with all that it holds."""

from datetime import UTC, datetime
from typing import Any

import pytest
from alembic import command
from sqlalchemy import inspect, text

from mappings import inbox, upgrade
from mappings.schema import HEAD, migrate, revision_of
from mappings.store import Store, Tx

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

PAST = [
    (2, "shop", "a", b"\x00one", "ready", None, 0, "", None),
    (3, "shop", "b", b"two", "ready", "2026-01-05 09:00:00.000000", 7, "", None),
    (5, "shop", "c", b"three", "quarantined", None, 0, "cannot be read", "2026-01-04 09:00:00.123456"),
    (6, "shop", "d", b"four", "done", None, 1, "", "2026-01-04 09:00:00.123456"),
    (7, "desk", "d", None, "done", None, 0, "", "2025-12-04 09:00:00.123456"),
    (9, "desk", "a", b"", "done", None, 0, "dropped", "2025-12-04 09:00:00.123456"),
]


def to(store: Store, revision: str) -> None:
    """As `upgrade` does it, to any revision."""
    config = upgrade._config()
    with store.engine.connect() as tx:
        config.attributes["connection"] = tx
        before = revision_of(store)
        (command.upgrade if before is None or before < revision else command.downgrade)(config, revision)
        tx.commit()


def fill(tx: Tx) -> None:
    names = ("id", "account", "key", "payload", "state", "due_at", "tries", "error", "done_at")
    values = ", ".join(f":{name}" for name in names)
    for row in PAST:
        tx.execute(
            text(
                f"INSERT INTO inbox ({', '.join(names)}, received_at) VALUES ({values}, '2026-01-04 08:00:00.000001')"
            ),
            dict(zip(names, row, strict=True)),
        )
    if tx.dialect.name == "postgresql":
        tx.execute(text("SELECT setval('inbox_id_seq', 9)"))


def content(tx: Tx) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in tx.execute(text("SELECT * FROM inbox ORDER BY id"))]


def shape(tx: Tx) -> dict[str, Any]:
    """All that the database says of the table, its own names for what has none left out."""
    seen, where = inspect(tx), f"{tx.dialect.name}_where"
    return {
        "columns": [{**one, "type": str(one["type"])} for one in seen.get_columns("inbox")],
        "key": seen.get_pk_constraint("inbox")["constrained_columns"],
        "unique": [one["column_names"] for one in seen.get_unique_constraints("inbox")],
        "indexes": sorted(
            (
                one["name"] or "",
                one["column_names"],
                bool(one["unique"]),
                str(one.get("dialect_options", {}).get(where)),
            )
            for one in seen.get_indexes("inbox")
        ),
    }


def test_what_came_in_before_is_there_and_known_after(store: Store) -> None:
    to(store, "0001")
    first = store.run(shape)
    store.run(fill)
    past = store.run(content)
    assert migrate(store) == ("0001", HEAD)
    assert store.run(content) == past
    there = store.run(shape)
    assert (there["columns"], there["key"]) == (first["columns"], first["key"])
    assert first["unique"] == [["account", "key"]] and there["unique"] == []
    (once,) = [one for one in there["indexes"] if one not in first["indexes"]]
    assert once[:3] == ("inbox_once", ["account", "key"], True) and "<> 'ready'" in once[3]
    store.run(inbox.keep_raws, [("shop", key, b"again", NOW) for key in "abcde"])
    ready = store.run(inbox.ready_raws, "shop", 50)
    assert [(row.id, row.key, row.known) for row in ready] == [
        (2, "a", None), (3, "b", None), (10, "a", None), (11, "b", None), (12, "c", 5), (13, "d", 6), (14, "e", None),
    ]  # fmt: skip

    to(store, "0001")
    assert store.run(shape) == first
    assert store.run(content)[:-1] == past, "repeats are gone"
    assert store.run(content)[-1][:3] == (14, "shop", "e")
    assert migrate(store) == ("0001", HEAD)
    assert store.run(shape) == there and len(store.run(content)) == len(past) + 1


def test_an_empty_database_is_as_one_that_was_brought_up_to_date(store: Store) -> None:
    migrate(store)
    fresh = store.run(shape)
    to(store, "0001")
    to(store, HEAD)
    assert store.run(shape) == fresh


def test_a_start_that_dies_on_the_way_has_changed_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    to(store, "0001")
    store.run(fill)
    past, first = store.run(content), store.run(shape)
    with monkeypatch.context() as patched:
        where = "alembic.ddl.impl.DefaultImpl" if store.sqlite else "alembic.ddl.postgresql.PostgresqlImpl"
        patched.setattr(f"{where}.create_index", _die)
        with pytest.raises(RuntimeError, match="dies"):
            migrate(store)
    assert (store.run(content), store.run(shape), revision_of(store)) == (past, first, "0001")
    assert migrate(store) == ("0001", HEAD)
    assert store.run(content) == past


def _die(*_: Any, **__: Any) -> None:
    """The old table, or its constraint, is gone by now."""
    raise RuntimeError("dies")
