"""One synced commit for each message, otherwise lean: the connector's own check, sqlite3, one writer thread."""

import asyncio
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.bench.peers.checked import checked
from tests.bench.peers.noop import ready


def make() -> Starlette:
    writer = ThreadPoolExecutor(1)
    base = sqlite3.connect(os.environ["BENCH_DATABASE"], check_same_thread=False, isolation_level=None)
    base.execute("PRAGMA journal_mode=WAL")
    base.execute("PRAGMA synchronous=FULL")
    base.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, key TEXT UNIQUE, payload BLOB)")

    def store(key: str, payload: bytes) -> None:
        base.execute("INSERT OR IGNORE INTO message (key, payload) VALUES (?, ?)", (key, payload))

    async def answer(request: Request) -> Response:
        raw = await checked(request)
        await asyncio.get_running_loop().run_in_executor(writer, store, raw.key, raw.payload)
        return PlainTextResponse("success")

    return Starlette(routes=[Route("/hooks/{account}", answer, methods=["GET", "POST"]), Route("/", ready)])
