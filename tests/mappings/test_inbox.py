"""Payloads are kept once and in order, however many come at a time."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from mappings import inbox
from mappings.schema import migrate
from mappings.sql import table
from mappings.store import Store
from mappings.tables import Inbox

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@pytest.fixture
def store(database_url: str) -> Any:
    store = Store(database_url)
    store.open()
    migrate(store)
    yield store
    store.close()


@pytest.mark.parametrize("count", [1, 2, 3, 63, 64, 65, 200])
def test_many_at_once_are_as_one_after_the_other(store: Store, count: int) -> None:
    rows = [("shop", f"key {number // 2}", f"payload {number}".encode(), NOW) for number in range(count)]
    store.run(inbox.keep_raws, rows[: count // 3])
    store.run(inbox.keep_raws, rows)
    kept = table(Inbox)
    found = store.run(lambda tx: tx.execute(select(kept).order_by(kept.c.id)).all())
    assert [row.key for row in found] == [f"key {number}" for number in range((count + 1) // 2)]
    assert [row.payload for row in found] == [f"payload {number}".encode() for number in range(0, count, 2)], (
        "the first"
    )
    assert {(row.account, row.state, row.tries, row.received_at) for row in found} == {("shop", "ready", 0, NOW)}
