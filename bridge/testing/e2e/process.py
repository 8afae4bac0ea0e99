"""`bridge serve` as its user starts it: another process, killed and started again at will."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from bridge.contract import Connector, ConnectorError, Http
from bridge.kinds import GROUP, known_kinds
from bridge.testing.e2e import prefork
from bridge.testing.ports import free_port


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(entry)}" for key, entry in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def install_kinds(folder: Path, connectors: Sequence[type[Connector[Any]]]) -> Path:
    """A folder for PYTHONPATH on which these connectors are installed, as far as they are not: a test tries what stands
    in its source tree, and a bridge finds its kinds by the entry points of distributions.
    """
    found = known_kinds()
    lines = [f"{one.kind} = {one.__module__}:{one.__qualname__}" for one in connectors if one.kind not in found]
    info = folder / "on_trial-0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: on-trial\nVersion: 0\n", "utf-8")
    (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines, ""]), "utf-8")
    return folder


class Process:
    """One bridge on one database. `accounts` and `routes` are as in the configuration; of `more`, `engine` is its
    section, and `connectors` are kinds that need not be installed.
    """

    def __init__(
        self, folder: Path, database_url: str, accounts: dict[str, Any], routes: list[dict[str, Any]], **more: Any
    ) -> None:
        self._more_environment: dict[str, str] = {}
        if connectors := more.pop("connectors", ()):
            site = install_kinds(folder / "site", connectors)
            self._more_environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(site), *sys.path]))
        self.port = free_port()
        self.folder = folder
        self.config = folder / f"config-{self.port}.toml"
        self.log = folder / f"log-{self.port}.txt"
        self.database_url = database_url
        self._accounts, self._routes, self._more = accounts, routes, more
        self._process: prefork.Forked | None = None
        self._http = Http(timeout=5.0)

    def _environment(self) -> dict[str, str]:
        """As it is at the start: a test may set a variable before it."""
        return {**os.environ, **self._more_environment}

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def hook(self, account: str) -> str:
        return f"{self.base}/hooks/{account}"

    def write_config(self) -> None:
        engine = {
            "reconcile_every": "1s",
            "settle": "2s",
            "request_timeout": "1s",
            "lease": "3s",
            "breaker_pause": "1s",
            "backoff_max": "1s",
        }
        lines = [
            "[bridge]",
            f"public_url = {toml(self.base)}",
            f"database_url = {toml(self.database_url)}",
            f"media_dir = {toml(str(self.folder / 'media'))}",
            f"secret_key = {toml('0123456789abcdef' * 2)}",
            "[engine]",
            *(f"{key} = {toml(value)}" for key, value in {**engine, **self._more.get("engine", {})}.items()),
        ]
        for name, keys in self._accounts.items():
            lines += [f"[accounts.{name}]", *(f"{key} = {toml(value)}" for key, value in keys.items())]
        for route in self._routes:
            lines += ["[[routes]]", *(f"{key} = {toml(value)}" for key, value in route.items())]
        self.config.write_text("\n".join(lines), "utf-8")

    async def start(self, *, failpoint: str = "", ready: bool = True) -> None:
        self.write_config()
        environment = {**self._environment(), "BRIDGE_FAILPOINT": failpoint}
        arguments = ("serve", "--config", str(self.config), "--port", str(self.port))
        self._process = prefork.start(arguments, environment, self.log)
        if ready:
            await self.until_ready()

    async def until_ready(self) -> None:
        async with asyncio.timeout(60):
            while True:
                try:
                    answer = await self._http.request("GET", f"{self.base}/readyz")
                except ConnectorError:
                    answer = None
                if answer is not None and answer.status == 200:
                    return
                assert self._process is not None
                if self._process.exitcode is not None:
                    raise AssertionError(f"the bridge ended with {self._process.exitcode}:\n{self.text()}")
                await asyncio.sleep(0.03)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()

    async def died(self, seconds: float = 15.0) -> int:
        """Waits for the process to end by itself."""
        assert self._process is not None
        async with asyncio.timeout(seconds):
            while (code := self._process.exitcode) is None:
                await asyncio.sleep(0.02)
        return code

    @asynccontextmanager
    async def supervised(self, *, failpoint: str, then: Sequence[str] = ()) -> AsyncIterator[list[int]]:
        """Started with a failpoint, and again whenever it ends, as services are: with those that follow, one at each
        start, and then without. Yields the exit codes.
        """
        ends: list[int] = []
        following = iter(then)

        async def begin(failpoint: str) -> None:
            await self.start(failpoint=failpoint, ready=False)
            with suppress(AssertionError):  # it may die before it is ready
                await self.until_ready()

        async def watch() -> None:
            while True:
                ends.append(await self.died(60))
                await begin(next(following, ""))

        await begin(failpoint)
        watching = asyncio.create_task(watch())
        try:
            yield ends
        finally:
            watching.cancel()

    async def terminate(self) -> int:
        assert self._process is not None
        self._process.terminate()
        return await self.died()

    async def close(self) -> None:
        self.kill()
        await self._http.close()

    def text(self) -> str:
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        """A command beside the serving process: exit code, standard output, standard error."""
        words = (*arguments, "--config", str(self.config))
        done = await asyncio.to_thread(prefork.run, *words, environment=self._environment())
        return done.returncode, done.stdout, done.stderr

    async def get(self, path: str) -> str:
        return (await self._http.request("GET", self.base + path)).text

    async def has_settled(self) -> None:
        """Waits until the first desk has accepted a step and that is written down: the vendor shows it earlier."""
        wanted = f'bridge_steps_total{{account="{self._routes[0]["desk"]}",outcome="accepted"}}'
        async with asyncio.timeout(90):
            while wanted not in await self.get("/metrics"):
                await asyncio.sleep(0.05)


async def until(condition: Any, seconds: float = 60.0) -> None:
    """Waits in real time for something to become true."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.03)


async def knock(hook_url: str, body: dict[str, Any], headers: dict[str, str], seconds: float = 60.0) -> None:
    """Calls the bridge until it takes the callback: it may be away for a moment."""
    http = Http(timeout=5)
    try:
        async with asyncio.timeout(seconds):
            while True:
                with suppress(ConnectorError):
                    if (await http.request("POST", hook_url, json=body, headers=headers)).ok:
                        return
                await asyncio.sleep(0.1)
    finally:
        await http.close()
