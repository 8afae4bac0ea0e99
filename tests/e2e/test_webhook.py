"""WeChat and a program of one's own: the very examples that are handed out, as processes, with a bridge that is killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bridge.testing.e2e.process import Process, until
from bridge.testing.ports import free_port
from connectors.webhook.simulator.vendor import SECRET
from connectors.wechat.simulator import Simulator as Phone

CUSTOMER = "oCustomer_A"
LINES = [f"line {number}" for number in range(4)]
EXAMPLES = Path(__file__).parents[2] / "connectors" / "webhook" / "examples"
COMMANDS = {"desk.py": [sys.executable, str(EXAMPLES / "desk.py")], "desk.mjs": ["node", str(EXAMPLES / "desk.mjs")]}


class Program:
    """An example as its user starts it."""

    def __init__(self, command: list[str], folder: Path, bridge: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self._log = folder / "program.jsonl"
        environment = {**os.environ, "SECRET": SECRET, "BRIDGE": bridge, "PORT": str(self.port)}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, env=environment)

    def told(self) -> list[dict[str, Any]]:
        lines = self._log.read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def said(self) -> list[str]:
        return [one["text"] for one in self.told() if one["type"] == "message"]

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


class Harness:
    def __init__(self, phone: Phone, bridge: Process, program: Program) -> None:
        self.phone, self.bridge, self.program = phone, bridge, program

    def received(self) -> list[str]:
        """Line by line: answers that wait together are one message, which saves replies."""
        texts = [text for text in self.phone.received(CUSTOMER) if isinstance(text, str)]
        return [line for text in texts for line in text.split("\n") if line]


@pytest.fixture
async def house(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> AsyncIterator[Harness]:
    command = COMMANDS[request.param]  # named by the test: which program it is asks the database nothing new
    assert shutil.which(command[0]), f"{command[0]} is needed for this test"
    async with Phone() as phone:
        accounts: dict[str, Any] = {"shop": phone.settings(), "ours": {"kind": "webhook", "secret": SECRET}}
        bridge = Process(tmp_path, database_url, accounts, [{"channel": "shop", "desk": "ours"}])
        program = Program(command, tmp_path, bridge.hook("ours"))
        accounts["ours"]["url"] = program.url.rstrip("/")
        phone.hook_url = bridge.hook("shop")
        yield Harness(phone, bridge, program)
        program.close()
        await bridge.close()


@pytest.mark.parametrize("failpoints", [("begun", "answered"), ("begun:2",), ("settled",)], ids="-".join)
@pytest.mark.parametrize(
    ("database_url", "house"), [("sqlite", "desk.py"), ("postgresql", "desk.mjs")], indirect=True, ids=["py", "node"]
)
async def test_killed_at_any_point_nothing_is_lost_or_doubled(house: Harness, failpoints: tuple[str, ...]) -> None:
    """Also twice with the same message in hand: before it went, and when it had gone."""
    async with house.bridge.supervised(failpoint=failpoints[0], then=failpoints[1:]) as ends:
        for line in LINES:
            await house.phone.says(CUSTOMER, line)
        await until(lambda: len(ends) == len(failpoints) and len(house.received()) >= len(LINES))
        assert set(ends) == {-signal.SIGKILL}
    assert house.program.said() == LINES
    assert house.received() == [f"echo: {line}" for line in LINES]
    assert len({one["ticket"] for one in house.program.told()}) == 1


@pytest.mark.parametrize(
    ("database_url", "house"), [("sqlite", "desk.py"), ("sqlite", "desk.mjs")], indirect=True, ids=["py", "node"]
)
async def test_the_program_is_told_how_far_its_answers_came(house: Harness) -> None:
    await house.bridge.start()
    await house.phone.says(CUSTOMER, "hello")
    await until(lambda: house.received() == ["echo: hello"])
    await until(lambda: any(one["type"] == "progress" for one in house.program.told()))
    (first,) = [one for one in house.program.told() if one["type"] == "message"]
    progress = [one for one in house.program.told() if one["type"] == "progress"]
    assert {one["of"] for one in progress} == {f"re-{first['id']}"}
    assert progress[-1]["state"] == "accepted"
    assert first["new"] is True
    assert first["from"] == "customer"
    code, out, error = await house.bridge.run("doctor", "--account", "ours")
    assert (code, error) in {(0, ""), (1, "")}, error
    assert "ours" in out
