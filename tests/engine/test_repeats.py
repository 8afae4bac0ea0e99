"""What comes again is known when its turn comes: routed never, removed always, whatever became of the first."""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import delete, func, select

from bridge.contract import Malformed, Page, Raw
from bridge.engine.context import Effects
from bridge.engine.inbound import routing
from bridge.engine.inbound.polling import listen
from bridge.telemetry import metrics
from mappings import inbox
from mappings.sql import table
from mappings.store import Store, Tx
from mappings.tables import Inbox
from tests.engine.engine_harness import Scene, route


class Desk:
    """The routing of one account by hand. `routed` are the keys of what reached the rules, in order."""

    def __init__(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        self.scene = scene
        self.bridge = scene.build()
        self.store: Store = self.bridge.store
        self.routed: list[str] = []
        self.early: set[str] = set()
        self.broken: set[str] = set()
        self.store.open()
        connector: Any = self.bridge.runtime.accounts["shop"].connector
        normalise = connector.normalise

        def read(raw: Raw) -> Any:
            if raw.key in self.broken:
                raise Malformed("cannot be read")
            return normalise(raw)

        def note(_work: Any, _connected: Any, event: Any, *_: Any) -> None:
            self.routed.append(event.message.id)

        monkeypatch.setattr(connector, "normalise", read)
        monkeypatch.setattr(routing, "_route", note)
        monkeypatch.setattr(
            routing, "_is_early", lambda _tx, _world, _connected, events: events[0].message.id in self.early
        )

    def keep(self, *keys: str) -> None:
        self.store.run(inbox.keep_raws, [self.raw(key) for key in keys])

    def raw(self, key: str) -> inbox.RawRow:
        said = {"type": "message", "customer": key[:1], "id": key, "text": "hello"}
        return ("shop", key, json.dumps(said).encode(), self.scene.clock())

    def route(self, limit: int = 16) -> Effects:
        return self.store.run(route, self.bridge.runtime, "shop", limit=limit)

    def rows(self) -> list[tuple[str, str]]:
        kept = table(Inbox)
        return self.store.run(lambda tx: [(row.key, row.state) for row in tx.execute(select(kept).order_by(kept.c.id))])

    def id_of(self, key: str) -> int:
        kept = table(Inbox)
        return int(self.store.run(lambda tx: tx.execute(select(func.min(kept.c.id)).where(kept.c.key == key)).scalar()))


@pytest.fixture
def desk(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    desk = Desk(Scene(database_url, tmp_path), monkeypatch)
    yield desk
    desk.store.close()


def test_of_several_in_one_batch_the_first_is_routed(desk: Desk) -> None:
    desk.keep("a1", "b1", "a1", "a2", "b1", "a1")
    effects = desk.route()
    assert desk.routed == ["a1", "b1", "a2"] and (effects.done, effects.repeats) == (3, 3)
    assert desk.rows() == [("a1", "done"), ("b1", "done"), ("a2", "done")]


def test_what_was_routed_is_known_in_a_later_batch(desk: Desk) -> None:
    desk.keep("a1", "a2", "a1")
    assert desk.route(limit=1).repeats == 0
    assert desk.route(limit=2).repeats == 1
    desk.keep("a1", "a3")
    assert desk.route().repeats == 1
    assert desk.routed == ["a1", "a2", "a3"]
    desk.keep("a2")
    desk.store.run(inbox.forget_payloads, desk.scene.clock() + timedelta(days=20))
    assert desk.route().repeats == 1
    assert desk.routed == ["a1", "a2", "a3"] and len(desk.rows()) == 3


def test_a_repeat_of_what_must_wait_waits_for_nothing(desk: Desk) -> None:
    desk.early.add("a1")
    desk.keep("a1", "a1", "a2", "b1")
    assert desk.route().repeats == 1
    desk.keep("a1", "a2")
    assert desk.route().repeats == 2
    assert desk.rows() == [("a1", "ready"), ("a2", "ready"), ("b1", "done")]
    desk.scene.clock.advance(3)
    desk.early.clear()
    desk.keep("a1")
    desk.route()
    assert desk.routed == ["b1", "a1", "a2"] and desk.route().repeats == 0
    assert [state for _, state in desk.rows()] == ["done"] * 3


def test_a_repeat_of_what_could_not_be_read_is_known_and_so_after_a_replay(desk: Desk) -> None:
    desk.broken.add("a1")
    desk.keep("a1", "a1")
    assert desk.route().repeats == 1
    desk.keep("a1")
    assert desk.route().repeats == 1
    assert desk.rows() == [("a1", "quarantined")]
    desk.broken.clear()
    desk.keep("a1")  # before the replay, and its turn comes after it
    assert desk.store.run(inbox.replay_raws, None) == 1
    desk.keep("a1")
    assert desk.route().repeats == 2
    desk.keep("a1")
    assert desk.route().repeats == 1
    assert desk.routed == ["a1"] and desk.rows() == [("a1", "done")]


def test_a_replay_that_fails_again_keeps_its_repeats_away(desk: Desk) -> None:
    desk.broken.add("a1")
    desk.keep("a1")
    desk.route()
    desk.store.run(inbox.replay_raws, None)
    desk.keep("a1", "a2")
    assert desk.route().repeats == 1
    assert desk.routed == ["a2"] and desk.rows() == [("a1", "quarantined"), ("a2", "done")]


def test_what_was_given_up_does_not_come_back_as_a_repeat(desk: Desk) -> None:
    desk.broken.add("a1")
    desk.keep("a1")
    desk.route()
    assert desk.store.run(inbox.drop_raws, [desk.id_of("a1")]) == 1
    desk.broken.clear()
    desk.keep("a1")
    assert desk.route().repeats == 1
    assert desk.routed == [] and desk.rows() == [("a1", "done")]


def test_a_batch_of_nothing_but_repeats_is_not_the_end(desk: Desk) -> None:
    desk.keep("a1")
    desk.route()
    desk.keep("a1", "a1", "a1", "a2")
    assert desk.route(limit=3).more
    desk.broken |= {"b1", "b2"}
    desk.keep("b1", "b2", "a3")
    assert desk.route(limit=3).done == 1
    assert desk.route(limit=3).done == 1
    assert desk.routed == ["a1", "a2", "a3"]
    desk.early |= {"c1", "c2"}
    desk.keep("c1", "c2", "c3")
    assert not desk.route(limit=2).more, "those that wait are looked at again when somebody wakes the router"


def test_an_interrupted_batch_goes_on_with_the_oldest(desk: Desk) -> None:
    desk.keep("a1", "a1", "a2", "a1", "a2")
    effects = desk.store.run(route, desk.bridge.runtime, "shop", limit=16, enough=lambda: True)
    assert effects.more and desk.routed == ["a1"]
    assert not desk.route().more
    assert desk.routed == ["a1", "a2"] and desk.rows() == [("a1", "done"), ("a2", "done")]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("outcome", ["routed", "waits", "cannot be read"])
def test_the_older_of_two_may_be_seen_after_its_repeat(desk: Desk, outcome: str) -> None:
    """Two processes keep the same callback. The one with the lower id commits last."""
    if outcome == "waits":
        desk.early.add("a1")
    if outcome == "cannot be read":
        desk.broken.add("a1")
    with desk.store.engine.connect() as slow, slow.begin() as transaction:
        inbox.keep_raws(slow, [desk.raw("a1")])
        desk.keep("a1")  # waits for nobody
        desk.route()
        transaction.commit()
    assert desk.route().repeats == 1
    desk.scene.clock.advance(3)
    desk.early.clear()
    desk.broken.clear()
    desk.store.run(inbox.replay_raws, None)
    desk.route()
    assert desk.routed == ["a1"] and desk.rows() == [("a1", "done")]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_one_process_routes_while_another_waits_and_sees_all_of_it_then(desk: Desk) -> None:
    desk.keep("a1")
    with desk.store.engine.connect() as other, other.begin() as transaction:
        assert inbox.lock_account(other, "shop")
        inbox.finish_raws(other, [desk.id_of("a1")], desk.scene.clock())
        desk.keep("a1")
        assert not desk.store.run(inbox.lock_account, "shop")
        transaction.commit()
    assert desk.store.run(inbox.lock_account, "shop")
    assert desk.route().repeats == 1
    assert desk.routed == [] and desk.rows() == [("a1", "done")]


KEYS = [f"{customer}{number}" for customer in "ab" for number in range(4)]
some = st.lists(st.sampled_from(KEYS), min_size=1, max_size=6)


class Flood(RuleBasedStateMachine):
    """Callbacks, repeats and pages in any order, of which some cannot be read and some must wait for a while."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        desk.store.run(lambda tx: tx.execute(delete(table(Inbox))))
        for one in (desk.routed, desk.broken, desk.early):
            one.clear()
        self.came: list[str] = []  # keys, by their first arrival
        self.given_up: set[str] = set()
        self.aside: set[str] = set()  # quarantined at some time: the others of their conversation did not wait

    def came_in(self, keys: list[str]) -> None:
        self.came += [key for key in dict.fromkeys(keys) if key not in self.came]

    @rule(keys=some)
    def callbacks(self, keys: list[str]) -> None:
        self.desk.keep(*keys)
        self.came_in(keys)

    @rule(keys=some)
    def page(self, keys: list[str]) -> None:
        before = self.desk.rows()
        fresh = [key for key in dict.fromkeys(keys) if key not in self.came]
        assert self.desk.store.run(inbox.keep_new_raws, "shop", [self.desk.raw(key) for key in keys]) == len(fresh)
        assert self.desk.rows() == [*before, *((key, "ready") for key in fresh)]
        self.came_in(keys)

    @rule(limit=st.integers(1, 5), interrupted=st.booleans())
    def route(self, limit: int, interrupted: bool) -> None:
        self.desk.store.run(route, self.desk.bridge.runtime, "shop", limit=limit, enough=lambda: interrupted)
        self.aside |= {key for key, state in self.desk.rows() if state == "quarantined"}

    @rule(limit=st.integers(1, 5))
    def route_and_die(self, limit: int) -> None:
        """Before its commit."""
        before, routed = self.desk.rows(), list(self.desk.routed)

        def die(tx: Tx) -> None:
            route(tx, self.desk.bridge.runtime, "shop", limit=limit)
            raise ConnectionError

        with pytest.raises(ConnectionError):
            self.desk.store.run(die)
        self.desk.routed[:] = routed
        assert self.desk.rows() == before

    @rule(key=st.sampled_from(KEYS))
    def can_be_read_or_not(self, key: str) -> None:
        self.desk.broken ^= {key}

    @rule(key=st.sampled_from(KEYS))
    def is_early_or_not(self, key: str) -> None:
        self.desk.early ^= {key}

    @rule()
    def time_passes(self) -> None:
        self.desk.scene.clock.advance(3)

    @rule()
    def replay(self) -> None:
        self.desk.store.run(inbox.replay_raws, None)

    @rule(key=st.sampled_from(KEYS))
    def give_up(self, key: str) -> None:
        if (key, "quarantined") in self.desk.rows():
            ids = [row.id for row in self.desk.store.run(inbox.quarantined) if row.key == key]
            assert self.desk.store.run(inbox.drop_raws, ids) == 1
            self.given_up.add(key)

    @rule()
    def forget(self) -> None:
        self.desk.store.run(inbox.forget_payloads, self.desk.scene.clock() + timedelta(days=15))

    @invariant()
    def nothing_twice(self) -> None:
        assert len(set(self.desk.routed)) == len(self.desk.routed)
        past = [key for key, state in self.desk.rows() if state != "ready"]
        assert len(set(past)) == len(past)
        assert {key for key, _ in self.desk.rows()} == set(self.came), "and nothing is lost"

    def teardown(self) -> None:
        self.desk.broken.clear()
        self.desk.early.clear()
        self.desk.store.run(inbox.replay_raws, None)
        self.desk.scene.clock.advance(3)
        while "ready" in {state for _, state in self.desk.rows()}:
            self.desk.route()
        assert sorted(self.desk.rows()) == sorted((key, "done") for key in self.came), "one row of each"
        assert sorted(self.desk.routed) == sorted(set(self.came) - self.given_up)
        for customer in "ab":
            routed, came = (
                [key for key in keys if key.startswith(customer) and key not in self.aside]
                for keys in (self.desk.routed, self.came)
            )
            assert routed == came, "in the order of the first arrival"


@pytest.mark.timeout(600)
def test_whatever_comes_again_is_routed_once_and_in_order(desk: Desk) -> None:
    run_state_machine_as_test(
        lambda: Flood(desk),
        settings=settings(
            max_examples=60 if desk.store.sqlite else 10,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


# and with all loops running


async def stored(scene: Scene, account: str) -> list[int]:
    kept = table(Inbox)
    assert scene.bridge is not None
    return await scene.bridge.store.read(
        lambda tx: list(tx.execute(select(kept.c.id).where(kept.c.account == account).order_by(kept.c.id)).scalars())
    )


def counted(name: str, account: str) -> float:
    samples = [one for metric in metrics.collect() for one in metric.samples]
    return sum(one.value for one in samples if one.name == f"{name}_total" and one.labels == {"account": account})


async def test_a_callback_that_is_repeated_is_counted_and_removed(scene: Scene) -> None:
    before = counted("bridge_repeats", "shop")
    async with scene.running():
        raw = await scene.says("anna", "hello")
        await scene.push(raw)
        await scene.quiet()
        for _ in range(40):  # more than a batch
            await scene.push(raw)
        await scene.says("anna", "and more")
        await scene.quiet()
        assert scene.vendors.visible(scene.only_ticket) == ["hello", "and more"]
        assert len(await stored(scene, "shop")) == 2
    assert counted("bridge_repeats", "shop") == before + 41


async def test_what_polls_find_again_is_not_written_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a round as well as after a nudge."""
    async with scene.running() as bridge:
        await scene.says("anna", "hello")
        await scene.quiet()
        scene.vendors.agent_says(scene.only_ticket, "good morning")
        scene.look()
        await scene.collected()
        await scene.quiet()
        first, raws = await stored(scene, "desk"), counted("bridge_raws", "desk")
        repeats = counted("bridge_repeats", "desk")
        assert first
        removed: list[int] = []
        monkeypatch.setattr(inbox, "remove_raws", lambda _tx, ids: removed.extend(ids))
        assert bridge.engine is not None
        poller = bridge.engine.loops.pollers["desk"]
        page = await poller._polls.poll(None)
        for _ in range(3):
            scene.look()
            await scene.collected()
            await bridge.engine.loops.intake.persist_page("desk", page.raws, page.cursor)
        await scene.quiet()
        assert await stored(scene, "desk") == first and removed == []
        assert (counted("bridge_raws", "desk"), counted("bridge_repeats", "desk")) == (raws, repeats)
        assert await bridge.store.read(inbox.get_cursor, "desk") == page.cursor
        scene.vendors.agent_says(scene.only_ticket, "anything else?")
        scene.look()
        await scene.until(lambda: len(scene.vendors.phones.get("anna", [])) == 2)
        assert len(await stored(scene, "desk")) == len(first) + 1


async def test_what_a_listener_reads_again_is_not_written_again(scene: Scene) -> None:
    async with scene.running() as bridge:
        assert bridge.engine is not None
        await scene.quiet()
        before = await stored(scene, "desk")
        payload = {"type": "status", "ticket": "none", "status": "open", "moved_to": ""}
        raws = [Raw(f"status:x{number}", json.dumps(payload).encode()) for number in range(3)]
        read = asyncio.Event()

        class Listener:
            async def listen(self, keep: Any, _cursor: str | None) -> None:
                for cursor in ("1", "2", None, "3"):
                    await keep(raws, cursor)
                read.set()
                await asyncio.Event().wait()

        stop = asyncio.Event()
        connected: Any = type("Connected", (), {"name": "desk", "connector": Listener()})()
        listening = asyncio.create_task(
            listen(bridge.store, bridge.runtime, connected, bridge.engine.loops.intake.persist_page, stop)
        )
        await asyncio.wait_for(read.wait(), 20)
        stop.set()
        await listening
        await scene.quiet()
        assert len(await stored(scene, "desk")) == len(before) + 3
        assert await bridge.store.read(inbox.get_cursor, "desk") == "3"


async def test_a_page_without_a_cursor_or_content_writes_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    async with scene.running() as bridge:
        assert bridge.engine is not None
        wrote: list[Any] = []
        monkeypatch.setattr(bridge.store, "write", lambda *job: wrote.append(job))
        await bridge.engine.loops.intake.persist_page("desk", Page(()).raws)
        await bridge.engine.loops.intake.persist("desk", ())
        monkeypatch.undo()
        assert wrote == []
