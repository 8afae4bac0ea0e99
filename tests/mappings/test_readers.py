"""What reads sees what is there now, and all of it at one moment."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from mappings import links
from mappings.sql import table
from mappings.store import Store, Tx
from mappings.tables import Person

NOW = datetime(2026, 1, 1, tzinfo=UTC)
_READERS = 8  # more than there are connections


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    store = Store(database_url)
    store.open()
    yield store
    store.close()


def _begin(tx: Tx) -> int:
    person = tx.execute(table(Person).insert().values(created_at=NOW)).inserted_primary_key
    assert person is not None
    ends: dict[str, Any] = {"channel": "shop", "conversation": "anna", "desk": "desk", "state": "open"}
    return int(links.add_link(tx, person_id=person[0], created_at=NOW, touched_at=NOW, **ends).id)


async def test_a_change_is_seen_by_every_reader(store: Store) -> None:
    """A reader's connection is lent again and again: what one reading knew by heart is nothing to the next."""
    link = await store.write(_begin)

    async def seen() -> set[str]:
        found = await asyncio.gather(*(store.read(lambda tx: links.get_link(tx, link)) for _ in range(_READERS)))
        return {row.held_by for row in found}

    assert await seen() == {""}
    for who in ("Ada", "", "Ben"):
        await store.write(links.change_link, link, held_by=who)
        for _ in range(3):
            assert await seen() == {who}


async def test_a_reading_sees_one_moment(store: Store) -> None:
    link = await store.write(_begin)
    loop = asyncio.get_running_loop()

    def twice(tx: Tx) -> tuple[str, str]:
        held = text("SELECT held_by FROM link WHERE id = :id")
        first = tx.execute(held, {"id": link}).scalar_one()
        change = lambda tx: links.change_link(tx, link, held_by="Ada")  # noqa: E731
        asyncio.run_coroutine_threadsafe(_written(store, change), loop).result(10)
        return str(first), str(tx.execute(held, {"id": link}).scalar_one())

    if store.sqlite:
        assert await store.read(twice) == ("", "")


async def _written(store: Store, change: Any) -> None:
    await store.write(change)
