"""`bridge serve` with every door open, and how to push something through one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

from bridge.contract import Http
from bridge.testing.e2e.process import Process
from connectors.wechat.simulator import Simulator as PhoneSimulator
from tests.connectors.webchat.webchat_rig import HASH, PASSWORD, SECRET
from tests.fuzz.surfaces import Surfaces

API_TOKEN = "a token for the api of tests"
WITHIN = 20.0  # seconds for any answer, also to a request whose body never comes


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[Process, Surfaces, PhoneSimulator]]:
    """A bridge on SQLite, requests for it, and the phone behind its account `shop`."""
    import os

    async with PhoneSimulator() as sealed, PhoneSimulator(mode="plain") as plain:
        site = {"kind": "webchat", "identity_secret": SECRET, "agents": [{"name": "Agent A", "hash": HASH}]}
        accounts = {"shop": sealed.settings(), "open": plain.settings(), "site": site}
        routes = [{"channel": name, "desk": "site"} for name in ("shop", "open", "site")]
        bridge = Process(folder, f"sqlite:///{folder}/bridge.db", accounts, routes)
        sealed.hook_url, plain.hook_url = bridge.hook("shop"), bridge.hook("open")
        os.environ["BRIDGE_API_TOKEN"] = API_TOKEN
        try:
            await bridge.start()
        finally:
            del os.environ["BRIDGE_API_TOKEN"]
        try:
            surfaces = Surfaces(sealed, plain, API_TOKEN)
            await sign_in(bridge, surfaces)
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
