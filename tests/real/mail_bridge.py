"""A bridge in a process of its own, which a test can kill: `python -m tests.real.mail_bridge settings.json port`."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bridge.app import Bridge
from bridge.registry import Declared
from bridge.serve import run_server
from bridge.settings import Settings
from bridge.testing.ports import free_port
from connectors.email import Email
from connectors.wechat import WeChat

_KINDS: dict[str, Any] = {"wechat": WeChat, "email": Email}
_ROOT = Path(__file__).resolve().parents[2]


def main(path: str, port: str) -> None:
    settings = Settings(**json.loads(Path(path).read_text("utf-8")))
    declared = {}
    for name, section in settings.accounts.items():
        kind = _KINDS[section["kind"]]
        declared[name] = Declared(name, kind, kind.Config.model_validate(section))
    run_server(Bridge(settings, declared), "127.0.0.1", int(port), bring_up_to_date=True)


class Process:
    """Start it, kill it, start it again: the database stays."""

    def __init__(self, folder: Path, accounts: dict[str, Any], routes: list[dict[str, Any]]) -> None:
        self.port = free_port()
        self.folder = folder
        self.accounts = accounts
        self.routes = routes
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def hook(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks/shop"

    def start(self) -> None:
        content = {
            "bridge": {
                "public_url": f"http://127.0.0.1:{self.port}",
                "database_url": f"sqlite+aiosqlite:///{self.folder}/bridge.db",
                "media_dir": f"{self.folder}/media",
                "secret_key": "0123456789abcdef0123456789abcdef",
            },
            "accounts": self.accounts,
            "routes": self.routes,
            "engine": {
                "settle": "6s",
                "request_timeout": "5s",
                "backoff_max": "2s",
                "breaker_pause": "1s",
                "lease": "6s",
            },
        }
        path = self.folder / "settings.json"
        path.write_text(json.dumps(content), "utf-8")
        command = [sys.executable, "-m", "tests.real.mail_bridge", str(path), str(self.port)]
        with (self.folder / "bridge.log").open("ab") as log:
            environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
            self._child = subprocess.Popen(command, cwd=_ROOT, stdout=log, stderr=log, env=environment)
        end = time.monotonic() + 60
        while not self._ready():
            assert time.monotonic() < end, (self.folder / "bridge.log").read_text("utf-8")[-3000:]
            time.sleep(0.1)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        assert self._child is not None
        self._child.send_signal(signal.SIGKILL)
        self._child.wait(10)
        self._child = None

    def stop(self) -> None:
        if self._child is not None:
            self._child.terminate()
            self._child.wait(30)
            self._child = None

    def has_position(self, account: str) -> bool:
        """Whether an account has begun to read its mailbox."""
        with sqlite3.connect(f"file:{self.folder}/bridge.db?mode=ro", uri=True) as store:
            return store.execute("SELECT count(*) FROM cursor WHERE account = ?", (account,)).fetchone()[0] == 1


@contextmanager
def bridge_process(folder: Path, accounts: dict[str, Any], routes: list[dict[str, Any]]):
    process = Process(folder, accounts, routes)
    try:
        yield process
    finally:
        process.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
