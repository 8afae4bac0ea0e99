"""A bridge under test with its console open: people of each role, who call pages as a browser would."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import httpx
from argon2 import PasswordHasher

from bridge.app import Bridge
from bridge.console.users import set_user
from tests.engine.engine_harness import Scene

PASSWORD = "a long password"
_DIGEST = PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD)
BASE = "https://bridge.example.com"
_INPUT = re.compile(r"<input[^>]*>")


@dataclass
class Person:
    """Somebody with a browser."""

    client: httpx.AsyncClient

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.client.get(f"/console{path}", **more)

    async def sign_in(self, name: str, password: str = PASSWORD, **more: Any) -> httpx.Response:
        return await self.client.post("/console/sign-in", data={"name": name, "password": password}, **more)

    async def fields(self, path: str) -> dict[str, str]:
        """The hidden fields of a page's forms: what a browser would send along."""
        found = {}
        for tag in _INPUT.findall((await self.get(path)).text):
            given = dict(re.findall(r'(\w+)="([^"]*)"', tag))
            if given.get("type") == "hidden":
                found[given["name"]] = unescape(given.get("value", ""))
        return found

    async def send(self, path: str, page: str = "/settings", headers: Any = None, **fields: str) -> httpx.Response:
        """A form of a page, filled in."""
        csrf = (await self.fields(page)).get("csrf", "")
        return await self.client.post(f"/console{path}", data={"csrf": csrf, **fields}, headers=headers)


class ConsoleScene(Scene):
    """A scene with a web side."""

    def __init__(self, database_url: str, folder: Path, **options: Any) -> None:
        super().__init__(database_url, folder, **options)
        self.app: Any = None
        self._clients: list[httpx.AsyncClient] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator["ConsoleScene"]:
        async with self.running() as bridge:
            self.app = bridge.app()
            yield self
            for client in self._clients:
                await client.aclose()
            bridge.console.drain()

    @property
    def up(self) -> Bridge:
        assert self.bridge is not None
        return self.bridge

    def stranger(self, address: str = "203.0.113.7", **headers: str) -> Person:
        """Nobody is signed in yet."""
        transport = httpx.ASGITransport(self.app, client=(address, 4000))
        client = httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers)
        self._clients.append(client)
        return Person(client)

    async def person(self, role: str = "admin", name: str = "") -> Person:
        """Somebody who may sign in, and did."""
        name = name or role.title()
        await self.up.store.write(set_user, name, role, _DIGEST, "test", self.clock())
        someone = self.stranger()
        answer = await someone.sign_in(name)
        assert answer.status_code == 303, answer.text
        return someone

    async def audit(self) -> list[tuple[str, str, str]]:
        """Who did what, the newest first."""
        from mappings import state

        return [(row.who, row.what, row.detail) for row in await self.up.store.read(state.audits)]
