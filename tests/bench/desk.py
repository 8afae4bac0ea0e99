"""A desk that answers at once: the part of RT's REST2 that the connector uses, on raw sockets, in a process of its own.

It checks what matters: the messages of each customer arrive once and in order. `GET /bench/stats` tells,
`/bench/reset` forgets, `/bench/feed` streams `customer number monotonic-nanoseconds` of every arrival.
"""

import asyncio
import json
import re
import sys
import time
from typing import Any

import uvloop

_TICKET = re.compile(rb"/REST/2\.0/ticket/(\d+)")
_SAID = re.compile(rb"m-(\d+)-(\d+) ")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_NOTHING = {"items": [], "count": 0, "page": 1, "per_page": 100, "total": 0, "pages": 0}


class State:
    """What the desk knows."""

    def __init__(self) -> None:
        self.tickets = 0
        self.writes = 0
        self.open = self.connections = 0
        self.feeds: list[Any] = []
        self.reset()

    def reset(self) -> None:
        self.calls: dict[str, int] = {}
        self.seconds: dict[int, int] = {}
        self.last: dict[bytes, int] = {}
        self.arrived = self.doubled = self.disordered = 0
        self.first_at = self.last_at = 0

    def say(self, body: bytes) -> int:
        """Takes note of the messages in a write; returns its transaction's id."""
        now = time.monotonic_ns()
        lines = []
        for customer, text in dict.fromkeys(_SAID.findall(body)):  # a subject repeats the first line
            number, last = int(text), self.last.get(customer)
            self.arrived += 1
            if last is not None and number <= last:
                self.doubled += 1
            elif last is not None and number != last + 1:
                self.disordered += 1
            self.last[customer] = max(number, last if last is not None else number)
            lines.append(b"%s %d %d\n" % (customer, number, now))
        if lines:
            self.first_at = self.first_at or now
            self.last_at = now
            for feed in self.feeds:
                feed.write(b"".join(lines))
        self.writes += 1
        return self.writes

    def stats(self) -> dict[str, Any]:
        return {
            "arrived": self.arrived, "doubled": self.doubled, "disordered": self.disordered,
            "peak": max(self.seconds.values(), default=0), "connections": self.connections,
            "customers": len(self.last), "calls": self.calls, "first_at": self.first_at, "last_at": self.last_at,
        }  # fmt: skip


class Desk(asyncio.Protocol):
    """One connection."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._got = b""
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._state.open += 1
        self._state.connections = max(self._state.connections, self._state.open)

    def connection_lost(self, _error: Exception | None) -> None:
        self._state.open -= 1
        if self._transport in self._state.feeds:
            self._state.feeds.remove(self._transport)

    def data_received(self, data: bytes) -> None:
        self._got += data
        while (end := self._got.find(b"\r\n\r\n")) >= 0:
            head = self._got[:end]
            found = _LENGTH.search(head)
            size = end + 4 + (int(found[1]) if found else 0)
            if len(self._got) < size:
                return
            body, self._got = self._got[end + 4 : size], self._got[size:]
            method, target, _ = head.split(b" ", 2)
            self._answer(method, target.partition(b"?")[0], body)

    def _answer(self, method: bytes, path: bytes, body: bytes) -> None:
        state = self._state
        if path.startswith(b"/bench/"):
            self._control(path)
            return
        found = _TICKET.match(path)
        rest = path[found.end() :] if found else b""
        kind = f"{method.decode()} {'ticket' if found else path.removeprefix(b'/REST/2.0/').decode()}{rest.decode()}"
        second = int(time.monotonic())
        state.seconds[second] = state.seconds.get(second, 0) + 1
        state.calls[kind] = state.calls.get(kind, 0) + 1
        if method == b"POST" and path == b"/REST/2.0/ticket":
            state.tickets += 1
            number = str(state.tickets)
            state.say(body)
            url = f"/REST/2.0/ticket/{number}"
            self._send(201, {"type": "ticket", "id": number, "_url": url}, location=url)
        elif method == b"POST" and found:
            transaction = state.say(body) if rest == b"/correspond" else state.say(b"")
            said = ["Correspondence added"]
            if b'"Status": "open"' in body:  # it is already
                said.append("You can't change status from 'open' to 'open'.")
            self._send(201, said, location=f"/REST/2.0/transaction/{transaction}")
        elif method == b"PUT":
            self._send(200, ["done"])
        elif found and not rest:
            number = found[1].decode()
            self._send(200, {"id": int(number), "Status": "open", "Queue": {"id": "3", "type": "queue"},
                             "EffectiveId": {"id": number, "type": "ticket"}, "_hyperlinks": []})  # fmt: skip
        elif rest == b"/history":
            number = str(10**9 + int(found[1])) if found else "0"
            self._send(200, {**_NOTHING, "items": [{"id": number, "type": "transaction", "Type": "Create"}]})
        elif path == b"/REST/2.0/rt":
            self._send(200, {"Version": "5.0.3"})
        elif path.startswith(b"/REST/2.0/queue/"):
            self._send(200, {"id": 3, "Name": "Support", "_hyperlinks": []})
        else:
            self._send(200, _NOTHING)

    def _control(self, path: bytes) -> None:
        if path == b"/bench/feed":
            self._state.feeds.append(self._transport)
            self._transport.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
            return
        found = self._state.stats()
        if path == b"/bench/reset":
            self._state.reset()
        self._send(200, found)

    def _send(self, status: int, value: Any, location: str = "") -> None:
        body = json.dumps(value).encode()
        head = f"HTTP/1.1 {status} OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        self._transport.write(
            f"{head}{f'location: {location}' + chr(13) + chr(10) if location else ''}\r\n".encode() + body
        )


async def serve(port: int) -> None:
    state = State()
    server = await asyncio.get_running_loop().create_server(lambda: Desk(state), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))
