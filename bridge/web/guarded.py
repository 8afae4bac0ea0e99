"""A layer before pages: bodies within limits, failures by whose fault they are, and no text in the log."""

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.contract import Reply, network_of
from bridge.services.faults import Fault, fault_of
from bridge.web.bodies import Allowed, Bodies, Body
from bridge.web.hooks import messages_of
from bridge.web.proxies import Proxies

log = structlog.get_logger("bridge.web")

_READING = Allowed(idle=15.0, total=600.0, each=64, memory=128 * 2**20)
_SAID = {
    "slow": Reply(408, "too slow", headers={"connection": "close"}),
    "full": Reply(503, "too much at once; try again", headers={"connection": "close", "retry-after": "5"}),
}
_BUG = Reply(500, "something went wrong; the log says what")


class Guarded:
    """An application whose requests come from anywhere."""

    def __init__(self, app: ASGIApp, proxies: Proxies, allowed: Allowed = _READING) -> None:
        self._app = app
        self._proxies = proxies
        self._bodies = Bodies(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What the application cannot answer is answered here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = (scope.get("client") or ("", 0))[0]
        body = self._bodies.body(network_of(self._proxies.caller(client, scope["headers"])), receive)
        answer = _Answer(body, send)
        try:
            await self._app(scope, body, answer)
        except ClientDisconnect:
            if body.why and not answer.begun:
                await say(send, _SAID[body.why])
        except Exception as error:
            if fault_of(error) is Fault.STORE:
                log.warning("store down", path=_route(scope), why=type(error).__name__)
            else:
                log.error("bug while answering a page", path=_route(scope), exc_info=error)  # noqa: TRY400 # as the log forms it
            if not answer.begun:
                await say(send, _BUG)
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
            await say(self._send, _SAID[self._body.why])
        elif not self._replaced:
            self.begun = True
            await self._send(message)


def _route(scope: Scope) -> str:
    """The route's pattern: what stands in its place may be a token."""
    found = scope.get("route")
    return str(getattr(found, "path", ""))


async def say(send: Send, reply: Reply) -> None:
    """A whole answer."""
    for message in messages_of(reply):
        await send(message)
