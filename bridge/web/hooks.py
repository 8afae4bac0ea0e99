"""`/hooks/{account}`: verify, keep, then answer. No vendor is called and nothing is rendered here.

A platform waits for this answer, and the layers that pages need would double its price. So this is a bare ASGI
application, and what came whole is answered without even that (`web/fastpath.py`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import lru_cache, partial
from typing import Any

import structlog
from starlette.types import Message, Receive, Scope, Send

from bridge.contract import (
    CallbackResult,
    Connector,
    Malformed,
    Raw,
    Reply,
    Request,
    StoreDown,
    Unauthentic,
    network_of,
)
from bridge.engine.callers import Callers
from bridge.engine.context import Runtime
from bridge.engine.inbound.intake import OnDurable
from bridge.engine.runtime import admission
from bridge.services.faults import Fault, fault_of
from bridge.telemetry import metrics
from bridge.web.bodies import Allowed, Bodies
from bridge.web.echo import ECHO, echo_of
from bridge.web.proxies import Proxies
from bridge.web.reading import Headers, pairs_of

log = structlog.get_logger("bridge.hooks")

PREFIX = "/hooks/"
LARGEST = 2**20  # bytes of a callback
_READING = Allowed(idle=10.0, total=10.0, memory=32 * 2**20)
_METHODS = frozenset({"GET", "POST"})
_ALWAYS = {"x-content-type-options": "nosniff"}

Answer = Callable[[Reply], None]
Enqueue = Callable[[str, Sequence[Raw], OnDurable], None]


class Hooks:
    """The endpoint of all accounts."""

    def __init__(
        self,
        runtime: Runtime,
        enqueue: Enqueue,
        refresh: Callable[[str, Sequence[str]], None],
        callers: Callers,
        proxies: Proxies | None = None,
    ) -> None:
        """`enqueue` makes payloads of an account durable and tells when they are; `refresh` passes a vendor's nudge on;
        `callers` remembers why others were refused.
        """
        self.runtime = runtime
        self.callers = callers
        self.enqueue = enqueue
        self.refresh = refresh
        self.at_work = 0  # authentic ones only: nobody else takes a place
        self._proxies = proxies or Proxies()
        self._bodies = Bodies(_READING)
        self._judging: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path"][len(PREFIX) :]
        reply = self._refusal(name, scope["method"])
        if reply is None:
            reply = await self._answer(name, scope, receive)
        await _send(send, reply)

    async def _answer(self, name: str, scope: Scope, receive: Receive) -> Reply:
        """Reads the body within limits, then judges as `receive` does."""
        client = (scope.get("client") or ("", 0))[0]
        coming = self._bodies.body(network_of(self._proxies.caller(client, scope["headers"])), receive)
        try:
            body = await _read(scope, coming)
        except _TooLarge:
            return _counted(name, Reply(413, "too large"), "too large")
        except ConnectionError:
            return _counted(name, Reply(408, "too slow"), "too slow")
        finally:
            coming.leave()
        request = self.request(scope["method"], scope["path"], scope["query_string"], scope["headers"], body, client)
        answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        Callback(self, name, partial(_settle, answered)).judge(request)
        return await answered

    def receive(self, request: Request, answer: Answer) -> None:
        """Judges a callback that came whole, and answers it: now, or when what it brings is durable."""
        name = request.path[len(PREFIX) :]
        refusal = self._refusal(name, request.method)
        if refusal is not None:
            answer(refusal)
        elif len(request.body) > LARGEST:
            answer(_counted(name, Reply(413, "too large"), "too large"))
        else:
            Callback(self, name, answer).judge(request)

    def request(
        self, method: str, path: str, query: bytes, headers: Sequence[tuple[bytes, bytes]], body: bytes, client: str
    ) -> Request:
        """A callback as connectors read it."""
        pairs = pairs_of(query.decode("latin-1"))
        return Request(method, path, pairs, Headers(headers), body, client, self.runtime.now())

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """For what has to wait before it can judge."""
        task = asyncio.create_task(work)
        self._judging.add(task)
        task.add_done_callback(self._judging.discard)

    def _refusal(self, name: str, method: str) -> Reply | None:
        """What is said without a look at the callback."""
        if name not in self.runtime.accounts:
            self.callers.misled(name, self.runtime.accounts)
            return Reply(404, "not found")
        if method not in _METHODS:
            return Reply(405, "method not allowed", headers={"allow": "GET, POST"})
        return None


class Callback:
    """One callback on its way to its answer."""

    __slots__ = ("_answer", "_client", "_connector", "_hooks", "_name", "_result")

    def __init__(self, hooks: Hooks, name: str, answer: Answer) -> None:
        self._hooks = hooks
        self._name = name
        self._answer = answer
        self._connector: Connector[Any] = hooks.runtime.accounts[name].connector
        self._result = CallbackResult()
        self._client = ""

    def judge(self, request: Request) -> None:
        """Asks the connector. One that has to wait for something does so in a task."""
        self._client = request.client
        if request.method == "GET" and request.one(ECHO):
            self._answer(Reply(200, echo_of(self._hooks.runtime.settings, request.one(ECHO))))
            return
        try:
            result = self._connector.verify(request)
        except Exception as error:  # noqa: BLE001 - a bug must not look like an acceptance
            self._refuse(error)
            return
        if isinstance(result, CallbackResult):
            self._accept(result)
        else:
            self._hooks.spawn(self._judge_later(result))

    async def _judge_later(self, judging: Awaitable[CallbackResult]) -> None:
        try:
            result = await judging
        except Exception as error:  # noqa: BLE001 - as above
            self._refuse(error)
        else:
            self._accept(result)

    def _refuse(self, error: Exception) -> None:
        if isinstance(error, Unauthentic | Malformed):
            self._hooks.callers.refused(self._name, error, self._client)
        if isinstance(error, Unauthentic):
            self._end(Reply(403, "forbidden"), "forged")
            return
        if isinstance(error, Malformed):
            self._end(Reply(400, "unreadable"), "unreadable")
            return
        fault = fault_of(error)
        if fault is Fault.STORE:
            self._notify(error)
            return
        log.error("bug while taking a callback", account=self._name, exc_info=error)
        if fault is Fault.INPUT:
            self._end(Reply(400, "unreadable"), "unreadable")
        else:
            self._end(self._connector.retry_later_reply, "bug")

    def _accept(self, result: CallbackResult) -> None:
        self._result = result
        if not result.raws:
            self._notify(None)
            return
        hooks = self._hooks
        if hooks.at_work >= admission.CALLBACKS_AT_ONCE:  # that wait for their commit
            self._end(self._connector.retry_later_reply, "overload")
            return
        hooks.at_work += 1
        try:
            hooks.enqueue(self._name, result.raws, self._kept)
        except Exception as error:  # noqa: BLE001 - as above
            hooks.at_work -= 1
            self._refuse(error)

    def _kept(self, error: StoreDown | None) -> None:
        self._hooks.at_work -= 1
        self._notify(error)

    def _notify(self, error: Exception | None) -> None:
        if error is not None:
            why = str(error) if isinstance(error, StoreDown) else type(error).__name__
            log.warning("store down", account=self._name, why=why)
            self._end(self._connector.retry_later_reply, "busy")
            return
        self._hooks.callers.accepted(self._name)
        self._end(self._result.reply, "accepted")
        if self._result.refresh:
            self._hooks.refresh(self._name, self._result.refresh)

    def _end(self, reply: Reply, what: str) -> None:
        self._answer(_counted(self._name, reply, what))


def _counted(name: str, reply: Reply, what: str) -> Reply:
    """The reply, counted by its name in the metrics."""
    metrics.callbacks.count(name, what)
    return reply


def _settle(answered: asyncio.Future[Reply], reply: Reply) -> None:
    if not answered.done():
        answered.set_result(reply)


class _TooLarge(Exception):
    """The body is larger than a callback may be."""


async def _read(scope: Scope, receive: Receive) -> bytes:
    """The whole body, within limits."""
    for key, value in scope["headers"]:
        if key == b"content-length" and (not value.isdigit() or int(value) > LARGEST):
            raise _TooLarge
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        parts = message.get("body", b"")
    else:
        parts = bytearray()
        while True:
            if message["type"] != "http.request":
                raise ConnectionError("the caller hung up")
            parts += message.get("body", b"")
            if len(parts) > LARGEST or not message.get("more_body"):
                break
            message = await receive()
    if len(parts) > LARGEST:
        raise _TooLarge
    return bytes(parts)


async def _send(send: Send, reply: Reply) -> None:
    start, content = messages_of(reply)
    await send(start)
    await send(content)


def messages_of(reply: Reply) -> tuple[Message, Message]:
    """A reply's head and body as ASGI's messages."""
    return _messages(reply.status, reply.body, reply.media_type, tuple(reply.headers.items()))


@lru_cache(64)  # nearly all answers are one and the same
def _messages(
    status: int, body: str | bytes, media_type: str, more: tuple[tuple[str, str], ...]
) -> tuple[Message, Message]:
    content = body.encode() if isinstance(body, str) else body
    headers = {
        "content-type": f"{media_type}; charset=utf-8",
        "content-length": str(len(content)),
        **_ALWAYS,
        **{name.lower(): value for name, value in more},
    }
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": raw}, {
        "type": "http.response.body",
        "body": content,
    }
