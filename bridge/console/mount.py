"""Where the console begins: it is built when somebody opens it for the first time, so that nobody else pays for it."""

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bridge.console.sparks import Sparks
from bridge.contract import is_loopback
from bridge.settings import Settings

if TYPE_CHECKING:
    from bridge.app import Bridge

log = structlog.get_logger("bridge.console")

PATH = "/console"
INSECURE = (
    "The console is not served: its password would cross the network without TLS. Put a proxy with TLS before the "
    "bridge and set bridge.public_url to its https address, or serve on 127.0.0.1 only, or set console.allow_insecure."
)


def is_insecure(settings: Settings, host: str) -> bool:
    """Whether passwords would cross a network in clear: served beyond this machine (`host`, "" for unknown, or the
    public address), without https, and nobody said that this is meant.
    """
    url = urlsplit(settings.bridge.public_url)
    here = is_loopback(url.hostname or "") and (not host or is_loopback(host))
    return not here and url.scheme != "https" and not settings.console.allow_insecure


class ConsoleMount:
    """`/console` of a serving bridge."""

    def __init__(self, bridge: "Bridge") -> None:
        self._bridge = bridge
        self.sparks = Sparks(list(bridge.runtime.accounts))
        self._app: Any = None
        self._building = asyncio.Lock()

    def routes(self) -> list[BaseRoute]:
        """For the bridge's own pages."""
        return [Route(PATH, self._asgi(), include_in_schema=False), Mount(PATH, self._asgi())]

    def _asgi(self) -> ASGIApp:
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if is_insecure(self._bridge.settings, self._bridge.host):
            await PlainTextResponse(INSECURE, 403)(scope, receive, send)
            return
        if self._app is None:
            async with self._building:
                if self._app is None:
                    # loading takes long, which must not hold up a callback
                    module = await asyncio.to_thread(import_module, "bridge.console.app")
                    self._app = module.ConsoleApp(self._bridge)
        await self._app(scope, receive, send)

    def warn(self) -> None:
        """Says at the start what a visitor would read."""
        if is_insecure(self._bridge.settings, self._bridge.host):
            log.warning("console not served", why=INSECURE)

    def drain(self) -> None:
        """The process is about to end: open streams would hold it."""
        if self._app is not None:
            self._app.drain()
