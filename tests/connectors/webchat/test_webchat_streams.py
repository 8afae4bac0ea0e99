"""Streams on real sockets: what is said appears at once, and nothing is lost at any seam."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn

from bridge.contract import Append
from bridge.testing.records import MemoryRecords
from bridge.testing.simulator import _Server
from connectors.webchat.hub import Hub, Line, follow, head_of
from tests.connectors.webchat.test_webchat_visitors import _answer
from tests.connectors.webchat.webchat_rig import WebchatRig


@asynccontextmanager
async def served(rig: WebchatRig) -> AsyncIterator[str]:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        rig.app, log_level="critical", lifespan="off", access_log=False, timeout_graceful_shutdown=1
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[sock]))
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        rig.chat.drain()
        server.stopping.set()
        await task


class Listener:
    """An open stream and what came over it."""

    def __init__(self) -> None:
        self.frames: list[tuple[str, dict[str, Any], str]] = []
        self.more = asyncio.Condition()
        self.ended = False

    async def read(self, client: httpx.AsyncClient, url: str, headers: dict[str, str]) -> None:
        async with client.stream("GET", url, headers=headers | {"accept": "text/event-stream"}) as answer:
            assert answer.status_code == 200
            assert answer.headers["x-accel-buffering"] == "no" and "no-transform" in answer.headers["cache-control"]
            rest = ""
            async for text in answer.aiter_text():
                *frames, rest = (rest + text).split("\n\n")
                for frame in frames:
                    lines = dict(line.split(": ", 1) for line in frame.split("\n") if ": " in line)
                    if "data" in lines:
                        self.frames.append((lines["event"], json.loads(lines["data"]), lines.get("id", "")))
                async with self.more:
                    self.more.notify_all()
        self.ended = True
        async with self.more:
            self.more.notify_all()

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(60), self.more:
            await self.more.wait_for(condition)

    def texts(self) -> list[str]:
        return [data["text"] for kind, data, _ in self.frames if kind == "message.new"]


@asynccontextmanager
async def listening(base: str, path: str, headers: dict[str, str]) -> AsyncIterator[Listener]:
    listener = Listener()
    async with httpx.AsyncClient(base_url=base, timeout=None) as client:
        task = asyncio.create_task(listener.read(client, path, headers))
        try:
            yield listener
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_an_open_stream_hears_at_once_and_a_new_one_goes_on_where_it_broke(rig: WebchatRig) -> None:
    visitor = await rig.visitor()
    async with served(rig) as base:
        path = "/chat/site/v1/events"
        async with listening(base, path, visitor.headers) as line:
            await line.until(lambda: len(line.frames) >= 2)
            assert [(kind, data["caught_up"]) for kind, data, _ in line.frames] == [("hello", False), ("hello", True)]
            await rig.bring(_answer("one"), "key-1", to=visitor.id)
            await line.until(lambda: line.texts() == ["one"])
            cursor = line.frames[-1][2]
        for number in range(5):
            await rig.bring(_answer(f"meanwhile {number}"), f"key-m{number}", to=visitor.id)
        async with listening(base, path, visitor.headers | {"last-event-id": cursor}) as line:
            await line.until(lambda: len(line.texts()) == 5)
            await rig.bring(_answer("two"), "key-2", to=visitor.id)
            await line.until(lambda: line.texts() == [*(f"meanwhile {number}" for number in range(5)), "two"])
            numbers = [int(name.partition(".")[2]) for _, _, name in line.frames if name]
            assert numbers == list(range(2, 8)), "numbers run without a gap"


async def test_typing_passes_by_without_a_number(rig: WebchatRig) -> None:
    visitor = await rig.visitor()
    async with served(rig) as base, listening(base, "/chat/site/v1/events", visitor.headers) as line:
        await line.until(lambda: len(line.frames) >= 2)
        await rig.chat.typing(visitor.id, on=True)
        await line.until(lambda: line.frames[-1] == ("typing", {"name": "", "on": True}, ""))


async def test_agents_see_each_other_and_visitors_type(rig: WebchatRig) -> None:
    visitor = await rig.visitor()
    async with served(rig) as base:
        agent = await rig.agent("Agent B")
        cookie = "; ".join(f"{name}={value}" for name, value in agent.cookies.items())
        cursor = (await agent.get("/desk/site/v1/me")).json()["cursor"]
        async with listening(base, f"/desk/site/v1/events?since={cursor}", {"cookie": cookie}) as line:
            await line.until(lambda: len(line.frames) >= 2)
            other = await rig.agent("Agent A")
            name = (await rig.bring(_said("hello"), "key-1", to=None)).conversation
            await line.until(lambda: line.frames[-1][0] == "ticket" and line.frames[-1][1]["unread"])
            body = {"client_id": "client-0001", "text": "mine"}
            await other.post(f"/desk/site/v1/tickets/{name}/messages", json=body)
            await line.until(lambda: line.frames[-1][0] == "ticket" and line.frames[-1][1]["assignee"] == "Agent A")
            await other.post(f"/desk/site/v1/tickets/{name}/typing", json={"on": True})
            await line.until(lambda: line.frames[-1][0] == "typing" and line.frames[-1][1]["name"] == "Agent A")
            await visitor.post("typing", {"on": True})
            await line.until(lambda: line.frames[-1][1] == {"contact": visitor.id, "on": True})


async def test_a_closing_process_says_goodbye_and_ends(rig: WebchatRig) -> None:
    visitor = await rig.visitor()
    async with served(rig) as base, listening(base, "/chat/site/v1/events", visitor.headers) as line:
        await line.until(lambda: len(line.frames) >= 2)
        rig.chat.drain()
        await line.until(lambda: line.ended)
        kind, data, _ = line.frames[-1]
        assert kind == "bye" and data["reason"] == "restart" and 0 <= data["retry_ms"] < 5000
        refused = await visitor.get("events", headers={"accept": "text/event-stream"})
        assert refused.status_code == 503, "and no new one begins"


async def test_the_fifth_stream_of_a_visitor_replaces_the_first(rig: WebchatRig) -> None:
    visitor = await rig.visitor()
    path = "/chat/site/v1/events"
    async with served(rig) as base, listening(base, path, visitor.headers) as first:
        await first.until(lambda: len(first.frames) >= 2)
        others = [listening(base, path, visitor.headers) for _ in range(4)]
        lines = [await other.__aenter__() for other in others]
        await first.until(lambda: first.ended)
        assert first.frames[-1][1]["reason"] == "replaced"
        await rig.bring(_answer("one"), "key-1", to=visitor.id)
        for line in lines:
            await line.until(lambda line=line: line.texts() == ["one"])
        for other in others:
            await other.__aexit__(None, None, None)


async def test_a_poll_waits_for_news(rig: WebchatRig) -> None:
    visitor = await rig.visitor()
    polling = asyncio.create_task(visitor.get("events", params={"wait": "20"}))
    await asyncio.sleep(0.05)
    assert not polling.done()
    await rig.bring(_answer("one"), "key-1", to=visitor.id)
    async with asyncio.timeout(60):
        found = (await polling).json()
    assert [event["data"]["text"] for event in found["events"]] == ["one"] and found["cursor"] == found["events"][-1][
        "id"
    ]


async def test_nothing_falls_between_reading_and_waiting() -> None:
    """An entry that arrives while the stream is being read is not waited past."""

    class Tricky(MemoryRecords):
        reads = 0

        async def read(self, stream: str, *, after: int = 0, limit: int = 500) -> Any:
            found = await super().read(stream, after=after, limit=limit)
            self.reads += 1
            if self.reads == 1:
                await self.commit(Append(stream, {"type": "late"}))
            return found

    records = Tricky()

    async def shape(entries: Any) -> list[Any]:
        return [(number, entry["type"], {}) for number, entry in entries]

    async with asyncio.timeout(2), aclosing(follow(records, "s", 0, Line(""), shape)) as news:
        found = [item async for item in _first(news, 2)]
    assert found == [None, (1, "late", {})]


async def _first(news: Any, count: int) -> AsyncIterator[Any]:
    for _ in range(count):
        yield await anext(news)


@pytest.mark.parametrize("length", [0, 1, 2, 3, 7, 8, 9, 100])
async def test_the_end_of_a_stream_is_found(length: int) -> None:
    records = MemoryRecords()
    for _ in range(length):
        await records.commit(Append("s", {}))
    for known in {0, length // 2, length}:
        assert await head_of(records, "s", known) == length


def test_addresses_and_processes_have_their_limits() -> None:
    hub = Hub(most=3, per_address=2)
    lines = [hub.join(f"v{number}", "198.51.100.7") for number in range(2)]
    assert hub.crowded("198.51.100.7") and not hub.crowded("198.51.100.8") and not hub.full
    hub.join("v3", "198.51.100.8")
    assert hub.full
    hub.leave("v0", lines[0])
    assert not hub.full and not hub.crowded("198.51.100.7")


def _said(text: str) -> Any:
    from tests.connectors.webchat.test_webchat_desk import said

    return said(text)


async def test_two_thousand_open_streams_keep_to_their_memory(rig: WebchatRig) -> None:
    """What one stream holds here, apart from its socket, and that nothing of it stays."""
    import gc
    import tracemalloc

    from connectors.webchat.streams import Listener, Position, open_stream

    async def shape(entries: Any) -> list[Any]:
        return [(number, entry["type"], entry) for number, entry in entries]

    hub = Hub()
    opened: list[Any] = []

    async def begin(number: int) -> None:
        answer: Any = open_stream(
            rig.account.records, Position(f"s{number}", "e", 0), Listener(hub, f"v{number}", ""), shape, "now"
        )
        body = answer.body_iterator
        await anext(body)  # hello
        await anext(body)  # caught up
        opened.append((body, asyncio.create_task(anext(body))))

    running = len(asyncio.all_tasks())
    await begin(-1)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(2000):
            await begin(number)
        gc.collect()
        each = (tracemalloc.get_traced_memory()[0] - before) / 2000
        assert each < 20_000, f"{each:.0f} bytes for each open stream"
        await rig.account.records.commit(Append("s1999", {"type": "late"}))
        async with asyncio.timeout(60):
            assert b"late" in await opened[-1][1]
        hub.close()
        async with asyncio.timeout(20):
            for _, waiting in opened[:-1]:
                assert b"bye" in await waiting
            assert b"bye" in await anext(opened[-1][0])
            for body, _ in opened:
                await body.aclose()
        opened.clear()
        del waiting, body
        async with asyncio.timeout(60):
            while len(asyncio.all_tasks()) > running:  # until what was cancelled has ended
                await asyncio.sleep(0.02)
        gc.collect()
        left = tracemalloc.get_traced_memory()[0] - before
        assert left < 1_500_000, f"{left} bytes stayed"  # the tables of the loop itself keep their size
    finally:
        tracemalloc.stop()
