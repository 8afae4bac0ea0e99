"""Listening sockets that a service manager holds: connections that come while the bridge restarts wait, unrefused.

The protocol is sd_listen_fds(3): LISTEN_PID names this process, the sockets are numbered from 3.
"""

import os
import socket

_FIRST = 3


def sockets_handed_over() -> list[socket.socket]:
    """The sockets, which are ours alone from now on; none when nobody handed any over."""
    process = os.environ.pop("LISTEN_PID", "")
    number = os.environ.pop("LISTEN_FDS", "")
    if process != str(os.getpid()) or not number.isdigit():
        return []
    found = [socket.socket(fileno=_FIRST + place) for place in range(int(number))]
    for one in found:
        one.set_inheritable(False)
        one.setblocking(False)
    return found
