"""Running it: the web server with the bridge inside, or the workers alone."""

import asyncio
import contextlib
import gc
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator

import structlog
import uvicorn

from bridge.allocator import share_arenas
from bridge.app import Bridge
from bridge.contract import Drains
from bridge.systemd import sockets_handed_over
from bridge.web.protocol import LONGEST_HEAD, choose_protocol, make_room
from mappings.schema import check_schema, migrate_aside
from mappings.store import StoreLocked, StoreUnusable

log = structlog.get_logger("bridge.serve")

_AGAIN = 1.0  # seconds
_GRACE = 9  # seconds for open connections; an open event stream would otherwise block the end for good


def prepare(bridge: Bridge, *, bring_up_to_date: bool) -> None:
    """Opens the store once to bring it up to date, or to see that it is. Raises StoreUnusable."""
    if bring_up_to_date:
        before, after = migrate_aside(bridge.store)
        if before != after:
            log.info("tables brought up to date", before=before, after=after)
        return
    bridge.store.open()
    try:
        check_schema(bridge.store)
    finally:
        bridge.store.close()


def prepare_when_free(bridge: Bridge, *, bring_up_to_date: bool) -> None:
    """The same, once other programs let go of the database: waits for that, and says so in one line."""
    waiting = False
    while True:
        try:
            prepare(bridge, bring_up_to_date=bring_up_to_date)
        except StoreLocked as error:
            if not waiting:
                log.warning("waiting for the database", why=str(error), remedy="End that program; serving begins then.")
            waiting = True
            time.sleep(_AGAIN)
        else:
            return


def listen(host: str, port: int) -> list[socket.socket]:
    """The sockets of a service manager where there are any, else one of our own. Raises StoreUnusable."""
    return sockets_handed_over() or [_listening(host, port)]


def run_again(
    make: Callable[[], Bridge],
    host: str,
    port: int,
    *,
    bring_up_to_date: bool,
    held: list[socket.socket] | None = None,
) -> None:
    """Serves until SIGTERM or SIGINT. When the console asks for it, with a bridge made anew from the configuration, on
    the same sockets: who calls in between waits and is not refused.
    """
    bridge = make()  # what is wrong with the configuration is said before anything else
    held = held or listen(host, port)
    with contextlib.ExitStack() as closing:
        for one in held:
            closing.enter_context(one)
        while run_server(bridge, host, port, bring_up_to_date=bring_up_to_date, held=[one.dup() for one in held]):
            gc.unfreeze()
            bridge = make()


def run_server(
    bridge: Bridge, host: str, port: int, *, bring_up_to_date: bool, held: list[socket.socket] | None = None
) -> bool:
    """Serves until SIGTERM or SIGINT, on `held` sockets where there are any. True when it is to begin anew."""
    held = held or listen(host, port)
    share_arenas()  # before there are threads
    prepare_when_free(bridge, bring_up_to_date=bring_up_to_date)
    bridge.host = host
    bridge.console.warn()
    app = bridge.app()
    app.connections.most = make_room()
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the pages' own layer reads them; callbacks have no use for them
        date_header=True,
        timeout_graceful_shutdown=_GRACE,
        timeout_keep_alive=75,
        http=choose_protocol(),
        ws="none",
        log_config=None,
        h11_max_incomplete_event_size=LONGEST_HEAD,
    )
    server = BridgeServer(config, bridge)
    bridge.start_anew = server.begin_anew
    with contextlib.suppress(KeyboardInterrupt):
        server.run(held)
    if server.failed:
        raise StoreUnusable(server.failed)
    return server.again


def _listening(host: str, port: int) -> socket.socket:
    """A socket of our own, before anything else is begun. Raises StoreUnusable for a port that somebody has."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, kind, protocol)
    except OSError as error:
        raise StoreUnusable(f"cannot serve on {host}: {error.strerror}; choose another --host") from None
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind(address)
    except OSError as error:
        found.close()
        raise StoreUnusable(f"cannot serve on {host}:{port}: {error.strerror}; choose another --port") from None
    return found


class QuietServer(uvicorn.Server):
    """Ends quietly: a signal that was obeyed is no failure. `drained` lets go of what holds connections open."""

    def __init__(self, config: uvicorn.Config, drained: Drains) -> None:
        super().__init__(config)
        self._drained = drained

    def handle_exit(self, sig: int, frame: object) -> None:
        """An open event stream would hold the process until its grace is over."""
        self._drained.drain()
        super().handle_exit(sig, frame)  # type: ignore[arg-type] # uvicorn wants a frame that it does not use

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn does, without raising the signal again afterwards: obeying it is exit 0."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)


class BridgeServer(QuietServer):
    """Says that it serves."""

    failed = ""
    again = False

    def begin_anew(self) -> None:
        """Ends as on SIGTERM, to serve anew. A signal that comes behind it is obeyed."""
        super().handle_exit(signal.SIGTERM, None)
        self.again = True

    def handle_exit(self, sig: int, frame: object) -> None:
        """The end is meant."""
        self.again = False
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override] # uvicorn's is untyped here
        await super().startup(sockets)  # type: ignore[arg-type] # as above
        if self.started:
            gc.collect()
            gc.freeze()  # what lives for ever is not looked at again: halves the slowest answers
            gc.set_threshold(
                5_000, 10, 10
            )  # a message makes a thousand objects; nearly all go without being looked for
            sys.setswitchinterval(0.0005)  # the loop gets its turn between two statements of the writer thread
            port = self.servers[0].sockets[0].getsockname()[1] if self.servers else self.config.port
            log.info("serving", host=self.config.host, port=port)
        else:
            self.failed = f"cannot serve on {self.config.host}:{self.config.port}"


def run_workers(bridge: Bridge) -> None:
    """Works until SIGTERM or SIGINT."""
    share_arenas()
    prepare_when_free(bridge, bring_up_to_date=False)

    async def work() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        async with bridge.running():
            log.info("working")
            await stop.wait()

    asyncio.run(work())
