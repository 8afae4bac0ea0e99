"""What agents' browsers may and may not do, and what the engine brings them."""

import asyncio
from typing import Any

import httpx
import pytest

from bridge.contract import (
    Audience,
    Author,
    AuthorKind,
    Card,
    Contact,
    DeliveryState,
    Image,
    Labels,
    Message,
    MessageReceived,
    Progress,
    Put,
    ReceiptReceived,
    RenderContext,
    Status,
    StatusChanged,
    Target,
    Text,
)
from connectors.webchat import add_agent
from tests.connectors.webchat.webchat_rig import PASSWORD, WebchatRig, code

CUSTOMER = Contact(id="oCustomerA", name="Customer A", locale="zh_CN")


def said(text: str, number: int = 1, *parts: Any) -> Message:
    author = Author(kind=AuthorKind.CUSTOMER, id=CUSTOMER.id, name=CUSTOMER.name)
    return Message(id=f"wx-{number}", conversation="c", author=author, parts=(Text(body=text), *parts))


async def ticket(rig: WebchatRig, text: str = "hello", key: str = "step-1", **more: Any) -> str:
    receipt = await rig.bring(said(text), key, to=None, contact=CUSTOMER, **more)
    return receipt.conversation


async def entries(agent: httpx.AsyncClient, name: str, after: int = 0) -> list[dict[str, Any]]:
    answer = await agent.get(f"/desk/site/v1/tickets/{name}/entries", params={"after": after})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["entries"]
    return found


async def answer(agent: httpx.AsyncClient, name: str, text: str, client: str = "", **more: Any) -> httpx.Response:
    body = {"client_id": client or f"client-{text.encode().hex()[:30]:0<10}", "text": text, **more}
    return await agent.post(f"/desk/site/v1/tickets/{name}/messages", json=body)


def cookie_of(agent: httpx.AsyncClient) -> str:
    return "; ".join(f"{name}={value}" for name, value in agent.cookies.items())


# what is left of the reply allowance


async def test_tags_show_what_is_left_and_replace_each_other(rig: WebchatRig) -> None:
    agent = await rig.agent()
    name = await ticket(rig, fields={"tags": ["vip"]})
    context = RenderContext(conversation=name, contact=CUSTOMER)
    for number, left in enumerate((5, 4, 4)):
        step = rig.chat.labels(Labels(tags=(f"replies-left-{left}",)), context)
        assert step is not None
        target = Target(key=f"labels-{number}", link="1", conversation=name, contact=CUSTOMER)
        assert (await rig.chat.deliver(step, target)).conversation == name
        assert (await rig.chat.deliver(step, target)).ids == ()
    shown = (await agent.get(f"/desk/site/v1/tickets/{name}")).json()["ticket"]
    assert shown["tags"] == shown["fields"]["tags"] == ["vip", "replies-left-4"]
    assert len(await entries(agent, name)) == 1


# signing in


async def test_nothing_opens_without_a_sign_in(rig: WebchatRig) -> None:
    client = rig.client(**{"x-desk": "1"})
    name = await ticket(rig)
    for path in ("me", "tickets", "events", "search?q=x", f"tickets/{name}", f"tickets/{name}/entries"):
        got = await client.get(f"/desk/site/v1/{path}")
        assert got.status_code == 401 and code(got) == "signed_out", path
    for path in ("messages", "notes", "assignee", "status", "seen", "typing"):
        got = await client.post(f"/desk/site/v1/tickets/{name}/{path}", json={})
        assert got.status_code == 401, path
    assert (await client.post("/desk/site/v1/uploads", content=b"%PDF")).status_code == 401


async def test_a_wrong_name_and_a_wrong_password_look_alike(rig: WebchatRig) -> None:
    client = rig.client(**{"x-desk": "1"})
    answers = [
        await client.post("/desk/site/v1/sign-in", json={"name": name, "password": password})
        for name, password in (("Agent A", "wrong"), ("Nobody", PASSWORD), ("", ""))
    ]
    bodies = {answer.json()["error"]["message"] for answer in answers}
    assert {answer.status_code for answer in answers} == {401} and len(bodies) == 1
    assert not client.cookies


async def sign_in(client: httpx.AsyncClient, password: str = PASSWORD, name: str = "Agent A") -> httpx.Response:
    return await client.post("/desk/site/v1/sign-in", json={"name": name, "password": password})


def desk_client(rig: WebchatRig, address: str = "198.51.100.7") -> httpx.AsyncClient:
    return rig.client(address, **{"x-desk": "1"})


async def test_guessing_is_slowed_down_and_locks_nobody_else_out(rig: WebchatRig) -> None:
    guesser = desk_client(rig)
    statuses = [(await sign_in(guesser, f"guess {number}", "agent a")).status_code for number in range(1000)]
    assert statuses[:5] == [401] * 5 and set(statuses[5:]) == {429}
    assert (await sign_in(guesser)).json()["error"]["retry_after_ms"] > 0
    assert (await sign_in(desk_client(rig, "203.0.113.9"))).status_code == 200, "the right person, elsewhere"


async def test_one_subscriber_of_ipv6_is_one_guesser(rig: WebchatRig) -> None:
    statuses = [(await sign_in(desk_client(rig, f"2001:db8:1:2::{n:x}"), "wrong")).status_code for n in range(1, 30)]
    assert statuses.count(401) == 5
    assert (await sign_in(desk_client(rig, "2001:db8:1:3::1"))).status_code == 200


async def test_a_known_device_is_apart_from_strangers_at_its_own_address_and_everywhere(rig: WebchatRig) -> None:
    known = desk_client(rig)
    assert (await sign_in(known)).status_code == 200
    for number in range(130):  # from everywhere, and from next door
        await sign_in(desk_client(rig, f"198.18.{number}.1"), "wrong")
        await sign_in(desk_client(rig), "wrong")
    assert (await sign_in(desk_client(rig, "203.0.113.9"))).status_code == 429, "a device that nobody knows"
    assert (await sign_in(known)).status_code == 200
    colleague = desk_client(rig)
    colleague.cookies.update(known.cookies)
    assert (await sign_in(colleague, name="Agent B")).status_code == 429, "known for one name only"
    assert (await sign_in(desk_client(rig, "203.0.113.9"), name="Agent B")).status_code == 200


async def test_a_stolen_device_has_no_more_guesses(rig: WebchatRig) -> None:
    known = desk_client(rig)
    await sign_in(known)
    statuses = [(await sign_in(known, f"guess {number}")).status_code for number in range(20)]
    assert statuses.count(401) == 5


async def test_of_many_guesses_at_once_no_more_are_looked_at(rig: WebchatRig) -> None:
    client = desk_client(rig)
    answers = await asyncio.gather(*(sign_in(client, f"guess {number}") for number in range(18)))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 13


async def test_more_sign_ins_than_can_be_looked_at_are_asked_to_come_again(
    rig: WebchatRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.contract.signin._waiting", 32)
    assert (await sign_in(desk_client(rig))).status_code == 503


async def test_sessions_are_listed_and_ended_by_whose_they_are(rig: WebchatRig) -> None:
    here, there = await rig.agent(), await rig.agent()
    other = await rig.agent("Agent B")
    found = (await here.get("/desk/site/v1/sessions")).json()["sessions"]
    assert len(found) == 2 and [one["this"] for one in found].count(True) == 1
    assert all(one["network"] == "198.51.100.7" and "httpx" in one["browser"] for one in found)
    theirs = (await other.get("/desk/site/v1/sessions")).json()["sessions"][0]["id"]
    assert (await here.post("/desk/site/v1/sessions/end", json={"id": theirs})).status_code == 404
    away = next(one["id"] for one in found if not one["this"])
    assert (await here.post("/desk/site/v1/sessions/end", json={"id": away})).status_code == 204
    assert (await there.get("/desk/site/v1/me")).status_code == 401
    await rig.agent()
    assert (await here.post("/desk/site/v1/sessions/end", json={"id": "others"})).status_code == 204
    assert len((await here.get("/desk/site/v1/sessions")).json()["sessions"]) == 1
    assert (await other.get("/desk/site/v1/me")).status_code == 200


async def test_sign_ins_do_not_pile_up(rig: WebchatRig) -> None:
    first = await rig.agent()
    for _ in range(25):
        last = await rig.agent()
        rig.clock.advance(seconds=20)
    assert len((await last.get("/desk/site/v1/sessions")).json()["sessions"]) == 20
    assert (await first.get("/desk/site/v1/me")).status_code == 401


async def test_sign_ins_stand_in_the_audit(rig: WebchatRig, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, ...]] = []

    async def audit(*entry: str) -> None:
        told.append(entry)

    object.__setattr__(rig.account, "audit", audit)
    agent = await rig.agent()
    await sign_in(desk_client(rig), "wrong")
    await agent.post("/desk/site/v1/sign-out", json={})
    assert told == [("Agent A", "sign in", "198.51.100.7"), ("Agent A", "sign out", "")]


async def test_the_cookie_is_for_this_host_and_no_script(rig: WebchatRig) -> None:
    client = rig.client(**{"x-desk": "1"})
    got = await client.post("/desk/site/v1/sign-in", json={"name": "AGENT A", "password": PASSWORD})
    cookie = got.headers["set-cookie"]
    assert cookie.startswith("__Host-desk-site=")
    for part in ("HttpOnly", "SameSite=strict", "Secure", "Path=/"):
        assert part in cookie
    assert cookie.partition("=")[2].partition(";")[0] not in repr(vars(rig.account.records)), "stored as a hash"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
        {"x-desk": "0"}, {"origin": "https://www.acme.example"},
    ],
)  # fmt: skip
async def test_another_site_can_neither_act_nor_sign_in(rig: WebchatRig, headers: dict[str, str]) -> None:
    agent = await rig.agent()
    name = await ticket(rig)
    for path, body in (
        (f"tickets/{name}/messages", {"client_id": "client-0001", "text": "x"}),
        (f"tickets/{name}/status", {"status": "solved"}),
        ("sign-in", {"name": "Agent B", "password": PASSWORD}),
        ("sign-out", {}),
    ):
        got = await agent.post(f"/desk/site/v1/{path}", json=body, headers=headers)
        assert got.status_code == 403 and "set-cookie" not in got.headers, path
    assert not rig.kept


async def test_a_form_cannot_act(rig: WebchatRig) -> None:
    agent = await rig.agent()
    name = await ticket(rig)
    got = await agent.post(f"/desk/site/v1/tickets/{name}/status", data={"status": "solved"})
    assert got.status_code == 415


async def test_signing_out_ends_the_session_on_the_server(rig: WebchatRig) -> None:
    agent = await rig.agent()
    thief = rig.client(**{"x-desk": "1", "cookie": cookie_of(agent)})
    assert (await thief.get("/desk/site/v1/me")).status_code == 200
    assert (await agent.post("/desk/site/v1/sign-out", json={})).status_code == 204
    assert (await thief.get("/desk/site/v1/me")).status_code == 401


async def test_sessions_end_when_idle_and_when_the_password_changes(rig: WebchatRig) -> None:
    await add_agent(rig.account, "Agent C", "the first password")
    client = rig.client(**{"x-desk": "1"})
    body = {"name": "agent c", "password": "the first password"}
    assert (await client.post("/desk/site/v1/sign-in", json=body)).json() == {"name": "Agent C"}
    await add_agent(rig.account, "Agent C", "the second password")
    assert (await client.get("/desk/site/v1/me")).status_code == 401
    agent = await rig.agent()
    rig.clock.advance(hours=7)
    assert (await agent.get("/desk/site/v1/me")).json()["agents"] == ["Agent A", "Agent B", "Agent C"]
    rig.clock.advance(hours=9)
    assert (await agent.get("/desk/site/v1/me")).status_code == 401


@pytest.mark.parametrize(("name", "password"), [("", "a long password"), ("  ", "a long password"), ("Agent", "short")])
async def test_sign_ins_that_are_none_are_refused(rig: WebchatRig, name: str, password: str) -> None:
    with pytest.raises(ValueError, match=r"empty|at least"):
        await add_agent(rig.account, name, password)


async def test_added_passwords_are_argon2id(rig: WebchatRig) -> None:
    await add_agent(rig.account, "Agent C", "a long password")
    found = await rig.account.records.get("agent", "agent c")
    assert found is not None and found[0]["hash"].startswith("$argon2id$v=19$m=65536,t=3,p=4$")


# what the engine brings


async def test_a_step_is_on_the_ticket_once_however_often_it_is_delivered(rig: WebchatRig) -> None:
    name = await ticket(rig)
    assert await ticket(rig) == name, "the same key opens no second ticket"
    for _ in range(3):
        await rig.bring(said("again", 2), "step-2", to=name, contact=CUSTOMER)
    agent = await rig.agent()
    assert [(entry["text"], entry["seq"]) for entry in await entries(agent, name)] == [("hello", 1), ("again", 2)]


async def test_deliveries_at_once_leave_no_gap_and_lose_nothing(rig: WebchatRig) -> None:
    name = await ticket(rig)
    await asyncio.gather(
        *(rig.bring(said(f"message {n}", n), f"step-{n}", to=name, contact=CUSTOMER) for n in range(2, 30))
    )
    found = await entries(await rig.agent(), name)
    assert [entry["seq"] for entry in found] == list(range(1, 30))
    assert {entry["text"] for entry in found} == {"hello", *(f"message {n}" for n in range(2, 30))}


async def test_the_list_says_who_waits_and_what_is_unread(rig: WebchatRig) -> None:
    name = await ticket(rig)
    agent = await rig.agent()
    (row,) = (await agent.get("/desk/site/v1/tickets")).json()["tickets"]
    assert (row["id"], row["name"], row["unread"], row["last"]["text"]) == (name, "Customer A", True, "hello")
    assert row["waiting"].startswith("2026-01-05T09:00")
    await agent.post(f"/desk/site/v1/tickets/{name}/seen", json={"seq": 1})
    (row,) = (await agent.get("/desk/site/v1/tickets")).json()["tickets"]
    assert not row["unread"] and row["waiting"]
    other = await rig.agent("Agent B")
    (row,) = (await other.get("/desk/site/v1/tickets")).json()["tickets"]
    assert row["unread"], "what one agent saw another may not have"
    await answer(agent, name, "we look")
    (row,) = (await other.get("/desk/site/v1/tickets")).json()["tickets"]
    assert row["waiting"] == "" and row["assignee"] == "Agent A"


async def test_everything_about_the_customer_is_beside_the_conversation(rig: WebchatRig) -> None:
    first = await ticket(
        rig,
        "first",
        "step-1",
        context={"page": "https://www.acme.example/p/17"},
        fields={"tags": ["wechat"], "group": "A"},
    )
    second = await ticket(rig, "second", "step-2", previous=first)
    agent = await rig.agent()
    found = (await agent.get(f"/desk/site/v1/tickets/{second}")).json()
    assert found["ticket"]["previous"] == first and [other["id"] for other in found["others"]] == [first]
    found = (await agent.get(f"/desk/site/v1/tickets/{first}")).json()["ticket"]
    assert found["profile"]["locale"] == "zh_CN" and found["fields"] == {"tags": ["wechat"], "group": "A"}
    assert found["context"] == {"page": "https://www.acme.example/p/17"} and found["subject"] == "first"


async def test_files_and_cards_are_shown(rig: WebchatRig) -> None:
    media = await rig.account.media.keep(b"\x89PNG\r\n\x1a\n" + b"0" * 50, name="shelf.png")
    card = Card(title="Lamp", path="pages/order?id=17", thumb=media, url="javascript:alert(1)")
    receipt = await rig.bring(said("see", 1, Image(media=media), card), "step-1", to=None, contact=CUSTOMER)
    agent = await rig.agent()
    (entry,) = await entries(agent, receipt.conversation)
    (file,) = entry["attachments"]
    assert file["name"] == "shelf.png" and (await agent.get(file["url"])).content == await rig.account.media.read(media)
    (shown,) = entry["cards"]
    assert shown["title"] == "Lamp" and shown["path"] == "pages/order?id=17" and "url" not in shown
    assert (await agent.get(shown["thumb"])).status_code == 200


async def test_a_page_that_came_as_a_file_is_never_a_page(rig: WebchatRig) -> None:
    """An agent's or another channel's file is whatever it is: browsers must not run it on our origin."""
    media = await rig.account.media.keep(b"<html><script>alert(1)</script>", name="a.png", mime="image/png")
    name = (await rig.bring(said("see", 1, Image(media=media)), "step-1", to=None, contact=CUSTOMER)).conversation
    agent = await rig.agent()
    (entry,) = await entries(agent, name)
    got = await agent.get(entry["attachments"][0]["url"])
    assert got.headers["content-type"] == "application/octet-stream"
    assert (
        got.headers["content-disposition"].startswith("attachment")
        and "sandbox" in got.headers["content-security-policy"]
    )


async def test_the_fate_of_an_answer_is_on_the_ticket(rig: WebchatRig) -> None:
    name = await ticket(rig)
    agent = await rig.agent()
    written = (await answer(agent, name, "we look")).json()["entry"]
    mark = Message(
        id="progress:1", conversation="", author=Author(kind=AuthorKind.BRIDGE), audience=Audience.AGENTS,
        parts=(Progress(of=written["id"], state=DeliveryState.HELD, reason="window.over"),),
    )  # fmt: skip
    await rig.bring(mark, "step-9", to=name)
    await rig.bring(mark, "step-9", to=name)
    states = [entry for entry in await entries(agent, name) if entry["type"] == "state"]
    assert [(entry["of"], entry["state"], entry["reason"]) for entry in states] == [
        (written["id"], "held", "window.over")
    ]


async def test_marks_of_the_bridges_own_notices_make_no_step(rig: WebchatRig) -> None:
    """Else two accounts that show progress would tell each other of each other's marks for ever."""
    mark = Message(
        id="progress:2", conversation="", author=Author(kind=AuthorKind.BRIDGE), audience=Audience.AGENTS,
        parts=(Progress(of="progress:1", state=DeliveryState.ACCEPTED),),
    )  # fmt: skip
    assert rig.chat.render([mark], RenderContext(conversation="1001")) == []


async def test_the_customers_next_message_reopens_a_solved_ticket(rig: WebchatRig) -> None:
    name = await ticket(rig)
    agent = await rig.agent()
    await agent.post(f"/desk/site/v1/tickets/{name}/status", json={"status": "solved"})
    assert (await agent.get("/desk/site/v1/tickets")).json()["tickets"] == []
    (row,) = (await agent.get("/desk/site/v1/tickets?status=solved")).json()["tickets"]
    assert row["status"] == "solved" and row["waiting"] == ""
    await rig.bring(said("one more thing", 2), "step-2", to=name, contact=CUSTOMER)
    assert (await agent.get("/desk/site/v1/tickets?status=solved")).json()["tickets"] == []
    (row,) = (await agent.get("/desk/site/v1/tickets")).json()["tickets"]
    assert row["status"] == "open" and row["waiting"]
    assert [entry["type"] for entry in await entries(agent, name)] == ["message", "status", "status", "message"]


# what agents do


async def test_an_answer_is_kept_once_and_a_note_is_private(rig: WebchatRig) -> None:
    name = await ticket(rig)
    agent = await rig.agent()
    for _ in range(3):
        assert (await answer(agent, name, "in stock", "client-0001")).status_code == 201
    await agent.post(f"/desk/site/v1/tickets/{name}/notes", json={"client_id": "client-0002", "text": "#retry"})
    events = rig.events()
    assert [(event.message.id, event.message.audience) for event in events] == [
        (f"a_{name}_client-0001", Audience.CUSTOMER), (f"a_{name}_client-0002", Audience.AGENTS),
    ]  # fmt: skip
    assert all(isinstance(event, MessageReceived) and event.message.author.name == "Agent A" for event in events)
    kinds = [entry["type"] for entry in await entries(agent, name)]
    assert kinds == ["message", "assigned", "message", "note"]


async def test_an_answer_whose_process_died_is_handed_over_by_the_next(rig: WebchatRig) -> None:
    name = await ticket(rig)
    agent = await rig.agent()
    await agent.get("/desk/site/v1/me")
    rig.down = True
    assert (await answer(agent, name, "in stock", "client-0001")).status_code == 503
    assert not rig.kept
    rig.down = False
    again = WebchatRig(rig.account, rig.clock)
    browser = again.client(**{"x-desk": "1", "cookie": cookie_of(agent)})
    assert (await browser.get("/desk/site/v1/me")).status_code == 200
    assert [raw.key for raw in again.kept] == [f"agent:{name}:client-0001"]
    assert await rig.account.records.list("pending") == []
    await browser.aclose()


async def test_whoever_did_not_see_a_colleagues_answer_is_told_before_sending(rig: WebchatRig) -> None:
    name = await ticket(rig)
    one, other = await rig.agent("Agent A"), await rig.agent("Agent B")
    assert (await answer(one, name, "from the first", seen_seq=1)).status_code == 201
    stale = await answer(other, name, "from the second", seen_seq=1)
    assert stale.status_code == 409 and code(stale) == "newer_messages"
    newer = stale.json()["error"]["newer"]
    assert [entry["text"] for entry in newer] == ["from the first"]
    assert (await answer(other, name, "from the second", seen_seq=newer[-1]["seq"])).status_code == 201
    mine = await answer(other, name, "one's own do not count", seen_seq=newer[-1]["seq"])
    assert mine.status_code == 201
    await rig.bring(said("the customer writes on", 2), "step-2", to=name, contact=CUSTOMER)
    seen = mine.json()["entry"]["seq"]
    assert (await answer(other, name, "nor do the customer's words", seen_seq=seen)).status_code == 201


async def test_two_answers_at_once_never_pass_each_other_unseen(rig: WebchatRig) -> None:
    name = await ticket(rig)
    one, other = await rig.agent("Agent A"), await rig.agent("Agent B")
    got = await asyncio.gather(
        answer(one, name, "from the first", seen_seq=1), answer(other, name, "from the second", seen_seq=1)
    )
    assert sorted(each.status_code for each in got) == [201, 409]


async def test_assigning_and_solving_are_told(rig: WebchatRig) -> None:
    name = await ticket(rig)
    agent = await rig.agent()
    path = f"/desk/site/v1/tickets/{name}"
    assert (await agent.post(f"{path}/assignee", json={"to": "Agent B"})).status_code == 204
    assert (await agent.post(f"{path}/assignee", json={"to": "Stranger"})).status_code == 400
    assert (await agent.post(f"{path}/assignee", json={"to": ""})).status_code == 204
    for status in ("solved", "solved", "open"):
        assert (await agent.post(f"{path}/status", json={"status": status})).status_code == 204
    assert (await agent.post(f"{path}/status", json={"status": "closed"})).status_code == 400
    told = [event.status for event in rig.events() if isinstance(event, StatusChanged)]
    assert told == [Status.SOLVED, Status.OPEN]
    acts = [(entry["type"], entry.get("to", entry.get("status"))) for entry in (await entries(agent, name))[1:]]
    assert acts == [("assigned", "Agent B"), ("assigned", ""), ("status", "solved"), ("status", "open")]


async def test_reading_is_told_by_the_ids_that_receipts_named(rig: WebchatRig) -> None:
    receipt = await rig.bring(said("hello"), "step-1", to=None, contact=CUSTOMER)
    agent = await rig.agent()
    for _ in range(2):
        await agent.post(f"/desk/site/v1/tickets/{receipt.conversation}/seen", json={"seq": 1})
    (event,) = rig.events()
    assert isinstance(event, ReceiptReceived)
    assert (event.conversation, event.message, event.state) == (
        receipt.conversation,
        receipt.ids[0],
        DeliveryState.READ,
    )


async def test_an_answer_before_the_screen_told_of_reading_hides_no_reading(rig: WebchatRig) -> None:
    receipt = await rig.bring(said("hello"), "step-1", to=None, contact=CUSTOMER)
    agent = await rig.agent()
    await answer(agent, receipt.conversation, "at once")
    await agent.post(f"/desk/site/v1/tickets/{receipt.conversation}/seen", json={"seq": 3})
    assert [event.message for event in rig.events() if isinstance(event, ReceiptReceived)] == list(receipt.ids)


async def test_past_conversations_are_found_by_what_was_said_and_by_name(rig: WebchatRig) -> None:
    name = await ticket(rig, "发票什么时候开？ 100% sure_thing")
    await ticket(rig, "something else", "step-2")
    agent = await rig.agent()
    await answer(agent, name, "order 4711 is on its way")
    await agent.post(f"/desk/site/v1/tickets/{name}/status", json={"status": "solved"})
    for words, count in (
        ("发票", 1),
        ("4711", 1),
        ("CUSTOMER a", 2),
        ("0% SURE_", 1),
        ("nothing", 0),
        ("%", 1),
        ("", 0),
        ('"t":', 0),
    ):
        found = (await agent.get("/desk/site/v1/search", params={"q": words})).json()["tickets"]
        assert len(found) == count, words
    found = (await agent.get("/desk/site/v1/search", params={"q": "4711"})).json()["tickets"][0]
    assert found["id"] == name and "4711" in found["hit"] and found["status"] == "solved"


@pytest.mark.parametrize("name", ["9999", "0", "-1", "x", "..%2f..%2fetc", "١٠٠١", "1001 "])
async def test_a_ticket_that_never_was_is_not_found(rig: WebchatRig, name: str) -> None:
    await ticket(rig)
    agent = await rig.agent()
    assert (await agent.get(f"/desk/site/v1/tickets/{name}")).status_code == 404
    got = await agent.post(f"/desk/site/v1/tickets/{name}/status", json={"status": "solved"})
    assert got.status_code == 404


async def test_one_agents_upload_is_not_anothers(rig: WebchatRig) -> None:
    name = await ticket(rig)
    one, other = await rig.agent("Agent A"), await rig.agent("Agent B")
    file = (await one.post("/desk/site/v1/uploads", content=b"%PDF-1", headers={"x-name": "a.pdf"})).json()["id"]
    assert (await answer(other, name, "x", attachments=[file])).status_code == 404
    assert (await answer(one, name, "", "client-0001", attachments=[file])).status_code == 201
    visitor = await rig.visitor()
    assert (await visitor.say("x", attachments=[file])).status_code == 404


async def test_a_session_of_an_agent_who_is_gone_opens_nothing(rig: WebchatRig) -> None:
    await add_agent(rig.account, "Agent C", "a long password")
    client = rig.client(**{"x-desk": "1"})
    await client.post("/desk/site/v1/sign-in", json={"name": "Agent C", "password": "a long password"})
    await rig.account.records.commit(Put("agent", "agent c", None))
    assert (await client.get("/desk/site/v1/me")).status_code == 401


async def test_an_agent_begins_a_conversation_once(rig: WebchatRig) -> None:
    """A ticket of its own with the agent's words, for the customer of an earlier one; a repeat makes no second."""
    agent = await rig.agent()
    first = await ticket(rig)
    body = {"of": first, "text": "Your lamp is back", "client_id": "begin-0001"}
    made = [await agent.post("/desk/site/v1/tickets", json=body) for _ in range(2)]
    (new,) = {answer.json()["ticket"] for answer in made}
    assert [answer.status_code for answer in made] == [201, 201] and new != first
    shown = (await agent.get(f"/desk/site/v1/tickets/{new}")).json()
    assert [entry["text"] for entry in shown["entries"]] == ["Your lamp is back"]
    assert shown["ticket"]["assignee"] == "Agent A" and not shown["ticket"]["unread"]
    (event,) = [one for one in rig.events() if getattr(one, "requester", "")]
    assert (event.message.conversation, event.requester) == (new, CUSTOMER.id)
    assert event.message.author.name == "Agent A"
    for wrong, status in (({"of": "999999"}, 404), ({"text": " "}, 400), ({"client_id": "x"}, 400)):
        assert (await agent.post("/desk/site/v1/tickets", json={**body, **wrong})).status_code == status


async def test_the_last_agent_gets_the_next_ticket_while_their_desk_is_open(rig: WebchatRig) -> None:
    hub = rig.chat._office.agents
    away = await ticket(rig, key="step-1", fields={"last_agent": "Agent A"})
    line = hub.join("Agent A", "198.51.100.7")
    there = await ticket(rig, key="step-2", fields={"last_agent": "Agent A"})
    hub.leave("Agent A", line)
    agent = await rig.agent()
    given = [(await agent.get(f"/desk/site/v1/tickets/{one}")).json()["ticket"] for one in (away, there)]
    assert [one["assignee"] for one in given] == ["", "Agent A"]


async def test_a_note_of_the_bridge_is_kept_in_every_language(rig: WebchatRig) -> None:
    """The desk shows each agent their own; what people write has one language."""
    name = await ticket(rig)
    words = Text(body="Not delivered: too long.", words={"zh": "未送达：内容过长。"})
    note = said("", 2, words).model_copy(update={"audience": Audience.AGENTS})
    note = note.model_copy(update={"author": Author(kind=AuthorKind.BRIDGE), "parts": (words,)})
    await rig.bring(note, "step-2", to=name)
    shown = (await entries(await rig.agent(), name))[-1]
    assert shown["text"] == shown["words"]["en"] == "Not delivered: too long."
    assert shown["words"]["zh"] == "未送达：内容过长。"
    assert "words" not in (await entries(await rig.agent(), name))[0]
