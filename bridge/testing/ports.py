"""Ports for servers that tests start."""

import secrets
import socket

# Below what systems hand out for outgoing connections: there, a port that is free between a server's end and its next
# start may be somebody's own end of a connection meanwhile.
_LOWEST, _HIGHEST = 15_000, 32_000


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens, for a server that may stop and start again."""
    while True:
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
