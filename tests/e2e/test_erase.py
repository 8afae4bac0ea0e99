"""`bridge export` and `bridge erase` beside a bridge that serves, on the web chat in both its roles."""

import asyncio
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher

from bridge.testing.e2e import prefork
from bridge.testing.e2e.process import Process

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


def run(bridge: Process, *arguments: str) -> str:
    done = prefork.run(*arguments, "--config", str(bridge.config))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def on_disk(folder: Path, words: tuple[str, ...]) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix not in {".zip", ".toml"}]
    held = b"\0".join(path.read_bytes() for path in files)
    return [word for word in words if word.encode() in held]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_no_byte_is_left_of_a_visitor(database_url: str, tmp_path: Path) -> None:
    agent_hash = PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD)
    accounts = {
        "site": {"kind": "webchat"},
        "office": {"kind": "webchat", "agents": [{"name": "Agent A", "hash": agent_hash}]},
    }
    bridge = Process(tmp_path, database_url, accounts, [{"channel": "site", "desk": "office"}])
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
        assert len(on_disk(tmp_path, WORDS)) == len(WORDS)

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
        assert on_disk(tmp_path, (*WORDS, anna.headers["x-id"])) == []
        assert (await anna.get("events", params={"since": "", "wait": "0"})).status_code == 401
        assert (await desk.get(f"tickets/{ticket}")).status_code == 404
        assert "other words 2" in str([one.read_bytes() for one in tmp_path.glob("bridge.db*")])
        assert ticket not in [row["id"] for row in (await desk.get("tickets")).json()["tickets"]]
    finally:
        for client in (anna, bert, desk):
            await client.aclose()
        await bridge.close()
