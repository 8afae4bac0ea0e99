"""One request under way: its deadline, its body as it comes in, and what its failures mean."""

import asyncio
import zlib
from collections.abc import AsyncGenerator, AsyncIterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from bridge.contract.errors import Retryable

_CERTAIN = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
_PIECE = 64 * 1024


@dataclass(slots=True)
class Trip:
    """One request under way. `started` turns true when its first byte is about to leave."""

    where: str
    timeout: float
    deadline: float
    safe: bool
    traced: bool
    started: bool = False

    async def trace(self, event: str, _info: Mapping[str, Any]) -> None:
        if event.endswith("send_request_headers.started"):
            self.started = True

    @contextmanager
    def classified(self) -> Iterator[None]:
        """Transport failures come out as Retryable that knows whether anything can have happened."""
        certain = self.safe
        try:
            yield
        except TimeoutError:
            certain = certain or (self.traced and not self.started)
            raise Retryable(
                f"{self.where}: no answer within {self.timeout:g} s", code="timeout", certain=certain
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, zlib.error) as error:
            name = type(error).__name__
            certain = certain or isinstance(error, _CERTAIN) or (self.traced and not self.started)
            raise Retryable(f"{self.where}: {name}", code=name, certain=certain) from None


async def read_whole(response: httpx.Response, headers: Mapping[str, str], trip: Trip, limit: int) -> bytes:
    """The body, at most `limit` bytes. Time and failures are watched by whoever asked."""
    plain = _coding(headers) in {"identity", ""}
    pieces = response.stream if plain else read_pieces(response, headers, trip)
    assert isinstance(pieces, AsyncIterable)
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > limit:
            raise Retryable(f"{trip.where}: the answer is larger than {limit} bytes", certain=trip.safe)
    return bytes(body)


def headers_of(response: httpx.Response) -> dict[str, str]:
    """Lower-case names to values, repeated ones joined by commas."""
    found: dict[str, str] = {}
    for raw_name, raw_value in response.headers.raw:
        name, value = raw_name.decode("latin-1").lower(), _text(raw_value)
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _coding(headers: Mapping[str, str]) -> str:
    return headers.get("content-encoding", "identity").strip().lower()


async def read_pieces(response: httpx.Response, headers: Mapping[str, str], trip: Trip) -> AsyncGenerator[bytes, None]:
    """The body in pieces of at most 64 KiB. Compressed ones are unpacked piece by piece, so that a bomb stays small."""
    coding = _coding(headers)
    unpacker = zlib.decompressobj(47) if coding in {"gzip", "x-gzip", "deflate"} else None
    if unpacker is None and coding not in {"identity", ""}:
        raise Retryable(f"{trip.where}: answered in {coding[:20]!r}, which was not asked for", certain=trip.safe)
    raw = response.aiter_raw(_PIECE)
    clock = asyncio.get_running_loop().time
    while True:
        with trip.classified():
            if clock() >= trip.deadline:
                raise TimeoutError  # what is here already comes without a wait, which alone is what a timeout ends
            async with asyncio.timeout_at(trip.deadline):
                chunk = await anext(raw, b"")
        if not chunk:
            break
        while chunk:
            with trip.classified():
                piece = unpacker.decompress(chunk, _PIECE) if unpacker else chunk
            if piece:
                yield piece
            chunk = unpacker.unconsumed_tail if unpacker and not unpacker.eof else b""
    if unpacker is not None and not unpacker.eof:
        raise Retryable(f"{trip.where}: the answer is cut off", code="truncated", certain=trip.safe)
