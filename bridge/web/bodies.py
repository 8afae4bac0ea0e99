"""Bodies that are on their way: how long, how many, how much.

Whoever sends slowly has proven nothing yet. So nobody is ever refused because others are slow: who comes when all
places are taken gets the place of the one that has waited longest in the most crowded network.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import Message, Receive


@dataclass(frozen=True, slots=True)
class Allowed:
    """`idle` and `total` are seconds, `each` and `most` bodies of one network and of all, `memory` bytes of all."""

    idle: float
    total: float
    each: int = 64
    most: int = 512
    memory: int = 64 * 2**20


def declares_more(length: str, most: int) -> bool:
    """Whether a `content-length` announces more than that: nobody waits for what will be refused."""
    return length.isascii() and length.isdigit() and (len(length) > 12 or int(length) > most)


async def whole_body(request: Request, most: int) -> bytes | None:
    """A body of at most so many bytes; None for a larger one, which is not read."""
    if declares_more(request.headers.get("content-length", ""), most):
        return None
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > most:
            return None
    return bytes(data)


def form_of(body: bytes, most: int) -> dict[str, str] | None:
    """The fields of a form, of a name given twice the last one; None for what is no form, or one of more fields."""
    try:
        found = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=most)
    except ValueError:
        return None
    return {name: value.replace("\0", "") for name, value in found}


class Bodies:
    """The bodies that are being read at one door."""

    def __init__(self, allowed: Allowed) -> None:
        self.allowed = allowed
        self._open: dict[str, dict[Body, None]] = {}  # by network, the oldest first
        self._count = 0
        self._bytes = 0

    def body(self, network: str, receive: Receive) -> "Body":
        """What reads one request's body in place of `receive`. `leave` it at the end."""
        return Body(self, network, receive)

    def enter(self, body: "Body") -> None:
        mine = self._open.setdefault(body.network, {})
        mine[body] = None
        self._count += 1
        if len(mine) > self.allowed.each:
            next(iter(mine)).end("slow")
        elif self._count > self.allowed.most:
            crowd = max(self._open.values(), key=len)
            next(iter(crowd)).end("slow")

    def grow(self, body: "Body", size: int) -> None:
        self._bytes += size
        body.size += size
        if self._bytes > self.allowed.memory:
            max((one for found in self._open.values() for one in found), key=lambda one: one.size).end("full")

    def free(self, body: "Body") -> None:
        """Its place, not its bytes: those are held until the request is over."""
        mine = self._open.get(body.network, {})
        if body in mine:
            del mine[body]
            self._count -= 1
            if not mine:
                del self._open[body.network]

    def leave(self, body: "Body") -> None:
        self.free(body)
        self._bytes -= body.size
        body.size = 0


@dataclass(slots=True, eq=False)
class Body:
    """One request's body. Where it ends early the application is told that the caller has gone; `why` says more:
    "slow" or "full".
    """

    _bodies: Bodies
    network: str
    _receive: Receive
    why: str = ""
    size: int = 0
    _done: bool = False
    _until: float = 0.0
    _waiting: asyncio.Timeout | None = field(default=None)

    async def __call__(self) -> Message:
        if self.why:
            return {"type": "http.disconnect"}
        if self._done:
            return await self._receive()
        loop, allowed = asyncio.get_running_loop(), self._bodies.allowed
        if not self._until:
            self._until = loop.time() + allowed.total
            self._bodies.enter(self)
        try:
            async with asyncio.timeout_at(min(self._until, loop.time() + allowed.idle)) as self._waiting:
                message: Any = await self._receive()
        except TimeoutError:
            self.why = self.why or "slow"
        finally:
            self._waiting = None
        if self._ended():
            return {"type": "http.disconnect"}
        self._bodies.grow(self, len(message.get("body", b"")))
        if self._ended():  # it was the largest of too much
            return {"type": "http.disconnect"}
        self._done = not message.get("more_body")
        if self._done:
            self._bodies.free(self)
        return cast("Message", message)

    def _ended(self) -> bool:
        return bool(self.why)

    def end(self, why: str) -> None:
        """Somebody else needs the place."""
        self.why = why
        self._bodies.free(self)
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(asyncio.get_running_loop().time())

    def leave(self) -> None:
        """The request is over."""
        self._bodies.leave(self)
