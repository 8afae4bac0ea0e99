"""The outermost layer: callbacks go straight to their endpoint, everything else through Starlette."""

import re

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.contract import Reply, network_of
from bridge.web.bodies import Allowed, Bodies, Body
from bridge.web.connections import Connections
from bridge.web.hooks import PREFIX, Hooks, messages_of
from bridge.web.proxies import Proxies

log = structlog.get_logger("bridge.web")

_CONTROL = re.compile("[\x00-\x1f\x7f]").search
_READING = Allowed(idle=15.0, total=600.0, each=64, memory=128 * 2**20)
_SAID = {
    "slow": Reply(408, "too slow", headers={"connection": "close"}),
    "full": Reply(503, "too much at once; try again", headers={"connection": "close", "retry-after": "5"}),
}
_UNREADABLE = Reply(400, "the address is not readable")
_BUG = Reply(500, "something went wrong; the log says what")


class Front:
    """One ASGI application out of two."""

    def __init__(self, hooks: Hooks, pages: ASGIApp, proxies: Proxies | None = None) -> None:
        self.hooks = hooks
        self.proxies = proxies or Proxies()
        self.connections = Connections(self.proxies)
        self._pages = pages
        self._bodies = Bodies(_READING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._pages(scope, receive, send)
        elif _CONTROL(scope["path"]):  # a proxy that matches paths would not know it again
            await _say(send, _UNREADABLE)
        elif scope["path"].startswith(PREFIX):
            await self.hooks(scope, receive, send)
        else:
            await self._page(scope, receive, send)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A page, which reads its body within limits. What it cannot answer is answered here, and no text is logged."""
        client = (scope.get("client") or ("", 0))[0]
        body = self._bodies.body(network_of(self.proxies.caller(client, scope["headers"])), receive)
        answer = _Answer(body, send)
        try:
            await self._pages(scope, body, answer)
        except ClientDisconnect:
            if body.why and not answer.begun:
                await _say(send, _SAID[body.why])
        except Exception as error:
            log.error("bug while answering a page", path=_route(scope), exc_info=error)  # noqa: TRY400 # as the log forms it
            if not answer.begun:
                await _say(send, _BUG)
        finally:
            body.leave()


class _Answer:
    """Sends what the application says, unless its caller was ended: then that is said."""

    def __init__(self, body: Body, send: Send) -> None:
        self.begun = False
        self._body = body
        self._send = send
        self._replaced = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and self._body.why and not self.begun:
            self.begun = self._replaced = True
            await _say(self._send, _SAID[self._body.why])
        elif not self._replaced:
            self.begun = True
            await self._send(message)


def _route(scope: Scope) -> str:
    """The route's pattern: what stands in its place may be a token."""
    found = scope.get("route")
    return str(getattr(found, "path", ""))


async def _say(send: Send, reply: Reply) -> None:
    for message in messages_of(reply):
        await send(message)
