"""A connection of the web server that answers callbacks itself.

A platform's callback is small and comes at once. Such a one needs no scope, no task and no event: its answer is written
when its commit is told. Whatever else comes (pages, a body in pieces, a request behind one that is not answered yet, an
older protocol) goes the web server's own way, through ASGI.
"""

import asyncio
import re
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from bridge.contract import Reply
from bridge.web.dispatch import Front
from bridge.web.hooks import PREFIX, messages_of
from bridge.web.protocol import LONGEST_HEAD

LINES = 100  # of a head, and of what may follow a body
_URL = 8 * 2**10  # bytes
_BESIDE = 64 * 2**10  # bytes of a request that are neither body nor its share of a body's frames
_PLAIN = re.compile(re.escape(PREFIX.encode()) + rb"[^%?#]*(?:\?[^#]*)?").fullmatch
_NOBODY_WAITS = asyncio.Event()

Fields = list[tuple[bytes, bytes]]
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
_TOO_LONG = b"HTTP/1.1 414 URI Too Long\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\n"
_FULL = b"HTTP/1.1 503 Service Unavailable\r\n"


class _Refused(Exception):
    """The request is not read on; the parser hands this to who feeds it."""


class Connection(HttpToolsProtocol):
    """One connection to an application that is a `Front`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        assert isinstance(config.app, Front)
        self._hooks = config.app.hooks
        self._all = config.app.connections
        self._whole: CompleteRequest | None = None  # what may be answered here, while it is read
        self._refusal = b""  # the status line of a request that is not read on
        self._fed = 0  # bytes since the request began
        self._body = 0  # of these, its body
        self._in_head = False
        self.network = ""
        self.since = 0.0
        self.stalled = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        super().connection_made(transport)
        if not self._all.enter(self, self.client[0] if self.client else ""):
            self._refuse(_FULL)

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.leave(self)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        self.stalled = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self.stalled = 0.0
        super().resume_writing()

    def rests(self) -> bool:
        """Nothing is under way: it has said nothing yet, half a head, or nothing more."""
        return self.cycle is None or self.cycle.response_complete

    def drop(self) -> None:
        """Its place is needed, or its head takes too long."""
        if self.stalled:
            self.transport.abort()  # there is no hope of its reading the rest
        elif self.since and self.rests() and self._fed:
            self._refuse(_TOO_SLOW)
        elif not self.transport.is_closing():
            self.transport.close()

    def on_message_begin(self) -> None:
        """The scope is made when it is known that somebody needs one."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []
        self._in_head = True
        self._body = 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        self.since = 0.0
        if len(self.url) > _URL:
            self._refusal = _TOO_LONG
            raise _Refused
        if len(self.headers) > LINES or (self._fed > LONGEST_HEAD and self._head() > LONGEST_HEAD):
            self._refusal = _TOO_LARGE
            raise _Refused
        if self._is_free() and self._is_plain():
            self.cycle = self._whole = CompleteRequest(self, self.url, self.headers)
        else:
            self._go_through_asgi(self.url, self.headers)

    def on_message_complete(self) -> None:
        self._fed = 0
        if self._whole is not None and self.cycle is self._whole:
            self._whole.more_body = False
        else:
            super().on_message_complete()

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        if self._whole is not None and self.cycle is self._whole:  # nobody waits for it yet
            self._whole.body += body
        else:
            super().on_body(body)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._fed += len(data)
        super().data_received(data)
        whole, self._whole = self._whole, None
        if (self._fed or self._in_head) and not self.transport.is_closing():
            self._watch()
        if whole is None or self._refusal:
            return
        if whole.more_body:  # it has a time limit there
            self.cycle = None  # type: ignore[assignment] # as before the first request
            self._go_through_asgi(whole.url, whole.headers)
            self.cycle.body += whole.body
            self.cycle.more_body = whole.more_body
            self.cycle.message_event.set()
        else:
            path, _, query = whole.url.partition(b"?")
            client = self.client[0] if self.client else ""
            request = self._hooks.request("POST", path.decode(), query, whole.headers, bytes(whole.body), client)
            self._hooks.receive(request, whole.answer)

    def send_400_response(self, msg: str) -> None:
        """Also what a request hears that is not read on."""
        if self._refusal:
            self._refuse(self._refusal)
        else:
            super().send_400_response(msg)

    def _watch(self) -> None:
        """A request that is not here as a whole yet: what of it is no body has limits."""
        if self._in_head:
            if self._fed > LONGEST_HEAD or len(self.headers) > LINES:
                self._refuse(_TOO_LARGE)
            elif not self.since:
                self.since = self.loop.time()
        elif self._fed - 8 * self._body > _BESIDE or len(self.headers) > 2 * LINES:
            self._refuse(_TOO_LARGE)

    def _head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _refuse(self, status: bytes) -> None:
        """Says so where nobody else is about to be answered, and hangs up."""
        self._refusal = status
        if self.transport.is_closing():
            return
        if self.rests() or self._in_head:
            default = b"".join(name + b": " + value + b"\r\n" for name, value in self.server_state.default_headers)
            self.transport.write(status + default + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()

    def _is_free(self) -> bool:
        """Nothing is under way that must be answered first, and the caller reads its answers."""
        return (self.cycle is None or self.cycle.response_complete) and not self.flow.write_paused

    def _is_plain(self) -> bool:
        """A callback that can be read without the web server's help: no escapes, nothing to negotiate."""
        url, parser = self.url, self.parser
        return (
            _PLAIN(url) is not None
            and url.isascii()
            and parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
            and not self.expect_100_continue
        )

    def _go_through_asgi(self, url: bytes, headers: Fields) -> None:
        expects = self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)
        super().on_headers_complete()


class CompleteRequest(RequestResponseCycle):
    """A callback that came whole. For the web server it is a request under way like all others: what comes behind it
    waits, and the connection stays until it is answered when the server ends.
    """

    def __init__(self, connection: Connection, url: bytes, headers: Fields) -> None:
        """Without the base's own: most of what that sets up is ASGI's."""
        self._connection = connection
        self.url = url
        self.headers = headers
        self.body = bytearray()
        self.more_body = True
        self.disconnected = False
        self.response_complete = False
        self.keep_alive = True
        self.message_event = _NOBODY_WAITS

    def answer(self, reply: Reply) -> None:
        """Writes the answer, unless the caller has gone."""
        self.response_complete = True
        connection = self._connection
        transport = connection.transport
        if not transport.is_closing():
            default = connection.server_state.default_headers
            transport.write(_line.text(reply, default, keep_alive=self.keep_alive))
            if not self.keep_alive:
                transport.close()
        connection.on_response_complete()


class _Line:
    """Answers as they go over the line. Nearly all are one and the same, until the date changes: that one is kept."""

    def __init__(self) -> None:
        self._reply: Reply | None = None
        self._default: Fields = []
        self._text = b""

    def text(self, reply: Reply, default: Fields, *, keep_alive: bool) -> bytes:
        """Head and body. `default` are the fields that the web server gives to every answer."""
        if not keep_alive:
            return self._written(reply, [*default, (b"connection", b"close")])
        if reply is not self._reply or default is not self._default:
            self._reply, self._default, self._text = reply, default, self._written(reply, default)
        return self._text

    @staticmethod
    def _written(reply: Reply, default: Fields) -> bytes:
        start, content = messages_of(reply)
        fields = [name + b": " + value + b"\r\n" for name, value in [*default, *start["headers"]]]
        return b"".join([STATUS_LINE[reply.status], *fields, b"\r\n", content["body"]])


_line = _Line()
