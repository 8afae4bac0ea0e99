"""Random interleavings of customers, agents, faults, crashes and time.

Whatever happens, in the end: every message of a customer stands on their tickets exactly once and in order; every answer
reached the customer once and in order, or its agent was told; nothing private left; no ticket carries two customers.
"""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule

from bridge.contract import Rejected, Retryable, Step
from tests.engine.machine import VendorsMachine, run_machine

CUSTOMERS = ("anna", "bert")


class Shop(VendorsMachine):
    """Two customers, a channel that counts, and a desk whose tickets end."""

    pauses = (1, 40, 600)

    def make_scene(self, url: str, folder: Path) -> Any:
        scene = super().make_scene(url, folder)
        self.said: dict[str, list[str]] = {customer: [] for customer in CUSTOMERS}
        self.answered: dict[str, list[str]] = {customer: [] for customer in CUSTOMERS}
        self.sent: list[Any] = []
        self.troubles: list[tuple[str, str, Exception]] = []
        self.count = 0
        scene.vendors.trouble = self._trouble
        return scene

    def _trouble(self, account: str, step: Step, phase: str) -> None:
        if step.verb in {"find", "collect", "check", "fetch"}:
            return
        for index, (name, when, error) in enumerate(self.troubles):
            if name == account and when == phase:
                del self.troubles[index]
                raise error

    def text(self, who: str) -> str:
        self.count += 1
        return f"{who} {self.count}"

    @rule(customer=st.sampled_from(CUSTOMERS))
    def says(self, customer: str) -> None:
        text = self.text(customer)
        self.said[customer].append(text)
        self.sent.append(self.runner.run(self.scene.says(customer, text)))

    @rule(which=st.integers(0, 9))
    def is_pushed_again(self, which: int) -> None:
        if self.sent:
            self.runner.run(self.scene.push(self.sent[which % len(self.sent)]))

    def ticket(self, which: int) -> str:
        """Which tickets there are depends on real time, so what is drawn must not depend on them."""
        tickets = sorted(self.scene.vendors.tickets)
        return tickets[which % len(tickets)] if tickets else ""

    @rule(which=st.integers(0, 9), private=st.booleans())
    def agent_writes(self, which: int, private: bool) -> None:
        ticket = self.ticket(which)
        if not ticket:
            return
        text = f"private {self.count}" if private else self.text("agent")
        if not private:
            self.answered[self.scene.vendors.tickets[ticket].customer].append(text)
        self.scene.vendors.agent_says(ticket, text, private=private)

    @rule()
    def is_looked_for(self) -> None:
        self.scene.look()

    @rule(
        account=st.sampled_from(["shop", "desk"]),
        phase=st.sampled_from(["before", "after"]),
        what=st.sampled_from(["certain", "uncertain", "rejected"]),
    )
    def trouble_comes(self, account: str, phase: str, what: str) -> None:
        if phase == "after":
            error: Exception = Retryable("reset", certain=False)
        elif what == "rejected" and account == "shop":
            error = Rejected("refused", code="48002")
        else:
            error = Retryable("refused", certain=what != "uncertain")
        self.troubles.append((account, phase, error))

    @rule(which=st.integers(0, 9), status=st.sampled_from(["solved", "closed"]))
    def ticket_ends(self, which: int, status: str) -> None:
        ticket = self.ticket(which)
        if ticket and self.scene.vendors.tickets[ticket].status != "closed":
            self.scene.vendors.set_status(ticket, status)

    async def judge(self) -> None:
        self.troubles.clear()
        vendors = self.scene.vendors
        await self.settle(400)
        for customer in CUSTOMERS:
            if self.said[customer]:  # speaking opens the window again for what was held
                text = self.text(customer)
                self.said[customer].append(text)
                await self.scene.says(customer, text)
        for _ in range(4):
            await self.scene.quiet()
            await self.scene.pass_time(400)
        await self.scene.quiet()
        for customer in CUSTOMERS:
            tickets = [ticket for ticket in vendors.tickets.values() if ticket.customer == customer]
            lines = [entry.text for ticket in tickets for entry in ticket.entries if entry.who == "customer"]
            assert lines == self.said[customer]
            notes = [note for ticket in tickets for note in vendors.notes(ticket.id)]
            received = [line for said in vendors.phones.get(customer, []) for line in said.text.split("\n")]
            told = [text for text in self.answered[customer] if any(text in note for note in notes)]
            assert len(set(received)) == len(received), "nothing twice"
            assert [text for text in self.answered[customer] if text in received] == received, (
                "in order, and nothing else"
            )
            waiting = vendors.left.get(customer, 0) == 0
            missing = [text for text in self.answered[customer] if text not in received and text not in told]
            assert missing == [] or waiting, "an answer that did not arrive is told of"
            assert not any("private" in line for line in received)
        owners = [
            ticket.customer
            for ticket in vendors.tickets.values()
            for entry in ticket.entries
            if entry.who == "customer"
        ]
        assert all(
            entry.text.startswith(ticket.customer)
            for ticket in vendors.tickets.values()
            for entry in ticket.entries
            if entry.who == "customer"
        ), owners


@pytest.mark.timeout(600)
def test_any_interleaving(database_url: str) -> None:
    run_machine(Shop, database_url)
