"""The suite's trouble in front of a real server that does not speak HTTP (SMTP, IMAP): on the connection itself.

What is inside may be encrypted, so faults go by how much was said, not by commands.
"""

import asyncio
from enum import StrEnum
from typing import Self

_PIECE = 65536


class Cut(StrEnum):
    """`RESET`: the connection ends as soon as it is there. `SENDING`: it ends when the client has said so much.
    `ANSWER`: from then on the server hears everything, and what it answers is lost. `SILENT`: nobody says anything.
    """

    RESET = "reset"
    SENDING = "sending"
    ANSWER = "answer"
    SILENT = "silent"


class StreamProxy:
    """Passes connections on to `host`:`port`. `arm` the next ones; `stop` plays a server that is out of reach."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._armed: list[tuple[Cut, int]] = []
        self.port = 0
        self.used = 0  # faults that a connection met

    def arm(self, cut: Cut, *, after: int = 0, times: int = 1) -> None:
        """The next `times` connections meet it, when the client has said `after` bytes."""
        self._armed += [(cut, after)] * times

    async def start(self) -> Self:
        """Listens, on the same port as before."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Nothing listens, and what was open ends."""
        if self._server is not None:
            self._server.close()
        await self.cut()

    async def cut(self) -> None:
        """All connections end, without a word."""
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        cut, after = self._armed.pop(0) if self._armed else (None, 0)
        try:
            await self._relay(_Ends(reader, writer), cut, after)
        except (OSError, asyncio.CancelledError):
            pass  # one side is gone: so is the other
        finally:
            self._open.discard(task)
            writer.transport.abort()

    async def _relay(self, client: "_Ends", cut: Cut | None, after: int) -> None:
        if cut is Cut.RESET:
            self.used += 1
            return
        server = _Ends(*await asyncio.open_connection(self._host, self._port))
        reached = asyncio.Event()
        try:
            there = asyncio.create_task(self._forth(client, server, cut, after, reached))
            back = asyncio.create_task(self._back(server, client, cut, reached))
            done, left = await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
            for task in left:
                task.cancel()
            await asyncio.gather(*done, *left, return_exceptions=True)
        finally:
            server.writer.transport.abort()

    async def _forth(
        self, client: "_Ends", server: "_Ends", cut: Cut | None, after: int, reached: asyncio.Event
    ) -> None:
        said = 0
        while data := await client.reader.read(_PIECE):
            said += len(data)
            if cut is not None and said > after and not reached.is_set():
                reached.set()
                self.used += 1
                if cut is Cut.SENDING:
                    return
            if cut is Cut.SILENT and reached.is_set():
                continue
            server.writer.write(data)
            await server.writer.drain()

    @staticmethod
    async def _back(server: "_Ends", client: "_Ends", cut: Cut | None, reached: asyncio.Event) -> None:
        while data := await server.reader.read(_PIECE):
            if reached.is_set() and cut is Cut.ANSWER:
                return
            if reached.is_set() and cut is Cut.SILENT:
                continue
            client.writer.write(data)
            await client.writer.drain()


class _Ends:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
