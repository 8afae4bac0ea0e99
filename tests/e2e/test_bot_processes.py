"""Two processes on one PostgreSQL: a bot's turns, hand-overs and take-overs happen once, whichever of them dies."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bridge.testing.e2e.process import Process, until
from connectors.openai.simulator import Simulator as Model
from connectors.wechat.simulator import Simulator as Phone
from tests.e2e.desks import Rt

CUSTOMERS = [f"oCustomer_{number}" for number in range(6)]
TAKEN, ASKING, KEPT = CUSTOMERS[:2], CUSTOMERS[2:4], CUSTOMERS[4:]


class Counting(Model):
    """Each answer is another one, and takes a moment."""

    count = 0

    async def _complete(self, request: Any) -> Any:
        self.count += 1
        self.says = f"answer {self.count}"
        response = await super()._complete(request)
        await asyncio.sleep(0.2)
        return response


@pytest.mark.timeout(240)
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_one_of_two_processes_is_killed(database_url: str, tmp_path: Path) -> None:
    desk = Rt()
    async with Phone() as phone, desk.simulator, Counting() as model:
        accounts = {"shop": phone.settings(), "desk": desk.settings(), "model": model.settings() | {"deadline": "20s"}}
        route = {"channel": "shop", "desk": "desk", "bot": {"name": "model", "quiet": "0s", "max_turns": 50}}
        first, second = (Process(tmp_path, database_url, accounts, [route]) for _ in range(2))
        try:
            await asyncio.gather(first.start(), second.start())
            phone.hook_url, desk.simulator.hook_url = first.hook("shop"), second.hook("desk")

            async def talk(customer: str, texts: list[str]) -> None:
                for text in texts:
                    await phone.says(customer, text)

            await asyncio.gather(*(talk(one, [f"{one} asks {number}" for number in range(2)]) for one in CUSTOMERS))
            await until(lambda: all(phone.received(one) for one in CUSTOMERS))
            await until(lambda: len(desk.tickets()) == len(CUSTOMERS))
            tickets = {one: ticket for ticket in desk.tickets() for one in CUSTOMERS if _holds(desk, ticket, one)}
            phone.hook_url = second.hook("shop")
            more = [talk(one, [f"{one} asks {number}" for number in (2, 3)]) for one in CUSTOMERS]
            takes = [desk.agent_says(tickets[one], f"agent for {one}") for one in TAKEN]
            asks = [talk(one, ["人工"]) for one in ASKING]
            talking = asyncio.gather(*more, *takes, *asks)
            await asyncio.sleep(0.3)
            first.kill()
            await talking
            await until(lambda: all(f"agent for {one}" in phone.received(one) for one in TAKEN))
            await until(lambda: all(_waits(phone, one) for one in ASKING))
            await until(lambda: all(_said(desk, tickets[one], one) == _wanted(one) for one in CUSTOMERS))
            await talk(TAKEN[0], ["anybody?"])
            await until(lambda: "anybody?" in _lines(desk, tickets[TAKEN[0]]))
            await asyncio.sleep(1)  # a bot that should be silent would have spoken
        finally:
            await asyncio.gather(first.close(), second.close())
        for one in CUSTOMERS:
            heard = phone.received(one)
            assert [text for text, count in Counter(heard).items() if count > 1] == [], "nothing is said twice"
            bot = [place for place, text in enumerate(heard) if text.startswith("answer")]
            if one in TAKEN:
                after = [place for place in bot if place > heard.index(f"agent for {one}")]
                assert len(after) <= 1, "what was being sent may land"
            if one in ASKING:
                assert sum("人工客服" in text and "回复" not in text for text in heard) == 1, heard
        assert len(desk.tickets()) == len(CUSTOMERS)


def _holds(desk: Rt, ticket: str, customer: str) -> bool:
    return any(customer in line for line in _lines(desk, ticket))


def _lines(desk: Rt, ticket: str) -> list[str]:
    return [
        line for entry in desk.entries(ticket) if entry.side == "customer" for line in entry.text.split("\n") if line
    ]


def _said(desk: Rt, ticket: str, customer: str) -> list[str]:
    return [line for line in _lines(desk, ticket) if line.startswith(f"{customer} asks")]


def _wanted(customer: str) -> list[str]:
    return [f"{customer} asks {number}" for number in range(4)]


def _waits(phone: Phone, customer: str) -> bool:
    return any("正在为您转接人工客服" in text for text in phone.received(customer))
