"""Those who work at the demonstration's bridge: an agent at the desk, an admin at the console."""

import asyncio
import http.client
import json
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from bridge.app import Bridge
from bridge.cli.accounts import account_of, opened, sign_in
from bridge.cli.common import read_config
from bridge.console.users import new_digest, set_user
from bridge.serve import prepare
from mappings.cli_access import open_writer

AGENT, ADMIN = "Agent", "Admin"


class Colleagues:
    """Their sign-ins, with passwords that nobody needs to know."""

    def __init__(self, base: str, config: Path) -> None:
        self._base = base
        self._config = config
        self._password = secrets.token_urlsafe(18)
        self._desk_cookie = ""

    async def hire(self) -> None:
        """Before the bridge serves: both can sign in."""
        settings, declared, path = read_config(str(self._config))
        await asyncio.to_thread(prepare, Bridge(settings, declared), bring_up_to_date=True)  # data of an older version
        async with opened(settings, declared) as bridge:
            await sign_in(account_of(bridge, "desk", path), AGENT, self._password)
        digest = await new_digest(ADMIN, self._password, "admin")
        await asyncio.to_thread(_add_admin, settings.bridge.database_url, digest)

    async def desk(self) -> list[str]:
        """Signs the agent in. The cookies for the browser."""
        body = json.dumps({"name": AGENT, "password": self._password})
        headers = {"content-type": "application/json", "origin": self._base, "x-desk": "1"}
        _, cookies, _ = await self._post("/desk/desk/v1/sign-in", body, headers)
        self._desk_cookie = "; ".join(cookie.partition(";")[0] for cookie in cookies)
        return cookies

    async def console(self) -> list[str]:
        """Signs the admin in. The cookies for the browser."""
        body = urlencode({"name": ADMIN, "password": self._password, "next": "/console/overview"})
        headers = {"content-type": "application/x-www-form-urlencoded", "origin": self._base}
        return (await self._post("/console/sign-in", body, headers))[1]

    async def answer(self, ticket: str, text: str) -> bool:
        """The agent writes to the customer."""
        status = 401
        for attempt in range(2):
            if not self._desk_cookie or attempt:
                await self.desk()
            body = json.dumps({"client_id": secrets.token_hex(8), "text": text})
            headers = {
                "content-type": "application/json",
                "origin": self._base,
                "x-desk": "1",
                "cookie": self._desk_cookie,
            }
            status, _, _ = await self._post(f"/desk/desk/v1/tickets/{ticket}/messages", body, headers)
            if status != 401:
                break
        return status == 201

    async def _post(self, path: str, body: str, headers: dict[str, str]) -> tuple[int, list[str], bytes]:
        return await asyncio.to_thread(_post, self._base, path, body, headers)


def _post(base: str, path: str, body: str, headers: dict[str, str]) -> tuple[int, list[str], bytes]:
    parts = urlsplit(base)
    line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        line.request("POST", path, body.encode(), headers)
        answer = line.getresponse()
        cookies: list[Any] = answer.headers.get_all("set-cookie") or []
        return answer.status, [str(cookie) for cookie in cookies], answer.read()
    finally:
        line.close()


def _add_admin(url: str, digest: str) -> None:
    with open_writer(url) as tx:
        set_user(tx, ADMIN, "admin", digest, "demonstration", datetime.now(UTC))
