"""The process that serves in the demonstration: the shipped bridge, in a world that has a time of its own.

python -m bridge.demo.child CONFIG SOCKET
"""

import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from bridge.app import Bridge
from bridge.cli.common import read_config
from bridge.contract import Retryable
from bridge.demo.switches import Switches
from bridge.serve import run_again
from bridge.telemetry import set_up_logging


def main() -> None:
    """Serves on a socket that its parent holds, so that it is open while this process is dead."""
    config, number = Path(sys.argv[1]), int(sys.argv[2])
    set_up_logging(level="WARNING")
    threading.Thread(target=_end_with_parent, daemon=True).start()
    switches = Switches(config.parent / "switches")

    def make() -> Bridge:
        settings, declared, path = read_config(str(config))
        bridge = Bridge(settings, declared, clock=switches.now, config=path)
        _make_breakable(bridge.runtime.accounts["desk"].connector, switches)
        return bridge

    sock = socket.socket(fileno=number)
    sock.setblocking(False)
    run_again(make, "127.0.0.1", sock.getsockname()[1], bring_up_to_date=True, held=[sock])


def _make_breakable(desk: Any, switches: Switches) -> None:
    """While the desk is taken down, every call to it fails as a connection that is refused."""
    for name in ("deliver", "lookup"):
        shipped = getattr(desk, name)

        async def call(*arguments: Any, _shipped: Any = shipped) -> Any:
            if switches.down:
                raise Retryable("the desk does not answer", code="ConnectError")
            return await _shipped(*arguments)

        setattr(desk, name, call)


def _end_with_parent() -> None:
    """Its end closes our standard input."""
    while os.read(0, 64):  # not the buffered one: its lock would be in the way of the end
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
