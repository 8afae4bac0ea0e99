"""`bridge up`: the set-up where there is no configuration yet, then serving with it, in one process on one socket."""

import asyncio
import os
import socket
from pathlib import Path

import click
import uvicorn
from pydantic import TypeAdapter

from bridge.contract import is_loopback
from bridge.serve import QuietServer
from bridge.settings import ConfigError
from bridge.web.guarded import Guarded
from bridge.web.protocol import LONGEST_HEAD
from bridge.web.proxies import ClientAddress, Proxies
from bridge.wizard.app import SetupPages, wait_finished
from bridge.wizard.calls import Calls
from bridge.wizard.door import Door
from bridge.wizard.draft import Drafts
from bridge.wizard.preview import Preview
from bridge.wizard.setup import PATH, Setup

_INSECURE = (
    "The set-up is not served on {host}: its code and your passwords would cross the network without TLS. Leave out "
    "--host and come over a tunnel (ssh -L {port}:127.0.0.1:{port} SERVER) or through a proxy with TLS on this "
    "machine; or insist with BRIDGE_CONSOLE__ALLOW_INSECURE=true"
)


def refuse_insecure(host: str, port: int, *, allowed: bool) -> None:
    """Raises ConfigError where the set-up would be open to a network in clear."""
    if not is_loopback(host) and not allowed:
        raise ConfigError([_INSECURE.format(host=host, port=port)])


def run_set_up(config: Path, sock: socket.socket, host: str) -> bool:
    """Serves the set-up on a socket that stays open. True when it was finished, False when the process is to end."""
    port = sock.getsockname()[1]
    drafts = Drafts(config)
    draft = drafts.load()
    preview = Preview(config, port)
    calls = Calls(lambda role: preview.suspect(role, draft))
    door = Door(draft, lambda code: _print_code(host, port, code))
    setup = Setup(drafts, draft, preview, calls, door, port)
    served = uvicorn.Config(
        guarded(setup), log_level="warning", access_log=False, server_header=False, proxy_headers=False,
        log_config=None, timeout_graceful_shutdown=3, ws="none",
        http="h11", h11_max_incomplete_event_size=LONGEST_HEAD,  # the faster parser has no limit of its own
    )  # fmt: skip
    asyncio.run(_serve(QuietServer(served, preview), setup, sock))
    if setup.finished.is_set():
        drafts.forget()
        return True
    return False


def guarded(setup: Setup) -> Guarded:
    """The set-up as it is served: anybody who finds the address may send it something."""
    proxies = Proxies(("127.0.0.1", "::1"))
    return Guarded(ClientAddress(SetupPages(setup), proxies), proxies)


async def _serve(server: QuietServer, setup: Setup, sock: socket.socket) -> None:
    async def talk() -> None:
        while not server.started:
            await asyncio.sleep(0.02)
        setup.door.new_code()
        await wait_finished(setup)
        setup.preview.drain()
        server.should_exit = True

    talking = asyncio.create_task(talk())
    try:
        # a copy: the server closes what it is given, and callers that come in between must find the door open
        await server.serve([sock.dup()])
    finally:
        talking.cancel()


def _print_code(host: str, port: int, code: str) -> None:
    shown = "127.0.0.1" if is_loopback(host) else host
    lines = [
        f"Open   http://{shown}:{port}{PATH}",
        f"Code   {code}   (opens one browser; the next one is printed here)",
    ]
    width = max(map(len, lines)) + 4
    click.echo("┌" + "─" * width + "┐")
    for line in lines:
        click.echo(f"│  {line:<{width - 2}}│")
    click.echo("└" + "─" * width + "┘")


def is_allowed() -> bool:
    """`console.allow_insecure` by the environment: there is no file yet."""
    return TypeAdapter(bool).validate_python(os.environ.get("BRIDGE_CONSOLE__ALLOW_INSECURE", "false"))
