"""`python -m tests.bench.streams`: many visitors with open event streams on one serving bridge.

Opens the streams, measures the server's memory for each, then lets visitors write and an agent's stream listen: how long
from a visitor's POST until the desk knows. Prints a table; the last line is JSON.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from bridge.testing.e2e.process import Process
from tests.browser.page_harness import PASSWORD, make_bridge


def resident(pid: int) -> int:
    """Bytes of memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


class Crowd:
    """Visitors with sessions and, when asked for, open streams. Each from an address of its own: limits are per address."""

    def __init__(self, bridge: Process) -> None:
        self.bridge = bridge
        self.keys: list[str] = []
        self.heard: dict[int, asyncio.Event] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._clients: list[httpx.AsyncClient] = []

    def client(self, number: int) -> httpx.AsyncClient:
        address = f"127.{1 + number // 40000}.{number // 200 % 200 + 1}.{number % 200 + 1}"
        transport = httpx.AsyncHTTPTransport(verify=False, local_address=address)
        client = httpx.AsyncClient(transport=transport, base_url=self.bridge.base, timeout=None)
        self._clients.append(client)
        return client

    async def join(self, number: int) -> None:
        client = self.client(number // 40)  # forty visitors share an address
        while (answer := await client.post("/chat/site/v1/sessions", json={})).status_code == 429:
            await asyncio.sleep(answer.json()["error"]["retry_after_ms"] / 1000)
        answer.raise_for_status()
        self.keys.append(answer.json()["access_token"])
        await client.aclose()

    async def listen(self, number: int) -> None:
        ready = asyncio.Event()
        self._tasks.append(asyncio.create_task(self._read(number, ready)))
        await ready.wait()

    async def _read(self, number: int, ready: asyncio.Event) -> None:
        client = self.client(number // 40)
        headers = {"authorization": f"Bearer {self.keys[number]}", "accept": "text/event-stream"}
        async with client.stream("GET", "/chat/site/v1/events", headers=headers) as answer:
            answer.raise_for_status()
            async for text in answer.aiter_text():
                if '"caught_up":true' in text:
                    ready.set()
                if "message.new" in text and number in self.heard:
                    self.heard[number].set()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(client.aclose() for client in self._clients))


async def watch(bridge: Process, seen: dict[str, float]) -> asyncio.Task[None]:
    """The desk's stream: when each text was known there."""
    client = httpx.AsyncClient(base_url=bridge.base, timeout=None, headers={"x-desk": "1"})
    await client.post("/desk/site/v1/sign-in", json={"name": "Agent A", "password": PASSWORD})
    ready = asyncio.Event()

    async def read() -> None:
        async with client.stream("GET", "/desk/site/v1/events", headers={"accept": "text/event-stream"}) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("event: hello"):
                    ready.set()
                if line.startswith("data: ") and '"last":' in line:
                    text = json.loads(line[6:])["last"].get("text", "")
                    seen.setdefault(text, time.perf_counter())

    task = asyncio.create_task(read())
    await ready.wait()
    return task


async def measure(count: int, messages: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        bridge = make_bridge(Path(folder))
        await bridge.start()
        crowd = Crowd(bridge)
        try:
            assert bridge._process is not None
            pid = bridge._process.pid
            for number in range(count):
                await crowd.join(number)
            before = resident(pid)
            began = time.perf_counter()
            steps = []
            for start in range(0, count, 250):
                await asyncio.gather(*(crowd.listen(number) for number in range(start, min(count, start + 250))))
                steps.append((min(count, start + 250), (resident(pid) - before) / min(count, start + 250)))
            opened = time.perf_counter() - began
            seen: dict[str, float] = {}
            desk = await watch(bridge, seen)
            desk_after, own_after, answers = [], [], []
            client = httpx.AsyncClient(base_url=bridge.base, timeout=30)
            for number in range(messages):
                who = (number * 37) % count
                crowd.heard[who] = asyncio.Event()
                sent = time.perf_counter()
                answer = await client.post(
                    "/chat/site/v1/messages",
                    json={"client_id": f"bench-{number:08}", "text": f"message {number}"},
                    headers={"authorization": f"Bearer {crowd.keys[who]}"},
                )
                answer.raise_for_status()
                answers.append(time.perf_counter() - sent)
                await crowd.heard[who].wait()
                own_after.append(time.perf_counter() - sent)
                while f"message {number}" not in seen:
                    await asyncio.sleep(0.001)
                desk_after.append(seen[f"message {number}"] - sent)
            desk.cancel()
            await client.aclose()
            return {
                "streams": count,
                "opened_in_s": round(opened, 2),
                "bytes_each": {str(number): round(each) for number, each in steps},
                "answer_ms": spread(answers),
                "own_stream_ms": spread(own_after),
                "desk_ms": spread(desk_after),
            }
        finally:
            await crowd.close()
            await bridge.close()


def spread(seconds: list[float]) -> dict[str, float]:
    """p50, p95 and the longest, in milliseconds."""
    ordered = sorted(seconds)
    return {
        "p50": round(statistics.median(ordered) * 1000, 1),
        "p95": round(ordered[int(len(ordered) * 0.95)] * 1000, 1),
        "max": round(ordered[-1] * 1000, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.streams", description=__doc__)
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--messages", type=int, default=200)
    options = parser.parse_args()
    found = asyncio.run(measure(options.streams, options.messages))
    for name, value in found.items():
        sys.stdout.write(f"{name:<14} {value}\n")
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
