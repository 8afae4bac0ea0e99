"""Headers that every page of ours carries."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_DEFAULTS = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}
_TLS_ONLY = {"strict-transport-security": "max-age=31536000"}


class SafeHeaders:
    """Adds what is missing; a page that says more itself keeps its own."""

    def __init__(self, app: ASGIApp, *, secure: bool = False) -> None:
        """`secure`: the public address is https, and browsers are told never to try anything else."""
        self._app = app
        self._defaults = _DEFAULTS | (_TLS_ONLY if secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._defaults.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, sending)
