"""A demonstration with no account anywhere: simulated vendors on loopback, and the shipped bridge between them."""

import asyncio
import contextlib
import importlib
import io
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click
import uvicorn
from PIL import Image, ImageDraw

from bridge.app import Bridge
from bridge.cli.common import Fault
from bridge.demo_page import CUSTOMER, Framed, Page
from bridge.kinds import known_kinds
from bridge.registry import declare_accounts
from bridge.serve import BridgeServer, prepare
from bridge.settings import Settings
from mappings.private import private_folder

_WAIT = 20.0


def simulator_of(kind: str) -> Any:
    """The simulator beside a connector. Found by name, so that nothing here depends on connectors."""
    module = known_kinds()[kind].value.partition(":")[0]
    return importlib.import_module(f"{module}.simulator").Simulator


async def run_demo(port: int, folder: str | None, *, script: bool) -> None:
    """Serves the demonstration's page until it is stopped; with `script`, plays a conversation in the terminal."""
    with contextlib.ExitStack() as stack:
        chosen = folder or stack.enter_context(tempfile.TemporaryDirectory(prefix="bridge-demo-"))
        place = Path(chosen)
        await asyncio.to_thread(_make, place)
        await (_play(_free_port(), place) if script else _show(port or _free_port(), place))


def _make(place: Path) -> None:
    if not place.exists():
        private_folder(place)


async def _show(port: int, place: Path) -> None:
    """One page with both sides. Everything between them is the shipped code."""
    listening = _listen(port)
    phone = simulator_of("wechat")(hook_url=f"http://127.0.0.1:{port}/hooks/shop")
    accounts = {
        "shop": {},
        "desk": {"kind": "webchat", "title": "Corner Shop"},
        "site": {"kind": "webchat", "title": "Corner Shop", "allowed_origins": _origins(port)},
    }
    routes = [{"channel": "shop", "desk": "desk"}, {"channel": "site", "desk": "desk"}]
    with listening:
        async with phone:
            await _serve_page(port, place, listening, phone, accounts, routes)


async def _serve_page(
    port: int, place: Path, listening: socket.socket, phone: Any, accounts: dict[str, Any], routes: list[dict[str, str]]
) -> None:
    accounts["shop"] = phone.settings()
    settings = _settings(port, place, accounts, routes)
    bridge = Bridge(settings, declare_accounts(settings, place / "demo"))
    page = Page(bridge, phone, _picture("Mug, 350 ml", "steelblue"))
    await asyncio.to_thread(prepare, bridge, bring_up_to_date=True)
    server = BridgeServer(_server_config(Framed(bridge.app(*page.routes())), port), bridge)
    click.echo(f"Open http://127.0.0.1:{port}/   (Ctrl+C ends it; its data is in {place})")
    await server.serve([listening])


def _origins(port: int) -> list[str]:
    return [f"http://127.0.0.1:{port}", f"http://localhost:{port}"]


async def _play(port: int, place: Path) -> None:
    phone = simulator_of("wechat")(hook_url=f"http://127.0.0.1:{port}/hooks/shop")
    desk = simulator_of("rt")(hook_url=f"http://127.0.0.1:{port}/hooks/desk")
    async with phone, desk:
        accounts = {"shop": phone.settings(), "desk": desk.settings()}
        settings = _settings(port, place, accounts, [{"channel": "shop", "desk": "desk"}])
        async with _serving(settings, place, port):
            await _conversation(phone, desk)
    click.echo("\nEverything between the two columns was the shipped bridge: callbacks signed and encrypted, stored on")
    click.echo(f"{place / 'bridge.db'} before they were acknowledged, and every answer accounted for.")


def _settings(port: int, place: Path, accounts: dict[str, Any], routes: list[dict[str, str]]) -> Settings:
    return Settings(
        bridge={
            "public_url": f"http://127.0.0.1:{port}",
            "database_url": f"sqlite+aiosqlite:///{place}/bridge.db",
            "media_dir": str(place / "media"),
            "secret_key": "demonstration-only-demonstration-only",
        },
        accounts=accounts,
        routes=routes,
        engine={"reconcile_every": "2s", "settle": "3s", "request_timeout": "2s"},
    )


def _server_config(app: Any, port: int) -> uvicorn.Config:
    return uvicorn.Config(app, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=2)


@asynccontextmanager
async def _serving(settings: Settings, place: Path, port: int) -> AsyncIterator[None]:
    bridge = Bridge(settings, declare_accounts(settings, place / "demo"))
    await asyncio.to_thread(prepare, bridge, bring_up_to_date=True)
    server = uvicorn.Server(_server_config(bridge.app(), port))
    task = asyncio.create_task(server.serve())
    try:
        await _until(lambda: server.started or task.done())
        yield
    finally:
        server.should_exit = True
        await task


async def _conversation(phone: Any, desk: Any) -> None:
    screen = _Screen(phone, desk)
    click.echo(f"{'the customer, in the mini program':<58}  the agent, in the helpdesk\n{'─' * 57}┼{'─' * 57}")
    await phone.enters(CUSTOMER, session_from="product-17")
    await phone.says(CUSTOMER, "你好，请问这款还有货吗？")
    await screen.follow(lambda: screen.on_desk("还有货吗"))
    await phone.sends_image(CUSTOMER, _picture("order 17", "steelblue"))
    await phone.sends_card(CUSTOMER, title="Order 17", path="pages/order?id=17")
    await screen.follow(lambda: screen.on_desk("pages/order?id=17"))
    for number in range(1, 6):
        await phone.says(CUSTOMER, f"burst, line {number} of 5")
    await screen.follow(lambda: screen.on_desk("line 5 of 5"))
    ticket = next(iter(desk.state.tickets))
    await desk.agent_comments(str(ticket), "internal: check the shelf (the customer never sees this)")
    picture = ("shelf.jpg", "image/jpeg", _picture("in stock", "seagreen"))
    await desk.agent_says(
        str(ticket), "<p>有货，今天发出。<a href='https://shop.example/17'>详情</a></p>", html=True, files=[picture]
    )
    await screen.follow(lambda: len(screen.answers()) >= 2)


class _Screen:
    """Both sides, printed as they change."""

    def __init__(self, phone: Any, desk: Any) -> None:
        self._phone, self._desk = phone, desk
        self._shown = [0, 0]

    def on_desk(self, text: str) -> bool:
        return any(text in seen.text for seen in self._tickets())

    def answers(self) -> list[Any]:
        return [bubble for bubble in self._phone.chat(CUSTOMER) if bubble.who == "service"]

    async def follow(self, done: Callable[[], bool]) -> None:
        """Prints what is new until something has happened."""
        await _until(lambda: self._print() and done())

    def _tickets(self) -> list[Any]:
        return [seen for number in self._desk.state.tickets for seen in self._desk.ticket(str(number))]

    def _print(self) -> bool:
        bubbles, seen = self._phone.chat(CUSTOMER), self._tickets()
        for bubble in bubbles[self._shown[0] :]:
            arrow = "▶" if bubble.who == "customer" else "◀"
            _line(f"{arrow} {bubble.text or f'[{bubble.kind}, {len(bubble.data)} bytes]'}", "")
        for entry in seen[self._shown[1] :]:
            files = "".join(f"\n  + {name} ({len(data)} bytes)" for name, data in entry.files)
            _line("", f"{entry.kind} by {entry.who}:\n{entry.text}{files}")
        self._shown = [len(bubbles), len(seen)]
        return True


def _line(left: str, right: str) -> None:
    if left:
        click.echo(f"{left}")
    for line in right.splitlines():
        click.echo(f"{'':<57}│ {line}")


def _picture(text: str, colour: str) -> bytes:
    image = Image.new("RGB", (320, 200), colour)
    ImageDraw.Draw(image).text((20, 90), text, fill="white")
    out = io.BytesIO()
    image.save(out, "JPEG")
    return out.getvalue()


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(_WAIT):
        while not condition():
            await asyncio.sleep(0.05)


def _listen(port: int) -> socket.socket:
    """The page's own socket, before its address is printed. Raises Fault."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        raise Fault(f"port {port} cannot be used ({error.strerror}); choose another one with --port") from None
    return listening


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
