"""Pages that follow: one small look at the database for all consoles of this process, while anybody looks."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from starlette.responses import Response, StreamingResponse

from mappings import changes
from mappings.store import Store

_LOOK = 1.0  # seconds between two looks
_TRAFFIC = 5.0  # at least so long between two words about mere traffic
_HEARTBEAT = 20.0
_MOST = 100  # streams
_EACH = 20  # of one session
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no", "content-type": "text/event-stream; charset=utf-8"}


class Live:
    """Who listens, and the one task that looks for them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lines: dict[asyncio.Queue[str], str] = {}  # whose each is, the oldest first
        self._task: asyncio.Task[None] | None = None
        self._nudged = asyncio.Event()
        self.ended = False

    def nudge(self) -> None:
        """Something was done here: look at once."""
        self._nudged.set()

    def drain(self) -> None:
        """All streams end."""
        self.ended = True
        for line in self._lines:
            line.put_nowait("")
        if self._task is not None:
            self._task.cancel()

    def stream(self, still: Callable[[], Any], session: str) -> Response:
        """Events `changed`, for as long as `still` (asked now and then) says that the session lasts. One session's
        pages take no place from others: the newest gets that of its oldest.
        """
        mine = [line for line, whose in self._lines.items() if whose == session]
        if len(mine) >= _EACH:
            mine[0].put_nowait("")
            del self._lines[mine[0]]
        if self.ended or len(self._lines) >= _MOST:
            return Response("too many open pages", 503, {"retry-after": "10"})
        return StreamingResponse(self._events(still, session), headers=HEADERS)

    async def _events(self, still: Callable[[], Any], session: str) -> AsyncGenerator[bytes, None]:
        line: asyncio.Queue[str] = asyncio.Queue()
        self._lines[line] = session
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look(), name="console live")
        try:
            yield b"retry: 3000\nevent: hello\ndata: {}\n\n"
            while not self.ended:
                try:
                    what = await asyncio.wait_for(line.get(), _HEARTBEAT)
                except TimeoutError:
                    what = ":"
                if not what or not await still():
                    return
                yield b":\n\n" if what == ":" else f"event: changed\ndata: {what}\n\n".encode()
        finally:
            self._lines.pop(line, None)
            if not self._lines and self._task is not None:
                self._task.cancel()
                self._task = None

    async def _look(self) -> None:
        """Acts and states are told at once, traffic a few times a minute."""
        known, told = await self._stamps(), 0.0
        while True:
            self._nudged.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._nudged.wait(), _LOOK)
            found = await self._stamps()
            if found == known or (found[0] == known[0] and time.monotonic() - told < _TRAFFIC):
                continue
            known, told = found, time.monotonic()
            for line in self._lines:
                if line.empty():  # who does not read has one word waiting, not a hundred
                    line.put_nowait(json.dumps({"at": f"{datetime.now().astimezone():%H:%M:%S}"}))

    async def _stamps(self) -> tuple[Any, Any]:
        try:
            return await self._store.read(changes.stamps)
        except Exception:  # noqa: BLE001 - a database in trouble is a change that pages say themselves
            return "trouble", None
