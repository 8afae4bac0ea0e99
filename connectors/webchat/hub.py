"""Open event streams: who listens, what passes by unstored, and how one stream is written."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.contract import Records

HEARTBEAT = 15.0  # seconds between signs of life
_PAGE = 200
HEADERS = {
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",  # or proxies hold events back until a buffer is full
    "x-content-type-options": "nosniff",
}
Shape = Callable[[Sequence[tuple[int, dict[str, Any]]]], Awaitable[list[tuple[int, str, dict[str, Any]]]]]


@dataclass(slots=True, eq=False)
class Line:
    """One open stream. `passing` waits to be sent and is forgotten; `end` says why it is closed."""

    address: str
    passing: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    end: str = ""
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class Hub:
    """All open streams of one account in this process."""

    def __init__(self, most: int = 5000, each: int = 4, per_address: int = 200) -> None:
        self._most, self._each, self._per_address = most, each, per_address
        self._lines: defaultdict[str, list[Line]] = defaultdict(list)
        self._addresses: defaultdict[str, int] = defaultdict(int)
        self._open = 0
        self.closing = False

    @property
    def full(self) -> bool:
        """No room for another stream; whoever asks may still poll."""
        return self.closing or self._open >= self._most

    def crowded(self, address: str) -> bool:
        """One address has as many streams as it may."""
        return self._addresses[address] >= self._per_address

    def join(self, topic: str, address: str) -> Line:
        """A new stream of a topic. The oldest of too many makes room: it is likely a dead connection."""
        line = Line(address)
        lines = self._lines[topic]
        lines.append(line)
        if len(lines) > self._each:
            lines[0].end = "replaced"
            lines[0].wake.set()
        self._addresses[address] += 1
        self._open += 1
        return line

    def leave(self, topic: str, line: Line) -> None:
        """The stream is over."""
        self._lines[topic].remove(line)
        if not self._lines[topic]:
            del self._lines[topic]
        self._addresses[line.address] -= 1
        if not self._addresses[line.address]:
            del self._addresses[line.address]
        self._open -= 1

    def listens(self, topic: str) -> bool:
        """Whether anybody is there now."""
        return topic in self._lines

    def tell(self, topic: str, kind: str, data: dict[str, Any]) -> None:
        """Something that is true only now (typing): to those who listen, stored nowhere."""
        for line in self._lines.get(topic, ()):
            line.passing.append((kind, data))
            line.wake.set()

    def tell_all(self, kind: str, data: dict[str, Any]) -> None:
        """The same to every topic."""
        for topic in list(self._lines):
            self.tell(topic, kind, data)

    def drop(self, topic: str) -> None:
        """Ends the streams of one topic: whoever may still read it comes again with a new key."""
        for line in self._lines.get(topic, ()):
            line.end = line.end or "signed_in"
            line.wake.set()

    def close(self) -> None:
        """The process ends: everybody is asked to come back a little later."""
        self.closing = True
        for lines in self._lines.values():
            for line in lines:
                line.end = line.end or "restart"
                line.wake.set()


def frame(kind: str, data: dict[str, Any], identifier: str = "") -> bytes:
    """One event as text/event-stream writes it."""
    head = f"id: {identifier}\n" if identifier else ""
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"{head}event: {kind}\ndata: {body}\n\n".encode()


async def follow(
    records: Records, stream: str, after: int, line: Line, shape: Shape, *, heartbeat: float = HEARTBEAT
) -> AsyncGenerator[tuple[int, str, dict[str, Any]] | None, None]:
    """Everything of a stream numbered above `after`, then everything new, and what passes by.

    (number, kind, data); number 0 for what passes by; None when it is time for a sign of life or when the past is
    told for the first time. Waiting begins before reading, so that nothing falls between.
    """
    told = False
    loop = asyncio.get_running_loop()
    alive = loop.time()
    while not line.end:
        line.wake.clear()
        grown = asyncio.ensure_future(records.wait([stream], heartbeat))
        await asyncio.sleep(0)  # until it really listens
        try:
            while entries := await records.read(stream, after=after, limit=_PAGE):
                for event in await shape(entries):
                    yield event
                after = entries[-1][0]
                alive = loop.time()
            if not told:
                told = True
                yield None
            while line.passing:
                yield (0, *line.passing.pop(0))
            if not line.end and not line.wake.is_set():
                woken = asyncio.ensure_future(line.wake.wait())
                await asyncio.wait({grown, woken}, return_when=asyncio.FIRST_COMPLETED)
                woken.cancel()
            if loop.time() - alive >= heartbeat:
                alive = loop.time()
                yield None
        finally:
            grown.cancel()


async def head_of(records: Records, stream: str, known: int = 0) -> int:
    """The number of a stream's last entry, by looking ahead in growing steps and closing in."""
    step = 1
    low = known
    while await records.read(stream, after=low + step - 1, limit=1):
        low += step
        step *= 2
    high = low + step  # there is no entry `high`
    while high - low > 1:
        middle = (low + high) // 2
        if await records.read(stream, after=middle - 1, limit=1):
            low = middle
        else:
            high = middle
    return low
