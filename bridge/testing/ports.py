"""Ports for servers that tests start."""

import secrets
import socket
from functools import cache
from itertools import count

# Below what systems hand out for outgoing connections: there, a port that is free between a server's end and its next
# start may be somebody's own end of a connection meanwhile. Each process of tests, also of another run on this machine,
# has a part of its own, and goes through it in order: what one test was given and has not opened yet, no other gets.
_LOWEST, _PARTS, _PART = 15_000, 34, 500


@cache
def _part() -> tuple[int, socket.socket | None]:
    """The first port of the part that is ours, and what keeps it ours until this process ends: that port itself."""
    begin = secrets.randbelow(_PARTS)
    for place in range(_PARTS):
        first = _LOWEST + (begin + place) % _PARTS * _PART
        guard = socket.socket()
        try:
            guard.bind(("127.0.0.1", first))
        except OSError:
            guard.close()
        else:
            return first, guard
    return _LOWEST + begin * _PART, None  # more processes than parts: in what others have, a port may still be free


_turns = count(secrets.randbelow(_PART))


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens, for a server that may stop and start again."""
    first, _ = _part()
    while True:
        port = first + 1 + next(_turns) % (_PART - 1)
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
