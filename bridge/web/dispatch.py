"""The outermost layer: callbacks go straight to their endpoint, everything else through Starlette."""

from starlette.types import ASGIApp, Receive, Scope, Send

from bridge.web.hooks import PREFIX, Hooks


class Front:
    """One ASGI application out of two."""

    def __init__(self, hooks: Hooks, pages: ASGIApp) -> None:
        self.hooks = hooks
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await self.hooks(scope, receive, send)
        else:
            await self._pages(scope, receive, send)
