"""Random sequences of what customers, agents, the platform and the clock can do to the reply allowance.

Whatever happens: the platform is never asked for more than it counts, unless an agent orders a retry; every answer ends
in a final state that its agent can see; no cause has more than one note, and each answer that waits stands in one.
"""

import asyncio
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from sqlalchemy import select

from mappings.sql import table
from mappings.states import UNFINISHED
from mappings.store import Tx
from mappings.tables import Outbox, Waiting
from tests.databases import sqlite_database
from tests.engine.platform_harness import CUSTOMER, TEMPLATE, PlatformHarness

ENDS = ("Not delivered:", "May not have been delivered:")
WAITS = ("Not delivered yet:", "Delivered only in part:")
WENT = "Sent meanwhile:"
ONCE = ("One reply is left", "The customer has no answer yet")


class Allowance(RuleBasedStateMachine):
    """One customer, their agents and the platform. An epoch is the time in which no cause can end."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.harness = PlatformHarness(sqlite_database(self.folder.name), Path(self.folder.name))
        self.harness.options["routes"] = [{"channel": "shop", "desk": "desk", "greeting": {"texts": ["hi", "there"]}}]
        self.answers: list[str] = []
        self.seen = 0
        self.orders = 0
        self.context = self.harness.running()
        self.runner.run(self.context.__aenter__())
        self.runner.run(self.harness.asks("the first word"))

    def epoch(self) -> None:
        """Nothing was told twice since the last one."""
        fresh, self.seen = self.harness.notes[self.seen :], len(self.harness.notes)
        for opening in ONCE:
            assert len([note for note in fresh if note.startswith(opening)]) <= 1, fresh
        for kind in (ENDS, WAITS, WENT):
            named = [line for note in fresh if note.startswith(kind) for line in note.split("\n") if line[:2] == "> "]
            assert [line for line, count in Counter(named).items() if count > 1] == [], fresh

    @rule()
    def customer_speaks(self) -> None:
        self.epoch()
        self.runner.run(self.harness.asks("word"))

    @rule()
    def customer_enters(self) -> None:
        self.epoch()
        self.runner.run(self.harness.phone.enters(CUSTOMER))
        self.runner.run(self.harness.quiet())

    @rule()
    def customer_consents(self) -> None:
        self.runner.run(self.harness.phone.accepts(CUSTOMER, TEMPLATE))
        self.runner.run(self.harness.quiet())

    @rule(count=st.integers(1, 4))
    def agent_answers(self, count: int) -> None:
        texts = [f"answer {len(self.answers) + number}." for number in range(count)]
        self.answers += texts
        self.runner.run(self.harness.answer(*texts))

    @rule(command=st.sampled_from(["#retry", "#cancel", "#text", "#status", "#notify"]))
    def agent_commands(self, command: str) -> None:
        self.epoch()
        if command == "#retry":
            self.orders += 1
        self.runner.run(self.harness.answer(command, private=True))

    @rule(code=st.sampled_from([48002, 45011, -1, 45015, 45047, 45162]), times=st.integers(1, 3))
    def platform_refuses(self, code: int, times: int) -> None:
        self.harness.phone.fail(code, times=times)

    @rule(seconds=st.sampled_from([1, 7, 70, 700]))
    def time_passes(self, seconds: int) -> None:
        self.epoch()
        self.runner.run(self.harness.wait(seconds))

    @rule(hours=st.sampled_from([5, 45, 49, 24 * 8]))
    def days_pass(self, hours: int) -> None:
        self.epoch()
        self.runner.run(self.harness.wait(hours=hours))
        self.runner.run(self.harness.wait(3))

    def teardown(self) -> None:
        try:
            self.runner.run(self._judge())
        finally:
            self.runner.run(self.context.__aexit__(None, None, None))
            self.runner.close()
            self.folder.cleanup()

    async def _judge(self) -> None:
        harness = self.harness
        self.epoch()
        if not self.orders:
            assert harness.refused() == []
        harness.phone.platform.forced.clear()
        for _ in range(4):
            await harness.wait(100)
        self.epoch()
        await harness.wait(days=8)
        await harness.wait(3)
        await harness.wait(100)
        await harness.wait(5)  # notes gather for two seconds
        self.epoch()
        assert harness.bridge is not None
        assert await harness.bridge.store.read(_open_ends) == []
        received = "\n".join(harness.received())
        noted = "\n".join(harness.notes)
        given_up = await harness.bridge.store.read(_given_up)
        waited = [
            text for text in self.answers if any(text in note for note in harness.notes if note.startswith(WAITS))
        ]
        went = [text for text in waited if text in received]
        told = [note for note in harness.notes if note.startswith(WENT)]
        assert [text for text in went if not any(text in note for note in told)] == []
        silent = [text for text in self.answers if text not in received and text not in noted and text not in given_up]
        assert silent == []
        order = [text for line in harness.received() for text in self.answers if text in line]
        if not self.orders:
            repeated = [text for text, count in Counter(order).items() if count > 1]
            assert repeated == []
            assert [text for text in self.answers if text in order] == order


def _open_ends(tx: Tx) -> list[str]:
    """What is neither done nor ended, towards the customer."""
    steps = select(table(Outbox).c.state).where(table(Outbox).c.state.in_(UNFINISHED))
    messages = select(table(Waiting).c.held)
    return [*tx.execute(steps).scalars(), *tx.execute(messages).scalars()]


def _given_up(tx: Tx) -> str:
    """The words of what an agent cancelled."""
    outbox = table(Outbox)
    return "\n".join(tx.execute(select(outbox.c.messages).where(outbox.c.state == "dropped")).scalars())


@pytest.mark.timeout(600)
def test_any_sequence() -> None:
    run_state_machine_as_test(
        Allowance,
        settings=settings(
            max_examples=8,
            stateful_step_count=18,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],  # a step takes as long as its callbacks: shrinking would take for ever
        ),
    )
