"""A model server and a desk that nobody here wrote: the bot answers, and then a person does, with all that was said."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bridge.contract import ConnectorError, Http
from bridge.engine.conversation.bot_texts import bot_says
from bridge.testing.e2e.process import Process
from bridge.testing.ports import free_port
from connectors.rt.text import address
from connectors.wechat.simulator import Simulator
from tests.real.rt_server import RealRt
from tests.real.test_rt import Journey, poll, real_rt

__all__ = ["real_rt"]
pytestmark = [pytest.mark.real, pytest.mark.timeout(400)]

RULES = """
version: 1
rules:
  - name: busy
    when: {messages_contain: "busy?"}
    respond: {status: 429, error: "Rate limit exceeded"}
  - name: person
    when: {messages_contain: "arrived broken", tools_include: handoff_to_human}
    respond:
      tool_calls:
        - name: handoff_to_human
          arguments: {reason: "a broken mug", summary: "The customer's mug is broken."}
  - name: hours
    when: {messages_contain: "几点", model_matches: "shop-*"}
    respond: {content: "<think>They ask for the hours.</think>**九点**开门。"}
"""


@pytest.fixture
def model(tmp_path: Path) -> Iterator[str]:
    """The server's base address."""
    config, port = tmp_path / "rules.yaml", free_port()
    config.write_text(RULES, "utf-8")
    command = [str(Path(sys.executable).with_name("fakellm")), "serve", "--port", str(port), "--config", str(config)]
    with (tmp_path / "model.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        yield f"http://127.0.0.1:{port}/v1"
        process.terminate()


async def answers(base: str) -> None:
    http = Http(timeout=5, home=base)
    async with asyncio.timeout(60):
        while True:
            with suppress(ConnectorError):
                await http.request("GET", f"{base}/models")
                break
            await asyncio.sleep(0.1)
    await http.close()


@pytest.fixture
async def journey(
    real_rt: RealRt, model: str, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Journey]:
    await answers(model)
    async with Simulator() as phone:
        engine = {
            "request_timeout": "20s",
            "settle": "3s",
            "reconcile_every": "1s",
            "backoff_max": "1s",
            "lease": "30s",
        }
        accounts = {
            "shop": phone.settings(),
            "desk": real_rt.account(),
            "helper": {"kind": "openai", "api_base": model, "model": "shop-1", "deadline": "10s"},
        }
        route = {"channel": "shop", "desk": "desk", "bot": {"name": "helper", "quiet": "0s", "ticket": "handoff"}}
        bridge = Process(tmp_path, f"sqlite+aiosqlite:///{tmp_path}/bridge.db", accounts, [route], engine=engine)
        phone.hook_url = bridge.hook("shop")
        await bridge.start()
        yield Journey(phone, real_rt, bridge, "o" + "".join(filter(str.isalnum, request.node.name))[-24:])
        await bridge.close()


async def has_a_ticket(journey: Journey) -> bool:
    return len(await journey.rt.tickets(address(journey.customer, "bridge.invalid"))) == 1


async def is_noted(journey: Journey, ticket: str, text: str) -> bool:
    return any(kind == "Comment" and text in said for kind, _, said, _ in await journey.rt.seen(ticket))


async def test_the_model_answers_and_hands_over_with_all_that_was_said(journey: Journey) -> None:
    first = f"九点开门。\n{bot_says('hint', 'zh')}"
    await journey.phone.says(journey.customer, "你们几点开门？")
    await journey.reaches_the_customer(first)
    assert not await has_a_ticket(journey), "nobody was needed"
    await journey.phone.says(journey.customer, "My mug arrived broken")
    await journey.reaches_the_customer(first, bot_says("handoff", "en"))
    await poll(lambda: has_a_ticket(journey))
    ticket = await journey.ticket()
    begin = (await journey.rt.seen(ticket))[0][2]
    places = [begin.find(said) for said in ("你们几点开门？", "九点开门。", "My mug arrived broken")]
    assert -1 < places[0] < places[1] < places[2], begin
    await poll(lambda: is_noted(journey, ticket, "The customer's mug is broken."))
    await journey.rt.answers(ticket, "We send you another one.")
    await journey.reaches_the_customer(first, bot_says("handoff", "en"), "We send you another one.")
    await journey.phone.says(journey.customer, "几点?")
    await journey.reaches_the_desk("几点?")
    assert len(journey.phone.received(journey.customer)) == 3, "the bot is silent once a person has answered"


async def test_a_model_that_takes_no_more_brings_a_person(journey: Journey) -> None:
    await journey.phone.says(journey.customer, "are you busy?")
    await poll(lambda: has_a_ticket(journey))
    assert "are you busy?" in (await journey.rt.seen(await journey.ticket()))[0][2]
    await journey.reaches_the_customer(bot_says("handoff", "en"))
