"""The reply allowance between the simulated platform and a simulated tracker, with the bridge as a process of its own."""

import asyncio
import json

import pytest

from bridge.contract import Http
from tests.e2e.conftest import Street
from tests.e2e.process import until

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

CUSTOMER = "oCustomer_A"
TOKEN = "a-token-of-the-back-end"
TEMPLATE = "TEMPLATE-ID-0001"


async def begun(street: Street) -> None:
    await street.bridge.start()
    await street.phone.says(CUSTOMER, "hello")
    await until(lambda: street.said() == ["hello"])


async def note_that_says(street: Street, words: str) -> str:
    await until(lambda: any(words in note for note in street.notes()))
    (note,) = [note for note in street.notes() if words in note]
    return note


async def test_a_closed_window_is_told_once_and_reopened_by_the_customer(street: Street) -> None:
    await begun(street)
    street.phone.platform.allowances[CUSTOMER].left = 0
    for text in ("one", "two", "three"):
        await street.desk.agent_says(street.ticket, text)
    note = await note_that_says(street, "Not delivered yet")
    assert "#cancel" in note
    await asyncio.sleep(0.2)
    assert street.phone.received(CUSTOMER) == []
    await street.phone.says(CUSTOMER, "are you there?")
    await until(lambda: "\n".join(street.phone.received(CUSTOMER)).split("\n") == ["one", "two", "three"])
    assert len([note for note in street.notes() if "Not delivered yet" in note]) == 1


async def test_a_private_note_retries_what_was_refused(street: Street) -> None:
    await begun(street)
    street.phone.fail(48002)
    await street.desk.agent_says(street.ticket, "answer")
    note = await note_that_says(street, "Not delivered:")
    assert "answer" in note
    assert "#retry" in note
    await street.desk.agent_comments(street.ticket, "#retry")
    await until(lambda: street.phone.received(CUSTOMER) == ["answer"])
    await note_that_says(street, "Sending again: 1.")
    code, out, _ = await street.bridge.run("trace", street.ticket)
    assert code == 0
    assert "allowance now: 4 left until" in out
    assert "(before it: 5 left until" in out


async def test_a_customers_hash_is_no_command(street: Street) -> None:
    await begun(street)
    street.phone.platform.allowances[CUSTOMER].left = 0
    await street.desk.agent_says(street.ticket, "answer")
    await note_that_says(street, "Not delivered yet")
    await street.phone.says(CUSTOMER, "#cancel")
    await until(lambda: street.phone.received(CUSTOMER) == ["answer"])
    await until(lambda: street.said() == ["hello", "#cancel"])


async def consent(street: Street, body: object, token: str = TOKEN) -> tuple[int, object]:
    http = Http(timeout=5)
    try:
        answer = await http.request(
            "POST",
            f"{street.bridge.base}/api/consents",
            content=json.dumps(body).encode(),
            headers={"authorization": f"Bearer {token}"} if token else {},
        )
    finally:
        await http.close()
    return answer.status, json.loads(answer.body) if answer.body.startswith(b"{") else answer.text


async def test_the_back_end_counts_consents(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_API_TOKEN", TOKEN)
    street.phone.platform.templates = {TEMPLATE: ("thing1",)}
    template = {"id": TEMPLATE, "page": "pages/chat", "data": {"thing1": "An answer waits for you"}}
    street.bridge._accounts["shop"]["templates"] = {"back": template}
    await begun(street)
    given = {"account": "shop", "conversation": CUSTOMER, "template": TEMPLATE, "count": 1, "id": "tap-1"}
    assert (await consent(street, given, ""))[0] == 401
    assert (await consent(street, given, "another-token-of-nobody"))[0] == 401
    assert (await consent(street, {**given, "template": "unknown"}))[0] == 422
    assert (await consent(street, {**given, "account": "desk"}))[0] == 422
    assert (await consent(street, {**given, "count": -1}))[0] == 422
    assert (await consent(street, [given]))[0] == 422
    assert await consent(street, given) == (200, {"left": 1})
    assert await consent(street, given) == (200, {"left": 1})  # a repeat of the same tap
    assert await consent(street, {**given, "id": "tap-2"}) == (200, {"left": 2})
    assert await consent(street, {**given, "id": "tap-3", "count": 0}) == (200, {"left": 0})
    assert await consent(street, {**given, "id": "tap-4"}) == (200, {"left": 1})
    street.phone.platform.consents[CUSTOMER, TEMPLATE] = 1
    await street.desk.agent_comments(street.ticket, "#notify")
    await note_that_says(street, "accepted a service notification")
    assert [bubble.body["page"] for bubble in street.phone.chat(CUSTOMER) if bubble.who == "platform"] == ["pages/chat"]
    await street.desk.agent_comments(street.ticket, "#notify")
    await note_that_says(street, "cannot be notified")
    assert TOKEN not in street.bridge.text()


async def test_without_a_token_there_is_no_such_address(street: Street) -> None:
    await begun(street)
    assert (await consent(street, {}, "anything-at-all-goes"))[0] == 404
