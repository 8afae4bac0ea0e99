"""Random interleavings of a customer, an agent, a bot, time, pauses, trouble and crashes: one speaks at a time.

Always: a bot's text is sent in the term of its question (what was being sent when the holder changed may land: one for
each change), a hand-off text once for each hand-over, people keep their replies. In the end: the ticket has every message
of the customer once and in order, every answer of an agent arrived once and in order, each change was one term more.
"""

import asyncio
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from bridge.contract import Retryable, Step
from mappings import handovers, links, state
from mappings.store import Tx
from tests.databases import sqlite_database
from tests.engine.bot_harness import BotScene

RESERVE = 3
BOT = re.compile(r"\[Bot\] bot (\d+) in (\d+)")
HANDOFF = "handing you over"


class Conversation(RuleBasedStateMachine):
    """One bridge that is killed and started again between one customer, one agent and one bot."""

    database_url = ""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        url = self.database_url or sqlite_database(self.folder.name)
        self.scene = BotScene(url, Path(self.folder.name), bot={"reserve": RESERVE, "max_turns": 30})
        self.scene.vendors.replies = 5
        self.scene.vendors.trouble = self._trouble
        self.scene.brain.answer = lambda _: self._answer()
        self.said: list[str] = []
        self.answered: list[str] = []
        self.verdict = "answer"
        self.fails = 0
        self.count = 0
        self.overlaps = self.greedy = 0
        self.context: Any = None
        self.runner.run(self._start())

    async def _trouble(self, account: str, step: Step, phase: str) -> None:
        if account in {"helper", "desk"} and step.verb in {"ask", "note"} and self.fails:
            self.fails -= 1
            raise Retryable("down", code="503", certain=phase == "before")
        if account != "shop" or step.verb != "send":
            return
        text = step.body["text"]
        found = BOT.search(text)
        if phase == "before" and found is not None:
            link = await self.scene.link()
            self.overlaps += link.term != int(found[2])
        if phase == "after" and (found is not None or HANDOFF in text):
            self.greedy += self.scene.vendors.left["ann"] < RESERVE

    def _answer(self) -> dict[str, Any]:
        self.count += 1
        term = self.scene.brain.asked[-1]["target"]["link"].partition(".")[2]
        return {"text": f"bot {self.count} in {term}", "verdict": self.verdict}

    async def _start(self) -> None:
        self.context = self.scene.running()
        await self.context.__aenter__()

    async def _crash(self) -> None:
        """No step is finished, no lease is given back."""
        assert self.scene.bridge is not None and self.scene.bridge.engine is not None
        engine = self.scene.bridge.engine
        engine.timetable.scheduler.stop()
        for dispatcher in engine.loops.dispatchers.values():
            dispatcher.cancel()
        tasks = [*engine._tasks, *(task for one in engine.loops.dispatchers.values() for task in one._tasks)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        engine._tasks.clear()
        await self.context.__aexit__(None, None, None)

    @rule(kind=st.sampled_from(["question", "question", "human"]))
    def customer_writes(self, kind: str) -> None:
        text = kind if kind == "human" else f"question {len(self.said)}"
        self.said.append(text)
        self.runner.run(self.scene.says("ann", text))

    @rule(command=st.sampled_from(["", "", "#bot", "#send"]))
    def agent_writes(self, command: str) -> None:
        for ticket in self.scene.vendors.tickets:
            text = command or f"agent {len(self.answered)}"
            if not command:
                self.answered.append(text)
            self.scene.vendors.agent_says(ticket, text, private=bool(command))
        self.scene.look()

    @rule(verdict=st.sampled_from(["answer", "answer", "handoff", "nothing"]))
    def bot_thinks(self, verdict: str) -> None:
        self.verdict = verdict

    @rule(times=st.integers(1, 4))
    def trouble_comes(self, times: int) -> None:
        self.fails = times

    @rule(paused=st.booleans())
    def admin_pauses(self, paused: bool) -> None:
        self.runner.run(self._pause(paused=paused))

    async def _pause(self, *, paused: bool) -> None:
        assert self.scene.bridge is not None
        store = self.scene.bridge.store
        if paused:
            await store.write(state.pause, "helper", "by an admin", self.scene.clock())
        else:
            await store.write(state.resume, "helper")

    @rule(seconds=st.sampled_from([1, 40]))
    def time_passes(self, seconds: int) -> None:
        self.runner.run(self.scene.pass_time(seconds))

    @rule()
    def all_is_quiet(self) -> None:
        self.runner.run(self.scene.quiet())

    @rule()
    def the_process_dies(self) -> None:
        self.runner.run(self._crash())
        self.runner.run(self._start())

    def teardown(self) -> None:
        try:
            self.runner.run(self._judge())
        finally:
            self.runner.run(self._crash())
            self.runner.close()
            self.folder.cleanup()

    async def _judge(self) -> None:
        scene = self.scene
        self.fails = 0
        for _ in range(6):
            scene.look()
            await scene.collected()
            await scene.pass_time(45)
            await scene.quiet()
        if not self.said:
            return
        self.said.append("the last question")
        await scene.says("ann", self.said[-1])  # opens the window for what was held
        for _ in range(4):
            await scene.quiet()
            await scene.pass_time(45)
        await scene.quiet()
        (ticket,) = scene.vendors.tickets.values()
        assert [entry.text for entry in ticket.entries if entry.who == "customer"] == self.said
        heard = [line for text in scene.heard() for line in text.split("\n")]
        agents = [line for line in heard if line.startswith("agent ")]
        missing = [text for text in self.answered if text not in agents]
        assert agents == [text for text in self.answered if text in agents], "in order, and nothing twice"
        assert not missing or scene.vendors.left["ann"] == 0
        spoken = [found[1] for line in heard if (found := BOT.search(line))]
        assert len(spoken) == len(set(spoken)), "no answer is said twice"

        def changes(tx: Tx) -> list[Any]:
            mine = links.conversation_links(tx, "shop", "ann")
            return handovers.handovers_of(tx, [link.id for link in mine])

        assert scene.bridge is not None
        rows = await scene.bridge.store.read(changes)
        assert [row.term for row in rows] == list(range(2, len(rows) + 2)), "each change of holder is one term more"
        people = sum(row.to_account == "desk" for row in rows)
        assert sum(HANDOFF in text for text in scene.heard()) <= people, "one hand-off text a term"
        assert self.overlaps <= len(rows), "what was being sent may land, once for each change"
        assert self.greedy == 0, "replies are kept for people"


@pytest.mark.timeout(600)
def test_one_speaks_at_a_time(database_url: str) -> None:
    machine = type("Machine", (Conversation,), {"database_url": "" if "sqlite" in database_url else database_url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=12 if "sqlite" in database_url else 1,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],  # what depends on real time cannot be shrunk
        ),
    )
