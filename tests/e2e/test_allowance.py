"""The reply allowance between the simulated platform and a simulated tracker, with the bridge as a process of its own."""

import asyncio
import json

import pytest

from bridge.contract import Http
from bridge.testing.e2e.process import until
from tests.e2e.conftest import PlatformHarness

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

CUSTOMER = "oCustomer_A"
TOKEN = "a-token-of-the-back-end"
TEMPLATE = "TEMPLATE-ID-0001"


async def begun(harness: PlatformHarness) -> None:
    await harness.bridge.start()
    await harness.phone.says(CUSTOMER, "hello")
    await until(lambda: harness.said() == ["hello"])


async def note_that_says(harness: PlatformHarness, words: str) -> str:
    await until(lambda: any(words in note for note in harness.notes()))
    (note,) = [note for note in harness.notes() if words in note]
    return note


async def test_a_closed_window_is_told_once_and_reopened_by_the_customer(harness: PlatformHarness) -> None:
    await begun(harness)
    harness.phone.platform.allowances[CUSTOMER].left = 0
    for text in ("one", "two", "three"):
        await harness.desk.agent_says(harness.ticket, text)
    note = await note_that_says(harness, "Not delivered yet")
    assert "#cancel" in note
    await asyncio.sleep(0.2)
    assert harness.phone.received(CUSTOMER) == []
    await harness.phone.says(CUSTOMER, "are you there?")
    await until(lambda: "\n".join(harness.phone.received(CUSTOMER)).split("\n") == ["one", "two", "three"])
    assert len([note for note in harness.notes() if "Not delivered yet" in note]) == 1


async def test_a_private_note_retries_what_was_refused(harness: PlatformHarness) -> None:
    await begun(harness)
    harness.phone.fail(48002)
    await harness.desk.agent_says(harness.ticket, "answer")
    note = await note_that_says(harness, "Not delivered:")
    assert "answer" in note
    assert "#retry" in note
    await harness.desk.agent_comments(harness.ticket, "#retry")
    await until(lambda: harness.phone.received(CUSTOMER) == ["answer"])
    await note_that_says(harness, "Sending again: 1.")
    code, out, _ = await harness.bridge.run("trace", harness.ticket)
    assert code == 0
    assert "allowance now: 4 left until" in out
    assert "(before it: 5 left until" in out


async def test_a_customers_hash_is_no_command(harness: PlatformHarness) -> None:
    await begun(harness)
    harness.phone.platform.allowances[CUSTOMER].left = 0
    await harness.desk.agent_says(harness.ticket, "answer")
    await note_that_says(harness, "Not delivered yet")
    await harness.phone.says(CUSTOMER, "#cancel")
    await until(lambda: harness.phone.received(CUSTOMER) == ["answer"])
    await until(lambda: harness.said() == ["hello", "#cancel"])


async def consent(harness: PlatformHarness, body: object, token: str = TOKEN) -> tuple[int, object]:
    http = Http(timeout=5)
    try:
        answer = await http.request(
            "POST",
            f"{harness.bridge.base}/api/consents",
            content=json.dumps(body).encode(),
            headers={"authorization": f"Bearer {token}"} if token else {},
        )
    finally:
        await http.close()
    return answer.status, json.loads(answer.body) if answer.body.startswith(b"{") else answer.text


async def test_the_back_end_counts_consents(harness: PlatformHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_API_TOKEN", TOKEN)
    harness.phone.platform.templates = {TEMPLATE: ("thing1",)}
    template = {"id": TEMPLATE, "page": "pages/chat", "data": {"thing1": "An answer waits for you"}}
    harness.bridge._accounts["shop"]["templates"] = {"back": template}
    await begun(harness)
    given = {"account": "shop", "conversation": CUSTOMER, "template": TEMPLATE, "count": 1, "id": "tap-1"}
    assert (await consent(harness, given, ""))[0] == 401
    assert (await consent(harness, given, "another-token-of-nobody"))[0] == 401
    assert (await consent(harness, {**given, "template": "unknown"}))[0] == 422
    assert (await consent(harness, {**given, "account": "desk"}))[0] == 422
    assert (await consent(harness, {**given, "count": -1}))[0] == 422
    assert (await consent(harness, [given]))[0] == 422
    assert await consent(harness, given) == (200, {"left": 1})
    assert await consent(harness, given) == (200, {"left": 1})  # a repeat of the same tap
    assert await consent(harness, {**given, "id": "tap-2"}) == (200, {"left": 2})
    assert await consent(harness, {**given, "id": "tap-3", "count": 0}) == (200, {"left": 0})
    assert await consent(harness, {**given, "id": "tap-4"}) == (200, {"left": 1})
    harness.phone.platform.consents[CUSTOMER, TEMPLATE] = 1
    await harness.desk.agent_comments(harness.ticket, "#notify")
    await note_that_says(harness, "accepted a service notification")
    assert [bubble.body["page"] for bubble in harness.phone.chat(CUSTOMER) if bubble.who == "platform"] == [
        "pages/chat"
    ]
    await harness.desk.agent_comments(harness.ticket, "#notify")
    await note_that_says(harness, "cannot be notified")
    assert TOKEN not in harness.bridge.text()


async def test_without_a_token_there_is_no_such_address(harness: PlatformHarness) -> None:
    await begun(harness)
    assert (await consent(harness, {}, "anything-at-all-goes"))[0] == 404
