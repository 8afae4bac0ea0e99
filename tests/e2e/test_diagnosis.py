"""What an admin is told: refused callbacks with their cause, doctor, status, trace and dead list, a locked database."""

import asyncio
import json
import os
import re
import resource
import socket
import sqlite3
import stat
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.testing.e2e import prefork
from bridge.testing.e2e.process import until
from bridge.testing.ports import free_port
from tests.e2e.conftest import PlatformHarness

CUSTOMER = "oCustomer_A"
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def refused(harness: PlatformHarness, **wrong: Any) -> None:
    """A push of a platform that is set up otherwise than the bridge."""
    phone = harness.phone
    keys = {"token": phone.token, "encoding_aes_key": phone.encoding_aes_key, "app_id": phone.app_id}
    other = type(phone)(hook_url=phone.hook_url, deliveries=1, **(keys | wrong))
    async with other:
        await other.says(CUSTOMER, "words that nobody may log")


async def doctor(harness: PlatformHarness, *more: str) -> tuple[int, dict[str, Any]]:
    code, out, error = await harness.bridge.run("doctor", "--json", *more)
    assert out, error
    return code, json.loads(out)


async def status(harness: PlatformHarness) -> dict[str, Any]:
    code, out, error = await harness.bridge.run("status", "--json")
    assert code == 0, error
    found: dict[str, Any] = json.loads(out)
    return found


async def test_a_refused_callback_says_why_in_the_log_in_doctor_and_in_status(harness: PlatformHarness) -> None:
    await harness.bridge.start()
    code, found = await doctor(harness)
    assert (code, found["shop"]["ok"]) == (0, True), found
    for wrong in ({"token": "another"}, {"token": "another"}, {"encoding_aes_key": "B" * 43}, {"app_id": "wx99"}):
        await refused(harness, **wrong)
    await asyncio.sleep(2.5)
    code, found = await doctor(harness)
    said = " ".join(problem["what"] + problem["remedy"] for problem in found["shop"]["problems"])
    assert (code, found["shop"]["ok"]) == (1, False)
    assert all(part in said for part in ("signature (2 since", "`token`", "key (1 since", "app (1 since", "`app_id`"))
    shop = next(one for one in (await status(harness))["accounts"] if one["account"] == "shop")
    assert shop["state"] == "refused" and shop["remedy"]
    assert {one["cause"]: one["count"] for one in shop["callbacks_refused"]} == {"signature": 2, "key": 1, "app": 1}
    lines = [json.loads(line) for line in harness.bridge.text().splitlines() if "callbacks refused" in line]
    assert sorted(line["cause"] for line in lines) == ["app", "key", "signature"]
    assert all(line["remedy"] and line["level"] == "warning" for line in lines)
    assert "words that nobody" not in harness.bridge.text()
    await harness.phone.says(CUSTOMER, "hello")
    await asyncio.sleep(2.5)
    code, found = await doctor(harness)
    assert (code, found["shop"]["ok"]) == (0, True), "one that was accepted ends it"


@SQLITE
async def test_doctor_numbers_and_times_its_checks_and_says_what_it_left_out(harness: PlatformHarness) -> None:
    await harness.bridge.start()
    code, out, _ = await harness.bridge.run("doctor")
    assert code == 0, out
    heads = re.findall(r"^ ?(\d+)\. \[.\] (\w+) .*\(\d+\.\d\d s\)$", out, re.MULTILINE)
    assert [int(number) for number, _ in heads] == list(range(1, len(heads) + 1))
    assert [name for _, name in heads] == [
        "configuration", "database", "media_dir", "public_url", "shop", "desk", "clock"
    ]  # fmt: skip
    assert "not checked: whether a message can be sent" in out
    assert out.splitlines()[-1] == "7 of 7 checks are well."


@SQLITE
async def test_doctor_finds_what_is_wrong_with_the_machine(harness: PlatformHarness, tmp_path: Path) -> None:
    """Another address in front, a folder that is none, a vendor whose clock is an hour away."""
    await harness.bridge.start()
    config = harness.bridge.config
    before = config.read_text()
    busy = tmp_path / "no-folder"
    busy.write_text("")
    wrong = before.replace(f'public_url = "{harness.bridge.base}"', 'public_url = "http://127.0.0.1:9"')
    config.write_text(re.sub(r'media_dir = ".*"', f'media_dir = "{busy}"', wrong))
    code, out, _ = await harness.bridge.run("doctor", "--json")
    found = json.loads(out)
    assert code == 1
    assert not found["bridge.public_url"]["ok"] and not found["bridge.media_dir"]["ok"] and found["bridge.clock"]["ok"]
    assert all(problem["remedy"] for one in found.values() for problem in one["problems"])
    config.write_text(before.replace(harness.bridge.base, harness.desk.base, 1))
    code, out, _ = await harness.bridge.run("doctor", "--json")
    assert "something else answers there" in json.loads(out)["bridge.public_url"]["problems"][0]["what"]


@SQLITE
async def test_doctor_says_that_the_database_cannot_be_used(harness: PlatformHarness) -> None:
    path = harness.bridge.folder / "bridge.db"
    path.unlink(missing_ok=True)
    path.mkdir()
    harness.bridge.write_config()
    code, found = await doctor(harness)
    assert (code, found["bridge.database"]["ok"]) == (1, False)
    assert not found["shop"]["checked"] and found["shop"]["not_checked"] == ["it needs the database"]


async def test_status_names_the_account_that_is_away_and_what_waits(harness: PlatformHarness) -> None:
    await harness.bridge.start()
    await harness.phone.says(CUSTOMER, "first")
    await until(lambda: harness.said() == ["first"])
    found = await status(harness)
    assert found["serving"] and [one["state"] for one in found["accounts"]] == ["ok", "ok"]
    (waits,) = found["unreachable_soon"]
    assert waits["conversation"] == CUSTOMER and 47 * 3600 < waits["seconds"] <= 48 * 3600
    harness.desk.rest.users.tokens.clear()
    await harness.phone.says(CUSTOMER, "second")

    async def desk() -> dict[str, Any]:
        return (await status(harness))["accounts"][0]  # type: ignore[no-any-return] # JSON

    async with asyncio.timeout(30):
        while (one := await desk())["state"] != "paused":
            await asyncio.sleep(0.2)
    assert one["account"] == "desk" and one["reason"] and one["since"] and one["waiting"] == 1
    assert one["oldest_waiting"] and one["remedy"] == "bridge doctor --account desk"
    _, out, _ = await harness.bridge.run("trace", CUSTOMER)
    assert "waits for account desk, paused since" in out and "bridge doctor --account desk" in out
    _, out, _ = await harness.bridge.run("dead", "list")
    assert "1 wait for account desk, paused since" in out
    lines = [json.loads(line) for line in harness.bridge.text().splitlines() if '"account paused"' in line]
    assert [(line["level"], "bridge doctor --account desk" in line["remedy"]) for line in lines] == [("warning", True)]
    code, out, error = await harness.bridge.run("setup", "rt", "--account", "desk")
    assert (code, out) == (1, "") and error.count("\n") == 1 and error.startswith("accounts.desk: ")


@SQLITE
async def test_dead_letters_that_are_none_are_not_replayed(harness: PlatformHarness) -> None:
    await harness.bridge.start()
    for verb in ("replay", "drop"):
        for wrong in ("nonsense", "s", "s1x", "17", "s99", "r7", "s٣"):
            code, out, error = await harness.bridge.run("dead", verb, wrong)
            assert (code, out, error.count("\n")) == (1, "", 1), wrong
            assert wrong in error


@SQLITE
async def test_a_database_that_is_locked_at_the_start_is_waited_for_in_one_line(harness: PlatformHarness) -> None:
    await harness.bridge.start()
    await harness.bridge.terminate()
    harness.bridge.log.unlink()
    holder = sqlite3.connect(harness.bridge.folder / "bridge.db", isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    await harness.bridge.start(ready=False)
    await asyncio.sleep(8)
    lines = harness.bridge.text().splitlines()
    assert len(lines) == 1 and "waiting for the database" in lines[0], lines
    holder.execute("ROLLBACK")
    holder.close()
    await harness.bridge.until_ready()
    assert "Traceback" not in harness.bridge.text()


@SQLITE
async def test_nobody_else_can_read_database_and_files(harness: PlatformHarness) -> None:
    before = os.umask(0o022)
    try:
        await harness.bridge.start()
        await harness.phone.sends_image(CUSTOMER, b"\x89PNG\r\n\x1a\n" + b"\0" * 64)
        media = harness.bridge.folder / "media"
        await until(lambda: len([path for path in media.rglob("*") if path.is_file()]) == 1)
        paths = [media, *media.rglob("*"), *harness.bridge.folder.glob("bridge.db*")]
        found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in paths}
        assert found == {path.name: 0o700 if path.is_dir() else 0o600 for path in paths}
        assert len(paths) >= 7
    finally:
        os.umask(before)


def test_a_busy_port_is_found_before_the_demo_names_its_address() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_port()))
        other.listen()
        port = other.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "bridge", "demo", "--port", str(port)],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1 and f"port {port}" in done.stderr and "--port" in done.stderr


def test_a_version_costs_next_to_nothing() -> None:
    """Seconds of CPU, whatever else the machine does; the best of a few."""

    def spent() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([sys.executable, "-m", "bridge", "--version"], capture_output=True, check=True)
        assert done.stdout.startswith(b"bridge, version ")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(spent() for _ in range(5)) <= 0.15


def test_commands_load_only_what_they_need() -> None:
    heavy = ("sqlalchemy", "pydantic", "aiohttp", "httpx", "starlette", "uvicorn", "apscheduler", "PIL", "structlog")
    code = f"import sys, bridge.cli.main\nprint([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    heavy = ("sqlalchemy", "aiohttp", "httpx", "uvicorn", "apscheduler", "PIL", "cryptography")
    code = (
        "import sys, bridge.registry, bridge.settings\nimport connectors.wechat, connectors.rt\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]", "what `bridge check` loads"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_first_configuration_is_written_for_every_desk_that_is_installed(tmp_path: Path, language: str) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return prefork.run(*arguments, folder=tmp_path)

    given = ("--public-url", "https://b.example", "--language", language)
    for kind in ("email", "freshdesk", "rt", "webchat", "zendesk"):
        path = tmp_path / f"{kind}.toml"
        assert run("init", "--desk", kind, "--config", str(path), *given).returncode == 0
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        faults = run("check", "--config", str(path)).stderr
        assert "is not a known key" not in faults and "accounts.shop.app_id" in faults, faults
        text = path.read_text("utf-8")
        assert ("获取位置" in text) == (language == "zh") and kind in text
    for wrong, said in (("wechat", "cannot be a desk"), ("zendsk", "did you mean 'zendesk'?")):
        done = run("init", "--desk", wrong, "--config", str(tmp_path / "x.toml"), *given)
        assert done.returncode == 2 and said in done.stderr and not (tmp_path / "x.toml").exists()


def test_a_clock_is_compared_with_what_vendors_say() -> None:
    from bridge.contract import Http

    async def compare() -> tuple[float, object]:
        http = Http()
        nothing = http.skew(datetime.fromisoformat("2026-01-05T09:00:00+00:00"))
        loop = asyncio.get_running_loop()
        http._dated = "Mon, 05 Jan 2026 08:00:00 GMT", loop.time() - 0.5, loop.time()
        skew = http.skew(datetime.fromisoformat("2026-01-05T09:00:00+00:00"))
        assert skew is not None
        await http.close()
        return (skew[0] - timedelta(hours=1)).total_seconds(), nothing

    off, nothing = asyncio.run(compare())
    assert abs(off) < 1 and nothing is None


@SQLITE
async def test_a_busy_port_is_one_line(harness: PlatformHarness) -> None:
    harness.bridge.write_config()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, out, error = await harness.bridge.run("serve", "--port", str(port))
    assert (code, out, error.count("\n")) == (1, "", 1)
    assert f"127.0.0.1:{port}" in error and "--port" in error


@pytest.mark.parametrize(
    ("skews", "well", "checked"),
    [
        ([3600.0], False, True),
        ([-20.0, -21.0], False, True),
        ([3600.0, 1.0], True, True),
        ([4.0], True, True),
        ([None, None], True, False),
        ([None, 600.0], False, True),
    ],
)
async def test_a_clock_is_off_when_all_vendors_say_so(skews: list[float | None], well: bool, checked: bool) -> None:
    from types import SimpleNamespace

    from bridge.doctor import _clock

    def account(number: int, seconds: float | None) -> Any:
        skew = None if seconds is None else (timedelta(seconds=seconds), timedelta(seconds=1))
        return SimpleNamespace(name=f"a{number}", account=SimpleNamespace(http=SimpleNamespace(skew=lambda _now: skew)))

    found = await _clock([account(number, seconds) for number, seconds in enumerate(skews)])
    assert (not found.problems, not found.skipped) == (well, checked)
    assert all(problem["remedy"] for problem in found.told("en")["problems"])
