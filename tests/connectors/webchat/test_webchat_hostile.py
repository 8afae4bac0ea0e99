"""What strangers name and send: bounded by what exists, answered with a 4xx, never a traceback."""

import asyncio
from typing import Any

import pytest

from bridge.contract import StoreDown
from tests.connectors.webchat.test_webchat_desk import ticket
from tests.connectors.webchat.webchat_rig import WebchatRig, code

FAR = 999_999_999_999_999


class Counted:
    """Records that say how often they were asked."""

    def __init__(self, records: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = 0
        for name in ("read", "get", "list"):
            monkeypatch.setattr(records, name, self._counting(getattr(records, name)))

    def _counting(self, work: Any) -> Any:
        async def asked(*arguments: Any, **named: Any) -> Any:
            self.asked += 1
            return await work(*arguments, **named)

        return asked


@pytest.mark.parametrize("query", ["before", "after", "limit"])
async def test_a_visitors_history_is_no_longer_than_it_is(
    rig: WebchatRig, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    visitor = await rig.visitor()
    for number in range(3):
        await visitor.say(f"word {number}", f"client-{number:04}")
    counted = Counted(rig.account.records, monkeypatch)
    async with asyncio.timeout(5):
        answer = await visitor.get("messages", params={query: FAR})
    assert answer.status_code == 200 and counted.asked < 20
    shown = [entry["text"] for entry in answer.json()["messages"]]
    assert shown == ([] if query == "after" else ["word 0", "word 1", "word 2"])


@pytest.mark.parametrize(
    "how", [{"params": {"wait": "0", "since": str(FAR)}}, {"headers": {"last-event-id": str(FAR)}}]
)
async def test_a_stream_from_the_future_is_refused(rig: WebchatRig, how: dict[str, Any]) -> None:
    visitor = await rig.visitor()
    await visitor.say("hello")
    async with asyncio.timeout(5):
        assert code(await visitor.get("events", **how)) == "resync"


async def test_the_desk_is_bounded_too(rig: WebchatRig, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = await rig.agent()
    name = await ticket(rig)
    counted = Counted(rig.account.records, monkeypatch)
    async with asyncio.timeout(5):
        page = await agent.get(f"/desk/site/v1/tickets/{name}/entries", params={"before": FAR})
        assert [entry["text"] for entry in page.json()["entries"]] == ["hello"] and not page.json()["more"]
        assert code(await agent.get("/desk/site/v1/events", headers={"last-event-id": f"d.{FAR}"})) == "resync"
        assert (
            await agent.get("/desk/site/v1/tickets", params={"after": "\x00\ud800".encode("utf-8", "replace")})
        ).status_code == 200
        seen = await agent.post(f"/desk/site/v1/tickets/{name}/seen", json={"seq": FAR})
        assert seen.status_code == 204
    assert counted.asked < 60


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "https://]", "//", "null", "http://a:b:c", "\xff"])
async def test_no_origin_is_a_bug(rig: WebchatRig, origin: str) -> None:
    visitor = await rig.visitor()
    headers = {"origin": origin.encode("latin-1")}
    assert (await visitor.get("messages", headers=headers)).status_code == 403
    assert (await rig.client().post("/desk/site/v1/sign-in", json={}, headers=headers)).status_code == 403


WEIRD: list[Any] = ["\ud800", "\x00", ["a"], {"a": "b"}, 10**40, -1, 1.5, True, None, "x" * 5000]


@pytest.mark.parametrize("value", WEIRD, ids=lambda value: repr(value)[:12])
async def test_no_value_of_any_field_is_a_bug(rig: WebchatRig, value: Any) -> None:
    import json

    def dumped(body: dict[str, Any]) -> bytes:
        return json.dumps(body).encode()

    visitor, agent = await rig.visitor(), await rig.agent()
    name = await ticket(rig)
    kind = {"content-type": "application/json"}
    bodies = {
        "/chat/site/v1/sessions": ("visitor_token", "page", "lang", "tz", "identity", "entered", "resume"),
        "/chat/site/v1/messages": ("client_id", "text", "attachments", "page"),
        "/chat/site/v1/identify": ("jwt", "user_id", "user_hash", "expires"),
        "/chat/site/v1/profile": ("name", "email", "phone"),
        "/chat/site/v1/receipts": ("delivered", "read"),
        "/chat/site/v1/typing": ("on",),
        f"/desk/site/v1/tickets/{name}/messages": ("client_id", "text", "attachments", "seen_seq"),
        f"/desk/site/v1/tickets/{name}/assignee": ("to",),
        f"/desk/site/v1/tickets/{name}/status": ("status",),
        f"/desk/site/v1/tickets/{name}/seen": ("seq",),
        "/desk/site/v1/sign-in": ("name", "password"),
    }
    good = {"client_id": "client-0001", "text": "x", "name": "Agent A", "password": "wrong"}
    for path, fields in bodies.items():
        for field in fields:
            for given in (value, [value], {"url": value, field: value}):
                client, headers = (agent, kind) if "/desk/" in path else (visitor.client, visitor.headers | kind)
                answer = await client.post(path, content=dumped({**good, field: given}), headers=headers)
                assert answer.status_code < 500, (path, field, given)


async def test_a_store_in_trouble_is_a_503_everywhere(rig: WebchatRig, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor, agent = await rig.visitor(), await rig.agent()

    async def down(*_: Any, **__: Any) -> Any:
        raise StoreDown

    for name in ("get", "list", "read", "commit", "search"):
        monkeypatch.setattr(rig.account.records, name, down)
    answers = [
        await visitor.say("hello"),
        await visitor.get("messages"),
        await visitor.get("events"),
        await agent.get("/desk/site/v1/tickets"),
        await agent.get("/desk/site/v1/search?q=x"),
        await agent.post("/desk/site/v1/sign-in", json={"name": "nobody", "password": "x"}),
    ]
    assert [answer.status_code for answer in answers] == [503] * len(answers)
