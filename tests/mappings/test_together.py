"""Many share one commit, and what is urgent waits for one of them at most."""

import asyncio
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mappings.inbox import get_cursor, set_cursor
from mappings.store import Store, Tx
from tests.databases import sqlite_database


class Gate:
    """A job that tells when it has begun, and waits to be let through."""

    def __init__(self) -> None:
        self._begun, self._go = threading.Event(), threading.Event()

    def hold(self, _tx: Tx) -> None:
        self._begun.set()
        assert self._go.wait(10)

    async def begun(self) -> None:
        assert await asyncio.to_thread(self._begun.wait, 10)

    def open(self) -> None:
        self._go.set()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(sqlite_database(tmp_path))
    store.open()
    return store


async def test_what_is_urgent_comes_between_two_that_share_a_commit(store: Store) -> None:
    order: list[str] = []

    def say(_tx: Tx, word: str) -> None:
        order.append(word)

    def fail(_tx: Tx) -> None:
        raise ValueError("its own trouble")

    before, first = Gate(), Gate()
    gathering = [store.write(before.hold)]
    await before.begun()
    for function, *words in ((first.hold,), (fail,), (say, "second"), (say, "third")):
        gathering.append(store.write(function, *words))
    await asyncio.sleep(0)
    before.open()
    await first.begun()  # the first of four that were to share a transaction is at work
    urgent = store.write_first(say, "urgent")
    await asyncio.sleep(0)
    first.open()
    await urgent
    ends = await asyncio.gather(*gathering, return_exceptions=True)
    store.close()
    assert order == ["urgent", "second", "third"]
    assert [type(end) for end in ends] == [type(None), type(None), ValueError, type(None), type(None)]


async def test_what_is_urgent_shares_the_commit_of_the_transaction_it_ends(store: Store) -> None:
    begun: list[object] = []

    def note(tx: Tx) -> None:
        begun.append(tx.get_transaction())

    gate = Gate()
    held = store.write(lambda tx: (note(tx), gate.hold(tx)))
    await gate.begun()
    assert not store.commit_wanted()
    urgent = [store.write_first(note) for _ in range(2)]
    await asyncio.sleep(0)
    assert store.commit_wanted(), "so that a long transaction can end early"
    gate.open()
    await asyncio.gather(*urgent, held)
    assert not store.commit_wanted()
    store.close()
    assert len(begun) == 3 and len(set(map(id, begun))) == 1, "one transaction"


async def test_what_is_urgent_is_done_although_the_transaction_before_it_fails(store: Store) -> None:
    done: list[str] = []
    gate = Gate()

    def fail(tx: Tx) -> None:
        gate.hold(tx)
        raise ValueError("its own trouble")

    failing = store.write(fail)
    await gate.begun()
    urgent = store.write_first(lambda _tx: done.append("urgent"))
    await asyncio.sleep(0)
    gate.open()
    await urgent
    with pytest.raises(ValueError):
        await failing
    store.close()
    assert done == ["urgent"]


async def test_who_shares_a_transaction_with_one_that_fails_is_done_once_and_the_other_not_at_all(store: Store) -> None:
    def write(tx: Tx, account: str) -> str:
        set_cursor(tx, account, f"{get_cursor(tx, account)} {account}", datetime.now(UTC))
        if account == "bad":
            raise ValueError("its own trouble")
        return account

    gate = Gate()
    held = store.write(gate.hold)
    await gate.begun()
    names = ["first", "bad", "second", "bad", "third"]
    ordinary = [store.write(write, name) for name in names]
    await asyncio.sleep(0)
    gate.open()
    await held
    urgent = [store.write_first(write, name) for name in ("urgent", "bad", "more")]
    ends = await asyncio.gather(*ordinary, *urgent, return_exceptions=True)
    found = {name: await store.read(get_cursor, name) for name in {*names, "urgent", "more"}}
    store.close()
    assert [end if isinstance(end, str) else type(end) for end in ends] == [
        "first", ValueError, "second", ValueError, "third", "urgent", ValueError, "more",
    ]  # fmt: skip
    assert found == {"bad": None} | {name: f"None {name}" for name in ("first", "second", "third", "urgent", "more")}


async def test_when_one_other_waits_what_is_urgent_goes_first_and_both_share_a_commit(store: Store) -> None:
    begun: list[tuple[str, object]] = []

    def note(tx: Tx, name: str) -> None:
        begun.append((name, tx.get_transaction()))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(5)  # the writer does not come between the two
    try:
        both = [store.write_first(note, "urgent"), store.write(note, "other")]
    finally:
        sys.setswitchinterval(interval)
    await asyncio.gather(*both)
    store.close()
    assert [name for name, _ in begun] == ["urgent", "other"]
    assert begun[0][1] is begun[1][1], "one transaction"


async def test_what_is_urgent_is_kept_although_the_one_that_shares_its_commit_fails(store: Store) -> None:
    def fail(tx: Tx) -> None:
        set_cursor(tx, "other", "1", datetime.now(UTC))
        raise ValueError("its own trouble")

    kept, failing = store.write_first(set_cursor, "urgent", "1", datetime.now(UTC)), store.write(fail)
    await kept
    with pytest.raises(ValueError):
        await failing
    found = [await store.read(get_cursor, name) for name in ("urgent", "other")]
    store.close()
    assert found == ["1", None]


async def test_in_a_flood_other_work_goes_along_with_what_is_expected(store: Store) -> None:
    begun: list[object] = []

    def note(tx: Tx) -> None:
        begun.append(tx.get_transaction())

    store.expect(10)
    others = [store.write(note) for _ in range(3)]
    await asyncio.sleep(0.05)
    assert not begun, "they wait for a commit that is sure to come"
    await asyncio.wait_for(asyncio.gather(store.write_first(note), *others), 5)
    store.close()
    assert len(begun) == 4 and len(set(begun)) == 1


async def test_what_is_expected_and_does_not_come_is_not_waited_for(store: Store) -> None:
    store.expect(0.1)
    began = time.monotonic()
    await store.write(lambda _tx: None)
    await store.write(lambda _tx: None)
    store.close()
    assert time.monotonic() - began < 5


async def test_a_store_closes_while_something_is_expected(store: Store) -> None:
    store.expect(0.1)
    held = store.write(lambda _tx: "done")
    await asyncio.to_thread(store.close)
    assert await held == "done"
