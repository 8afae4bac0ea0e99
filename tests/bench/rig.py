"""Processes of a round: started, pinned, watched, ended."""

import http.client
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bridge.testing.e2e.process import toml
from bridge.testing.ports import free_port
from tests.bench import constants

ROOT = Path(__file__).parents[2]
_PEERS = ROOT / ".venv-bench/bin/python"
_TICKS = os.sysconf("SC_CLK_TCK")
_CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = {_CORES[0]}, {_CORES[-1]}
Facts = dict[str, Any]


class Program:
    """One process on a port, with what it costs."""

    def __init__(
        self, command: Sequence[str], port: int, folder: Path, *, probe: str = "/readyz", cores: set[int] | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.port = port
        self.log = folder / f"log-{port}.txt"
        self.started = time.monotonic()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **(environment or {})},
            )  # fmt: skip
        if cores:
            os.sched_setaffinity(self._process.pid, cores)
        self._probe = probe

    def until_ready(self, seconds: float = 60) -> float:
        """Waits for the first good answer; returns the seconds since the start."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self._process.poll() is not None:
                break
            try:
                if ask(self.port, self._probe)[0] == 200:
                    return time.monotonic() - self.started
            except OSError:
                pass
            time.sleep(0.01)
        raise RuntimeError(f"not ready: {self.log.read_text('utf-8', 'replace')[-2000:]}")

    def pids(self) -> list[int]:
        """The process and its children (gunicorn's worker)."""
        found = [self._process.pid]
        for pid in found:
            try:
                found += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
            except OSError:
                continue
        return found

    def cpu(self) -> float:
        """Seconds of CPU used so far."""
        total = 0
        for pid in self.pids():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / _TICKS

    def memory(self) -> float:
        """MB in use (RSS)."""
        lines = [Path(f"/proc/{pid}/status").read_text() for pid in self.pids()]
        return sum(int(text.partition("VmRSS:")[2].split()[0]) for text in lines) / 1024

    def stop(self, *, gently: bool = False) -> None:
        if gently:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                gently = False
        if not gently and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def text(self) -> str:
        return self.log.read_text("utf-8", "replace")


def ask(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


class Rig:
    """A folder, and everything that runs for one measure. Use it as a context."""

    def __init__(self, *, pin: bool = True) -> None:
        self.pin = pin and len(_CORES) > 1
        self.folder = Path(tempfile.mkdtemp(prefix="bridge-bench-"))
        self._running: list[Program] = []
        self._count = 0

    def close(self) -> None:
        for program in self._running:
            program.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, *command: str, port: int, load: bool = False, ready: bool = True, **more: Any) -> Program:
        cores = (LOAD_CORE if load else SERVER_CORE) if self.pin else None
        program = Program(command, port, self.folder, cores=cores, **more)
        self._running.append(program)
        if ready:
            program.until_ready()
        return program

    def stop(self, program: Program, *, gently: bool = False) -> None:
        program.stop(gently=gently)
        self._running.remove(program)

    @contextmanager
    def running(self, program: Program) -> Iterator[Program]:
        try:
            yield program
        finally:
            self.stop(program)

    def desk(self, port: int = 0) -> Program:
        port = port or free_port()
        return self.start(
            sys.executable, "-m", "tests.bench.desk", str(port), port=port, load=True, probe="/bench/stats"
        )

    def config(self, desk_port: int, database_url: str = "", **engine: Any) -> Path:
        """The configuration of a bridge with an empty database, in a folder of its own."""
        self._count += 1
        folder = self.folder / f"bridge-{self._count}"
        folder.mkdir()
        accounts = {
            "shop": {"kind": "wechat", "app_id": constants.APP_ID, "app_secret": "0" * 32, "token": constants.TOKEN,
                     "encoding_aes_key": constants.AES_KEY, "mode": "secure",
                     "api_base": f"http://127.0.0.1:{desk_port}"},
            "support": {"kind": "rt", "api_base": f"http://127.0.0.1:{desk_port}/REST/2.0", "queue": "Support",
                        "token": constants.DESK_TOKEN, "hook_secret": "benchmark"},
        }  # fmt: skip
        lines = [
            "[bridge]",
            'public_url = "http://127.0.0.1:8080"',
            f"database_url = {toml(database_url or f'sqlite+aiosqlite:///{folder}/bridge.db')}",
            f"media_dir = {toml(str(folder / 'media'))}",
            f"secret_key = {toml('0123456789abcdef' * 2)}",
            *(["[engine]"] if engine else []),
            *(f"{key} = {toml(value)}" for key, value in engine.items()),
        ]
        for name, keys in accounts.items():
            lines += [f"[accounts.{name}]", *(f"{key} = {toml(value)}" for key, value in keys.items())]
        lines += ["[[routes]]", 'channel = "shop"', 'desk = "support"']
        path = folder / "config.toml"
        path.write_text("\n".join(lines), "utf-8")
        return path

    def bridge(self, config: Path, *flags: str, profile: str = "", **more: Any) -> Program:
        """`bridge serve` as its user starts it."""
        port = free_port()
        before = ["-m", "cProfile", "-o", profile] if profile else []
        command = [
            sys.executable,
            *before,
            "-m",
            "bridge",
            "serve",
            "--config",
            str(config),
            "--port",
            str(port),
            *flags,
        ]
        return self.start(*command, port=port, **more)

    def peer(self, module: str, *arguments: str, **more: Any) -> Program:
        """A program of `tests.bench.peers` under the server settings of the bridge."""
        port = free_port()
        self._count += 1
        environment = {"BENCH_DATABASE": str(self.folder / f"peer-{self._count}.db"), **more.pop("environment", {})}
        python = more.pop("python", sys.executable)
        command = [python, "-m", "tests.bench.peers.serve", module, str(port), *arguments]
        return self.start(*command, port=port, probe="/", environment=environment, **more)

    def load(self, ports: Sequence[int], **plan: Any) -> Facts:
        """Runs the load; returns what it saw."""
        full = {
            "ports": list(ports),
            "format": "json",
            "connections": 64,
            "from": 0,
            "messages": 1,
            "seconds": 60,
            **plan,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.load"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        if self.pin:
            os.sched_setaffinity(process.pid, LOAD_CORE)
        out, _ = process.communicate(json.dumps(full).encode())
        if process.returncode:
            raise RuntimeError(f"the load ended with {process.returncode}")
        found: Facts = json.loads(out)
        return found


def desk_stats(desk: Program, *, reset: bool = False) -> Facts:
    found: Facts = json.loads(ask(desk.port, "/bench/reset" if reset else "/bench/stats")[1])
    return found


def peers_python(*modules: str) -> str | None:
    """An interpreter that has these modules; None when neither environment has."""
    if all(importlib.util.find_spec(name) for name in modules):
        return sys.executable
    if _PEERS.exists():
        done = subprocess.run([_PEERS, "-c", f"import {', '.join(modules)}"], capture_output=True, check=False)
        if done.returncode == 0:
            return str(_PEERS)
    return None
