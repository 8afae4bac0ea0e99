"""A connection that answers callbacks itself says what the web server's own would say, byte for byte."""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from bridge.contract import CallbackResult, Malformed, Raw, Reply, Request, StoreDown, Unauthentic
from bridge.engine.callers import Callers
from bridge.engine.inbound.intake import OnDurable
from bridge.web.dispatch import Front
from bridge.web.fastpath import Connection
from bridge.web.hooks import LARGEST, Hooks
from mappings.store import Store

DATE = [(b"date", b"Mon, 05 Jan 2026 08:00:00 GMT")]


async def page(_request: object) -> PlainTextResponse:
    return PlainTextResponse("a page")


class Judge:
    """Says what the body asks for: at once, or after a turn of the loop."""

    retry_later_reply = Reply(503, "busy", headers={"retry-after": "5"})

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def verify(self, request: Request) -> CallbackResult | Awaitable[CallbackResult]:
        self.asked.append(request)
        return self._later(request) if request.body.startswith(b"later") else self._result(request)

    async def _later(self, request: Request) -> CallbackResult:
        await asyncio.sleep(0)
        return self._result(request)

    @staticmethod
    def _result(request: Request) -> CallbackResult:
        if b"forged" in request.body:
            raise Unauthentic("no")
        if b"broken" in request.body:
            raise Malformed("no")
        if b"bug" in request.body:
            raise ZeroDivisionError
        if b"nothing" in request.body or request.method == "GET":
            return CallbackResult(Reply(200, request.one("echo") or "seen"))
        return CallbackResult(Reply(200, "success"), raws=[Raw(request.body.decode("latin-1"), request.body)])


class Sockets(asyncio.Protocol):
    """Another protocol that a web server may be asked to speak."""

    def __init__(self, **_given: object) -> None:
        pass

    def connection_made(self, transport: Any) -> None:
        transport.write(b"another protocol")


class Wire(asyncio.Transport):
    """What a protocol writes, and whether it hung up."""

    def __init__(self) -> None:
        super().__init__({"peername": ("198.51.100.7", 5), "sockname": ("127.0.0.1", 80)})
        self.written = self.in_vain = b""
        self.closed = False

    def write(self, data: Any) -> None:
        if self.closed:
            self.in_vain += data
        else:
            self.written += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def set_protocol(self, protocol: Any) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


@dataclass
class WebHarness:
    """An application on one kind of connection. Commits end when `commit` says so, by themselves otherwise."""

    speaks: type[HttpToolsProtocol]
    held: bool = False
    judge: Judge = field(default_factory=Judge)
    kept: list[bytes] = field(default_factory=list)
    waiting: list[OnDurable] = field(default_factory=list)

    def __post_init__(self) -> None:
        runtime: Any = SimpleNamespace(
            accounts={"shop": SimpleNamespace(connector=self.judge)}, now=lambda: datetime(2026, 1, 5, tzinfo=UTC)
        )
        pages = Starlette(routes=[Route("/page", page)])
        callers = Callers(Store("sqlite:///:memory:"), runtime.now)
        self.hooks = Hooks(runtime, self._keep, lambda _name, _conversations: None, callers)
        front = Front(self.hooks, pages)
        config = uvicorn.Config(front, lifespan="off", log_config=None, server_header=False, ws=Sockets)
        config.load()
        state = ServerState()
        state.default_headers = DATE
        self.line = Wire()
        self.protocol = self.speaks(config, state, {})
        self.protocol.connection_made(self.line)

    def _keep(self, _name: str, raws: Sequence[Raw], told: OnDurable) -> None:
        if b"crash" in raws[0].payload:
            raise ZeroDivisionError
        self.kept += [raw.payload for raw in raws]
        if self.held:
            self.waiting.append(told)
        else:
            down = StoreDown("no") if b"down" in raws[0].payload else None
            asyncio.get_running_loop().call_soon(told, down)

    def commit(self) -> None:
        waiting, self.waiting = self.waiting, []
        for told in waiting:
            told(None)

    async def hear(self, *chunks: bytes) -> None:
        for chunk in chunks:
            if not self.line.closed:
                self.protocol.data_received(chunk)
            await self.rest()

    async def rest(self) -> None:
        for _ in range(30):
            await asyncio.sleep(0)


def push(
    body: bytes = b"words", *, path: str = "/hooks/shop?signature=1&nonce=%2B", method: str = "POST", version: str = "1.1",
    fields: Sequence[str] = (),
) -> bytes:  # fmt: skip
    head = [f"{method} {path} HTTP/{version}", "Host: bridge", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


CHUNKED = (
    b"POST /hooks/shop HTTP/1.1\r\nHost: bridge\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nwords\r\n7\r\n of two\r\n0\r\n\r\n"
)
CALLS = [
    *(
        push(body)
        for body in (b"words", b"", b"later words", b"forged", b"later forged", b"broken", b"bug", b"down", b"crash")
    ),
    push(b"nothing", fields=["X-Forwarded-For: 203.0.113.9"]),
    push(path="/hooks/none"),
    push(path="/hooks/sh%6fp?a=1"),
    push(path="/hooks/shop#there"),
    push(path="/hooks/shöp"),
    push(path="/hooks/shop?name=é"),
    push(path="/page"),
    push(b"", path="/page", method="GET"),
    push(b"", path="/hooks/shop?echo=ping", method="GET"),
    push(method="PUT"),
    push(b"x" * 70_000),
    push(b"x" * (LARGEST + 1)),
    push(fields=["Connection: close"]),
    push(fields=["Expect: 100-continue"]),
    push(fields=["Connection: upgrade", "Upgrade: h2c"]),
    push(fields=["Connection: upgrade", "Upgrade: websocket"]),
    push(version="1.0"),
    push(version="1.0", fields=["Connection: keep-alive"]),
    push(fields=["Content-Length: 6"]),
    CHUNKED,
    b"no request at all\r\n\r\n",
]


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    ends = sorted({harness % (len(data) + 1) for harness in places} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(ends)]


@settings(deadline=None, max_examples=400)
@given(
    st.lists(st.sampled_from(CALLS), min_size=1, max_size=4),
    st.one_of(st.just(None), st.lists(st.integers(0, 80_000), max_size=4)),
)
@example([push(), push(b"bug"), push(path="/page")], [])
@example([push(fields=["Expect: 100-continue"])], [160])
@example([push(b"x" * (LARGEST + 1)), push()], [])
@example([push(), b"no request at all\r\n\r\n"], [])
def test_it_says_what_the_web_server_would_say(calls: list[bytes], places: list[int] | None) -> None:
    chunks = calls if places is None else cut(b"".join(calls), places)
    logging.disable()
    try:
        here, there = asyncio.run(both(chunks))
    finally:
        logging.disable(logging.NOTSET)
    assert here.line.written == there.line.written
    assert here.line.closed == there.line.closed
    assert here.kept == there.kept
    assert [seen(one) for one in here.judge.asked] == [seen(one) for one in there.judge.asked]
    assert here.hooks.at_work == there.hooks.at_work == 0


async def both(chunks: Sequence[bytes]) -> tuple[WebHarness, WebHarness]:
    here, there = WebHarness(Connection), WebHarness(HttpToolsProtocol)
    for harness in (here, there):
        await harness.hear(*chunks)
    return here, there


def seen(request: Request) -> tuple[object, ...]:
    return request.method, request.path, request.query, dict(request.headers), request.body, request.client


def answers(harness: WebHarness) -> list[bytes]:
    return [part.split(b"\r\n\r\n")[0] for part in harness.line.written.split(b"HTTP/1.1 ")[1:]]


async def test_a_callback_is_answered_when_it_is_durable_and_not_before() -> None:
    harness = WebHarness(Connection, held=True)
    await harness.hear(push())
    assert harness.kept == [b"words"] and not harness.line.written and harness.hooks.at_work == 1
    harness.commit()
    assert harness.line.written.endswith(b"success") and harness.hooks.at_work == 0
    assert harness.protocol.timeout_keep_alive_task is not None
    await harness.hear(push(b"more"))
    assert harness.kept == [b"words", b"more"]


async def test_no_task_is_made_for_it() -> None:
    harness = WebHarness(Connection, held=True)
    before = asyncio.all_tasks()
    await harness.hear(push())
    assert asyncio.all_tasks() == before and harness.waiting


async def test_what_comes_behind_it_waits() -> None:
    harness = WebHarness(Connection, held=True)
    await harness.hear(push(b"one") + push(b"two"), push(b"", path="/page", method="GET"))
    assert harness.kept == [b"one"] and not harness.line.written
    harness.commit()
    await harness.rest()
    assert harness.kept == [b"one", b"two"] and len(answers(harness)) == 1
    harness.commit()
    await harness.rest()
    assert len(answers(harness)) == 3 and harness.line.written.endswith(b"a page")


@pytest.mark.parametrize("speaks", [Connection, HttpToolsProtocol])
async def test_a_server_that_ends_answers_first(speaks: type[HttpToolsProtocol]) -> None:
    harness = WebHarness(speaks, held=True)
    await harness.hear(push())
    harness.protocol.shutdown()
    assert not harness.line.closed
    harness.commit()
    await harness.rest()
    assert harness.line.closed and b"connection: close" in answers(harness)[0]


async def test_a_caller_that_has_gone_is_told_nothing_and_what_came_is_kept() -> None:
    harness = WebHarness(Connection, held=True)
    await harness.hear(push())
    harness.line.closed = True
    harness.protocol.connection_lost(None)
    harness.commit()
    assert harness.kept == [b"words"] and harness.hooks.at_work == 0
    assert not harness.line.written and not harness.line.in_vain


@pytest.mark.parametrize("speaks", [Connection, HttpToolsProtocol])
async def test_beyond_what_is_in_work_at_once_the_vendor_is_asked_to_come_again(
    speaks: type[HttpToolsProtocol], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.engine.runtime.admission.CALLBACKS_AT_ONCE", 2)
    harness = WebHarness(speaks, held=True)
    others = [WebHarness(speaks, held=True) for _ in range(2)]
    for other in others:
        other.protocol = speaks(harness.protocol.config, harness.protocol.server_state, {})
        other.protocol.connection_made(other.line)
        await other.hear(push())
    assert harness.hooks.at_work == 2
    await harness.hear(push(b"one too many"))
    assert answers(harness)[0].startswith(b"503") and b"retry-after: 5" in answers(harness)[0]
    harness.commit()
    await harness.rest()
    await harness.hear(push(b"again"))
    assert harness.kept == [b"words", b"words", b"again"]


async def test_a_body_that_does_not_come_takes_no_place_of_one_that_did() -> None:
    harness = WebHarness(Connection)
    await harness.hear(push()[:-2])
    assert harness.hooks.at_work == 0 and not harness.line.written
    await harness.hear(b"ds")
    assert len(answers(harness)) == 1 and harness.kept == [b"words"] and harness.hooks.at_work == 0
