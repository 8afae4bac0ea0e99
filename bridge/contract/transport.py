"""The transport under `Http`: aiohttp behind httpx's interface, because httpx's own costs four times as much.

One process relays some hundred messages a second, and two thirds of its time went into httpcore (docs/performance.md).
Failures come out as httpx's classes, and tell apart what is certain: a connection that could not be had is
`ConnectError` or `ConnectTimeout`; whatever happens on a connection is something else.
"""

import io
import os
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace
from typing import Any

import httpx
from yarl import URL

# What aiohttp finds in the environment while it is imported, and nobody before or after.
_FRUGAL = {
    # It makes two contexts, each with all certificates of the system: 2 MB for what nobody here uses, for `trusted`
    # goes with each request. OpenSSL reads them from this file: an empty one. Into its folder of certificates it looks
    # at a handshake and not before. Where a system has such a folder, whoever uses aiohttp beside the bridge is served
    # as ever; elsewhere those contexts trust nobody.
    "SSL_CERT_FILE": os.devnull,
    # A list that can be frozen, in C++: 1 MB with its library, and no request is slower without.
    "FROZENLIST_NO_EXTENSIONS": "1",
}


@contextmanager
def _frugal() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _FRUGAL}
    os.environ.update(_FRUGAL)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


with _frugal():
    import aiohttp

_LONG_HEADER = 64 * 1024  # content policies and cookies of some vendors outgrow aiohttp's 8 KiB
_LARGE = 512 * 1024
_PIECE = 64 * 1024


@cache
def trusted() -> ssl.SSLContext:
    """The certificates everybody trusts: one context for all accounts, made for the first https address."""
    return httpx.create_ssl_context(trust_env=False)


class LeanTransport(httpx.AsyncBaseTransport):
    """At most `parallel` connections. The extensions `timeout` (connect, read in seconds), `sni_hostname` and `trace`
    are obeyed; of the traces there is one, `send_request_headers.started`, when a connection is there.
    """

    def __init__(self, *, parallel: int, idle: float) -> None:
        self._parallel = parallel
        self._idle = idle
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._session is None:
            self._session = self._open()
        body = request.read()
        limits = request.extensions["timeout"]
        with _as_httpx(request):
            answer = await self._session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=[(name.decode(), value.decode()) for name, value in request.headers.raw],
                skip_auto_headers=("content-type", "accept-encoding", "user-agent"),
                data=io.BytesIO(body) if len(body) > _LARGE else body or None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(sock_connect=limits["connect"], sock_read=limits["read"]),
                trace_request_ctx=request.extensions["trace"],
                ssl=trusted() if request.url.scheme == "https" else True,
                server_hostname=request.extensions.get("sni_hostname"),
                middlewares=(_once,),
            )
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=_Body(answer, request), request=request)

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        tracing = aiohttp.TraceConfig()
        tracing.on_connection_create_end.append(_connected)
        tracing.on_connection_reuseconn.append(_connected)
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._parallel, keepalive_timeout=self._idle),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trace_configs=[tracing],
            max_line_size=_LONG_HEADER,
            max_field_size=_LONG_HEADER,
        )


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: aiohttp.ClientResponse, request: httpx.Request) -> None:
        self._answer = answer
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx(self._request):
            async for chunk in self._answer.content.iter_chunked(_PIECE):
                yield chunk

    async def aclose(self) -> None:
        self._answer.close()  # one that was read to its end has given its connection back already


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


async def _connected(_session: aiohttp.ClientSession, context: SimpleNamespace, _what: Any) -> None:
    await context.trace_request_ctx("send_request_headers.started", {})


@contextmanager
def _as_httpx(request: httpx.Request) -> Iterator[None]:
    try:
        yield
    except aiohttp.ConnectionTimeoutError:
        raise httpx.ConnectTimeout("no connection", request=request) from None
    except (aiohttp.ClientConnectorError, aiohttp.ClientSSLError):
        raise httpx.ConnectError("no connection", request=request) from None
    except aiohttp.InvalidURL:
        raise httpx.UnsupportedProtocol("not an address", request=request) from None
    except TimeoutError as error:
        if not isinstance(error, aiohttp.ServerTimeoutError):
            raise  # the total deadline, which is the caller's
        raise httpx.ReadTimeout("no answer", request=request) from None
    except (aiohttp.ClientError, _Broken, OSError):
        raise httpx.ReadError("the connection failed", request=request) from None
    except ValueError as error:
        raise httpx.LocalProtocolError(type(error).__name__, request=request) from None
