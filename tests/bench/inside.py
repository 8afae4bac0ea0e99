"""The CPU time of a callback without sockets: the web server's own protocol on a transport that only counts answers.

`python -m tests.bench.inside [subject …]` prints µs of CPU for each callback: the quickest of many blocks, which hardly
moves with the neighbours, and the median. Subjects: bridge, bridge-xml, and the peers noop, bare, wechatpy_starlette.
"""

import asyncio
import gc
import importlib
import logging
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from statistics import median
from typing import Any

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from bridge.app import Bridge
from bridge.cli.common import read_config
from bridge.serve import prepare
from bridge.web.dispatch import Front
from bridge.web.fastpath import Connection
from tests.bench.callbacks import build
from tests.bench.rig import SERVER_CORE, Rig

_BLOCKS, _BLOCK, _CONNECTIONS = 30, 1280, 64
_SUBJECTS = ("noop", "bare", "wechatpy_starlette", "bridge", "bridge-xml")


class Counting(asyncio.Transport):
    """Hands the protocol its next request when it has answered one."""

    def __init__(self, answered: Callable[[], None]) -> None:
        super().__init__({"peername": ("127.0.0.1", 5), "sockname": ("127.0.0.1", 80)})
        self._answered = answered

    def write(self, data: Any) -> None:
        if data.endswith(b"success"):
            self._answered()

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        raise RuntimeError("the server hung up")

    def resume_reading(self) -> None:
        pass


async def measure(app: Any, data_format: Any) -> list[float]:
    """µs of CPU for a callback, block by block."""
    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, lifespan="off")
    config.load()
    speaks = Connection if isinstance(app, Front) else HttpToolsProtocol  # as `serve` does
    state, loop = ServerState(), asyncio.get_running_loop()
    state.default_headers = [(b"date", b"Sun, 29 Nov 2026 01:00:00 GMT")]
    gc.collect()
    gc.freeze()
    found = []
    for block in range(_BLOCKS):
        requests = iter([build(one % 400, block * _BLOCK + one, data_format) for one in range(_BLOCK)])
        done, left = loop.create_future(), [_BLOCK]
        began = time.process_time()
        for _ in range(_CONNECTIONS):
            _speak(speaks(config, state, {}), requests, left, done)
        await done
        found.append((time.process_time() - began) / _BLOCK * 1e6)
    return found


def _speak(protocol: HttpToolsProtocol, requests: Iterator[bytes], left: list[int], done: asyncio.Future[None]) -> None:
    def answered() -> None:
        left[0] -= 1
        if left[0] == 0:
            done.set_result(None)
        following = next(requests, None)
        if following is not None:
            asyncio.get_running_loop().call_soon(protocol.data_received, following)

    protocol.connection_made(Counting(answered))
    protocol.data_received(next(requests))


@asynccontextmanager
async def _served(rig: Rig, subject: str) -> AsyncIterator[Any]:
    if not subject.startswith("bridge"):
        yield importlib.import_module(f"tests.bench.peers.{subject}").make()
        return
    settings, declared, _ = read_config(str(rig.config(9)))
    bridge = Bridge(settings, declared, work=False)
    await asyncio.to_thread(prepare, bridge, bring_up_to_date=True)
    async with bridge.running():
        yield bridge.app()


async def _run(subject: str) -> list[float]:
    rig = Rig()
    try:
        async with _served(rig, subject) as app:
            return await measure(app, "xml" if subject.endswith("xml") else "json")
    finally:
        rig.close()


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        logging.disable()
        sys.setswitchinterval(0.0005)  # as the bridge sets it
        os.sched_setaffinity(0, SERVER_CORE)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(_run(sys.argv[2]))
        sys.stdout.write(f"{sys.argv[2]:<20} {min(found):6.1f} quickest {median(found):6.1f} median µs\n")
        return
    for subject in sys.argv[1:] or _SUBJECTS:
        subprocess.run([sys.executable, "-m", "tests.bench.inside", "--one", subject], check=True)


if __name__ == "__main__":
    main()
