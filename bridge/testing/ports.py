"""Ports for servers that tests start."""

import os
import secrets
import socket
from itertools import count

# Below what systems hand out for outgoing connections: there, a port that is free between a server's end and its next
# start may be somebody's own end of a connection meanwhile. Each worker of pytest-xdist has a part of its own, and goes
# through it in order: what one test was given and has not opened yet, no other is given.
_LOWEST, _PARTS, _PART = 15_000, 8, 2_100
_worker = int("".join(filter(str.isdigit, os.environ.get("PYTEST_XDIST_WORKER", ""))) or 0)
_first = _LOWEST + _worker % _PARTS * _PART
_turns = count(secrets.randbelow(_PART))


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens, for a server that may stop and start again."""
    while True:
        port = _first + next(_turns) % _PART
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
