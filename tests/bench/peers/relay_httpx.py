"""The same relay loop with one shared plain httpx client, and nothing else: what a relay costs before it keeps promises.

Callback → durable queue (group commit, synchronous=FULL) → the desk's same requests as the bridge makes → recorded.
The head of each conversation goes, 32 at a time. No routing table, no allowance, no journal, no recovery.
`plain`: as `pip install httpx` leaves it, without the package sniffio. `lean`: with the bridge's own way out instead of
httpx.
"""

import asyncio
import json
import os
import sqlite3
import sys
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bridge.contract.http import Http
from tests.bench import constants
from tests.bench.peers.checked import checked
from tests.bench.peers.noop import ready

_HEADERS = {"authorization": f"token {constants.DESK_TOKEN}"}
_AS_FORM = [("_", ("", b"", "text/plain"))]
_ONE = "INSERT OR IGNORE INTO message (key, payload) VALUES (?, ?)"
_DONE = "UPDATE message SET done = ? WHERE key = ?"

Entry = tuple[Any, tuple[Any, ...], asyncio.Future[None]]
"""(what to write, its values, who waits for the commit)"""


class Relay:
    """One process of it."""

    def __init__(self, desk: str, *, lean: bool, max_concurrency: int = 32) -> None:
        self._lean = lean
        self._desk = f"http://127.0.0.1:{desk}/REST/2.0"
        self._writer = ThreadPoolExecutor(1)
        self._base = self._open(os.environ["BENCH_DATABASE"])
        self._waiting: list[Entry] = []
        self._committing: asyncio.Task[None] | None = None
        self._lanes: dict[str, deque[tuple[str, str]]] = {}
        self._tickets: dict[str, str] = {}
        self._turn = asyncio.Semaphore(max_concurrency)
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: Any = None

    def _open(self, path: str) -> sqlite3.Connection:
        base = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("PRAGMA synchronous=FULL")
        base.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, key TEXT UNIQUE, payload BLOB, done TEXT)")
        return base

    @asynccontextmanager
    async def running(self, _app: Starlette) -> AsyncIterator[None]:
        if self._lean:
            self._client = Http(max_concurrency=100, home=self._desk)
            yield
            await self._client.close()
            return
        import httpx

        async with httpx.AsyncClient(trust_env=False) as self._client:
            yield

    async def answer(self, request: Request) -> Response:
        raw = await checked(request)
        await self._write(_ONE, raw.key, raw.payload)
        fields = json.loads(raw.payload)
        who = fields["FromUserName"]
        lane = self._lanes.get(who)
        if lane is not None:
            lane.append((raw.key, fields["Content"]))
        else:
            self._lanes[who] = deque([(raw.key, fields["Content"])])
            task = asyncio.create_task(self._go(who))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return PlainTextResponse("success")

    async def _go(self, who: str) -> None:
        lane = self._lanes[who]
        while lane:
            key, text = lane[0]
            async with self._turn:
                place = await self._send(who, key, text)
            await self._write(_DONE, place, key)
            lane.popleft()
        del self._lanes[who]

    async def _send(self, who: str, key: str, text: str) -> str:
        fields = {"Content": text, "ContentType": "text/plain", "Subject": f"ref {key}"}
        ticket = self._tickets.get(who)
        if ticket is None:
            fields |= {"Subject": text, "Queue": "Support", "Requestor": f"{who}@bridge.invalid"}
            made = await self._post("/ticket", fields)
            ticket = self._tickets[who] = str(made.json()["id"])
            await self._call("GET", f"/ticket/{ticket}/history", params={"fields": "Type"})
            return ticket
        await self._call("GET", f"/ticket/{ticket}")
        return str((await self._post(f"/ticket/{ticket}/correspond", fields)).headers["location"])

    async def _post(self, path: str, fields: dict[str, str]) -> Any:
        return await self._call("POST", path, data={"JSON": json.dumps(fields)}, files=_AS_FORM)

    async def _call(self, method: str, path: str, **parts: Any) -> Any:
        answer = await self._client.request(method, self._desk + path, headers=_HEADERS, **parts)
        if (answer.status if self._lean else answer.status_code) >= 300:
            raise RuntimeError(f"{method} {path}: {answer}")
        return answer

    def _write(self, what: Any, *values: Any) -> asyncio.Future[None]:
        """Hands in a change; done when it is committed."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((what, values, future))
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit())
        return future

    async def _commit(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            group, self._waiting = self._waiting, []
            await self._write_group(loop, group)
            for _, _, future in group:
                future.set_result(None)

    async def _write_group(self, loop: asyncio.AbstractEventLoop, group: list[Entry]) -> None:
        await loop.run_in_executor(self._writer, self._together, group)

    def _together(self, group: list[Entry]) -> None:
        self._base.execute("BEGIN IMMEDIATE")
        for statement, values, _ in group:
            self._base.execute(statement, values)
        self._base.execute("COMMIT")


def make(desk: str, client: str = "plain") -> Starlette:
    if client == "plain":
        sys.modules["sniffio"] = None  # type: ignore[assignment] # as if it were not installed
    relay = Relay(desk, lean=client == "lean")
    routes = [Route("/hooks/{account}", relay.answer, methods=["GET", "POST"]), Route("/", ready)]
    return Starlette(routes=routes, lifespan=relay.running)
