"""What the shop's own server tells and asks: believed, shown to agents, within the allowance, and once."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from mappings import links, people
from tests.e2e.desks import Desk, Freshdesk, Zendesk
from tests.engine.desk_harness import DeskHarness
from tests.engine.platform_harness import CUSTOMER, TEMPLATE, PlatformHarness

TOKEN = "token-of-the-shop-0123456789"
VIP = {"name": "vip", "channel": "shop", "desk": "desk", "when": {"verified": True, "customer.tier": "gold"}}
REST = {"name": "rest", "channel": "shop", "desk": "desk"}


@pytest.fixture
def harness(database_url: str, tmp_path: Path) -> PlatformHarness:
    return PlatformHarness(database_url, tmp_path, routes=[VIP, REST], bridge={"api_token": TOKEN})


@asynccontextmanager
async def serving(harness: PlatformHarness) -> AsyncIterator[httpx.AsyncClient]:
    async with harness.running() as bridge:
        transport = httpx.ASGITransport(bridge.app())
        headers = {"authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="https://bridge.example.com", headers=headers
        ) as api:
            yield api


async def decided(harness: PlatformHarness, customer: str = CUSTOMER) -> str:
    assert harness.bridge is not None
    link = await harness.bridge.store.read(links.open_link, "shop", customer, lock=False)
    assert link is not None
    return str(json.loads(link.decided)["rule"])


def about(**more: Any) -> dict[str, Any]:
    return {"account": "shop", "conversation": CUSTOMER, **more}


@pytest.mark.parametrize("first", ["the shop", "the platform"])
async def test_the_same_person_at_two_accounts_of_a_platform_is_suggested(harness: PlatformHarness, first: str) -> None:
    """Whichever side is known first; beside the shop's own number, which says nothing of the other account."""
    other = "oCustomer_B"
    async with serving(harness) as api:
        assert harness.bridge is not None

        async def shop_says() -> None:
            body = about(shared_id="oUnion_1", profile={"customer_id": "42"})
            assert (await api.post("/api/context", json=body)).status_code == 202

        await harness.asks("hello")
        if first == "the shop":
            await shop_says()
        await harness.phone._push(harness.phone.message(other, Content="me again", UnionId="oUnion_1"))
        await harness.phone._push(harness.phone.message("oCustomer_C", Content="a stranger", UnionId="oUnion_2"))
        await harness.quiet()
        if first == "the platform":
            await shop_says()
        (one,) = await harness.bridge.store.read(people.suggestions)
        assert one.proof == "shared id oUnion_1" and one.state == "suggested"
        links_of = [
            await harness.bridge.store.read(links.open_link, "shop", name, lock=False) for name in (CUSTOMER, other)
        ]
        assert {one.kept_id, one.joined_id} == {link.person_id for link in links_of if link is not None}
        wrong = {"account": "shop", "handle": "handle-0001", "shared_id": "x"}
        assert (await api.post("/api/context", json=wrong)).status_code == 422


async def test_a_payment_lets_held_answers_go(harness: PlatformHarness) -> None:
    """What the platform rewards is data of the account; the shop's server says that it happened, once."""
    harness.window = {"grants": {"Payment": {"replies": 0, "lasts": "48h"}}}
    async with serving(harness) as api:
        await harness.asks()
        for number in range(7):
            await harness.answer(str(number))
            await harness.wait(6)
        assert len(harness.received()) == 5, "two are held"
        wrong = await api.post("/api/context", json=about(grant="gift"))
        assert wrong.status_code == 422 and "payment" in wrong.json()["error"]
        harness.phone.pays(CUSTOMER)
        assert (await api.post("/api/context", json=about(grant="payment", id="order-7"))).status_code == 202
        await harness.quiet()
        assert "6" in "".join(harness.received()[5:])
        for number in range(10, 19):
            await harness.answer(str(number))
            await harness.wait(6)
        assert harness.received()[-1] == "18" and harness.refused() == []
        await harness.answer("#status", private=True)
        assert any("∞" in note for note in harness.notes)
        await harness.wait(hours=49)
        assert (await api.post("/api/context", json=about(grant="payment", id="order-7"))).status_code == 202
        await harness.answer("too late")
        assert "too late" not in harness.received(), "a repeat grants nothing"


async def test_a_profile_counts_in_conditions_and_is_shown_once(harness: PlatformHarness) -> None:
    async with serving(harness) as api:
        body = about(profile={"tier": "gold", "orders": ["7", "8"], "tags": ["new"]}, id="1")
        assert (await api.post("/api/context", json=body)).json() == {"kept": True, "shown": False}
        await harness.asks("hello")
        assert await decided(harness) == "vip"
        assert harness.notes == ["Who this is, as your own system says: orders 7, 8; tags new; tier gold."]
        assert (await api.post("/api/context", json=body)).status_code == 202
        await harness.quiet()
        assert len(harness.notes) == 1
        assert (await api.post("/api/context", json=about(profile={"orders": ["9"]}))).json()["shown"]
        await harness.quiet()
        assert harness.notes[1:] == ["Who this is, as your own system says: orders 9; tags new; tier gold."]


async def test_a_repeat_that_comes_late_changes_nothing(harness: PlatformHarness) -> None:
    """The sender's own `id` is kept: an old answer to a time-out is no news."""
    async with serving(harness) as api:
        for number, tier in ((1, "gold"), (2, "silver"), (1, "gold")):
            answer = await api.post("/api/context", json=about(profile={"tier": tier}, id=f"tier-{number}"))
            assert answer.status_code == 202
        await harness.asks("hello")
        assert harness.notes == ["Who this is, as your own system says: tier silver."]


@pytest.mark.parametrize("desk", [Zendesk, Freshdesk], ids=lambda one: one.kind)
async def test_a_profile_stands_beside_the_customer_where_the_desk_shows_one(
    database_url: str, tmp_path: Path, desk: type[Desk]
) -> None:
    """In the desk's own fields where it has some, in one note else; what changes in the middle is a note."""
    harness = DeskHarness(database_url, tmp_path, desk, bridge={"api_token": TOKEN})
    async with serving(harness) as api:
        await api.post("/api/context", json=about(profile={"tier": "gold", "orders": ["7", "8"]}))
        await harness.asks("hello")
        ticket = harness.desk.simulator.state.tickets[int(harness.desk.ticket)]
        said = "Who this is, as your own system says: orders 7, 8; tier gold."
        if harness.desk.kind == "zendesk":
            assert "orders: 7, 8\ntier: gold" in harness.desk.simulator.state.users[ticket.requester].details
            assert harness.notes == []
        else:
            assert [note.split("\n")[0] for note in harness.notes] == [said]
        before = len(harness.notes)
        await api.post("/api/context", json=about(profile={"orders": ["9"]}))
        await harness.quiet()
        assert [note.split("\n")[0] for note in harness.notes[before:]] == [said.replace("7, 8", "9")]
        await harness.asks("are you there?")
        if harness.desk.kind == "zendesk":
            assert "orders: 9\n" in harness.desk.simulator.state.users[ticket.requester].details


async def test_each_value_of_a_profile_has_its_end(harness: PlatformHarness) -> None:
    async with serving(harness) as api:
        ends = (harness.clock() + timedelta(minutes=5)).isoformat()
        body = about(profile={"tier": {"value": "gold", "until": ends}})
        assert (await api.post("/api/context", json=body)).status_code == 202
        harness.clock.advance(minutes=6)
        await harness.asks("hello")
        assert await decided(harness) == "rest" and harness.notes == []


async def test_a_handle_stands_for_what_was_told_under_it(harness: PlatformHarness) -> None:
    async with serving(harness) as api:
        body = {"account": "shop", "handle": "handle-4711-abc", "context": {"order": "7"}, "profile": {"tier": "gold"}}
        assert (await api.post("/api/context", json=body)).status_code == 202
        await harness.phone.enters(CUSTOMER, session_from="handle-4711-abc")
        await harness.asks("hello")
        assert await decided(harness) == "vip"
        await harness.phone.enters("oCustomer_B", session_from="handle-4711-abd")
        await harness.asks("hello", "oCustomer_B")
        assert await decided(harness, "oCustomer_B") == "rest"


BAD = [
    ("/api/context", {"account": "nobody", "conversation": "x"}, 422, "account: 'nobody' is no channel of this bridge"),
    ("/api/context", {"account": "shop"}, 422, "name either `conversation` or `handle`"),
    ("/api/context", {"account": "shop", "handle": "short"}, 422, "handle"),
    ("/api/context", about(context={"session_from": "x"}), 422, "what the client says"),
    ("/api/context", about(profile={"tier": {"value": "x", "until": "2026-12-31"}}), 422, "needs a time zone"),
    ("/api/context", about(more=1), 422, "more: Extra inputs are not permitted"),
    ("/api/messages", about(), 422, "give a `text`"),
    ("/api/messages", about(text="x", when_shut="later"), 422, "when_shut"),
    ("/api/messages", about(text="x", customer_id="7"), 422, "name either"),
    ("/api/messages", about(template="none"), 422, "template: no template 'none' is configured"),
    ("/api/messages", {"account": "shop", "conversation": "oNobody", "text": "x"}, 404, "nobody of that name"),
    ("/api/messages", {"account": "shop", "customer_id": "7", "text": "x"}, 404, "nobody of that name"),
]


@pytest.mark.parametrize(("path", "body", "status", "said"), BAD, ids=str)
async def test_what_is_wrong_is_named(
    harness: PlatformHarness, path: str, body: dict[str, Any], status: int, said: str
) -> None:
    async with serving(harness) as api:
        answer = await api.post(path, json=body)
        assert answer.status_code == status and said in answer.json()["error"]


async def test_nobody_without_the_token(harness: PlatformHarness) -> None:
    async with serving(harness) as api:
        for headers in ({"authorization": ""}, {"authorization": "Bearer x"}, {"authorization": f"Basic {TOKEN}"}):
            for method, path in (("POST", "/api/context"), ("POST", "/api/messages"), ("GET", "/api/messages/x")):
                assert (await api.request(method, path, headers=headers)).status_code == 401
        assert (await api.get("/api/messages/unknown")).status_code == 404
        assert (await api.post("/api/messages", content=b"x" * 20000)).status_code == 413


async def test_without_a_token_there_is_no_api(database_url: str, tmp_path: Path) -> None:
    async with serving(PlatformHarness(database_url, tmp_path)) as api:
        assert (await api.post("/api/messages", json=about(text="x"))).status_code == 404


async def say(harness: PlatformHarness, api: httpx.AsyncClient, **more: Any) -> str:
    answer = await api.post("/api/messages", json=about(**more))
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == answer.json()["address"]
    await harness.quiet()
    return str(answer.json()["address"])


async def state(api: httpx.AsyncClient, address: str) -> str:
    return str((await api.get(address)).json()["state"])


async def test_the_shop_speaks_while_replies_are_left_and_never_takes_the_last(harness: PlatformHarness) -> None:
    async with serving(harness) as api:
        await harness.asks("hello")
        first = await say(harness, api, text="Parcel 1 is on its way", id="e1")
        assert await say(harness, api, text="Parcel 1 is on its way", id="e1") == first
        assert harness.received() == ["Parcel 1 is on its way"] and await state(api, first) == "accepted"
        assert harness.notes == ["Your own system wrote to the customer:\n\n> Parcel 1 is on its way"]
        for number in range(2, 5):
            await say(harness, api, text=f"Parcel {number}", id=f"e{number}")
        late = await say(harness, api, text="Parcel 5", id="e5")
        assert len(harness.received()) == 4 and await state(api, late) == "held"
        assert "No reply is spare, so it waits" in harness.notes[-1]
        await harness.answer("an agent's word")
        await harness.wait(6)  # the last reply is theirs, and what waits is not in its way
        assert harness.received()[-1] == "an agent's word" and harness.refused() == []
        await harness.asks("thanks")
        assert harness.received()[-1] == "Parcel 5" and await state(api, late) == "accepted"
        assert harness.refused() == []


async def test_a_long_text_counts_as_what_it_costs(harness: PlatformHarness) -> None:
    """Two messages of the platform's are two replies: neither of them is the last one, and the note is true."""
    async with serving(harness) as api:
        await harness.asks("hello")
        await say(harness, api, text="one", id="e1")
        await say(harness, api, text="two", id="e2")
        await say(harness, api, text="three", id="e3")
        long = await say(harness, api, text="长" * 1000, id="e4")
        assert await state(api, long) == "held" and harness.received() == ["one", "two", "three"]
        assert "No reply is spare, so it waits" in harness.notes[-1] and len(harness.notes) == 4
        await harness.asks("thanks")
        assert "".join(harness.received()[3:]).count("长") == 1000 and await state(api, long) == "accepted"
        answer = await api.post("/api/messages", json=about(text="长" * 3000, id="e5"))
        assert answer.status_code == 422
        assert answer.json()["error"] == (
            "text: takes 5 messages of its channel, and at most 4 may go at once; write less"
        )


async def test_what_is_of_no_use_later_is_dropped(harness: PlatformHarness) -> None:
    async with serving(harness) as api:
        await harness.asks("hello")
        await harness.wait(hours=49)
        address = await say(harness, api, text="Table 7 is free now", when_shut="drop")
        assert (await api.get(address)).json()["state"] == "dropped"
        await harness.asks("hello again")
        assert harness.received() == []
        assert "It was not sent" in harness.notes[-1] or "It was not sent" in "".join(harness.notes)


async def test_a_customer_who_is_away_is_called_by_a_template_they_consented_to(harness: PlatformHarness) -> None:
    async with serving(harness) as api:
        await harness.asks("hello")
        await harness.phone.accepts(CUSTOMER, TEMPLATE)
        await harness.quiet()
        await harness.wait(hours=49)
        asked = {"template": "back", "data": {"thing1": "Parcel 7 has left"}, "when_shut": "notify"}
        address = await say(harness, api, text="Parcel 7 has left our house", id="e1", **asked)
        assert await say(harness, api, text="Parcel 7 has left our house", id="e1", **asked) == address
        notified = [bubble for bubble in harness.phone.chat(CUSTOMER) if bubble.who == "platform"]
        assert len(notified) == 1 and "Parcel 7 has left" in json.dumps(notified[0].body, ensure_ascii=False)
        assert await state(api, address) == "held"
        await harness.asks("here I am")
        assert harness.received() == ["Parcel 7 has left our house"] and await state(api, address) == "accepted"


async def test_a_template_alone_needs_a_consent(harness: PlatformHarness) -> None:
    async with serving(harness) as api:
        await harness.asks("hello")
        first = await say(harness, api, template="back", data={"thing1": "Parcel 7"}, id="e1")
        assert (await api.get(first)).json()["why"] == "no consent"
        await harness.phone.accepts(CUSTOMER, TEMPLATE)
        await harness.quiet()
        second = await say(harness, api, template="back", data={"thing1": "Parcel 7"}, id="e2")
        assert await state(api, second) == "accepted"
        assert "notified the customer with a subscription message:\n\n> Parcel 7" in "".join(harness.notes)


async def test_a_refusal_that_our_count_did_not_see_holds_it(harness: PlatformHarness) -> None:
    async with serving(harness) as api:
        await harness.asks("hello")
        harness.phone.platform.allowances[CUSTOMER].left = 0
        address = await say(harness, api, text="Parcel 7", id="e1")
        assert await state(api, address) == "held"
        await harness.asks("hello?")
        assert harness.received() == ["Parcel 7"] and await state(api, address) == "accepted"


async def test_by_the_customer_id_that_was_proven(harness: PlatformHarness) -> None:
    async with serving(harness) as api:
        assert (await api.post("/api/context", json=about(profile={"customer_id": "42"}))).status_code == 202
        await harness.asks("hello")
        answer = await api.post("/api/messages", json={"account": "shop", "customer_id": "42", "text": "for you"})
        assert answer.status_code == 202 and answer.json()["conversation"] == CUSTOMER
        await harness.quiet()
        assert harness.received() == ["for you"]
