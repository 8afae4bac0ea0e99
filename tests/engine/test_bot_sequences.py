"""Random interleavings of a customer, agents at two desks, a bot, tickets that end, time, pauses, trouble and crashes.

Always: a bot's text is sent in the term of its question (what was being sent when the holder changed may land: one for
each change), a hand-off text once for each hand-over, people keep their replies. In the end: tickets have every message
of the customer, none twice and all in order; every answer of an agent arrived once and in order, or waits for `#send`
or the customer; each change of holder was one term more.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from sqlalchemy import select

from bridge.contract import Message, Retryable, Step
from mappings import handovers, links, state
from mappings.sql import table
from mappings.states import UNFINISHED
from mappings.store import Tx
from mappings.tables import Outbox, Waiting
from tests.engine.bot_harness import BotScene
from tests.engine.fakes import FakeVendors, Ticket
from tests.engine.machine import VendorsMachine, run_machine

RESERVE = 3
BOT = re.compile(r"\[Bot\] bot (\d+) in (\d+)")
HANDOFF = "handing you over"
ASKED = re.compile(r"question \d+\b|human \d+\b")


class Conversation(VendorsMachine):
    """One customer. Which tickets there are depends on real time, so what is drawn must not depend on them."""

    def make_scene(self, url: str, folder: Path) -> BotScene:
        self.said: list[str] = []
        self.answered: list[str] = []
        self.verdict = "answer"
        self.fails = self.count = self.overlaps = self.greedy = self.begun = 0
        self.gone: list[Ticket] = []
        scene = BotScene(url, folder, bot={"reserve": RESERVE, "max_turns": 30}, other=True)
        scene.vendors.trouble = self._trouble
        scene.other.trouble = self._trouble  # type: ignore[union-attr]  # it was asked for
        scene.brain.answer = lambda _: self._answer()
        return scene

    @initialize(ticket=st.sampled_from(["always", "handoff"]))
    def the_route_says(self, ticket: str) -> None:
        self.scene.route_bot["ticket"] = ticket
        self.the_process_dies()

    async def _trouble(self, account: str, step: Step, phase: str) -> None:
        if account in {"helper", "desk", "other"} and step.verb in {"ask", "note"} and self.fails:
            self.fails -= 1
            raise Retryable("down", code="503", certain=phase == "before")
        if account != "shop" or step.verb != "send" or self.scene.bridge is None:  # it is just being started
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

    @rule(kind=st.sampled_from(["question", "question", "human"]))
    def customer_writes(self, kind: str) -> None:
        self.said.append(f"{kind} {len(self.said)}")
        self.runner.run(self.scene.says("ann", self.said[-1]))

    def _ticket(self, which: int) -> tuple[FakeVendors, str] | None:
        found = [(hall, ticket) for hall in self.scene.halls.values() for ticket in sorted(hall.tickets)]
        return found[which % len(found)] if found else None

    @rule(which=st.integers(0, 9), command=st.sampled_from(["", "", "#bot", "#send", "#move other", "#move desk"]))
    def agent_writes(self, which: int, command: str) -> None:
        if (found := self._ticket(which)) is None:
            return
        hall, ticket = found
        text = command or f"agent {len(self.answered)}"
        if not command:
            self.answered.append(text)
        hall.agent_says(ticket, text, private=bool(command))
        self.scene.look()

    @rule()
    def agent_begins(self) -> None:
        """A ticket of an agent's own for a customer whom the desk knows."""
        hall = self.scene.vendors
        if not any(ticket.customer == "ann" for ticket in hall.tickets.values()):
            return
        self.begun += 1
        ticket = Ticket(f"t{hall.number()}", "ann")
        hall.tickets[ticket.id] = ticket
        self.answered.append(f"agent {len(self.answered)}")
        hall.agent_says(ticket.id, self.answered[-1], requester="ann")
        self.scene.look()

    @rule(which=st.integers(0, 9), what=st.sampled_from(["solved", "closed", "open", "merged", "deleted"]))
    def ticket_changes(self, which: int, what: str) -> None:
        if (found := self._ticket(which)) is None:
            return
        hall, name = found
        ticket = hall.tickets[name]
        if ticket.moved_to:
            return
        if what == "merged":
            into = Ticket(f"t{hall.number()}", ticket.customer)
            hall.tickets[into.id] = into
            hall.set_status(name, "closed", into.id)
        elif what == "deleted":
            self.gone.append(hall.tickets.pop(name))
        else:
            hall.set_status(name, what)
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
        store = self.scene.bridge.store
        if paused:
            await store.write(state.pause, "helper", "by an admin", self.scene.clock())
        else:
            await store.write(state.resume, "helper")

    async def judge(self) -> None:
        scene = self.scene
        self.fails = 0
        await self.settle(45)
        if not self.said:
            return
        self.said.append(f"human {len(self.said)}")  # opens the window for what was held, and people get all of it
        await scene.says("ann", self.said[-1])
        await self.settle(45)
        tickets = [*self.gone, *(ticket for hall in scene.halls.values() for ticket in hall.tickets.values())]
        told: set[str] = set()
        for ticket in tickets:
            lines = [ASKED.findall(entry.text) for entry in ticket.entries if entry.who == "customer"]
            here = [one for line in lines for one in line]
            assert here == [text for text in self.said if text in here], "in order, and nothing twice"
            told |= set(here)
        assert told == set(self.said), "everything the customer said stands on some ticket"
        heard = [line for text in scene.heard() for line in text.split("\n")]
        agents = [line for line in heard if line.startswith("agent ")]
        assert len(agents) == len(set(agents)), "no answer is said twice"
        drafts, waits = await scene.bridge.store.read(_unsent)
        notes = [entry.text for ticket in tickets for entry in ticket.entries if entry.who == "note"]
        doubts = "\n".join(note for note in notes if note.startswith("May not have been delivered"))
        known = [*agents, *drafts, *re.findall(r"agent \d+", doubts)]  # killed while it was sent: the agent knows
        missing = [text for text in self.answered if text not in known]
        assert not missing or (scene.vendors.left["ann"] == 0 and missing == [one for one in missing if one in waits])
        spoken = [found[1] for line in heard if (found := BOT.search(line))]
        assert len(spoken) == len(set(spoken)), "no answer is said twice"
        rows = await scene.bridge.store.read(_changes)
        terms = [row.term for row in rows]
        assert terms == sorted(set(terms)), "each change of holder is a term of its own"
        people = sum(row.to_account != "helper" for row in rows)
        assert sum(HANDOFF in text for text in scene.heard()) <= people, "one hand-off text a term"
        ended = sum(ticket.status == "closed" for ticket in tickets) + len(self.gone) + self.begun
        assert self.overlaps <= len(rows) + ended, "what was being sent may land, once for each change"
        assert self.greedy == 0, "replies are kept for people"


def _changes(tx: Tx) -> list[Any]:
    mine = links.conversation_links(tx, "shop", "ann")
    return handovers.handovers_of(tx, [link.id for link in mine])


def _unsent(tx: Tx) -> tuple[set[str], set[str]]:
    """What waits for an agent's `#send`, and what waits for the customer."""
    found: tuple[set[str], set[str]] = set(), set()
    waiting = table(Waiting)
    for row in tx.execute(select(waiting)):
        message = Message.model_validate_json(row.message)
        found[row.lane >= 0].add("".join(getattr(part, "body", "") for part in message.parts))
    outbox = table(Outbox)
    for row in tx.execute(select(outbox).where(outbox.c.state.in_(UNFINISHED), outbox.c.lane >= 0)):
        found[1].update(text for one in json.loads(row.step)["body"].values() for text in str(one).split("\n"))
    return found


@pytest.mark.timeout(600)
def test_one_speaks_at_a_time(database_url: str) -> None:
    run_machine(Conversation, database_url)
