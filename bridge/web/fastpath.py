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
from bridge.web.hooks import LARGEST, PREFIX, messages_of

_PLAIN = re.compile(re.escape(PREFIX.encode()) + rb"[^%?#]*(?:\?[^#]*)?").fullmatch
_NOBODY_WAITS = asyncio.Event()

Fields = list[tuple[bytes, bytes]]


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
        self._whole: CompleteRequest | None = None  # what may be answered here, while it is read

    def on_message_begin(self) -> None:
        """The scope is made when it is known that somebody needs one."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        if self._is_free() and self._is_plain():
            self.cycle = self._whole = CompleteRequest(self, self.url, self.headers)
        else:
            self._go_through_asgi(self.url, self.headers)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        whole, self._whole = self._whole, None
        if whole is None:
            return
        if whole.more_body or len(whole.body) > LARGEST:  # it has a time limit there, and a refusal
            self.cycle = None  # type: ignore[assignment] # as before the first request
            self._go_through_asgi(whole.url, whole.headers)
            self.cycle.body += whole.body
            self.cycle.more_body = whole.more_body
            self.cycle.message_event.set()
        else:
            path, _, query = whole.url.partition(b"?")
            client = self.client[0] if self.client else ""
            request = self._hooks.request("POST", path.decode(), query, whole.headers, bytes(whole.body), client)
            self._hooks.take(request, whole.answer)

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
