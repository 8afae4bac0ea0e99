"""One set-up without a network: a folder, its code, and whoever opens it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from bridge.wizard.calls import Calls
from bridge.wizard.door import Door
from bridge.wizard.draft import Drafts
from bridge.wizard.preview import Preview
from bridge.wizard.setup import Setup
from bridge.wizard.up import guarded

BASE = "http://127.0.0.1:8080"


class SetupHarness:
    """One set-up in a folder, and whoever opens it."""

    def __init__(self, folder: Path) -> None:
        self.codes: list[str] = []
        drafts = Drafts(folder / "config.toml")
        draft = drafts.load()
        preview = Preview(drafts.config, 8080)
        calls = Calls(lambda role: preview.suspect(role, draft))
        self.setup = Setup(drafts, draft, preview, calls, Door(draft, self.codes.append), 8080)
        self.setup.door.new_code()
        self.app = guarded(self.setup)

    def browser(self, address: str = "192.0.2.1", language: str = "en") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, client=(address, 1))
        return httpx.AsyncClient(transport=transport, base_url=BASE, headers={"accept-language": language})

    @asynccontextmanager
    async def inside(self) -> AsyncIterator[httpx.AsyncClient]:
        async with self.browser() as browser:
            answer = await browser.post("/console/setup/code", data={"code": self.codes[-1]})
            assert answer.status_code == 303
            yield browser

    async def post(self, browser: httpx.AsyncClient, step: str, **form: str) -> httpx.Response:
        csrf = self.csrf((await browser.get(f"/console/setup/{step}")).text)
        return await browser.post(f"/console/setup/{step}", data={"csrf": csrf, **form})

    @staticmethod
    def csrf(page: str) -> str:
        """What the forms of a page carry."""
        found = re.search(r'name="csrf" value="(\w+)"', page)
        assert found is not None
        return found[1]
