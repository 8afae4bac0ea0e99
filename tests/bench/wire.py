"""What goes to and fro between a bridge and its PostgreSQL, counted on the way: statements and round trips.

A thread with a loop of its own hands on every byte. Source of the format: https://www.postgresql.org/docs/15/protocol.html
"""

import asyncio
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Self

from sqlalchemy import make_url

_SOCKET = ".s.PGSQL.5432"
_CHUNK = 2**16


class Messages:
    """The types of the messages in a stream of bytes, counted."""

    def __init__(self, *, startup: bool) -> None:
        self.counts: dict[int, int] = {}
        self._untyped = startup  # the first message of a client has no type
        self._rest = bytearray()

    def feed(self, data: bytes) -> None:
        rest = self._rest
        rest += data
        while True:
            head = 0 if self._untyped else 1
            if len(rest) < head + 4:
                return
            length = head + int.from_bytes(rest[head : head + 4])
            if len(rest) < length:
                return
            if head:
                self.counts[rest[0]] = self.counts.get(rest[0], 0) + 1
            self._untyped = False
            del rest[:length]


class Wire:
    """Use it as a context; `url` is where the bridge connects to."""

    def __init__(self, url: str) -> None:
        behind = make_url(url)
        self._behind = Path(str(behind.query["host"])) / _SOCKET
        self._folder = Path(tempfile.mkdtemp(prefix="bridge-wire-"))
        self.url = behind.set(query={"host": str(self._folder)}).render_as_string(hide_password=False)
        self._asked: list[Messages] = []
        self._told: list[Messages] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        opened = asyncio.start_unix_server(self._serve, self._folder / _SOCKET)
        self._server = asyncio.run_coroutine_threadsafe(opened, self._loop).result()
        return self

    def __exit__(self, *_error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def statements(self) -> int:
        """Those that were carried out so far: `Execute` and `Query`."""
        return sum(one.counts.get(kind, 0) for one in self._asked for kind in b"EQ")

    @property
    def trips(self) -> int:
        """How often the server said that it is ready for more."""
        return sum(one.counts.get(ord("Z"), 0) for one in self._told)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self._behind)
        asked, told = Messages(startup=True), Messages(startup=False)
        self._asked.append(asked)
        self._told.append(told)
        both = [asyncio.create_task(_hand_on(*way)) for way in ((reader, back, asked), (there, writer, told))]
        self._tasks += both
        await asyncio.wait(both)

    async def _close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Messages) -> None:
    try:
        while data := await reader.read(_CHUNK):
            writer.write(data)
            seen.feed(data)
            await writer.drain()
    except OSError:  # a process was ended
        pass
    finally:
        writer.close()
