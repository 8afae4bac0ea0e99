"""`bridge export` and `bridge erase` beside a bridge that serves, on the web chat in both its roles."""

import asyncio
import re
import subprocess
import sys
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from argon2 import PasswordHasher

from bridge.testing.e2e import prefork
from bridge.testing.e2e.process import Process
from tests.databases import bring_up_to_date, sqlite_database
from tests.postgres import Cluster, server_binaries

PASSWORD = "a long password"
WORDS = ("my parcel never came", "Anna Example", "it left on Monday, Anna", "anna-holiday", "the only picture of Anna")


async def visitor(base: str) -> httpx.AsyncClient:
    client = httpx.AsyncClient(base_url=f"{base}/chat/site/v1/", timeout=20)
    session = (await client.post("sessions", json={})).json()
    client.headers["authorization"] = f"Bearer {session['access_token']}"
    client.headers["x-id"] = session["visitor"]["id"]
    return client


async def say(client: httpx.AsyncClient, text: str, number: int, **more: Any) -> None:
    body = {"client_id": f"client-{number:08d}", "text": text, **more}
    answer = await client.post("messages", json=body)
    assert answer.status_code in {200, 201}, answer.text


async def until(found: Callable[[], Awaitable[Any]]) -> Any:
    """What is found, once it is there."""
    async with asyncio.timeout(60):
        while not (value := await found()):
            await asyncio.sleep(0.05)
    return value


def add_admin(config: Path) -> None:
    command = (sys.executable, "-m", "bridge", "console", "add-user", "Admin", "--role", "admin", "--config", config)
    subprocess.run(command, input=PASSWORD.encode(), check=True, capture_output=True)


def run(bridge: Process, *arguments: str) -> str:
    done = prefork.run(*arguments, "--config", str(bridge.config))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def erased_in_the_console(base: str, visitor: str) -> str:
    """An admin looks a visitor up and erases everything; what the page says in the end."""
    async with httpx.AsyncClient(base_url=f"{base}/console", follow_redirects=True, timeout=60) as admin:
        page = (await admin.post("/sign-in", data={"name": "Admin", "password": PASSWORD})).text
        people = (await admin.get("/people", params={"q": visitor})).text
        (number,) = set(re.findall(r"/console/people/(\d+)", people))
        page = (await admin.get(f"/people/{number}")).text
        fields = {name: re.search(rf'name="{name}" value="([^"]+)"', page) for name in ("csrf", "named")}
        given = {name: found[1] for name, found in fields.items() if found is not None}
        return (await admin.post(f"/people/{number}/erase", data={**given, "sure": "1"})).text


@dataclass
class Disk:
    """Where the bytes of a database and of files are. On PostgreSQL as in life: checkpoints, statistics, and a log whose
    segments an administrator lets the server remove.
    """

    url: str
    folders: tuple[Path, ...]

    def holds(self, words: tuple[str, ...]) -> list[str]:
        found = [path for folder in self.folders for path in folder.rglob("*") if path.is_file()]
        held = b"\0".join(_bytes_of(path) for path in found if path.suffix not in {".zip", ".toml"})
        return [word for word in words if word.encode() in held]

    def runs(self, *orders: str) -> list[str]:
        """Where it is PostgreSQL; returns what the last one says."""
        if not self.url.startswith("postgresql"):
            return []
        with psycopg.connect(self.url.replace("+psycopg", "", 1), autocommit=True) as connection:
            for order in orders:
                last = connection.execute(order)
            return [row[0] for row in last] if last.description else []


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # the server has removed it meanwhile
        return b""


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """PostgreSQL is a server of its own: its files are read."""
    if request.param == "sqlite":
        yield sqlite_database(tmp_path)
        return
    binaries = server_binaries()
    assert binaries is not None
    with Cluster(binaries) as cluster:
        yield bring_up_to_date(cluster.new_database())


@pytest.fixture
def disk(database_url: str, tmp_path: Path) -> Disk:
    found = Disk(database_url, (tmp_path,))
    for row in found.runs("ALTER SYSTEM SET wal_recycle = off", "SELECT pg_reload_conf()", "SHOW data_directory"):
        found.folders = (tmp_path, Path(row))
    return found


async def test_no_byte_is_left_of_a_visitor(disk: Disk, tmp_path: Path) -> None:
    agent_hash = PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD)
    accounts = {
        "site": {"kind": "webchat"},
        "office": {"kind": "webchat", "agents": [{"name": "Agent A", "hash": agent_hash}]},
    }
    bridge = Process(tmp_path, disk.url, accounts, [{"channel": "site", "desk": "office"}])
    await bridge.start()
    anna, bert = await visitor(bridge.base), await visitor(bridge.base)
    desk = httpx.AsyncClient(base_url=f"{bridge.base}/desk/office/v1/", headers={"x-desk": "1"}, timeout=20)
    try:
        await anna.post("profile", json={"name": "Anna Example"})
        headers = {"content-type": "text/plain", "x-name": "anna-holiday.txt"}
        file = (await anna.post("uploads", content=b"the only picture of Anna", headers=headers)).json()
        await say(anna, "my parcel never came", 1, attachments=[file["id"]])
        await say(bert, "somebody else's words", 1)
        signed = await desk.post("sign-in", json={"name": "Agent A", "password": PASSWORD})
        assert signed.status_code == 200, signed.text

        async def ticket_of_anna() -> str:
            rows = (await desk.get("tickets")).json()["tickets"]
            return next((row["id"] for row in rows if "Anna" in str(row)), "")

        ticket = await until(ticket_of_anna)
        answer = {"client_id": "answer-00000001", "text": "it left on Monday, Anna"}
        assert (await desk.post(f"tickets/{ticket}/messages", json=answer)).status_code < 300

        async def arrived() -> bool:
            return "left on Monday" in (await anna.get("events", params={"since": "", "wait": "0"})).text

        await until(arrived)
        disk.runs("ANALYZE", "CHECKPOINT")
        assert len(disk.holds(WORDS)) == len(WORDS)

        out = tmp_path / "anna.zip"
        run(bridge, "export", "--person", anna.headers["x-id"], "--out", str(out))
        with zipfile.ZipFile(out) as archive:
            content = archive.read("person.json").decode()
            assert [word for word in WORDS[:4] if word not in content] == [] and "somebody else" not in content
            assert [archive.read(name) for name in archive.namelist() if name.startswith("files/")] == [
                b"the only picture of Anna"
            ]

        running = True

        async def others() -> None:
            number = 1
            while running:
                number += 1
                await say(bert, f"other words {number}", number)
                await asyncio.sleep(1.2)

        flow = asyncio.create_task(others())
        said = await asyncio.to_thread(run, bridge, "erase", "--person", ticket, "--yes")
        running = False
        await flow
        assert "Erased: 1 conversations" in said, said
        disk.runs(*re.findall("^  (.+);$", said, re.MULTILINE))  # what it says that an administrator has to do
        assert disk.holds((*WORDS, anna.headers["x-id"])) == []
        assert (await anna.get("events", params={"since": "", "wait": "0"})).status_code == 401
        assert (await desk.get(f"tickets/{ticket}")).status_code == 404
        disk.runs("CHECKPOINT")
        assert disk.holds(("other words 2",))
        assert ticket not in [row["id"] for row in (await desk.get("tickets")).json()["tickets"]]

        await asyncio.to_thread(add_admin, bridge.config)
        assert "Left for you to do" in await erased_in_the_console(bridge.base, bert.headers["x-id"])

        async def cleaned() -> bool:
            disk.runs("SELECT pg_switch_wal()", "CHECKPOINT")
            return not disk.holds(("somebody else's words", "other words", bert.headers["x-id"]))

        await until(cleaned)
    finally:
        for client in (anna, bert, desk):
            await client.aclose()
        await bridge.close()
