"""What is Chatwoot's own: signatures, keys, contacts, marks of delivery, labels, routes' fields, set-up."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from chatwoot import AsyncChatwootClient, ChatwootAuthError, ChatwootNotFoundError

from bridge.contract import (
    Audience,
    Author,
    AuthorKind,
    Contact,
    DeliveryState,
    Gone,
    Labels,
    Message,
    MessageReceived,
    Progress,
    Rejected,
    RenderContext,
    Request,
    Retried,
    Scope,
    Step,
    Target,
    Text,
    Throttled,
    Unauthentic,
    in_language,
)
from bridge.testing.clock import VirtualClock
from connectors.chatwoot import Chatwoot
from connectors.chatwoot.api import Api
from connectors.chatwoot.callback import address_key, read
from connectors.chatwoot.simulator import Simulator
from connectors.chatwoot.simulator.vendor import ADMIN, TOKEN

CUSTOMER = Contact(id="oCustomer_A", name="李华")


def said(text: str, number: str = "m1", **fields: Any) -> Message:
    author = Author(kind=AuthorKind.CUSTOMER, id=CUSTOMER.id, name=CUSTOMER.name)
    return Message(id=number, conversation="c", author=author, parts=(Text(body=text),), **fields)


def target(conversation: str | None, key: str = "key-1", **fields: Any) -> Target:
    return Target(key=key, link="link-1", conversation=conversation, contact=CUSTOMER, **fields)


def step(chatwoot: Chatwoot, message: Message, conversation: str | None = None) -> Step:
    (found,) = chatwoot.render([message], RenderContext(conversation=conversation, contact=CUSTOMER))
    return found


def callback(site: Simulator, body: bytes, headers: dict[str, str], *pairs: tuple[str, str]) -> Request:
    return Request("POST", "/hooks/desk", pairs, headers, body, "127.0.0.1", site.clock())


async def webhook(site: Simulator, text: str = "hello") -> bytes:
    place = site.open_conversation()
    await site.agent_says(place, text)
    conversation = site.books.conversation(int(place))
    return site.webhook("message_created", conversation, conversation.messages[-1])


async def test_signed_events_of_odd_types_are_no_fault_of_ours(chatwoot: Chatwoot, site: Simulator) -> None:
    event = json.loads(await webhook(site))
    for name in event:
        for odd in (None, True, -1, 10**30, 1.5, "\ud800", [], [["a"]], {}, {"a": {"b": []}}):
            body = json.dumps({**event, name: odd}).encode()
            chatwoot.verify(callback(site, body, site.signed(body)))


async def test_forgeries_are_refused_in_one_voice(site: Simulator, chatwoot: Chatwoot) -> None:
    body = await webhook(site)
    genuine = site.signed(body)
    assert chatwoot.verify(callback(site, body, genuine)).raws
    stamp = genuine["x-chatwoot-timestamp"]
    late = site.signed(body, stamp=int(stamp) - 301)
    over_body_alone = genuine | {"x-chatwoot-signature": genuine["x-chatwoot-signature"][:-2] + "00"}
    for forged in ({}, site.signed(body, secret="another secret"), late, over_body_alone):  # a forger's
        with pytest.raises(Unauthentic) as caught:
            chatwoot.verify(callback(site, body, forged))
        assert caught.value.message == "the callback does not prove where it comes from"


async def test_a_key_in_the_address_proves_older_versions(site: Simulator, chatwoot: Chatwoot) -> None:
    """Nothing is signed there: it only says where to look."""
    config = chatwoot.config.model_copy(update={"hook_secret": type(chatwoot.config.token)("")})
    old = Chatwoot(config, chatwoot.account)
    body = await webhook(site)
    result = old.verify(callback(site, body, {}, ("key", address_key(chatwoot.account))))
    assert result.raws == ()
    assert len(result.refresh) == 1
    for pairs in ((), (("key", "guessed"),), (("key", address_key(chatwoot.account)), ("key", "x"))):
        with pytest.raises(Unauthentic):
            old.verify(callback(site, body, {}, *pairs))


async def test_webhook_and_poll_meet_on_one_key(site: Simulator, chatwoot: Chatwoot) -> None:
    start = (await chatwoot.poll(None)).cursor
    body = await webhook(site, "one thing")
    (told,) = chatwoot.verify(callback(site, body, site.signed(body))).raws
    found = [raw for raw in (await chatwoot.poll(start)).raws if raw.key == told.key]
    assert len(found) == 1
    assert chatwoot.normalise(found[0]) == chatwoot.normalise(told)


async def test_what_no_webhook_told_is_found(site: Simulator, chatwoot: Chatwoot, clock: VirtualClock) -> None:
    place = site.open_conversation()
    await site.agent_says(place, "history")
    start = (await chatwoot.poll(None)).cursor
    clock.advance(600)
    for number in range(45):  # more than a page of messages
        await site.agent_says(place, f"missed {number}")
    page = await chatwoot.poll(start)
    texts = [
        event.message.parts[0].body
        for raw in page.raws
        for event in chatwoot.normalise(raw)
        if isinstance(event, MessageReceived)
    ]
    assert texts == [f"missed {number}" for number in range(45)]


@pytest.mark.parametrize("active", [2**31, float("inf"), 10**400, "later", None])
async def test_a_list_without_end_or_with_odd_times_ends(chatwoot: Chatwoot, monkeypatch: Any, active: Any) -> None:
    """Whatever a page says, so many are asked for, and the next round goes on."""
    asked = 0

    async def same(_self: Api, path: str, **_: Any) -> Any:
        nonlocal asked
        asked += 1
        row = {"id": 7, "last_activity_at": active, "created_at": active, "inbox_id": 1, "message_type": 0}
        return {"payload": [row]} if path.endswith("/messages") else {"data": {"payload": [row]}}

    monkeypatch.setattr(Api, "get", same)
    page = await chatwoot.poll("1:1")
    assert asked < 1000
    await chatwoot.poll(page.cursor)


async def test_the_first_message_makes_contact_and_conversation(site: Simulator, chatwoot: Chatwoot) -> None:
    first = step(chatwoot, said("hello"))
    where = target(None, fields={"group": "Support", "priority": "urgent", "tags": ["wechat"]})
    prepared = await chatwoot.prepare(first, where)
    receipt = await chatwoot.deliver(first, where.model_copy(update={"prepared": prepared}))
    (conversation,) = site.books.conversations.values()
    assert receipt.conversation == str(conversation.id)
    assert (conversation.team, conversation.priority, conversation.labels) == (7, "urgent", ["wechat"])
    (contact,) = site.books.contacts.values()
    assert contact["name"] == "李华"
    assert CUSTOMER.id not in str(contact["identifier"])
    assert [message.content for message in conversation.messages] == ["hello"]


async def test_fields_that_the_account_does_not_know_are_named(site: Simulator, chatwoot: Chatwoot) -> None:
    first = step(chatwoot, said("hello"))
    receipt = await chatwoot.deliver(first, target(None, fields={"group": "Nowhere", "priority": "odd"}))
    assert receipt.left_out == ("group Nowhere", "priority odd")
    assert receipt.conversation


async def test_what_doctor_asks_before_a_ticket_does(chatwoot: Chatwoot) -> None:
    named = {"group": "nowhere", "priority": "odd", "tags": ["vip", "typo"]}
    assert await chatwoot.unknown_fields(named) == ["group nowhere", "priority odd", "tag typo"]
    assert await chatwoot.unknown_fields({"group": "support", "priority": "high", "tags": ["VIP"]}) == []


@pytest.mark.parametrize(("there", "given"), [("online", 2), ("busy", None), ("offline", None)])
async def test_the_last_agent_gets_it_if_they_are_there(
    site: Simulator, chatwoot: Chatwoot, there: str, given: int | None
) -> None:
    site.books.agents = {2: there, 3: "online"}
    receipt = await chatwoot.deliver(step(chatwoot, said("hello")), target(None, fields={"last_agent": "2"}))
    assert site.books.conversation(int(receipt.conversation)).assignee == given


async def test_a_conversation_that_an_agent_begins_names_its_customer(site: Simulator, chatwoot: Chatwoot) -> None:
    """By the webhook and by the poll: a contact of ours is known by the number that a receipt named."""
    receipt = await chatwoot.deliver(step(chatwoot, said("hello")), target(None))
    place = site.open_conversation()
    site.books.conversation(int(place)).contact_id = int(receipt.peer)
    start = (await chatwoot.poll(None)).cursor
    site.clock.advance(5)  # type: ignore[attr-defined] # the test's own
    await site.agent_says(place, "Your parcel is back")
    conversation = site.books.conversation(int(place))
    body = site.webhook("message_created", conversation, conversation.messages[-1])
    (told,) = chatwoot.verify(callback(site, body, site.signed(body))).raws
    found = [raw for raw in (await chatwoot.poll(start)).raws if raw.key == told.key]
    for raw in (told, *found):
        (event,) = chatwoot.normalise(raw)
        assert isinstance(event, MessageReceived) and event.requester == receipt.peer
        assert event.message.author.kind is AuthorKind.AGENT
    assert len(found) == 1


async def test_a_conversation_whose_creation_was_lost_is_found_again(site: Simulator, chatwoot: Chatwoot) -> None:
    """The process died between the conversation and its first message."""
    first = step(chatwoot, said("hello"))
    prepared = await chatwoot.prepare(first, target(None))
    body = {
        "inbox_id": 17,
        "contact_id": int(prepared["contact"]),
        "source_id": prepared["place"],
        "additional_attributes": {"bridge_link": "link-1"},
    }
    await chatwoot._api.post("/conversations", body)
    assert await chatwoot.lookup(first, target(None)) is None
    await chatwoot.deliver(first, target(None, attempt=2, prepared=prepared))
    (conversation,) = site.books.conversations.values()
    assert [message.content for message in conversation.messages] == ["hello"]
    found = await chatwoot.lookup(first, target(None))
    assert found is not None
    assert found.conversation == str(conversation.id)


async def test_a_contact_that_exists_is_taken_as_it_is(site: Simulator, chatwoot: Chatwoot) -> None:
    first = step(chatwoot, said("hello"))
    await chatwoot.prepare(first, target(None))
    again = await chatwoot.prepare(first, target(None))
    assert len(site.books.contacts) == 1
    assert again["contact"] == str(next(iter(site.books.contacts)))


async def test_a_note_makes_no_conversation(chatwoot: Chatwoot, site: Simulator) -> None:
    note = said("for agents", audience=Audience.AGENTS)
    with pytest.raises(Rejected):
        await chatwoot.deliver(step(chatwoot, note), target(None))
    assert site.books.conversations == {}


async def test_how_far_an_answer_came_stands_on_it(site: Simulator, chatwoot: Chatwoot) -> None:
    place = site.open_conversation()
    number = await site.agent_says(place, "an answer")
    for state, reason, expected in (
        (DeliveryState.ACCEPTED, "", ("sent", "")),
        (DeliveryState.FAILED, "too long", ("failed", "too long")),
        (DeliveryState.DELIVERED, "", ("delivered", "")),
    ):
        bridge = Author(kind=AuthorKind.BRIDGE)
        mark = Message(
            id="p", conversation=place, author=bridge, audience=Audience.AGENTS,
            parts=(Progress(of=number, state=state, reason=reason),),
        )  # fmt: skip
        await chatwoot.deliver(step(chatwoot, mark, place), target(place))
        (answer,) = site.seen(place)
        assert (answer.status, answer.error) == expected


async def test_an_answer_that_waits_is_told_in_a_note(site: Simulator, chatwoot: Chatwoot) -> None:
    place = site.open_conversation()
    number = await site.agent_says(place, "an answer")
    mark = Message(
        id="p", conversation=place, author=Author(kind=AuthorKind.BRIDGE), audience=Audience.AGENTS,
        parts=(Progress(of=number, state=DeliveryState.HELD, reason="It waits for the customer."),),
    )  # fmt: skip
    await chatwoot.deliver(step(chatwoot, mark, place), target(place))
    assert [(seen.content, seen.private) for seen in site.seen(place)][1:] == [("It waits for the customer.", True)]


async def test_labels_of_others_stay(site: Simulator, chatwoot: Chatwoot) -> None:
    place = site.open_conversation()
    site.books.conversation(int(place)).labels = ["vip", "replies-3"]
    shown = chatwoot.labels(Labels(tags=("replies-2",), fields={"left": "2"}), RenderContext(conversation=place))
    assert shown is not None
    await chatwoot.deliver(shown, target(place))
    conversation = site.books.conversation(int(place))
    assert (conversation.labels, conversation.custom) == (["vip", "replies-2"], {"left": "2"})


async def test_a_flood_in_one_conversation_rests_that_one(site: Simulator, chatwoot: Chatwoot) -> None:
    site.site.flood = 2
    place = site.open_conversation()
    for number in range(2):
        await chatwoot.deliver(step(chatwoot, said(f"{number}"), place), target(place, key=f"k{number}"))
    with pytest.raises(Throttled) as caught:
        await chatwoot.deliver(step(chatwoot, said("3"), place), target(place, key="k3"))
    assert caught.value.scope is Scope.CONVERSATION


async def test_a_deleted_conversation_is_followed_by_a_new_one(site: Simulator, chatwoot: Chatwoot) -> None:
    place = site.open_conversation()
    site.books.conversations.clear()
    with pytest.raises(Gone):
        await chatwoot.deliver(step(chatwoot, said("hello"), place), target(place))


async def test_set_up_makes_a_quiet_inbox_that_calls_back(site: Simulator, chatwoot: Chatwoot) -> None:
    site.books.inboxes.clear()
    config = chatwoot.config.model_copy(update={"inbox_id": 0, "token": type(chatwoot.config.token)(ADMIN)})
    admin = Chatwoot(config, chatwoot.account)
    for change in await admin.plan():
        assert change.apply is not None
        assert "made inbox" in in_language(await change.apply(), "en")
    (inbox,) = site.books.inboxes.values()
    (entering,) = await admin.plan()
    assert entering.keys == {"inbox_id": inbox.id, "hook_secret": inbox.secret}
    assert f"inbox_id = {inbox.id}" in entering.text and inbox.secret not in repr(entering)
    assert inbox.webhook_url == f"{chatwoot.account.hook_url}?key={address_key(chatwoot.account)}"
    assert inbox.settings["greeting_enabled"] is False
    assert inbox.settings["csat_survey_enabled"] is False


async def test_an_agent_s_token_is_told_that_set_up_needs_another(site: Simulator, chatwoot: Chatwoot) -> None:
    site.books.inboxes.clear()
    (change,) = await chatwoot.plan()
    assert change.apply is None and "administrator" in change.text and "管理员" in change.zh


async def test_no_error_names_a_secret(site: Simulator, chatwoot: Chatwoot) -> None:
    site.site.tokens.clear()
    health = await chatwoot.check()
    assert not health.ok
    assert TOKEN not in repr(health)


async def test_a_client_that_nobody_here_wrote_can_use_it(site: Simulator) -> None:
    """chatwoot-sdk of PyPI finds the contact, opens a conversation, writes and reads, and is refused what we refuse."""
    place = site.open_conversation("Customer of another client")
    source = next(source for _, source in site.books.places)

    async with AsyncChatwootClient(base_url=site.base, api_token=ADMIN) as client:
        profile = await client.profile.get()
        assert profile.name == "admin"
        (contact,) = await client.contacts.search(1, "somebody")
        made = await client.conversations.create(1, source, 17, contact.id)
        assert made.status == "open"
        sent = await client.messages.create(1, made.id, "from the client", source_id="their-key")
        assert (sent.source_id, sent.content) == ("their-key", "from the client")
        assert [one.content for one in site.seen(str(made.id))] == ["from the client"]
        assert (await client.conversations.get(1, int(place))).id == int(place)
        with pytest.raises(ChatwootNotFoundError):
            await client.conversations.get(1, 999_999)
    async with AsyncChatwootClient(base_url=site.base, api_token="nobody's") as client:  # nobody's
        with pytest.raises(ChatwootAuthError):
            await client.profile.get()


@pytest.mark.parametrize(
    ("kind", "more", "retried"),
    [
        ("message_updated", {"status": "sent"}, True),
        ("message_updated", {"status": "failed"}, False),  # our own words come back
        ("message_updated", {"status": "delivered"}, False),
        ("message_updated", {}, False),  # nobody says how it is: better never than for ever
        ("message_updated", {"conversation": {"id": 5, "messages": [{"id": 7, "status": "sent"}]}}, True),
        ("message_created", {"created_at": "2026-01-05T08:00:00Z"}, True),
        ("message_created", {"created_at": "2026-01-05T08:59:55Z"}, False),  # the first time
        ("message_created", {}, False),
        ("message_created", {"created_at": "2026-01-05T08:00:00Z", "private": True}, False),
        ("message_created", {"created_at": "2026-01-05T08:00:00Z", "message_type": "incoming"}, False),
    ],
)
async def test_a_retry_is_told_from_everything_else(
    chatwoot: Chatwoot, clock: VirtualClock, kind: str, more: dict[str, object], retried: bool
) -> None:
    said = {"id": 7, "message_type": "outgoing", "private": False, "content": "x", "conversation": {"id": 5}}
    body = json.dumps({**said, "event": kind, **more}).encode()
    request = Request("POST", "/hooks/desk", (), {}, body, "198.51.100.7", datetime(2026, 1, 5, 9, tzinfo=UTC))
    raws = read(request, 0, signed=True, typing=lambda _conversation, _on: None).raws
    events = [event for raw in raws if ":again:" in raw.key for event in chatwoot.normalise(raw)]
    assert events == ([Retried(conversation="5", message="7")] if retried else [])


async def begun(site: Simulator, chatwoot: Chatwoot) -> tuple[str, str]:
    """A conversation of our customer's that was written on a moment ago, and its contact."""
    receipt = await chatwoot.deliver(step(chatwoot, said("hello")), target(None))
    number = receipt.conversation or ""
    mine = target(number, "key-2", peer=receipt.peer)
    prepared = await chatwoot.prepare(step(chatwoot, said("more"), number), mine)
    await chatwoot.deliver(step(chatwoot, said("more"), number), mine.model_copy(update={"prepared": prepared}))
    return number, receipt.peer


@pytest.mark.parametrize("marked", [True, False])
async def test_a_conversation_that_went_to_another_contact_is_noticed_at_the_next_write(
    site: Simulator, chatwoot: Chatwoot, marked: bool
) -> None:
    number, peer = await begun(site, chatwoot)
    site.gives(number, marked=marked)
    mine = target(number, "key-3", peer=peer)
    with pytest.raises(Gone):
        await chatwoot.prepare(step(chatwoot, said("for my eyes"), number), mine)


async def test_an_answer_to_another_contact_is_told_as_theirs(site: Simulator, chatwoot: Chatwoot) -> None:
    """The callback only points there: whose it is has to be asked for."""
    number, peer = await begun(site, chatwoot)
    site.gives(number, marked=True)
    await site.agent_says(number, "for somebody else")
    conversation = site.books.show(site.books.conversation(int(number)))
    body = json.dumps({"event": "message_created", "id": 7, "conversation": conversation}).encode()
    request = Request("POST", "/hooks/desk", (), {}, body, "198.51.100.7", datetime(2026, 1, 5, 9, tzinfo=UTC))
    told = read(request, 0, signed=True, typing=lambda _conversation, _on: None)
    assert told.raws == () and told.refresh == (number,)
    raws = (await chatwoot.poll(None, number)).raws
    events = [event for raw in raws for event in chatwoot.normalise(raw) if isinstance(event, MessageReceived)]
    assert events and all(event.owners and peer not in event.owners for event in events)


async def test_a_contact_that_was_merged_is_still_our_customer(site: Simulator, chatwoot: Chatwoot) -> None:
    number, peer = await begun(site, chatwoot)
    winner = site.books.number()
    site.books.contacts[winner] = {"name": "the same person"}
    site.merges_contacts(int(peer), winner)
    await site.agent_says(number, "an answer")
    raws = (await chatwoot.poll(None, number)).raws
    events = [event for raw in raws for event in chatwoot.normalise(raw) if isinstance(event, MessageReceived)]
    assert events and not any(event.owners for event in events)
    prepared = await chatwoot.prepare(step(chatwoot, said("more"), number), target(number, "key-3", peer=peer))
    assert prepared == {"owner": str(winner)}
