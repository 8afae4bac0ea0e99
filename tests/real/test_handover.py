"""A talk that goes from one desk to a real Request Tracker and back, with answers waiting on both."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.testing.e2e.process import Process
from connectors.rt.text import address
from connectors.wechat.simulator import Simulator
from tests.e2e.desks import Zendesk
from tests.real.rt_server import RealRt
from tests.real.test_rt import poll, real_rt

__all__ = ["real_rt"]
pytestmark = [pytest.mark.real, pytest.mark.timeout(400)]
CUSTOMER = "oHandedOverAndBack"


@pytest.fixture
async def talk(real_rt: RealRt, tmp_path: Path) -> AsyncIterator[tuple[Simulator, Zendesk, RealRt]]:
    zendesk = Zendesk()
    async with Simulator() as phone, zendesk.simulator:
        engine = {"request_timeout": "20s", "settle": "3s", "reconcile_every": "1s", "backoff_max": "1s"}
        accounts = {"shop": phone.settings(), "zen": zendesk.settings(), "rt": real_rt.account()}
        routes = [
            {"channel": "shop", "desk": "rt", "when": {"page": "special"}},
            {"channel": "shop", "desk": "zen"},
        ]
        bridge = Process(tmp_path, f"sqlite+aiosqlite:///{tmp_path}/bridge.db", accounts, routes, engine=engine)
        phone.hook_url = bridge.hook("shop")
        zendesk.calls(bridge.hook("zen"))
        await bridge.start()
        yield phone, zendesk, real_rt
        await bridge.close()


async def test_it_goes_there_and_back_in_the_middle(talk: tuple[Simulator, Zendesk, RealRt]) -> None:
    phone, zendesk, rt = talk

    async def tickets() -> list[str]:
        return await rt.tickets(address(CUSTOMER, "bridge.invalid"))

    async def reads(*texts: str) -> bool:
        found = [text for one in await tickets() for _, _, text, _ in await rt.seen(one)]
        return all(any(text in line for line in found) for text in texts)

    async def zendesk_reads(text: str, *, note: bool = False) -> bool:
        lines = zendesk.notes() if note else zendesk.seen()
        return any(text in line for line in lines)

    async def heard(*texts: str) -> bool:
        return phone.received(CUSTOMER) == list(texts)

    await phone.says(CUSTOMER, "where is my parcel?")
    await poll(lambda: zendesk_reads("where is my parcel?"))
    phone.fail(45015)  # the window is closed: what is answered now waits
    await zendesk.agent_says(zendesk.ticket, "answer one")
    await poll(lambda: zendesk_reads("Not delivered yet", note=True))
    await zendesk.agent_notes(zendesk.ticket, "#move rt")
    await poll(lambda: reads("where is my parcel?", "answer one"))
    (ticket,) = await tickets()
    await poll(lambda: zendesk_reads("goes on at rt", note=True))
    await rt.answers(ticket, "answer two")
    await poll(lambda: reads("Not delivered yet"))
    await phone.says(CUSTOMER, "hello?")
    await poll(lambda: heard("answer one", "answer two"))
    await poll(lambda: reads("hello?"))
    phone.fail(45015)
    await rt.answers(ticket, "answer three")
    await rt.answers(ticket, "#move zen", verb="comment")
    await poll(lambda: zendesk_reads("answer two"))
    await zendesk.agent_says(zendesk.ticket, "answer four")
    await phone.says(CUSTOMER, "thanks")
    await poll(lambda: heard("answer one", "answer two", "answer three", "answer four"))
    await poll(lambda: zendesk_reads("thanks"))
    assert await tickets() == [ticket] and len(zendesk.tickets()) == 1
    assert not await reads("thanks"), "it went on elsewhere"
    assert sum("where is my parcel?" in line for line in zendesk.seen()) == 1
