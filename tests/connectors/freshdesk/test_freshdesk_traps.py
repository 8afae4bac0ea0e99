"""Traps that users of Freshdesk report, one test each, with where they were reported."""

import json

import pytest

from bridge.contract import Format, MessageReceived, Raw, Text, to_plain
from connectors.freshdesk.api import LAST_PAGE
from connectors.freshdesk.inbound import normalise, ticket_in
from connectors.freshdesk.marks import external_id
from connectors.freshdesk.simulator.site import PLANS


@pytest.fixture
async def cursor(bench):
    _, cursor = await bench.poll(None)
    return cursor


async def test_lists_end_at_the_300th_page(bench, cursor, monkeypatch):
    """https://github.com/airbytehq/airbyte/issues/3858"""
    monkeypatch.setattr("connectors.freshdesk.api.PAGE", 1)
    monkeypatch.setattr("connectors.freshdesk.polling.PAGE", 1)
    monkeypatch.setattr("connectors.freshdesk.polling.LAST_PAGE", 3)
    for _ in range(5):
        bench.desk.open_ticket()
    _, end = await bench.poll(cursor)
    assert end > cursor
    pages = [int(line.split("page=")[1].split("&")[0]) for line in bench.desk.site.queries if "page=" in line]
    assert max(pages) <= 3
    assert LAST_PAGE == 300


async def test_a_ticket_older_than_30_days_is_found(bench, cursor):
    """https://github.com/airbytehq/airbyte/issues/6133"""
    opened = await bench.open()
    bench.clock.advance(days=45)
    await bench.desk.agent_replies(opened.conversation, "<p>late</p>")
    assert bench.heard((await bench.poll(cursor))[0]) == ["<p>late</p>"]


async def test_external_ids_are_text_and_may_be_missing(bench):
    """https://github.com/airbytehq/airbyte/issues/5871"""
    receipt = await bench.open(contact={"id": "12345"})
    stored = bench.desk.state.contacts[int(receipt.peer)].fields["unique_external_id"]
    assert stored == external_id("desk2", "12345") == "bridge-desk2-3132333435"
    del bench.desk.state.contacts[int(receipt.peer)].fields["unique_external_id"]
    assert (await bench.say(receipt.conversation, "more", peer=receipt.peer)).ids


async def test_one_person_is_one_contact(bench):
    """https://github.com/mpclarkson/freshdesk-php-sdk/issues/36"""
    receipts = [await bench.open(text) for text in ("one", "two", "three")]
    assert len({receipt.peer for receipt in receipts}) == 1
    assert len(bench.desk.state.contacts) == 1


async def test_storage_never_sees_our_key(bench):
    """https://github.com/Aaronontheweb/freshdesk-cli/issues/122"""
    opened = await bench.open()
    await bench.desk.agent_replies(opened.conversation, "see", [("a.pdf", "application/pdf", b"%PDF")])
    (event,) = [
        event
        for event in bench.events((await bench.connector.poll(None, opened.conversation)).raws)
        if isinstance(event, MessageReceived)
    ]
    assert b"".join([chunk async for chunk in bench.connector.fetch(event.message.parts[1].media, 10)]) == b"%PDF"
    assert [headers.get("authorization") for headers in bench.desk.storage.asked] == [None]


@pytest.mark.parametrize(
    "triggered", ["{note_type:public}", "{status:{from:4,to:6}}", '{"a":"b"}', "{reply_sent:sent}"]
)
def test_triggered_event_is_not_json(triggered):
    """zulip: zerver/webhooks/freshdesk/view.py"""
    assert ticket_in(f'{{"ticket_id":"71","triggered_event":"{triggered}"}}'.encode()) == "71"


async def test_the_first_message_is_neither_lost_nor_doubled(bench, cursor):
    """https://github.com/chatwoot/chatwoot/issues/15261"""
    opened = await bench.open("only once")
    raws, _ = await bench.poll(cursor)
    assert [event for event in bench.events(raws) if isinstance(event, MessageReceived)] == []
    assert sum("only once" in seen.text for seen in bench.desk.ticket(opened.conversation)) == 1


@pytest.mark.parametrize("source", [1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15, 101, None, "0", True])
def test_sources_that_are_no_answers_stay_on_the_desk(source):
    """https://github.com/chatwoot/chatwoot/issues/15261"""
    item = {"id": 1, "source": source, "private": False, "incoming": False, "user_id": 5, "body": "x"}
    raw = Raw("conversation:1", json.dumps({"ticket": {"id": 71}, "conversation": item}).encode())
    assert list(normalise(raw, "desk2")) == []


async def test_queries_use_only_what_lists_know(bench, cursor):
    """https://github.com/effytech/freshdesk_mcp/issues/46; the simulator refuses the rest."""
    opened = await bench.open()
    await bench.poll(cursor)
    step, target = bench.step(bench.message("x"), conversation=opened.conversation), bench.target(opened.conversation)
    assert await bench.connector.lookup(step, target) is None
    assert (await bench.connector.check()).ok
    assert bench.desk.site.refused == []


async def test_conversations_of_all_kinds_are_told_apart(bench, cursor):
    """https://github.com/withcoral/coral/issues/589"""
    opened = await bench.open()
    state, row = bench.desk.state, bench.row(opened.conversation)
    agent = bench.desk.colleague.id
    state.say(row, "<p>reply</p>", user=agent, source=0)
    state.say(row, "<p>public note</p>", user=agent, source=2)
    state.say(row, "<p>private</p>", user=agent, source=2, private=True)
    state.say(row, "<p>incoming</p>", user=row.requester, source=0, incoming=True)
    state.say(row, "<p>as the requester</p>", user=row.requester, source=2)
    state.say(row, "<p>survey</p>", user=row.requester, source=6)
    state.say(row, "<p>forwarded</p>", user=agent, source=8)
    state.say(row, "<p>by a rule</p>", user=None, source=2)
    assert bench.heard((await bench.poll(cursor))[0]) == ["<p>reply</p>", "<p>public note</p>"]


async def test_no_addresses_and_no_mails_are_made_up(bench):
    """https://github.com/botpress/botpress/pull/15199"""
    opened = await bench.open(contact={"id": "x", "name": "Customer A", "email": "customer.a@acme.example"})
    await bench.say(opened.conversation, "more", peer=opened.peer)
    sent = [body for body in bench.desk.site.bodies if body]
    assert sent
    assert not any(word in body for body in sent for word in ("cc_emails", "notify_emails", "@acme.example"))
    assert not any(line.endswith("/reply") for line in bench.desk.site.asked)


async def test_callbacks_draw_on_the_same_budget(bench):
    """https://support.freshdesk.com/support/solutions/articles/225431"""
    bench.desk.hook_url = "http://127.0.0.1:9/hooks/desk2"
    bench.desk.site.plan = "trial"
    for _ in range(PLANS["trial"]["total"]):
        bench.desk.site.draw()
    ticket = bench.desk.open_ticket()
    await bench.desk.agent_replies(ticket, "hi")
    assert bench.desk.site.rules.answers == [], "it is held back, not made"
    bench.clock.advance(minutes=1)
    await bench.desk.settle()
    assert bench.desk.site.rules.answers == [0]


async def test_callbacks_are_repeated_three_times_and_then_given_up(bench):
    """https://supportsandbox.freshdesk.com/support/solutions/articles/11000000028141"""
    bench.desk.hook_url = "http://127.0.0.1:9/hooks/desk2"
    await bench.desk.agent_replies(bench.desk.open_ticket(), "hi")
    calls = []
    for minutes in (4, 1, 29, 1, 59, 1, 600):
        bench.clock.advance(minutes=minutes)
        await bench.desk.settle()
        calls.append(len(bench.desk.site.rules.answers))
    assert calls == [1, 2, 2, 3, 3, 4, 4]
    assert len(bench.desk.site.rules.mails) == 1


async def test_since_means_changed_since(bench, cursor):
    """https://github.com/freshdesk/fresh-samples/issues/8"""
    opened = await bench.open()
    await bench.desk.agent_replies(opened.conversation, "<p>old</p>")
    bench.clock.advance(days=2)
    bench.desk.open_ticket("of another day", tag="")
    _, cursor = await bench.poll(cursor)
    bench.clock.advance(days=2)
    await bench.desk.agent_replies(opened.conversation, "<p>new</p>")
    assert bench.heard((await bench.poll(cursor, bench.configured()))[0]) == ["<p>new</p>"]


async def test_notes_are_private_unless_they_say_otherwise(bench):
    """https://github.com/PipedreamHQ/pipedream/pull/17598"""
    opened = await bench.open()
    await bench.say(opened.conversation, "for all", peer=opened.peer)
    remark = bench.step(bench.message("for agents", private=True), conversation=opened.conversation)
    await bench.send(remark, bench.target(opened.conversation))
    assert [said.private for said in bench.row(opened.conversation).conversations] == [False, True]
    assert all('"private"' in body for body in bench.desk.site.bodies if '"body"' in body)


async def test_the_search_index_is_never_asked(bench, cursor):
    """https://docs.aws.amazon.com/glue/latest/dg/freshdesk-connector-limitations.html"""
    step, target = bench.step(bench.message("hello")), bench.target()
    opened = await bench.send(step, target)
    assert (await bench.connector.lookup(step, target)).conversation == opened.conversation
    await bench.poll(cursor)
    assert not any("/search/" in line for line in bench.desk.site.asked)


async def test_several_callbacks_for_one_answer_are_one_answer(bench, cursor):
    """https://crmcurator.com/articles/freshworks/freshdesk-ticket-automation/"""
    opened = await bench.open()
    await bench.desk.agent_replies(opened.conversation, "<p>once</p>")
    looks = [(await bench.connector.poll(None, opened.conversation)).raws for _ in range(3)]
    raws = [raw for look in looks for raw in look] + (await bench.poll(cursor))[0]
    kept = {raw.key: raw for raw in raws}
    assert bench.heard(tuple(kept.values())) == ["<p>once</p>"]


async def test_what_a_customer_types_is_not_run_by_anybody(bench):
    """A placeholder or a script is shown as it was typed."""
    typed = "{{ticket.id}} {{ticket.requester.email}} <script>alert(1)</script> <img src=x onerror=y> &amp; \\n"
    opened = await bench.open(typed)
    await bench.say(opened.conversation, typed, peer=opened.peer)
    assert all(seen.text.startswith(typed) for seen in bench.desk.ticket(opened.conversation))
    assert "<script" not in bench.row(opened.conversation).description


async def test_an_agents_links_and_lists_stay_readable(bench, cursor):
    opened = await bench.open()
    html = '<p>See <a href="https://acme.example/a?b=1&amp;c=2">the page</a></p><ol><li>one</li><li>two</li></ol>'
    await bench.desk.agent_replies(opened.conversation, html)
    (event,) = [event for event in bench.events((await bench.poll(cursor))[0]) if isinstance(event, MessageReceived)]
    (part,) = event.message.parts
    assert isinstance(part, Text)
    assert to_plain(part.body, Format.HTML) == "See the page (https://acme.example/a?b=1&c=2)\n\n1. one\n2. two"
