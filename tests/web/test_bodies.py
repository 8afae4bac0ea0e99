"""Slow callers: nobody is refused because of them."""

import asyncio
from typing import Any

import pytest

from bridge.web.bodies import Allowed, Bodies
from bridge.web.fastpath import Connection
from tests.web.test_fastpath import WebHarness, answers, push


def never() -> Any:
    return asyncio.Event().wait()


def stalled(bodies: Bodies, network: str) -> asyncio.Task[Any]:
    return asyncio.create_task(bodies.body(network, never)())


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_newest_of_a_crowded_network_gets_the_place_of_the_oldest() -> None:
    bodies = Bodies(Allowed(idle=60, total=60, each=3))
    tasks = [stalled(bodies, "a") for _ in range(3)]
    other = stalled(bodies, "b")
    await turns()
    assert not any(task.done() for task in tasks)
    newest = stalled(bodies, "a")
    await asyncio.sleep(0.01)
    assert [task.done() for task in tasks] == [True, False, False] and not newest.done() and not other.done()
    for task in (*tasks, newest, other):
        task.cancel()


async def test_when_all_places_are_taken_the_most_crowded_network_gives_one() -> None:
    bodies = Bodies(Allowed(idle=60, total=60, most=4))
    crowd = [stalled(bodies, "2001:db8::/64") for _ in range(3)]
    alone = stalled(bodies, "b")
    await turns()
    newest = stalled(bodies, "c")
    await asyncio.sleep(0.01)
    assert crowd[0].done() and not alone.done() and not newest.done()
    for task in (*crowd, alone, newest):
        task.cancel()


@pytest.mark.parametrize("allowed", [Allowed(idle=0.03, total=60), Allowed(idle=60, total=0.03)])
async def test_a_body_that_drips_or_rests_is_ended(allowed: Allowed) -> None:
    async def drip() -> Any:
        await asyncio.sleep(0.02 if allowed.total < 1 else 60)
        return {"type": "http.request", "body": b"x", "more_body": True}

    body = Bodies(allowed).body("a", drip)
    async with asyncio.timeout(10):  # either limit alone ends it
        while (message := await body())["type"] == "http.request":
            pass
    assert message == {"type": "http.disconnect"} and body.why == "slow"


async def test_the_largest_gives_way_when_memory_is_short_and_leaves_none_behind() -> None:
    bodies = Bodies(Allowed(idle=60, total=60, memory=1000))

    def chunks(size: int) -> Any:
        async def receive() -> Any:
            return {"type": "http.request", "body": b"x" * size, "more_body": True}

        return receive

    large, small = bodies.body("a", chunks(900)), bodies.body("b", chunks(60))
    await large()
    assert (await small())["type"] == "http.request" and not large.why
    assert (await small())["type"] == "http.request" and large.why == "full"
    assert (await large())["type"] == "http.disconnect"
    large.leave()
    small.leave()
    assert bodies._bytes == bodies._count == 0 and not bodies._open


async def test_many_slow_callers_refuse_no_genuine_callback() -> None:
    """The example of the fault: 256 unsigned requests whose bodies do not come."""
    harness = WebHarness(Connection)
    slow = [WebHarness(Connection) for _ in range(300)]
    for one in slow:
        one.protocol = Connection(harness.protocol.config, harness.protocol.server_state, {})
        one.protocol.connection_made(one.line)
        one.protocol.data_received(push(b"x" * 50)[:-49])
    await turns()
    await harness.hear(push(b"genuine"), push(b"in pieces")[:-3], b"ces")
    assert harness.kept == [b"genuine", b"in pieces"]
    assert [answer[:3] for answer in answers(harness)] == [b"200", b"200"]


async def test_forged_ones_take_no_place_while_the_store_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.engine.runtime.admission.CALLBACKS_AT_ONCE", 1)
    harness = WebHarness(Connection, held=True)
    await harness.hear(push(b"later forged"), push(b"forged"))
    assert [answer[:3] for answer in answers(harness)] == [b"403", b"403"]
    await harness.hear(push(b"words"))
    assert harness.hooks.at_work == 1 and len(harness.waiting) == 1
