"""Load from a process of its own: reads a plan as JSON from standard input, writes what it saw as JSON.

Modes: `flood` sends the next callback of a connection when the last was answered; `steady` keeps a rate whatever the
answers; `chat` sends a customer's next message when the desk has the last one.
"""

import asyncio
import gc
import itertools
import json
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import uvloop

from tests.bench.callbacks import build

_CHUNK = 2**16


@dataclass(slots=True)
class Item:
    """A callback, when it should go and when it went (monotonic nanoseconds, the same clock in all processes)."""

    customer: int
    number: int
    data: bytes
    sent: int = 0


class Wire(asyncio.Protocol):
    """One keep-alive connection with at most one request on its way."""

    def __init__(self, port: int, finished: Callable[["Wire", Item, bool], None]) -> None:
        self.port = port
        self._finished = finished
        self._item: Item | None = None
        self._got = b""
        self._transport: Any = None
        self.closed = False

    async def connect(self) -> None:
        await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", self.port)

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.closed = False

    def send(self, item: Item) -> None:
        self._item = item
        if not item.sent:
            item.sent = time.monotonic_ns()
        self._transport.write(item.data)

    def data_received(self, data: bytes) -> None:
        got = self._got = self._got + data if self._got else data
        end = got.find(b"\r\n\r\n")
        if end < 0:
            return
        head = got[:end].lower()
        where = head.find(b"content-length:")
        length = int(head[where + 15 :].split(b"\r\n", 1)[0]) if where >= 0 else 0
        if len(got) < end + 4 + length:
            return
        self._got = b""
        item, self._item = self._item, None
        if item is not None:
            self._finished(self, item, got.startswith(b"HTTP/1.1 200") and got[end + 4 :] == b"success")

    def connection_lost(self, _error: Exception | None) -> None:
        self.closed = True
        item, self._item = self._item, None
        if item is not None:
            self._finished(self, item, False)

    def close(self) -> None:
        self._transport.close()


class Load:
    """One run of a plan."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.acked: list[int] = []  # nanoseconds from the moment a callback was due until its answer
        self.refused = 0
        self.relayed: list[int] = []  # nanoseconds until the desk had it
        self.began = self.ended_at = 0
        self.cpu = 0.0
        self.done = asyncio.Event()
        self.wires: list[Wire] = []
        self._free: deque[Wire] = deque()
        self._queue: deque[Item] = deque()

    async def run(self) -> dict[str, Any]:
        mode = self.plan["mode"]
        feed = await self._follow() if self.plan.get("feed_port") else None
        ports = itertools.cycle(self.plan["ports"])
        self.wires = [Wire(next(ports), self._finished) for _ in range(self.plan["connections"])]
        await asyncio.gather(*(wire.connect() for wire in self.wires))
        await {"flood": self._flood, "steady": self._steady, "chat": self._chat}[mode]()
        seconds = ((self.ended_at or time.monotonic_ns()) - self.began) / 1e9
        cpu = time.process_time() - self.cpu
        if feed is not None:
            feed.cancel()
        for wire in self.wires:
            wire.close()
        return {
            "acked": len(self.acked),
            "refused": self.refused,
            "relayed": len(self.relayed),
            "seconds": seconds,
            "load_cpu": cpu / seconds,
            "ack_ms": spread(self.acked),
            "relay_ms": spread(self.relayed),
            "relayed_per_s": len(self.relayed) / seconds,
            "acked_per_s": len(self.acked) / seconds,
        }

    def _finished(self, wire: Wire, item: Item, good: bool) -> None:
        now = self.ended_at = time.monotonic_ns()
        if good:
            self.acked.append(now - item.sent)
        else:
            self.refused += 1
        self._next(wire, item)

    def _next(self, wire: Wire, item: Item) -> None:
        raise NotImplementedError

    # flood

    async def _flood(self) -> None:
        """Each connection speaks for its own customers, so that their messages arrive in order."""
        plan, count = self.plan, len(self.wires)
        queues: dict[Wire, deque[Item]] = {wire: deque() for wire in self.wires}
        per = plan["messages"]
        for customer in range(plan["customers"]):
            wire = self.wires[customer % count]
            for number in range(per):
                queues[wire].append(self._item(customer, plan["from"] + number))
        if plan.get("mixed", True):  # customers take turns
            for wire, queue in queues.items():
                queues[wire] = deque(sorted(queue, key=lambda item: item.number))
        busy = 0
        stop_at = 0.0
        loop = asyncio.get_running_loop()

        def proceed(wire: Wire, _item: Item | None) -> None:
            nonlocal busy
            if queues[wire] and not wire.closed and loop.time() < stop_at:
                wire.send(queues[wire].popleft())
                return
            busy -= 1
            if busy == 0:
                self.done.set()

        self._next = proceed  # type: ignore[method-assign] # what comes next depends on the mode
        self._go()
        stop_at = loop.time() + plan["seconds"]
        busy = count
        for wire in self.wires:
            proceed(wire, None)
        await asyncio.wait_for(self.done.wait(), plan["seconds"] + 60)
        if plan.get("feed_port"):
            await self._until_relayed(len(self.acked))

    # steady

    async def _steady(self) -> None:
        plan = self.plan
        total = int(plan["rate"] * plan["seconds"])
        turns = [divmod(turn, plan["customers"]) for turn in range(total)]
        items = [self._item(customer, plan["from"] + number) for number, customer in turns]
        self._next = self._release  # type: ignore[method-assign] # as above
        self._free.extend(self.wires)
        self._go()
        start = time.monotonic_ns() + 10_000_000
        step = int(1e9 / plan["rate"])
        for place, item in enumerate(items):
            due = start + place * step
            ahead = (due - time.monotonic_ns()) / 1e9
            if ahead > 0:
                await asyncio.sleep(ahead)
            item.sent = due
            self._submit(item)
        async with asyncio.timeout(30):
            while len(self.acked) + self.refused < total:
                await asyncio.sleep(0.01)
        if plan.get("feed_port"):
            await self._until_relayed(total)

    # chat

    async def _chat(self) -> None:
        plan = self.plan
        per = plan["messages"]
        self._rest = {
            customer: deque(self._item(customer, plan["from"] + number) for number in range(per))
            for customer in range(plan["customers"])
        }
        self._next = self._release  # type: ignore[method-assign] # as above
        self._free.extend(self.wires)
        self._go()
        for queue in list(self._rest.values()):
            self._submit(queue.popleft())
        await self._until_relayed(per * plan["customers"])

    async def _until_relayed(self, total: int) -> None:
        begun = asyncio.get_running_loop().time()
        while len(self.relayed) < total:
            await asyncio.sleep(0.005)
            if asyncio.get_running_loop().time() - begun > self.plan.get("give_up_after", 120):
                break

    # common

    def _item(self, customer: int, number: int) -> Item:
        customer *= self.plan.get("stride", 1)
        item = Item(customer, number, build(customer, number, self.plan["format"]))
        if self.plan.get("feed_port"):
            self._items[customer, number] = item
        return item

    def _go(self) -> None:
        """All is made: the clock starts."""
        gc.collect()
        gc.freeze()
        self.began, self.cpu = time.monotonic_ns(), time.process_time()

    def _submit(self, item: Item) -> None:
        if self._free:
            self._free.popleft().send(item)
        else:
            self._queue.append(item)

    def _release(self, wire: Wire, _item: Item) -> None:
        if self._queue:
            wire.send(self._queue.popleft())
        else:
            self._free.append(wire)

    async def _follow(self) -> asyncio.Task[None]:
        self._items: dict[tuple[int, int], Item] = {}
        self._rest = {}
        reader, writer = await asyncio.open_connection("127.0.0.1", self.plan["feed_port"])
        writer.write(b"GET /bench/feed HTTP/1.1\r\nhost: desk\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        return asyncio.create_task(self._hear(reader, writer))

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rest = b""
        while chunk := await reader.read(_CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                customer, number, at = map(int, line.split())
                item = self._items.pop((customer, number), None)
                if item is None:
                    continue
                self.ended_at = at
                self.relayed.append(at - item.sent)
                if queue := self._rest.get(customer // self.plan.get("stride", 1)):
                    self._submit(queue.popleft())
        writer.close()


def spread(nanoseconds: list[int]) -> dict[str, float]:
    """Percentiles in milliseconds."""
    if not nanoseconds:
        return {}
    ordered = sorted(nanoseconds)
    at = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}
    found = {name: ordered[min(len(ordered) - 1, int(len(ordered) * share))] / 1e6 for name, share in at.items()}
    return {**found, "max": ordered[-1] / 1e6}


def main() -> None:
    plan = json.loads(sys.stdin.read())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.stdout.write(json.dumps(runner.run(_run(plan))))


async def _run(plan: dict[str, Any]) -> dict[str, Any]:
    return await Load(plan).run()


if __name__ == "__main__":
    main()
