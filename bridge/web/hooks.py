"""`/hooks/{account}`: verify, keep, then answer. No vendor is called and nothing is rendered here.

A bare ASGI application: a platform waits for this answer, and the layers that pages need would double its price.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

import structlog
from starlette.types import Message, Receive, Scope, Send

from bridge.contract import Connector, Malformed, Raw, Reply, Request, StoreDown, Unauthentic
from bridge.engine.world import World
from bridge.observe import metrics
from bridge.web.timelimit import TimeLimit

log = structlog.get_logger("bridge.hooks")

PREFIX = "/hooks/"
LARGEST = 2**20  # bytes of a callback
_READ_LIMIT = 10.0  # seconds for a body to come in
_AT_WORK = 256  # callbacks in work at once; beyond that the vendor is asked to come again
_METHODS = frozenset({"GET", "POST"})
_ALWAYS = {"x-content-type-options": "nosniff"}


@dataclass(slots=True)
class Hooks:
    """The endpoint of all accounts."""

    world: World
    keep: Callable[[str, Sequence[Raw]], Awaitable[None]]
    look: Callable[[str, Sequence[str]], None]
    at_work: int = 0
    _limit: TimeLimit = field(default_factory=lambda: TimeLimit(_READ_LIMIT))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path"][len(PREFIX) :]
        connected = self.world.accounts.get(name)
        if connected is None:
            reply = Reply(404, "not found")
        elif scope["method"] not in _METHODS:
            reply = Reply(405, "method not allowed", headers={"allow": "GET, POST"})
        else:
            self.at_work += 1
            try:
                reply, answer = await self._judge(name, connected.connector, scope, receive)
            finally:
                self.at_work -= 1
            metrics.callbacks.count(name, answer)
        await _send(send, reply)

    async def _judge(self, name: str, connector: Connector[Any], scope: Scope, receive: Receive) -> tuple[Reply, str]:
        """The reply, and its name in the metrics."""
        if self.at_work > _AT_WORK:
            return connector.busy, "overload"
        try:
            body = await self._limit.bound(_read(scope, receive))
        except _TooLarge:
            return Reply(413, "too large"), "too large"
        except (TimeoutError, ConnectionError):
            return Reply(408, "too slow"), "too slow"
        try:
            verdict = await connector.verify(self._request(scope, body))
        except Unauthentic:
            return Reply(403, "forbidden"), "forged"
        except Malformed:
            return Reply(400, "unreadable"), "unreadable"
        except Exception:  # a bug must not look like an acceptance
            log.exception("bug while verifying", account=name)
            return connector.busy, "bug"
        try:
            if verdict.raws:
                await self.keep(name, verdict.raws)
        except StoreDown as error:
            log.warning("store down", account=name, why=str(error))
            return connector.busy, "busy"
        if verdict.look:
            self.look(name, verdict.look)
        return verdict.reply, "accepted"

    def _request(self, scope: Scope, body: bytes) -> Request:
        client = scope.get("client")
        return Request(
            method=scope["method"],
            path=scope["path"],
            query=pairs_of(scope["query_string"].decode("latin-1")),
            headers=Headers(scope["headers"]),
            body=body,
            client=client[0] if client else "",
            at=self.world.now(),
        )


def pairs_of(query: str) -> list[tuple[str, str]]:
    """The parameters of a query string in order, as `urllib.parse.parse_qsl` gives them, in a fifth of its time."""
    parts = [part.partition("=") for part in query.split("&") if part]
    if "%" in query or "+" in query:
        return [(_plain(name), _plain(value)) for name, _, value in parts]
    return [(name, value) for name, _, value in parts]


def _plain(text: str) -> str:
    return unquote_plus(text, errors="replace") if "%" in text or "+" in text else text


class Headers(Mapping[str, str]):
    """Header names and values as text, read when somebody asks: most vendors put all that counts elsewhere."""

    __slots__ = ("_raw", "_read")

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._raw = raw
        self._read: dict[str, str] | None = None

    def _all(self) -> dict[str, str]:
        if self._read is None:
            self._read = {key.decode("latin-1"): value.decode("latin-1") for key, value in self._raw}
        return self._read

    def __getitem__(self, name: str) -> str:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


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
    start, content = _messages(reply.status, reply.body, reply.media_type, tuple(reply.headers.items()))
    await send(start)
    await send(content)


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
