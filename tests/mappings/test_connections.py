"""A writer keeps its connection, and gets over a server that hung up."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from mappings import links, people, state
from mappings.store import Store, Tx

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def backend(tx: Tx) -> int:
    found: int = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
    return found


def hang_up(tx: Tx) -> None:
    tx.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                    "AND pid <> pg_backend_pid()"))  # fmt: skip


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_write_gets_over_a_server_that_hung_up(database_url: str) -> None:
    store, other = Store(database_url, writers=1), Store(database_url, writers=1)
    store.open()
    other.open()
    try:
        first = await store.write(backend)
        assert await store.write(backend) == first
        await other.write(hang_up)
        await store.write(state.pause, "desk", "told", NOW)
        assert set(await store.read(state.pauses)) == {"desk"}
        assert await store.write(backend) != first
    finally:
        other.close()
        store.close()


async def test_a_write_that_fails_leaves_nothing_and_the_next_works(database_url: str) -> None:
    store = Store(database_url, writers=1)
    store.open()

    def half(tx: Tx) -> Any:
        people.know(tx, "shop", "anna", "{}", "", NOW)
        return links.add_ref(tx, "shop", "m1", 77, NOW)  # there is no such link

    try:
        with pytest.raises(Exception, match=r"(?i)foreign key"):
            await store.write(half)
        known = await store.write(people.know, "shop", "anna", "{}", "", NOW)
        assert known.new
    finally:
        store.close()
