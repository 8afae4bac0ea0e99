"""What an operator and a forger see of `bridge serve`."""

import asyncio
import hashlib
import json
import time

import pytest

from bridge.contract import Http
from bridge.testing.e2e.process import Process, until
from tests.e2e.conftest import PlatformHarness

CUSTOMER = "oCustomer_A"


async def post(harness: PlatformHarness, query: dict[str, str], body: bytes, path: str = "shop") -> tuple[int, str]:
    http = Http(timeout=10)
    try:
        answer = await http.request("POST", harness.bridge.hook(path), params=query, content=body)
    finally:
        await http.close()
    return answer.status, answer.text


def forgeries(harness: PlatformHarness) -> dict[str, tuple[dict[str, str], bytes, int]]:
    """Callbacks that nobody who knows the secrets sent, and what each is answered."""
    phone = harness.phone
    good_query, good = phone.push(phone.message(CUSTOMER, Content="real"))
    envelope = json.loads(good)
    foreign_query, foreign = phone.push(phone.message(CUSTOMER, Content="x"), app_id="wxffffffffffffffff")
    other = type(phone)(encoding_aes_key="B" * 43, token=phone.token)
    wrong_query, wrong = other.push(other.message(CUSTOMER, Content="x"))
    plain = json.dumps(phone.message(CUSTOMER, Content="plain")).encode()
    stamp = str(int(time.time()))
    clear = hashlib.sha1("".join(sorted((phone.token, stamp, "1"))).encode()).hexdigest()
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        b'<!ENTITY %c "%b">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(8)
    ) + b"]><xml><Encrypt>&i;</Encrypt></xml>"  # fmt: skip
    tampered = json.dumps({**envelope, "Encrypt": envelope["Encrypt"][:-8] + "AAAAAAA="}).encode()
    old_query = {**good_query, "timestamp": str(int(time.time()) - 90000)}
    return {
        "no signature": ({}, good, 403),
        "wrong signature": ({**good_query, "msg_signature": "0" * 40}, good, 403),
        "signature of the clear text only": ({"signature": clear, "timestamp": stamp, "nonce": "1"}, plain, 403),
        "encrypt_type raw": ({**good_query, "encrypt_type": "raw"}, good, 403),
        "tampered": (good_query, tampered, 403),
        "yesterday's": (old_query, good, 403),
        "another app id": (foreign_query, foreign, 403),
        "another key": (wrong_query, wrong, 403),
        "truncated": (good_query, good[: len(good) // 2], 400),
        "not UTF-8": (good_query, b'{"Encrypt": "\xff\xfe"}', 400),
        "entity bomb": (good_query, bomb, 400),
        "too large": (good_query, b"x" * (2**20 + 1), 413),
    }


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_forged_callbacks_leave_no_trace(harness: PlatformHarness) -> None:
    await harness.bridge.start()
    cases = forgeries(harness)
    for name, (query, body, status) in cases.items():
        begun = time.monotonic()
        got, text = await post(harness, query, body)
        assert got in ({status, 403} if status == 400 else {status}), name
        assert text in {"forbidden", "unreadable", "too large"}, name
        assert time.monotonic() - begun < 2, name
    page = await harness.bridge.get("/metrics")
    assert 'bridge_callbacks_total{account="shop",answer="forged"}' in page
    assert "bridge_raws_total" not in page.replace("# HELP bridge_raws_total", "").replace(
        "# TYPE bridge_raws_total", ""
    )
    assert "Traceback" not in harness.bridge.text()
    await harness.phone.says(CUSTOMER, "real")
    await until(lambda: harness.said() == ["real"])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_repeated_callback_is_answered_alike_and_kept_once(harness: PlatformHarness) -> None:
    await harness.bridge.start()
    query, body = harness.phone.push(harness.phone.message(CUSTOMER, Content="once"))
    for _ in range(3):
        assert await post(harness, query, body) == (200, "success")
    await until(lambda: harness.said() == ["once"])
    await asyncio.sleep(0.3)
    assert harness.said() == ["once"]


async def test_health_and_the_end(harness: PlatformHarness) -> None:
    await harness.bridge.start()
    assert await harness.bridge.get("/healthz") == "ok"
    assert json.loads(await harness.bridge.get("/readyz")) == {"ready": True, "reasons": [], "impaired": []}
    await harness.phone.says(CUSTOMER, "hello")
    await until(lambda: harness.said() == ["hello"])
    await harness.bridge.has_settled()
    begun = time.monotonic()
    assert await harness.bridge.terminate() == 0
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_slow_delivery_is_finished_before_the_end(harness: PlatformHarness) -> None:
    from bridge.testing.faults import Trouble

    harness.bridge._more["engine"] = {"request_timeout": "5s", "settle": "6s"}
    harness.desk.faults.add(Trouble.DELAY, "POST .*/ticket$", seconds=1.5)
    await harness.bridge.start()
    await harness.phone.says(CUSTOMER, "slow")
    await asyncio.sleep(0.3)
    assert await harness.bridge.terminate() == 0
    assert harness.said() == ["slow"]
    await harness.bridge.start()
    await harness.phone.says(CUSTOMER, "next")
    await until(lambda: harness.said() == ["slow", "next"])
    assert len(harness.desk.state.tickets) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_logs_hold_no_secret_and_no_word(harness: PlatformHarness) -> None:
    harness.phone.fail(-1, times=2)
    await harness.bridge.start()
    await harness.phone.says(CUSTOMER, "canary-of-the-customer")
    await until(lambda: harness.said() == ["canary-of-the-customer"])
    await harness.desk.agent_says(harness.ticket, "canary-of-the-agent")
    await until(lambda: harness.phone.received(CUSTOMER) == ["canary-of-the-agent"])
    await harness.bridge.terminate()
    log = harness.bridge.text()
    assert '"lane": ' in log
    assert '"account": "shop"' in log
    secrets = [
        harness.phone.app_secret,
        harness.phone.encoding_aes_key,
        harness.desk.hook_secret,
        "1-31-simulated-bridge",
        "0123456789abcdef" * 2,
    ]
    for canary in ["canary-of", "access_token", *secrets, *harness.phone.platform.tokens._ends]:
        assert canary not in log


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_second_process_on_one_sqlite_file_is_refused(harness: PlatformHarness) -> None:
    await harness.bridge.start()
    code, _, error = await harness.bridge.run("serve", "--port", "0")
    assert code == 1
    assert "in use by another bridge process" in error
    assert "PostgreSQL" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_two_processes_on_one_postgresql_share_the_work(harness: PlatformHarness) -> None:
    first = harness.bridge
    second = Process(first.folder, first.database_url, first._accounts, first._routes)
    await first.start()
    await second.start()
    try:
        customers = [f"oCustomer_{number}" for number in range(4)]
        for line in range(12):
            for customer in customers:
                harness.phone.hook_url = (first if (line + len(customer)) % 2 else second).hook("shop")
                await harness.phone.says(customer, f"{customer} line {line}")
            if line == 6:
                first.kill()
                harness.phone.hook_url = second.hook("shop")
                await first.start()
        await until(lambda: len(harness.said()) >= 48)
        assert len(harness.desk.state.tickets) == len(customers)
        for customer in customers:
            mine = [line for line in harness.said() if line.startswith(f"{customer} ")]
            assert mine == [f"{customer} line {line}" for line in range(12)]
        for ticket in harness.desk.state.tickets:
            await harness.desk.agent_says(str(ticket), "answer")
        await until(lambda: all(harness.phone.received(customer) == ["answer"] for customer in customers))
    finally:
        await second.close()
