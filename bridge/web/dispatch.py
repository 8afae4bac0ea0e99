"""The outermost layer: callbacks go straight to their endpoint, everything else through Starlette."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from bridge.contract import Reply
from bridge.web.connections import Connections
from bridge.web.guarded import Guarded, say
from bridge.web.hooks import PREFIX, Hooks
from bridge.web.proxies import Proxies

_CONTROL = re.compile("[\x00-\x1f\x7f]").search
_UNREADABLE = Reply(400, "the address is not readable")


class Front:
    """One ASGI application out of two."""

    def __init__(self, hooks: Hooks, pages: ASGIApp, proxies: Proxies | None = None) -> None:
        self.hooks = hooks
        self.proxies = proxies or Proxies()
        self.connections = Connections(self.proxies)
        self._pages = Guarded(pages, self.proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._pages(scope, receive, send)
        elif _CONTROL(scope["path"]):  # a proxy that matches paths would not know it again
            await say(send, _UNREADABLE)
        elif scope["path"].startswith(PREFIX):
            await self.hooks(scope, receive, send)
        else:
            await self._pages(scope, receive, send)
