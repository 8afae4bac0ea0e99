"""The transports under `Http`: aiohttp, because httpx's own costs four times as much, and any of httpx's for tests.

One process relays some hundred messages a second, and two thirds of its time went into httpcore (docs/performance.md).
Failures come out as httpx's classes, and tell apart what is certain: a connection that could not be had is
`ConnectError` or `ConnectTimeout`; whatever happens on a connection is something else.
"""

import io
import ssl
from collections.abc import Mapping
from contextvars import ContextVar
from functools import cache, lru_cache
from types import TracebackType
from typing import Any, NamedTuple

import aiohttp
import httpx
from yarl import URL

from bridge.contract.inflight import InFlight, headers_of

_LONG_HEADER = 64 * 1024  # content policies and cookies of some vendors outgrow aiohttp's 8 KiB
_LARGE = 512 * 1024
_PIECE = 64 * 1024
_CONNECT = 3.0

_under_way: ContextVar[InFlight] = ContextVar("call")


class Outgoing(NamedTuple):
    """A request as it goes out: upper-case method, encoded URL, lower-case header names, and the name that TLS asks
    for where that is not the host of the URL.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    server_name: str | None


@cache
def trusted() -> ssl.SSLContext:
    """The certificates everybody trusts: one context for all accounts, made for the first https address."""
    return httpx.create_ssl_context(trust_env=False)


class LeanTransport:
    """At most `parallel` connections, each kept for `idle` seconds."""

    def __init__(self, *, max_concurrency: int, idle: float) -> None:
        self._parallel = max_concurrency
        self._idle = idle
        self._session: aiohttp.ClientSession | None = None

    async def send(self, outgoing: Outgoing, call: InFlight) -> "_LeanReply":
        if self._session is None:
            self._session = self._open()
        method, url, headers, body, server_name = outgoing
        # without a type aiohttp makes one up, unless it is told not to; to tell it costs a tenth of a request
        typed = "content-type" in headers or (method == "GET" and not body)
        _under_way.set(call)
        with _as_httpx:
            answer = await self._session.request(
                method,
                _parsed(url),
                headers=headers,
                skip_auto_headers=None if typed else ("content-type",),
                data=io.BytesIO(body) if body and len(body) > _LARGE else body or None,
                allow_redirects=False,
                timeout=_limits(call.timeout),
                ssl=trusted() if url.startswith("https:") else True,
                server_hostname=server_name,
            )
        return _LeanReply(answer)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=_Connections(limit=self._parallel, keepalive_timeout=self._idle),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            max_line_size=_LONG_HEADER,
            max_field_size=_LONG_HEADER,
            middlewares=(_once,),
        )


class _LeanReply:
    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer
        self.status = answer.status
        self.headers = headers_of(answer.raw_headers)

    async def read(self) -> bytes:
        content = self._answer.content
        if content.at_eof() and content.exception() is None:
            return b""
        with _as_httpx:
            return await content.read(_PIECE)

    async def close(self) -> None:
        self._answer.close()  # one that was read to its end has given its connection back already


class _Connections(aiohttp.TCPConnector):
    """Notes when a request has its connection, which aiohttp's own tracing does at five times the price."""

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.connector.Connection:
        connection = await super().connect(req, traces, timeout)
        _under_way.get().started = True
        return connection


class _Broken(Exception):
    """A connection failed under a request."""


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """By itself aiohttp repeats a PUT or DELETE when an idle connection turns out to be dead. Whether a repeat is
    harmless is ours to say.
    """
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            raise
        raise _Broken(type(error).__name__) from error


@lru_cache(1024)
def _parsed(url: str) -> URL:
    return URL(url, encoded=True)


@lru_cache(64)
def _limits(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(sock_connect=min(_CONNECT, seconds), sock_read=seconds)


class _AsHttpx:
    """What fails inside comes out as one of httpx's classes."""

    def __enter__(self) -> None: ...

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        if error is not None and (told := _told(error)) is not None:
            raise told from None


def _told(error: BaseException) -> Exception | None:
    match error:
        case aiohttp.ConnectionTimeoutError():
            return httpx.ConnectTimeout("no connection")
        case aiohttp.ClientConnectorError() | aiohttp.ClientSSLError():
            return httpx.ConnectError("no connection")
        case aiohttp.InvalidURL():
            return httpx.UnsupportedProtocol("not an address")
        case aiohttp.ServerTimeoutError():
            return httpx.ReadTimeout("no answer")
        case TimeoutError():
            return None  # the total deadline, which is the caller's
        case aiohttp.ClientError() | _Broken() | OSError():
            return httpx.ReadError("the connection failed")
        case ValueError():
            return httpx.LocalProtocolError(type(error).__name__)
    return None


_as_httpx = _AsHttpx()


class HttpxTransport:
    """One of httpx's own transports, which a test brings along."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def send(self, outgoing: Outgoing, call: InFlight) -> "_HttpxReply":
        call.started = True  # it does not tell when the first byte leaves: from here on nothing is certain
        method, url, headers, body, server_name = outgoing
        limits = httpx.Timeout(call.timeout, connect=min(_CONNECT, call.timeout)).as_dict()
        extensions = {"timeout": limits} | ({"sni_hostname": server_name} if server_name else {})
        request = httpx.Request(method, url, headers=headers, content=body, extensions=extensions)
        return _HttpxReply(await self._transport.handle_async_request(request))

    async def close(self) -> None:
        await self._transport.aclose()


class _HttpxReply:
    def __init__(self, response: httpx.Response) -> None:
        assert isinstance(response.stream, httpx.AsyncByteStream)
        self._response = response
        self._pieces = aiter(response.stream)
        self.status = response.status_code
        self.headers = headers_of(response.headers.raw)

    async def read(self) -> bytes:
        async for piece in self._pieces:
            if piece:
                return piece
        return b""

    async def close(self) -> None:
        await self._response.aclose()
