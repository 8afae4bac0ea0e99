"""Nudges: each leads to a look that begins after it, and none stands in the way of others."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.contract import Gone, Page, Raw, Rejected, Retryable, Throttled
from bridge.engine.inbound.polling import Poller


class Desk:
    """Remembers where it was asked to look; `then` happens while it is asked."""

    def __init__(self, then: Callable[[str, int], None]) -> None:
        self.asked: list[str] = []
        self._then = then

    async def poll(self, cursor: str | None, conversation: str | None = None) -> Page:
        assert conversation is not None
        self.asked.append(conversation)
        self._then(conversation, self.asked.count(conversation))
        return Page((Raw(f"{conversation}:{len(self.asked)}", b"{}"),))


async def no_cursor(*_asked: object) -> None:
    return None


def make(desk: Desk, kept: list[str]) -> Poller:
    async def keep(_account: str, raws: Any, _cursor: str | None = None) -> None:
        kept.extend(raw.key for raw in raws)

    runtime: Any = SimpleNamespace(settings=SimpleNamespace(engine=SimpleNamespace(breaker_pause=timedelta(0))))
    connected: Any = SimpleNamespace(name="desk", connector=desk)
    store: Any = SimpleNamespace(read=no_cursor)
    return Poller(store, runtime, connected, keep)


async def run(desk: Desk, *nudges: str, poller: list[Poller]) -> list[str]:
    """Looks until nothing is left to look at. Returns the keys of what was kept."""
    kept: list[str] = []
    looking = make(desk, kept)
    looking.round_due = False
    poller.append(looking)
    looking.refresh(nudges)
    stop = asyncio.Event()
    running = asyncio.create_task(looking.run(stop))
    async with asyncio.timeout(60):
        while looking._looks:
            await asyncio.sleep(0)
    stop.set()
    await running
    return kept


async def test_a_nudge_that_comes_while_we_look_is_a_look_of_its_own() -> None:
    """What it tells of may have happened after the reading."""
    poller: list[Poller] = []

    def again(conversation: str, count: int) -> None:
        if conversation == "7" and count == 1:
            poller[0].refresh(["7", "7"])

    desk = Desk(again)
    assert await run(desk, "7", "8", poller=poller) == ["7:1", "8:2", "7:3"]


async def test_a_burst_of_nudges_is_one_look() -> None:
    desk = Desk(lambda _conversation, _count: None)
    assert await run(desk, "7", "7", "7", poller=[]) == ["7:1"]


async def test_a_flood_of_nudges_ends_in_a_round() -> None:
    """Whoever signs may name any conversation: what waits to be looked at has a bound."""
    desk = Desk(lambda _conversation, _count: None)
    looking = make(desk, [])
    looking.round_due = False
    looking.refresh([str(number) for number in range(1000)])
    assert not looking.round_due
    looking.refresh(["7", "1001", "1002"])
    assert looking.round_due and len(looking._looks) == 1000 and looking._looks["7"] == 2


@pytest.mark.parametrize("error", [Gone("not there"), Rejected("no such thing")])
async def test_a_nudge_that_leads_nowhere_holds_nothing_up(error: Exception) -> None:
    def refuse(conversation: str, _count: int) -> None:
        if conversation == "7":
            raise error

    desk = Desk(refuse)
    assert await run(desk, "7", "8", poller=[]) == ["8:2"]


async def test_trouble_loses_no_nudge() -> None:
    def trouble(conversation: str, count: int) -> None:
        if conversation == "7" and count < 3:
            raise Retryable("down")

    desk = Desk(trouble)
    assert await run(desk, "7", "8", poller=[]) == ["7:3", "8:4"]


class Limited(Desk):
    """Its rounds have a limit of their own, which is used up."""

    def __init__(self) -> None:
        super().__init__(lambda _conversation, _count: None)
        self.rounds = 0

    async def poll(self, cursor: str | None, conversation: str | None = None) -> Page:
        if conversation is not None:
            return await super().poll(cursor, conversation)
        self.rounds += 1
        raise Throttled("too many exports", retry_after=600)


async def test_nudges_do_not_wait_for_the_limit_of_rounds() -> None:
    desk, stop = Limited(), asyncio.Event()
    looking = make(desk, [])
    running = asyncio.create_task(looking.run(stop))
    async with asyncio.timeout(60):
        while not desk.rounds:
            await asyncio.sleep(0)
        looking.refresh(["7"])
        while not desk.asked:
            await asyncio.sleep(0.01)
    stop.set()
    await running
    assert (desk.asked, desk.rounds, looking.round_due) == (["7"], 1, True)
