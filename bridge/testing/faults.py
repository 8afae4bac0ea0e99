"""Trouble on demand: what vendors and networks do to a request."""

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NEVER = 60.0  # seconds
NESTED = b'[{"a":' * 20_000


class Trouble(StrEnum):
    """`BEFORE`/`AFTER` say whether the vendor had carried the request out when the connection broke."""

    DELAY = "delay"  # carries it out and answers after `seconds`, or at `clear`, whether or not anybody still listens
    STATUS = "status"  # answers `status` with `body` instead, nothing is carried out
    STATUS_AFTER = "status after"  # carries it out, then answers `status`
    RESET_BEFORE = "reset before"  # the connection breaks, nothing was carried out
    RESET_AFTER = "reset after"  # carried out, then the connection breaks without an answer
    LATE = "late"  # the connection breaks, and it is carried out `seconds` later, or at `Fault.commit`
    TRUNCATED = "truncated"  # carried out, half of the answer comes
    GARBAGE = "garbage"  # carried out, the answer is not what it should be
    NESTED = "nested"  # carried out, the answer is nested deeper than anybody walks


@dataclass(slots=True)
class Fault:
    """One kind of trouble for the next `times` requests whose "METHOD /path" matches `where` (a regular expression)."""

    trouble: Trouble
    where: str = "."
    times: int = 1
    skip: int = 0  # let so many matching requests pass first
    seconds: float = 0.0
    status: int = 500
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    files: bool = False  # only requests that bring a file: uploads fail, words pass
    hits: int = 0
    _go: asyncio.Event = field(default_factory=asyncio.Event)
    _done: asyncio.Event = field(default_factory=asyncio.Event)

    async def commit(self) -> None:
        """The vendor carries out now what it was asked for when the connection broke (`LATE`)."""
        self.hurry()
        await self._done.wait()

    def hurry(self) -> None:
        """As `commit`, without waiting for it."""
        self._go.set()

    async def carry_out(self, work: Callable[[], Awaitable[None]]) -> None:
        """What was asked for, after `seconds`, or a minute where a test never says when."""
        await self.wait(self.seconds or _NEVER)
        await work()
        self._done.set()

    async def wait(self, seconds: float) -> None:
        """So long, or until somebody is in a hurry."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._go.wait(), seconds)


class Faults:
    """ASGI middleware around a simulator's app; works under uvicorn on real sockets."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.pending: list[Fault] = []
        self._late: list[Fault] = []

    def add(self, trouble: Trouble, where: str = ".", **options: Any) -> Fault:
        """Arms one fault; returns it, so that a test can look at `hits`."""
        fault = Fault(trouble, where, **options)
        self.pending.append(fault)
        return fault

    def clear(self) -> None:
        """No more trouble; what is late is carried out at once."""
        self.pending.clear()
        for fault in self._late:
            fault.hurry()
        self._late.clear()

    def _take(self, scope: MutableMapping[str, Any], body: bytes) -> Fault | None:
        line = f"{scope['method']} {scope['path']}"
        for fault in self.pending:
            if re.search(fault.where, line) is None or (fault.files and not _brings_file(scope, body)):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            fault.hits += 1
            if fault.hits >= fault.times:
                self.pending.remove(fault)
            return fault
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        if scope["type"] == "http" and any(fault.files for fault in self.pending):
            body, receive = await _peek(receive)
        fault = self._take(scope, body) if scope["type"] == "http" else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        match fault.trouble:
            case Trouble.DELAY:
                whole = await _read(receive)
                self._late.append(fault)
                await fault.wait(fault.seconds)
                await self._app(scope, whole, send)
            case Trouble.STATUS:
                await _drain(receive)
                await _answer(send, fault)
            case Trouble.STATUS_AFTER:
                await self._app(scope, receive, _swallow)
                await _answer(send, fault)
            case Trouble.RESET_BEFORE:
                await _drain(receive)
                _abort(send)
            case Trouble.RESET_AFTER:
                await self._app(scope, receive, _swallow)
                _abort(send)
            case Trouble.LATE:
                whole = await _read(receive)
                self._late.append(fault)
                _abort(send)
                await fault.carry_out(lambda: self._app(scope, whole, _swallow))
            case Trouble.TRUNCATED:
                await self._app(scope, receive, _swallow)
                await _start(send, 200, {"content-type": "application/json", "content-length": "1000"})
                await send({"type": "http.response.body", "body": b'{"errc', "more_body": True})
                _abort(send)
            case Trouble.GARBAGE:
                await self._app(scope, receive, _swallow)
                await _start(send, 200, {"content-type": "text/html"})
                await send({"type": "http.response.body", "body": b"<html><body>maintenance</body></html>"})
            case Trouble.NESTED:
                await self._app(scope, receive, _swallow)
                await _start(send, 200, {"content-type": "application/json"})
                await send({"type": "http.response.body", "body": NESTED})


def _brings_file(scope: MutableMapping[str, Any], body: bytes) -> bool:
    """A form with a named file in it, or the bytes of one."""
    kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    if kind.startswith(b"multipart/"):
        return b"filename=" in body
    return bool(kind) and not kind.startswith((b"application/json", b"application/x-www-form-urlencoded", b"text/"))


async def _read(receive: Receive) -> Receive:
    """Takes the body now, so that it can be carried out when whoever sent it has long hung up."""
    return (await _peek(receive))[1]


async def _peek(receive: Receive) -> tuple[bytes, Receive]:
    """The body, and a way to read it once more."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    held: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return held.pop() if held else await receive()

    return body, again


async def _drain(receive: Receive) -> None:
    while (await receive()).get("more_body"):
        pass


async def _swallow(_message: Message) -> None:
    pass


async def _start(send: Send, status: int, headers: dict[str, str]) -> None:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})


async def _answer(send: Send, fault: Fault) -> None:
    await _start(send, fault.status, {"content-type": "text/html", **fault.headers})
    await send({"type": "http.response.body", "body": fault.body or b"<html>trouble</html>"})


def _abort(send: Send) -> None:
    """Cuts the connection under uvicorn: the sender is its request cycle, which owns the transport."""
    cycle = getattr(send, "__self__", None)
    transport = getattr(cycle, "transport", None)
    if transport is None:
        raise RuntimeError("faults that cut the connection need the simulator on a real socket")
    transport.abort()
