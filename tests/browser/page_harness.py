"""Where browsers are sent: a serving bridge whose one account is a site's chat and its desk, and a shop that shows it."""

import asyncio
import hashlib
import hmac
import os
import shutil
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import uvicorn
from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from bridge.testing.e2e.process import Process
from bridge.testing.ports import free_port

SECRET = "a secret that signs visitors"
PASSWORD = "a long password"
AGENTS = ("Agent A", "Agent B")
_HASH = PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD)


def chromium() -> str:
    """The browser to drive, "" when there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM", "") or next(filter(None, map(shutil.which, names)), "")


class Shop:
    """Somebody's site: another origin, with the strict content policy that the README asks for."""

    def __init__(self, bridge: str, lang: str = "en") -> None:
        self.port = free_port()
        self.bridge = bridge
        self.lang = lang
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def page(self, request: Any) -> HTMLResponse:
        bridge = self.bridge
        policy = (
            f"default-src 'none'; script-src {bridge}; frame-src {bridge}; connect-src {bridge}; img-src {bridge}; "
            "style-src 'self'"
        )
        return HTMLResponse(
            f'<!doctype html><html lang="{self.lang}"><head><title>Corner Shop</title>'
            f'<meta name="viewport" content="width=device-width"></head><body><main><h1>Corner Shop</h1>'
            f"<p>Everything for the corner.</p><input id=other aria-label=other></main>"
            f'<script async src="{bridge}/chat/site/loader.js"></script></body></html>',
            headers={"content-security-policy": policy},
        )

    async def start(self) -> None:
        app = Starlette(routes=[Route("/{path:path}", self.page)])
        config = uvicorn.Config(app, port=self.port, log_level="critical", lifespan="off", access_log=False)
        self._server = uvicorn.Server(config)
        self._task = asyncio.create_task(self._server._serve())  # without taking the signals of the tests
        while not self._server.started:
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        assert self._server is not None and self._task is not None
        self._server.should_exit = True
        await self._task


def make_bridge(folder: Path, **keys: Any) -> Process:
    """One account, `site`, that is its own desk."""
    account = {
        "kind": "webchat",
        "title": "Corner Shop",
        "identity_secret": SECRET,
        "agents": [{"name": name, "hash": _HASH} for name in AGENTS],
        **keys,
    }
    return Process(
        folder, f"sqlite+aiosqlite:///{folder}/bridge.db", {"site": account}, [{"channel": "site", "desk": "site"}]
    )


def jwt(claims: dict[str, Any], secret: str = SECRET) -> str:
    """A token as a site's server would sign it."""
    import json

    def pack(data: bytes) -> str:
        return urlsafe_b64encode(data).decode().rstrip("=")

    head = pack(b'{"alg":"HS256"}')
    signed = f"{head}.{pack(json.dumps(claims).encode())}"
    return f"{signed}.{pack(hmac.digest(secret.encode(), signed.encode(), hashlib.sha256))}"
