"""Why callbacks are refused: one line in the log per account and cause, and rows that other processes read."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from bridge.contract import Cause, Malformed, Unauthentic
from bridge.contract.errors import REMEDIES
from bridge.engine.callers import Callers
from bridge.testing.clock import VirtualClock
from mappings import callbacks
from mappings.schema import migrate
from mappings.store import Store


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    store = Store(database_url)
    store.open()
    migrate(store)
    yield store
    store.close()


def test_every_cause_has_a_remedy_in_both_languages() -> None:
    assert set(REMEDIES) == set(Cause)
    assert all(set(one) == {"en", "zh"} and all(one.values()) for one in REMEDIES.values())


async def test_a_flood_is_one_line_and_one_row(store: Store) -> None:
    clock = VirtualClock()
    callers = Callers(store, clock)
    with capture_logs() as lines:
        for _ in range(500):
            callers.refused("shop", Unauthentic("no", cause=Cause.CLOCK))
        callers.refused("shop", Unauthentic("no", cause=Cause.KEY))
        callers.refused("desk", Malformed("no"))
        callers.refused("shop", Unauthentic("no", cause=Cause.VISIT))
        await callers.write_down()
        await callers.write_down()
        clock.advance(minutes=11)
        callers.refused("shop", Unauthentic("no", cause=Cause.CLOCK))
        await callers.write_down()
    said = [(line["account"], line["cause"], line["count"], line["log_level"]) for line in lines]
    assert said == [
        ("shop", "clock", 1, "warning"), ("shop", "key", 1, "warning"), ("desk", "unreadable", 1, "warning"),
        ("shop", "clock", 500, "warning"),
    ]  # fmt: skip
    assert all(line["remedy"] for line in lines)
    found = await store.read(callbacks.refusals, clock())
    assert {(one.account, one.outcome, one.number) for rows in found.values() for one in rows} == {
        ("shop", "clock", 501), ("shop", "key", 1), ("shop", "visit", 1), ("desk", "unreadable", 1),
    }  # fmt: skip
    assert found["shop"][0].remedy["zh"]


async def test_what_was_accepted_since_ends_a_refusal(store: Store) -> None:
    clock = VirtualClock()
    callers = Callers(store, clock)
    callers.refused("shop", Unauthentic("no"))
    await callers.write_down()
    assert list(await store.read(callbacks.refusals, clock())) == ["shop"]
    clock.advance(seconds=2)
    callers.accepted("shop")
    await callers.write_down()
    assert await store.read(callbacks.refusals, clock()) == {}
    clock.advance(seconds=2)
    callers.refused("shop", Unauthentic("no"))
    await callers.write_down()
    assert list(await store.read(callbacks.refusals, clock())) == ["shop"]


async def test_a_refusal_is_forgotten_after_a_day(store: Store) -> None:
    now = datetime(2026, 1, 5, tzinfo=UTC)
    seen = [callbacks.Seen("shop", outcome, 1, {"en": "x"}, now, now) for outcome in ("", "key")]
    await store.write(callbacks.note_callbacks, seen)
    assert await store.read(callbacks.refusals, now + timedelta(hours=25)) == {}
    assert await store.write(callbacks.forget_callbacks, now + timedelta(seconds=1)) == 1
    assert [one.outcome for one in await store.read(callbacks.callbacks_seen)] == [""]


async def test_a_wrong_path_counts_for_the_account_it_nearly_names(store: Store) -> None:
    clock = VirtualClock()
    callers = Callers(store, clock)
    for path in ("shp", "Shop/", "wp-login.php", "x" * 10_000, ""):
        callers.misled(path, ["shop", "support"])
    await callers.write_down()
    (one,) = (await store.read(callbacks.refusals, clock()))["shop"]
    assert (one.outcome, one.number) == ("path", 2)
    assert "/hooks/shop" in one.remedy["en"]


async def test_what_could_not_be_written_down_is_written_down_later(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = VirtualClock()
    callers = Callers(store, clock)
    callers.refused("shop", Unauthentic("no"))
    callers.accepted("desk")
    with monkeypatch.context() as patch:
        patch.setattr(callbacks, "note_callbacks", lambda _tx, _seen: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await callers.write_down()
    callers.refused("shop", Unauthentic("no"))
    await callers.write_down()
    seen = await store.read(callbacks.callbacks_seen)
    assert {(one.account, one.number) for one in seen} == {("shop", 2), ("desk", 1)}
