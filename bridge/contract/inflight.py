"""One request under way: its deadline, its body as it comes in, and what its failures mean."""

import asyncio
import zlib
from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

import httpx

from bridge.contract.errors import Retryable

_CERTAIN = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
_TRANSPORT = (httpx.HTTPError, httpx.InvalidURL, zlib.error)
_PIECE = 64 * 1024
_PLAIN = frozenset({"identity", ""})


@dataclass(slots=True)
class InFlight:
    """One request under way. `started` turns true when its first byte is about to leave."""

    where: str
    timeout: float
    deadline: float
    safe: bool
    started: bool = False

    def __enter__(self) -> None:
        """Transport failures come out as Retryable that knows whether anything can have happened."""

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        if error is None:
            return
        certain = self.safe or not self.started
        if isinstance(error, TimeoutError):
            said = f"{self.where}: no answer within {self.timeout:g} s"
            raise Retryable(said, code="timeout", certain=certain) from None
        if isinstance(error, _TRANSPORT):
            name = type(error).__name__
            raise Retryable(
                f"{self.where}: {name}", code=name, certain=certain or isinstance(error, _CERTAIN)
            ) from None


class Reply(Protocol):
    """The head of an answer, and its body as it comes in."""

    status: int
    headers: dict[str, str]

    async def read(self) -> bytes:
        """The next piece of the body, as it was sent; empty at its end."""

    async def close(self) -> None: ...


async def read_whole(reply: Reply, call: InFlight, limit: int) -> bytes:
    """The body, at most `limit` bytes. Time and failures are watched by whoever asked."""
    body = bytearray()
    if _coding(reply.headers) in _PLAIN:
        while piece := await reply.read():
            body += piece
            _within(limit, body, call)
    else:
        async for piece in read_pieces(reply, call):
            body += piece
            _within(limit, body, call)
    return bytes(body)


def _within(limit: int, body: bytearray, call: InFlight) -> None:
    if len(body) > limit:
        raise Retryable(f"{call.where}: the answer is larger than {limit} bytes", certain=call.safe)


def headers_of(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Lower-case names to values, repeated ones joined by commas."""
    found: dict[str, str] = {}
    for raw_name, raw_value in raw:
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


async def read_pieces(reply: Reply, call: InFlight) -> AsyncGenerator[bytes, None]:
    """The body in pieces of at most 64 KiB. Compressed ones are unpacked piece by piece, so that a bomb stays small."""
    coding = _coding(reply.headers)
    unpacker = zlib.decompressobj(47) if coding in {"gzip", "x-gzip", "deflate"} else None
    if unpacker is None and coding not in _PLAIN:
        raise Retryable(f"{call.where}: answered in {coding[:20]!r}, which was not asked for", certain=call.safe)
    clock = asyncio.get_running_loop().time
    while True:
        with call:
            if clock() >= call.deadline:
                raise TimeoutError  # what is here already comes without a wait, which alone is what a timeout ends
            async with asyncio.timeout_at(call.deadline):
                chunk = await reply.read()
        if not chunk:
            break
        while chunk:
            with call:
                piece = unpacker.decompress(chunk, _PIECE) if unpacker else chunk
            if piece:
                yield piece
            chunk = unpacker.unconsumed_tail if unpacker and not unpacker.eof else b""
    if unpacker is not None and not unpacker.eof:
        raise Retryable(f"{call.where}: the answer is cut off", code="truncated", certain=call.safe)
