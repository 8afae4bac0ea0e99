"""All open connections: how many there may be, and who gives way.

A connection that is answered, or about to be, stays. One that waits for its caller (nothing came yet, half a head,
nothing more) is worth least: where there is no room left, the oldest of those in the most crowded network ends.
"""

import asyncio
from typing import Protocol

import structlog

from bridge.contract import network_of
from bridge.web.proxies import Proxies

log = structlog.get_logger("bridge.web")

HEAD_WITHIN = 10.0  # seconds from the first byte of a request to the last of its head
READ_WITHIN = 60.0  # seconds in which a caller who reads slowly must read something
_LOOK_EVERY = 1.0
_SAY_EVERY = 60.0


class ConnectedAccount(Protocol):
    """A connection. `since` is when it began to wait for a head, in the loop's time; `stalled` when its
    caller stopped reading what is written; 0.0 while it does not.
    """

    network: str
    since: float
    stalled: float

    def rests(self) -> bool:
        """Whether nothing is under way on it."""
        ...

    def drop(self) -> None:
        """Ends it: somebody else needs the place, or it took too long."""
        ...


class Connections:
    """Those of one server. `each` is how many one network may have; trusted proxies have no such limit."""

    def __init__(self, proxies: Proxies | None = None, *, most: int = 8192, each: int = 512) -> None:
        self.proxies = proxies or Proxies()
        self.most, self._each = most, each
        self._open: dict[str, dict[ConnectedAccount, None]] = {}
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._said = -_SAY_EVERY

    def __len__(self) -> int:
        return self._count

    def enter(self, connection: ConnectedAccount, peer: str) -> bool:
        """One more; False where no other can end for it."""
        loop = asyncio.get_running_loop()
        trusted = self.proxies.trusts(peer)
        connection.network = "" if trusted else network_of(peer)
        connection.since = loop.time()
        mine = self._open.setdefault(connection.network, {})
        mine[connection] = None
        self._count += 1
        if self._timer is None:
            self._timer = loop.call_later(_LOOK_EVERY, self._look, loop)
        if not trusted and len(mine) > self._each:
            return self._end_one(mine, connection)
        if self._count > self.most:
            return self._end_one(max(self._open.values(), key=len), connection)
        return True

    def leave(self, connection: ConnectedAccount) -> None:
        """One less."""
        mine = self._open.get(connection.network, {})
        if connection in mine:
            del mine[connection]
            self._count -= 1
            if not mine:
                del self._open[connection.network]

    def _end_one(self, crowd: dict[ConnectedAccount, None], newest: ConnectedAccount) -> bool:
        now = asyncio.get_running_loop().time()
        if now - self._said >= _SAY_EVERY:
            self._said = now
            log.warning("too many connections", open=self._count, of_one_network=len(crowd))
        for one in crowd:
            if one is not newest and one.rests():
                self.leave(one)
                one.drop()
                return True
        return False

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for one in [one for found in self._open.values() for one in found]:
            if 0.0 < one.since <= now - HEAD_WITHIN or 0.0 < one.stalled <= now - READ_WITHIN:
                one.drop()
        self._timer = loop.call_later(_LOOK_EVERY, self._look, loop) if self._open else None
