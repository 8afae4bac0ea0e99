"""PostgreSQL's tables written anew: what holds that up is tried again, and what stays as it was is named."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from mappings import compaction, rewriting
from mappings.store import Store

NOW = datetime(2026, 11, 30, tzinfo=UTC)
pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    made = Store(database_url)
    made.open()
    yield made
    made.close()


async def test_who_reads_what_was_erased_holds_it_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewriting, "_PATIENCE", 0.2)
    cleaning = compaction.Compaction(store)
    plain = store.url.set(drivername="postgresql").render_as_string(hide_password=False)
    await store.write(compaction.wish, NOW)
    with psycopg.connect(plain) as reader:  # a dump, say
        reader.execute("SELECT count(*) FROM inbox")
        await cleaning.tick()
        assert await store.read(compaction.is_wished), "it is tried again"
    await cleaning.tick()
    assert not await store.read(compaction.is_wished) and cleaning.left == []


async def test_a_wish_that_comes_meanwhile_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    rewrite = compaction.rewrite_tables

    def meanwhile(of: Store) -> rewriting.Rewritten:
        of.run(compaction.wish, NOW + timedelta(seconds=1))
        return rewrite(of)

    monkeypatch.setattr(compaction, "rewrite_tables", meanwhile)
    await store.write(compaction.wish, NOW)
    await compaction.Compaction(store).tick()
    assert await store.read(compaction.is_wished)


async def test_what_is_too_large_is_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewriting, "LARGEST", 0)
    cleaning = compaction.Compaction(store)
    await store.write(compaction.wish, NOW)
    await cleaning.tick()
    assert {"inbox", "outbox", "waiting"} <= set(cleaning.left) and not await store.read(compaction.is_wished)
