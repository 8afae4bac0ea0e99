"""Passes requests on to the serving process, so that everything of the demonstration stands under one address.

A frame of our own page may show what otherwise refuses to be framed.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable

import h11
from starlette.responses import HTMLResponse, Response
from starlette.types import Message, Receive, Scope, Send

_NOT_OURS = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"x-frame-options"})
_AWAY = (
    '<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>bridge</title>'
    '<link rel="stylesheet" href="/demo/static/away.css"><main><h1>{text}</h1></main></html>'
)


def away_page(text: str, *, again: bool = False) -> Response:
    """Why there is nothing to see just now. `again`: it is asked for once more by itself."""
    lang = "zh-CN" if any("\u4e00" <= one <= "\u9fff" for one in text) else "en"
    return HTMLResponse(_AWAY.format(lang=lang, text=text), 503, {"refresh": "2"} if again else {})


class Forward:
    """`away` says why nobody is asked for a path just now, "" for nothing; `starting`, that nobody answers yet."""

    def __init__(self, port: int, away: Callable[[Scope], str], starting: Callable[[], str]) -> None:
        self._port = port
        self._starting = starting
        self._away = away
        self._open: set[asyncio.StreamWriter] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        text = self._away(scope)
        if text:
            await away_page(text)(scope, receive, send)
            return
        body = await _whole(receive)
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            await away_page(self._starting(), again=True)(scope, receive, send)
            return
        self._open.add(writer)
        gone = asyncio.create_task(_gone(receive, writer))
        begun = False
        try:
            async for message in _exchange(scope, body, reader, writer):
                begun = True
                await send(message)
        except (OSError, h11.RemoteProtocolError):
            if not begun:
                await away_page(self._starting(), again=True)(scope, receive, send)
            else:
                await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()
            self._open.discard(writer)
            writer.close()

    def cut(self) -> None:
        """Whatever is open ends."""
        for writer in list(self._open):
            writer.close()

    drain = cut


async def _exchange(
    scope: Scope, body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> AsyncGenerator[Message, None]:
    line = h11.Connection(h11.CLIENT)
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    headers = [(name, value) for name, value in scope["headers"] if name not in _NOT_OURS | {b"content-length"}]
    headers += [(b"connection", b"close"), (b"content-length", str(len(body)).encode())]
    target = scope.get("raw_path", scope["path"].encode()) + query
    asked = line.send(h11.Request(method=scope["method"], target=target, headers=headers)) or b""
    writer.write(asked + (line.send(h11.Data(data=body)) or b"") + (line.send(h11.EndOfMessage()) or b""))
    await writer.drain()
    while True:
        event = line.next_event()
        if event is h11.NEED_DATA:
            line.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Response):
            kept = [(name, _framed(value)) for name, value in event.headers if name not in _NOT_OURS]
            yield {"type": "http.response.start", "status": event.status_code, "headers": kept}
        elif isinstance(event, h11.Data):
            yield {"type": "http.response.body", "body": bytes(event.data), "more_body": True}
        elif isinstance(event, h11.EndOfMessage):
            yield {"type": "http.response.body", "body": b""}
            return
        elif isinstance(event, h11.ConnectionClosed):
            raise ConnectionError


def _framed(value: bytes) -> bytes:
    found: bytes = value.replace(b"frame-ancestors 'none'", b"frame-ancestors 'self'")
    return found


async def _whole(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


async def _gone(receive: Receive, writer: asyncio.StreamWriter) -> None:
    """A browser that leaves ends what was asked for it."""
    while (await receive())["type"] != "http.disconnect":
        pass
    writer.close()
