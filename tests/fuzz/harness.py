"""`bridge serve` with every door open, and how to push something through one."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

from bridge.contract import Http
from bridge.testing.e2e.process import Process
from connectors.chatwoot.simulator import Simulator as ChatwootSimulator
from connectors.webhook.simulator.vendor import SECRET as WEBHOOK_SECRET
from connectors.wechat.simulator import Simulator as PhoneSimulator
from connectors.wecom.simulator import Simulator as WeComSimulator
from tests.connectors.webchat.webchat_rig import HASH, PASSWORD, SECRET
from tests.fuzz.newer_surfaces import NewerSurfaces
from tests.fuzz.surfaces import Surfaces

API_TOKEN = "a token for the api of tests"
WITHIN = 20.0  # seconds for any answer, also to a request whose body never comes


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[Process, Surfaces, PhoneSimulator]]:
    """A bridge on SQLite, requests for it, and the phone behind its account `shop`."""
    import os

    async with (
        PhoneSimulator() as sealed,
        PhoneSimulator(mode="plain") as plain,
        WeComSimulator() as wecom,
        ChatwootSimulator() as chatwoot,
    ):
        site = {"kind": "webchat", "identity_secret": SECRET, "agents": [{"name": "Agent A", "hash": HASH}]}
        ours = {"kind": "webhook", "url": "http://127.0.0.1:9/x", "secret": WEBHOOK_SECRET}  # nobody listens there
        accounts = {"shop": sealed.settings(), "open": plain.settings(), "site": site, "ours": ours}
        accounts |= {"kf": wecom.settings(), "cw": chatwoot.settings()}
        routes = [{"channel": name, "desk": "site"} for name in ("shop", "open", "site")]
        routes.append({"channel": "kf", "desk": "ours"})
        bridge = Process(folder, f"sqlite:///{folder}/bridge.db", accounts, routes)
        sealed.hook_url, plain.hook_url = bridge.hook("shop"), bridge.hook("open")
        os.environ["BRIDGE_API_TOKEN"] = API_TOKEN
        try:
            await bridge.start()
        finally:
            del os.environ["BRIDGE_API_TOKEN"]
        try:
            surfaces = Surfaces(sealed, plain, API_TOKEN)
            newer = NewerSurfaces(wecom, chatwoot, API_TOKEN)
            surfaces.targets |= newer.targets
            await sign_in(bridge, surfaces)
            await sign_in_to_console(bridge, newer)
            yield bridge, surfaces, sealed
        finally:
            await bridge.close()


async def sign_in(bridge: Process, surfaces: Surfaces) -> None:
    """A visitor's key and an agent's cookie."""
    http = Http(timeout=10)
    try:
        session = await http.request("POST", f"{bridge.base}/chat/site/v1/sessions", json={})
        surfaces.visitor = {"authorization": f"Bearer {session.json()['access_token']}"}
        signed = await http.request(
            "POST",
            f"{bridge.base}/desk/site/v1/sign-in",
            json={"name": "Agent A", "password": PASSWORD},
            headers={"x-desk": "1"},
        )
        cookie = signed.headers["set-cookie"].partition(";")[0]
        surfaces.agent = {"cookie": cookie, "x-desk": "1"}
    finally:
        await http.close()


async def sign_in_to_console(bridge: Process, newer: NewerSurfaces) -> None:
    """An admin's cookie, and what the forms of that session must carry."""
    await bridge.run("console", "add-user", "Admin", "--role", "admin", "--password", PASSWORD)
    http = Http(timeout=10)
    try:
        form = {"name": "Admin", "password": PASSWORD}
        signed = await http.request("POST", f"{bridge.base}/console/sign-in", data=form)
        newer.cookie = signed.headers["set-cookie"].partition(";")[0]
        page = await http.request("GET", f"{bridge.base}/console/settings", headers={"cookie": newer.cookie})
        found = re.search(r'name="csrf" value="(\w+)"', page.text)
        assert found is not None
        newer.csrf = found[1]
    finally:
        await http.close()


async def push(port: int, data: bytes, within: float = WITHIN) -> bytes:
    """What is answered to these bytes. Raises TimeoutError when nothing is, although the request was whole."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(within + 2):
            try:
                writer.write(data)
                await writer.drain()
                return await reader.read(20_000)
            except ConnectionError:
                return b""
    finally:
        writer.close()


def callback(query: dict[str, str], body: bytes) -> bytes:
    """A platform's callback as it goes over the line."""
    head = f"POST /hooks/shop?{urlencode(query)} HTTP/1.1\r\nHost: bridge\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def memory(bridge: Process) -> int:
    """Bytes that the process holds."""
    assert bridge._process is not None
    status = Path(f"/proc/{bridge._process.pid}/status").read_text("ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024
