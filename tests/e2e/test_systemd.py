"""A service manager holds the socket: a callback that comes while nobody serves is answered after the start."""

import asyncio
import socket
import subprocess
import sys

import pytest

from bridge.testing.e2e.process import until
from tests.e2e.conftest import PlatformHarness

CUSTOMER = "oCustomer_A"
# what systemd does between fork and exec
LAUNCH = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execv(sys.executable, [sys.executable, "-m", "bridge", "serve", *sys.argv[2:]])
"""


class Launched(subprocess.Popen[bytes]):
    """Started by the real command, with what the harness asks a process."""

    exitcode = property(subprocess.Popen.poll)
    join = subprocess.Popen.wait


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_nobody_is_refused_during_a_restart(harness: PlatformHarness) -> None:
    bridge = harness.bridge
    bridge.write_config()
    harness.phone.push_timeout = 30
    with socket.create_server(("127.0.0.1", bridge.port)) as held, bridge.log.open("ab") as log:

        def start() -> None:
            command = [sys.executable, "-c", LAUNCH, str(held.fileno()), "--config", str(bridge.config)]
            bridge._process = Launched(command, pass_fds=[held.fileno()], stdout=log, stderr=log)

        start()
        await bridge.until_ready()
        assert await bridge.terminate() == 0, bridge.text()
        saying = asyncio.create_task(harness.phone.says(CUSTOMER, "while you were away"))
        await asyncio.sleep(0.1)
        assert not saying.done()
        start()
        await saying
        await until(lambda: harness.said() == ["while you were away"])
        assert [bubble.kind for bubble in harness.phone.platform.phones[CUSTOMER]] == ["text"], (
            "nothing failed meanwhile"
        )
