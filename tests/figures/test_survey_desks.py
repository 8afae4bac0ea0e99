"""Where a customer's opinion stands at each desk, and what its agents read of a question."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.testing.clock import system_clock
from bridge.testing.e2e.desk import Desk, Entry, File
from connectors.chatwoot.simulator import Simulator as ChatwootSimulator
from tests.e2e.desks import Clock, Freshdesk, Rt, Zendesk
from tests.engine.desk_harness import DeskHarness


class Chatwoot(Desk):
    kind = "chatwoot"

    def __init__(self, clock: Clock = system_clock) -> None:
        self.simulator = ChatwootSimulator(clock=clock)

    def silence(self) -> None:
        self.simulator.silent = True

    def tickets(self) -> list[str]:
        return [str(number) for number in self.simulator.books.conversations]

    def entries(self, ticket: str) -> list[Entry]:
        sides = {(0, False): "customer", (1, False): "agent"}
        return [
            Entry(sides.get((one.message_type, one.private), "note"), one.content or "")
            for one in self.simulator.seen(ticket)
        ]

    async def agent_says(self, ticket: str, text: str, files: Sequence[File] = ()) -> None:
        await self.simulator.agent_says(ticket, text)

    async def agent_notes(self, ticket: str, text: str) -> None:
        await self.simulator.notes(ticket, text)

    async def solve(self, ticket: str) -> None:
        await self.simulator.resolves(ticket)


def opinion(desk: Any) -> tuple[Any, ...]:
    """(tags that say it, what the desk itself keeps)."""
    ticket, simulator = desk.ticket, desk.simulator
    if desk.kind == "rt":
        return (simulator.state.tickets[int(ticket)].fields.get("Satisfaction"),)
    if desk.kind == "chatwoot":
        found = simulator.books.conversation(int(ticket))
        return ([one for one in found.labels if one.startswith("csat")], found.custom.get("csat"))
    row = simulator.state.tickets[int(ticket)]
    kept = row.rating["score"] if desk.kind == "zendesk" else [one["ratings"] for one in row.ratings]
    return ([one for one in row.tags if one.startswith("csat")], kept)


DESKS: dict[type[Desk], tuple[str | None, Sequence[Any], Sequence[Any]]] = {
    Zendesk: (None, (["csat-2"], "bad"), (["csat-5"], "good")),
    Freshdesk: (
        None,
        (["csat-2"], [{"default_question": -102}]),
        (["csat-5"], [{"default_question": -102}, {"default_question": 103}]),
    ),
    Rt: ("Satisfaction", ("2",), ("5",)),
    Chatwoot: ("csat", (["csat-2"], "2"), (["csat-5"], "5")),
}
"""By desk: the field that is named, and what stands there after a 2 and after its correction to 5."""


@pytest.mark.parametrize("desk", DESKS, ids=lambda one: one.kind)
@pytest.mark.parametrize("way", ["text", "link"])
async def test_an_opinion_stands_on_the_ticket(database_url: str, tmp_path: Path, desk: type[Desk], way: str) -> None:
    field, first, corrected = DESKS[desk]
    survey = {"way": way, **({"field": field} if field else {})}
    harness = DeskHarness(database_url, tmp_path, desk, routes=[{"channel": "shop", "desk": "desk", "survey": survey}])
    async with harness.running() as bridge:
        if desk is Zendesk:
            harness.desk.simulator.gate.impersonates = True
        if desk is Freshdesk:
            harness.desk.simulator.site.scale = (103, 102, 101, 100, -101, -102, -103)
        if desk is Rt:
            harness.desk.simulator.rest.custom_fields.add(field)
        await harness.asks("where is it?")
        await harness.answer("on its way")
        await harness.desk.solve(harness.desk.ticket)
        harness.clock.advance(1)
        await harness.read()
        await harness.wait(130)
        (question,) = harness.phone.received(harness.customer)[1:]
        said = harness.desk.seen()

        async def rates(score: str) -> None:
            if way == "text":
                await harness.asks(f"{score} 分")
            else:
                token = re.search(r"/rate/(\S+)", question)
                assert token is not None
                transport = httpx.ASGITransport(bridge.app())
                async with httpx.AsyncClient(transport=transport, base_url="https://bridge.example.com") as browser:
                    answer = await browser.post(f"/rate/{token[1]}", data={"score": score})
                    assert answer.status_code == 200, answer.text
            await harness.wait(70)

        await rates("2")
        assert opinion(harness.desk) == tuple(first)
        if way == "text":
            await rates("5")
            assert opinion(harness.desk) == tuple(corrected)
        assert harness.desk.seen() == said, "a rating is no message"
        noted = [note for note in harness.notes if " of 5" in note]
        assert ["2 of 5" in note or "5 of 5" in note for note in noted] == [True] * (2 if way == "text" else 1)


@pytest.mark.parametrize("desk", DESKS, ids=lambda one: one.kind)
async def test_why_nobody_could_be_asked_stands_there_once(database_url: str, tmp_path: Path, desk: type[Desk]) -> None:
    route = {"channel": "shop", "desk": "desk", "survey": {"keep": 5}}
    harness = DeskHarness(database_url, tmp_path, desk, routes=[route])
    async with harness.running():
        await harness.asks("where is it?")
        await harness.answer("on its way")
        await harness.desk.solve(harness.desk.ticket)
        harness.clock.advance(1)
        await harness.read()
        for _ in range(3):
            await harness.wait(130)
        assert harness.phone.received(harness.customer) == ["on its way"]
        assert len([note for note in harness.notes if "too few replies would have been left" in note]) == 1
