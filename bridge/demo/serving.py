"""The serving process of the demonstration: started, killed, started again."""

import asyncio
import signal
import socket
import subprocess
import sys
from pathlib import Path

from bridge.contract import ConnectorError, Http

_SLOW = 60.0


class Serving:
    """One child on a socket that stays open: who calls while it is dead waits, as with a service manager."""

    def __init__(self, config: Path, sock: socket.socket) -> None:
        self._config = config
        self._sock = sock
        self._process: subprocess.Popen[bytes] | None = None
        self._log = config.parent / "bridge.log"
        self.killed = 0  # the number of the process that was killed last

    @property
    def port(self) -> int:
        found: int = self._sock.getsockname()[1]
        return found

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    def start(self) -> None:
        """A new process, unless there is one."""
        if self.alive:
            return
        number = self._sock.fileno()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 # our own module, with paths of ours
                [sys.executable, "-m", "bridge.demo.child", str(self._config), str(number)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                pass_fds=[number],
            )

    async def ready(self) -> None:
        """Waits until it answers. Raises RuntimeError with its last lines when it ended."""
        http = Http(timeout=_SLOW, home=self.base)
        try:
            async with asyncio.timeout(_SLOW):
                while True:
                    if not self.alive:
                        raise RuntimeError(self._log.read_text("utf-8", "replace")[-2000:])
                    try:
                        if (await http.request("GET", f"{self.base}/readyz", timeout=2)).ok:
                            return
                    except ConnectorError:
                        pass
                    await asyncio.sleep(0.05)
        finally:
            await http.close()

    def kill(self) -> None:
        """SIGKILL: it has no chance to tidy up."""
        if self.alive and self._process is not None:
            self.killed = self._process.pid
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    async def stop(self) -> None:
        """The ordinary end."""
        if self.alive and self._process is not None:
            self._process.terminate()
            try:
                await asyncio.wait_for(asyncio.to_thread(self._process.wait), 15)
            except TimeoutError:
                self._process.kill()
