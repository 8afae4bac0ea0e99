"""A vendor on loopback: the vendor's addresses and error bodies, and a driver for what people do there."""

import asyncio
import contextlib
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette

from bridge.testing.clock import system_clock
from bridge.testing.faults import Faults
from bridge.testing.ports import free_port


class _Server(uvicorn.Server):
    """uvicorn inside somebody else's loop: leaves signals alone and stops at once instead of at the next tick."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.stopping = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        while not self.stopping.is_set():
            await self.on_tick(0)  # refreshes the Date header
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self.stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for sock in sockets or []:
            sock.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        tasks = list(self.server_state.tasks)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self.config.timeout_graceful_shutdown)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for _ in range(20):  # answers on their way out
            if not self.server_state.connections:
                return
            await asyncio.sleep(0.005)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)


class Simulator(ABC):
    """Base of all simulators. Serve it with `async with Simulator(...) as vendor:` on a free port.

    A subclass builds `self.app` (Starlette), refuses what its vendor refuses, and offers verbs for people: `says`
    (a customer) or `agent_says` (an agent). `base` is what goes into the account's `api_base`. `clock` is shared with
    the bridge under test. Never imported by `serve`.
    """

    app: Starlette
    path = ""  # what follows the origin in `api_base`

    def __init__(self, *, clock: Callable[[], datetime] = system_clock) -> None:
        self.clock = clock
        self.port = 0
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None
        self.faults: Faults

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base(self) -> str:
        return self.origin + self.path

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """The account's keys that make a bridge talk to this simulator."""

    async def start(self, port: int = 0) -> Self:
        """Listens on 127.0.0.1; the same port again after `stop` plays an outage."""
        if not hasattr(self, "faults"):
            self.faults = Faults(self.app)
        # asyncio turns Nagle's algorithm off for sockets that say TCP only: else answers come 40 ms late
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port or self.port or free_port()))
        except OSError:
            sock.close()
            raise
        self.port = sock.getsockname()[1]
        config = uvicorn.Config(
            self.faults, log_level="critical", lifespan="off", access_log=False, timeout_graceful_shutdown=1
        )
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[sock]))
        while not self._server.started:
            await asyncio.sleep(0.005)
            if self._task.done():
                await self._task
        return self

    async def stop(self) -> None:
        """Closes the port. What the vendor knows is kept."""
        if self._server is not None and self._task is not None:
            self._server.stopping.set()
            await self._task
            self._server = self._task = None

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
