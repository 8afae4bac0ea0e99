"""Answers that stay open: event streams, and the poll for where proxies hold streams back."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse, Response, StreamingResponse

from bridge.contract import Records
from connectors.webchat.hub import HEADERS, HEARTBEAT, Hub, Shape, follow, frame
from connectors.webchat.web import Refusal

_LONGEST_POLL = 25.0
_PAGE = 200


def position(text: str, epoch: str) -> int:
    """The number in `epoch.number` or `number`. Raises Refusal (410) for a position in somebody else's past."""
    given, dot, digits = text.rpartition(".")
    if (dot and given != epoch) or (text and not (digits.isascii() and digits.isdigit() and len(digits) < 16)):
        raise resync("epoch")
    return int(digits) if text else 0


def resync(reason: str) -> Refusal:
    """The past that the browser knows is not the one here: it must load everything anew."""
    return Refusal(410, "resync", "Please load the conversation again.", reason=reason)


async def check_position(records: Records, stream: str, after: int) -> None:
    """Raises Refusal (410) for a position that the stream has not reached: the database was restored."""
    if after and not await records.read(stream, after=after - 1, limit=1):
        raise resync("gap")


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where a browser has read a stream. `epoch` stands before the numbers."""

    stream: str
    epoch: str
    after: int


@dataclass(frozen=True, slots=True)
class Listener:
    """Who hears what is new: of which topic, at which hub, from which address."""

    hub: Hub
    topic: str
    address: str


def open_stream(records: Records, position: Position, listener: Listener, shape: Shape, time: str) -> Response:
    """Everything after a position, then everything new, until one side goes."""
    stream, epoch, after = position.stream, position.epoch, position.after
    hub, topic = listener.hub, listener.topic

    async def events() -> AsyncGenerator[bytes, None]:
        line = hub.join(topic, listener.address)
        at, caught_up = after, False
        try:
            hello = {"server_time": time, "heartbeat_ms": int(HEARTBEAT * 1000)}
            yield frame("hello", {**hello, "cursor": f"{epoch}.{after}", "caught_up": False})
            async with aclosing(follow(records, stream, after, line, shape)) as news:
                async for item in news:
                    if item is None:
                        yield (
                            b":\n\n"
                            if caught_up
                            else frame("hello", {**hello, "cursor": f"{epoch}.{at}", "caught_up": True})
                        )
                        caught_up = True
                        continue
                    number, kind, data = item
                    at = number or at
                    yield frame(kind, data, f"{epoch}.{number}" if number else "")
            yield frame("bye", {"reason": line.end, "retry_ms": random.randrange(5000)})  # noqa: S311 # spreads the return
        finally:
            hub.leave(topic, line)

    return StreamingResponse(events(), media_type="text/event-stream", headers=HEADERS)


async def poll(records: Records, position: Position, wait: float, shape: Shape) -> Response:
    """What is new after a position, waiting a while for it."""
    stream, epoch, after = position.stream, position.epoch, position.after
    grown = asyncio.ensure_future(records.wait([stream], min(max(wait, 0.0), _LONGEST_POLL)))
    await asyncio.sleep(0)
    try:
        entries = await records.read(stream, after=after, limit=_PAGE)
        if not entries and wait > 0:
            await grown
            entries = await records.read(stream, after=after, limit=_PAGE)
    finally:
        grown.cancel()
    events: list[dict[str, Any]] = (
        [{"id": f"{epoch}.{number}", "event": kind, "data": data} for number, kind, data in await shape(entries)]
        if entries
        else []
    )
    last = entries[-1][0] if entries else after
    return JSONResponse({"events": events, "cursor": f"{epoch}.{last}", "more": len(entries) == _PAGE})
