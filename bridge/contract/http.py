"""Http: how every connector talks to its vendor; with `transport` and `inflight` under it, all that imports httpx.

It classifies transport failures once for everybody, keeps time and size limits, and refuses addresses inside our own
network for URLs that came from outside (an attachment's link in a vendor's answer). It does not judge status codes:
what a 422 means only the connector knows.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from hashlib import blake2b
from itertools import count
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from bridge.contract.addresses import origin, pin
from bridge.contract.config import is_loopback
from bridge.contract.errors import Rejected, Retryable
from bridge.contract.forms import File, multipart
from bridge.contract.inflight import InFlight, Reply, read_pieces, read_whole
from bridge.contract.response import Response
from bridge.contract.transport import HttpxTransport, LeanTransport, Outgoing

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_HOPS = 3
# an idle connection that the vendor closes just as we write to it is the commonest uncertain failure
_IDLE = 4.0
_NOWHERE = httpx.URL("")
_SEED = os.urandom(32)
_numbers = count()
_HEADERS = {"user-agent": "bridge", "accept": "*/*", "accept-encoding": "identity", "connection": "keep-alive"}


class Http:
    """One account's way out. `timeout` is the total for a request in seconds, `parallel` its connections.

    `home` is the account's `api_base`: the same origin is always allowed, and when it is on this machine's loopback
    (a gateway, a simulator) other loopback addresses are, too.
    """

    def __init__(
        self,
        *,
        timeout: float = 10.0,
        max_concurrency: int = 4,
        home: str = "",
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.timeout = timeout
        self._home = origin(home) if home else ""
        parts = urlsplit(home)
        self._local = parts.scheme == "http" and is_loopback(parts.hostname or "")
        # no httpx.AsyncClient around it: it follows redirects, carries cookies and logs addresses, which nobody wants
        # here, for a third of a request's time
        given = HttpxTransport(transport) if transport else None
        self._transport = given or LeanTransport(max_concurrency=max_concurrency, idle=_IDLE)
        # for what others linked to: connections of its own, so that a slow file keeps no message waiting
        self._outside = given or LeanTransport(max_concurrency=max_concurrency, idle=_IDLE)
        self._dated = "", 0.0, 0.0

    async def request(  # noqa: PLR0913 - a request, all by name
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | Sequence[tuple[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        content: bytes | None = None,
        data: Mapping[str, Any] | None = None,
        files: Sequence[File] | None = None,
        timeout: float | None = None,  # a total deadline, which httpx does not have
        repeatable: bool = False,
        max_bytes: int = 5 * 2**20,
    ) -> Response:
        """Sends one request and reads its whole answer; follows no redirect.

        `json` goes out as UTF-8 without escapes. `repeatable` says that doing it twice is harmless (an upsert, an
        upload), so that a failure is certain to be safe. Raises Retryable with the right certainty.
        """
        call = self._begin_call(
            _where(method, url), timeout or self.timeout, safe=repeatable or method.upper() in _SAFE
        )
        given = headers or {}
        if json is not None:
            content = _dump(json)
            given = {"content-type": "application/json", **given}
        outgoing = _outgoing(call, method, url, given, params=params, content=content, data=data, files=files)
        with call:
            async with asyncio.timeout_at(call.deadline):
                reply = await self._transport.send(outgoing, call)
                try:
                    body = await read_whole(reply, call, max_bytes)
                finally:
                    await reply.close()
        self._dated = reply.headers.get("date", ""), call.deadline - call.timeout, asyncio.get_running_loop().time()
        return Response(reply.status, reply.headers, body, call.where, call.safe)

    def skew(self, now: datetime) -> tuple[timedelta, timedelta] | None:
        """By how much this machine's clock is ahead of the vendor's, as its last answer said, and how far that may be
        wrong. `now` is the time of this machine. None where no answer held a date.
        """
        text, asked, answered = self._dated
        try:
            then = parsedate_to_datetime(text)
        except (TypeError, ValueError):
            return None
        if then.tzinfo is None:
            return None
        ago = asyncio.get_running_loop().time() - answered
        return now - timedelta(seconds=ago) - then, timedelta(seconds=1 + answered - asked)

    async def download(
        self,
        url: str,
        *,
        limit: int,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> AsyncIterator[bytes]:
        """Streams the bytes behind a URL that came from outside, at most `limit`, within `timeout` (30) seconds.

        https on port 443 to public addresses only, checked at the address that is connected to; redirects are followed
        up to three times, each checked anew, and `headers` (credentials) stay with the first origin. Raises Rejected
        for what is not allowed, too large or answered with an error that will not pass, Retryable otherwise.
        """
        call = self._begin_call(_whence(url), timeout or 30.0, safe=True)
        first = _origin(url, call.where)
        for _ in range(_MAX_HOPS + 1):
            call.where = _whence(url)
            outgoing = await self._ask(url, call, dict(headers or {}) if _origin(url, call.where) == first else {})
            async with self._outward(outgoing, call) as reply:
                code = f"http {reply.status}"
                if reply.status in _REDIRECTS and "location" in reply.headers:
                    url = _follow(url, reply.headers["location"], call.where)
                    continue
                if reply.status >= 500 or reply.status in {408, 425, 429}:
                    raise Retryable(f"{call.where}: {reply.status}", code=code)
                if reply.status != 200:
                    raise Rejected(f"{call.where}: {reply.status}", code=code)
                size = 0
                async with aclosing(read_pieces(reply, call)) as chunks:
                    async for chunk in chunks:
                        size += len(chunk)
                        if size > limit:
                            raise Rejected(f"{call.where}: the file is larger than {limit} bytes", code="too large")
                        yield chunk
                return
        raise Rejected(f"{call.where}: more than {_MAX_HOPS} redirects", code="redirects")

    async def close(self) -> None:
        await self._transport.close()
        await self._outside.close()

    def _begin_call(self, where: str, timeout: float, *, safe: bool) -> InFlight:
        return InFlight(where, timeout, asyncio.get_running_loop().time() + timeout, safe)

    async def _ask(self, url: str, call: InFlight, headers: dict[str, str]) -> Outgoing:
        """The request for a URL from outside, to an address that is allowed."""
        parts = urlsplit(url)
        local = self._local and parts.scheme == "http" and is_loopback((parts.hostname or "").rstrip("."))
        if local or (self._home and origin(url) == self._home):
            return _outgoing(call, "GET", url, headers)
        with call:
            async with asyncio.timeout_at(call.deadline):
                address, host = await pin(url, call.where)
        # connects to the very address that was checked, in the name of the host that was asked for; it is not kept,
        # because connections are kept by their address
        headers |= {"host": parts.netloc, "connection": "close"}
        return _outgoing(call, "GET", address, headers, server_name=host)

    @asynccontextmanager
    async def _outward(self, outgoing: Outgoing, call: InFlight) -> AsyncIterator[Reply]:
        """The head of the answer from somewhere outside; its body is read by `read_pieces`."""
        with call:
            async with asyncio.timeout_at(call.deadline):
                reply = await self._outside.send(outgoing, call)
        try:
            yield reply
        finally:
            await reply.close()


def _outgoing(  # noqa: PLR0913 - a request, all by name
    call: InFlight,
    method: str,
    url: str,
    headers: Mapping[str, str],
    *,
    params: Mapping[str, Any] | Sequence[tuple[str, Any]] | None = None,
    content: bytes | None = None,
    data: Mapping[str, Any] | None = None,
    files: Sequence[File] | None = None,
    server_name: str | None = None,
) -> Outgoing:
    """Addresses with parameters are joined by httpx; where there are none, nothing of it is built."""
    found = _HEADERS | {name.lower(): value for name, value in headers.items()}
    try:
        if content is None and (data or files):
            content, found["content-type"] = _form(data, files, found.get("content-type"))
        address = str(httpx.URL(url, params=params)) if params else _address(url)
        "".join((*found, *found.values())).encode("ascii")  # a header that holds more cannot be sent
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise Rejected(f"{call.where}: not a request that can be sent ({type(error).__name__})") from None
    return Outgoing(method.upper(), address, found, content, server_name)


def _form(data: Mapping[str, Any] | None, files: Sequence[File] | None, given: str | None) -> tuple[bytes, str]:
    """The body and its type: multipart where there are files."""
    if files and given is None:
        boundary = _boundary()
        return multipart(data or {}, files, boundary), f"multipart/form-data; boundary={boundary}"
    headers = {} if given is None else {"content-type": given}
    form = httpx.Request("POST", _NOWHERE, headers=headers, data=data, files=files)
    return form.read(), form.headers["content-type"]


@lru_cache(1024)
def _address(url: str) -> str:
    """An address as it is sent. Taking one apart costs more than a round trip on loopback; the same ones come again
    and again.
    """
    return str(httpx.URL(url))


def _origin(url: str, where: str) -> str:
    try:
        return origin(url)
    except ValueError:
        raise Rejected(f"{where}: not an address", code="refused address") from None


def _follow(url: str, location: str, where: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise Rejected(f"{where}: redirects to something that is no address", code="refused address") from None


@lru_cache(1024)
def _where(method: str, url: str) -> str:
    """Method, host and path: the query and user info may hold secrets."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return method.upper()
    return f"{method.upper()} {parts.hostname or ''}{parts.path}"


def _whence(url: str) -> str:
    """Method and host of a link from outside: its path alone may open the file."""
    try:
        return f"GET {urlsplit(url).hostname or ''}"
    except ValueError:
        return "GET"


def _boundary() -> str:
    """What stands between the parts of a form. Who could guess it could write fields of his own into one; asking the
    system each time, as httpx does, lets go of the interpreter in the middle of a request.
    """
    return blake2b(next(_numbers).to_bytes(8), key=_SEED, digest_size=16).hexdigest()


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
