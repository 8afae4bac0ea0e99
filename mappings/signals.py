"""A word between processes on one PostgreSQL that there is work (LISTEN and NOTIFY): the others need not find it at
their next look.

Nothing depends on it: what is not heard is found by looking. It has a connection of its own, which never waits: what is
said goes out when the loop turns, in no transaction that anybody waits for. Nothing is said while nobody listens.
"""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import structlog

from mappings.store import Store

log = structlog.get_logger("bridge.store")

_CHANNEL = "bridge"
_HELLO = 5.0  # seconds from one greeting to the next; who was not heard for three of them is gone
_GONE = 3 * _HELLO


class Signals:
    """Of one process. `heard` is called with each name that another process tells. Only on PostgreSQL."""

    def __init__(self, store: Store, heard: Callable[[str], None]) -> None:
        self._store = store
        self._heard = heard
        self._connection: Any = None
        self._made: Any = None  # the last one, also one that nobody waits for any more
        self._ended = False
        self._socket = -1
        self._waiting: set[str] = set()  # names to tell
        self._sending = False
        self._greeted = float("-inf")  # when another process was heard

    @property
    def listening(self) -> bool:
        """Whether this process hears others at this moment."""
        return self._connection is not None

    @property
    def accompanied(self) -> bool:
        """Whether another process was heard lately."""
        return time.monotonic() - self._greeted < _GONE

    def tell(self, name: str) -> None:
        """There is work for an account; what is told at once goes in one word."""
        if self._connection is not None and self.accompanied:
            self._waiting.add(name)
            self._send()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`: listens, and greets."""
        try:
            while not stop.is_set():
                if self._connection is None and not await self._listen():
                    return
                self._say([])
                try:
                    async with asyncio.timeout(_HELLO):
                        await stop.wait()
                except TimeoutError:
                    pass
        finally:
            self._ended = True
            self._close()
            if self._made is not None:
                self._made.close()

    async def _listen(self) -> bool:
        """False: it will never work here."""
        try:
            connection = await asyncio.to_thread(self._connect)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next try comes soon, and looking goes on
            log.debug("cannot listen", error=type(error).__name__)
            return True
        if connection is None:
            log.info("a pooler stands before the database: processes find each other's work by looking")
            return False
        self._connection = connection
        self._sending = False
        self._socket = connection.fileno()  # a lost connection does not tell it any more
        asyncio.get_running_loop().add_reader(self._socket, self._read)
        return True

    def _connect(self) -> Any:
        """None behind a pooler, which gives each transaction another session. On a thread."""
        fairy = self._store.engine.raw_connection()
        if fairy.info.get("pooled"):
            fairy.close()
            return None
        connection: Any = fairy.driver_connection
        fairy.detach()
        if self._made is not None:
            self._made.close()
        self._made = connection
        if self._ended:  # meanwhile
            connection.close()
            return None
        connection.rollback()
        connection.autocommit = True
        connection.execute("SET synchronous_commit = off; SET idle_in_transaction_session_timeout = 0")
        connection.execute(f"LISTEN {_CHANNEL}")
        connection.pgconn.nonblocking = 1
        return connection

    def _send(self) -> None:
        if self._waiting and not self._sending:
            names, self._waiting = sorted(self._waiting), set()
            self._say(names)

    def _say(self, names: list[str]) -> None:
        if self._connection is None or self._sending:
            return
        told = json.dumps(names).encode()
        try:
            self._connection.pgconn.send_query_params(b"SELECT pg_notify($1, $2)", [_CHANNEL.encode(), told])
            self._connection.pgconn.flush()
        except Exception as error:  # noqa: BLE001 - the driver's own; the next look finds what was to be told
            self._lost(error)
        else:
            self._sending = True

    def _read(self) -> None:
        """Something came: answers to what was said, and what others say."""
        pgconn = self._connection.pgconn
        try:
            pgconn.consume_input()
            while not pgconn.is_busy():
                if pgconn.get_result() is None:
                    self._sending = False
                    break
            while (word := pgconn.notifies()) is not None:
                if word.be_pid != pgconn.backend_pid:
                    self._hear(word.extra)
        except Exception as error:  # noqa: BLE001 - as above
            self._lost(error)
            return
        self._send()

    def _hear(self, told: bytes) -> None:
        self._greeted = time.monotonic()
        for name in json.loads(told):
            self._heard(name)

    def _lost(self, error: Exception) -> None:
        log.debug("no longer listening", error=type(error).__name__)
        self._close()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            connection.close()
