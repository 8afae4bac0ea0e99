"""The demonstration in the terminal: a conversation, printed as it happens."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click
import uvicorn

from bridge.app import Bridge
from bridge.demo.parts import CUSTOMER, free_port, picture, settings_of, simulator_of
from bridge.registry import declare_accounts
from bridge.serve import prepare
from bridge.settings import Settings

_WAIT = 20.0


async def play(place: Path) -> None:
    """A conversation between a simulated platform and a simulated helpdesk, printed as it happens."""
    port = free_port()
    phone = simulator_of("wechat")(hook_url=f"http://127.0.0.1:{port}/hooks/shop")
    desk = simulator_of("rt")(hook_url=f"http://127.0.0.1:{port}/hooks/desk")
    async with phone, desk:
        accounts = {"shop": phone.settings(), "desk": desk.settings()}
        settings = settings_of(port, place, accounts, [{"channel": "shop", "desk": "desk"}])
        async with serving(settings, place, port):
            await _conversation(phone, desk)
    click.echo("\nEverything between the two columns was the shipped bridge: callbacks signed and encrypted, stored on")
    click.echo(f"{place / 'bridge.db'} before they were acknowledged, and every answer accounted for.")


def _server_config(app: Any, port: int) -> uvicorn.Config:
    return uvicorn.Config(app, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=2)


@asynccontextmanager
async def serving(settings: Settings, place: Path, port: int) -> AsyncIterator[Bridge]:
    """The shipped bridge on a port, in this process."""
    bridge = Bridge(settings, declare_accounts(settings, place / "demo"))
    await asyncio.to_thread(prepare, bridge, bring_up_to_date=True)
    server = uvicorn.Server(_server_config(bridge.app(), port))
    task = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started or task.done())
        yield bridge
    finally:
        server.should_exit = True
        await task


async def _conversation(phone: Any, desk: Any) -> None:
    screen = _Screen(phone, desk)
    click.echo(f"{'the customer, in the mini program':<58}  the agent, in the helpdesk\n{'─' * 57}┼{'─' * 57}")
    await phone.enters(CUSTOMER, session_from="product-17")
    await phone.says(CUSTOMER, "你好，请问这款还有货吗？")
    await screen.follow(lambda: screen.on_desk("还有货吗"))
    await phone.sends_image(CUSTOMER, picture("order 17", "steelblue"))
    await phone.sends_card(CUSTOMER, title="Order 17", path="pages/order?id=17")
    await screen.follow(lambda: screen.on_desk("pages/order?id=17"))
    for number in range(1, 6):
        await phone.says(CUSTOMER, f"burst, line {number} of 5")
    await screen.follow(lambda: screen.on_desk("line 5 of 5"))
    ticket = next(iter(desk.state.tickets))
    await desk.agent_comments(str(ticket), "internal: check the shelf (the customer never sees this)")
    shelf = ("shelf.jpg", "image/jpeg", picture("in stock", "seagreen"))
    await desk.agent_says(
        str(ticket), "<p>有货，今天发出。<a href='https://shop.example/17'>详情</a></p>", html=True, files=[shelf]
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
        await until(lambda: self._print() and done())

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


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(_WAIT):
        while not condition():
            await asyncio.sleep(0.05)
