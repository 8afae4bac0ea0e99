"""What is found, by a nudge and by the poll, and what it costs."""

import pytest

from bridge.contract import (
    Change,
    Image,
    Malformed,
    Media,
    MessageChanged,
    MessageReceived,
    Raw,
    Rejected,
    Request,
    Status,
    StatusChanged,
    Throttled,
    in_language,
)
from bridge.testing.faults import Trouble
from connectors.freshdesk.simulator.state import Agent


@pytest.fixture
async def cursor(bench):
    _, cursor = await bench.poll(None)
    bench.clock.advance(minutes=1)
    return cursor


async def test_a_lost_callback_is_made_good_by_the_poll(bench, cursor):
    bench.desk.silent = True
    opened = await bench.open()
    bench.clock.advance(minutes=1)
    await bench.desk.agent_replies(opened.conversation, "<p>first</p>")
    await bench.desk.agent_notes(opened.conversation, "<p>second</p>", public=True)
    await bench.desk.agent_notes(opened.conversation, "<p>secret</p>")
    bench.clock.advance(minutes=1)
    raws, _ = await bench.poll(cursor)
    assert bench.heard(raws) == ["<p>first</p>", "<p>second</p>"]
    nudged = (await bench.connector.poll(None, opened.conversation)).raws
    assert {raw.key for raw in nudged} == {raw.key for raw in raws}


async def test_replies_are_found_while_the_process_was_away(bench, cursor):
    opened = await bench.open()
    await bench.poll(cursor)
    bench.clock.advance(hours=5)
    await bench.desk.agent_replies(opened.conversation, "<p>in the night</p>")
    bench.clock.advance(hours=5)
    raws, _ = await bench.poll(cursor, bench.configured())
    assert bench.heard(raws) == ["<p>in the night</p>"]


async def test_our_own_writes_never_come_back_as_an_agents(bench, cursor):
    opened = await bench.open()
    await bench.say(opened.conversation, "more", peer=opened.peer)
    step = bench.step(bench.message("Not delivered", private=True), conversation=opened.conversation)
    await bench.send(step, bench.target(opened.conversation))
    raws, _ = await bench.poll(cursor)
    kinds = [event.message.author.kind.value for event in bench.events(raws) if isinstance(event, MessageReceived)]
    assert kinds == ["customer", "bridge"]


async def test_what_is_kept_holds_no_address_of_a_file(bench, cursor):
    opened = await bench.open()
    await bench.desk.agent_replies(opened.conversation, "see", [("a.png", "image/png", b"\x89PNG")])
    raws, _ = await bench.poll(cursor)
    assert raws
    assert not [raw for raw in raws if b"Signature" in raw.payload]


async def test_the_life_of_a_ticket_is_told(bench, cursor):
    opened = await bench.open()
    seen = []
    for status in (4, 2, 5, 6, 3):
        bench.clock.advance(minutes=1)
        await bench.desk.set_status(opened.conversation, status)
        raws = (await bench.connector.poll(None, opened.conversation)).raws
        (event,) = [event for event in bench.events(raws) if isinstance(event, StatusChanged)]
        seen.append(event.status)
        assert raws[-1].key.startswith(f"ticket:{opened.conversation}:status:{status}:2026-01-05T09:")
    # a closed ticket can be opened again here, so for the engine it is solved
    assert seen == [Status.SOLVED, Status.OPEN, Status.SOLVED, Status.OPEN, Status.OPEN]


async def test_a_trashed_ticket_is_closed_for_good(bench):
    opened = await bench.open()
    bench.desk.trash(opened.conversation, spam=True)
    raws = (await bench.connector.poll(None, opened.conversation)).raws
    assert [one.status for one in bench.events(raws) if isinstance(one, StatusChanged)] == [Status.CLOSED]


async def test_tickets_of_others_are_not_read(bench, cursor):
    foreign = bench.desk.open_ticket(tag="")
    await bench.desk.agent_replies(foreign, "for somebody else")
    raws, _ = await bench.poll(cursor)
    assert raws == []
    assert not (await bench.connector.poll(None, foreign)).raws
    assert not (await bench.connector.poll(None, "999999")).raws
    assert f"GET /api/v2/tickets/{foreign}/conversations" not in bench.desk.site.asked


async def test_a_ticket_whose_tags_were_taken_stays_ours(bench, cursor):
    opened = await bench.open()
    bench.row(opened.conversation).tags = []
    await bench.desk.agent_replies(opened.conversation, "<p>still here</p>")
    raws, _ = await bench.poll(cursor, bench.configured())
    assert bench.heard(raws) == ["<p>still here</p>"]


@pytest.mark.parametrize("private", [True, False])
async def test_a_merge_is_followed_from_that_moment_on(bench, cursor, private):
    """What agents wrote before on the other ticket, perhaps by mail, is not the chat's."""
    bench.desk.site.merge_note_is_private = private
    opened = await bench.open()
    row = bench.desk.state.add_ticket(int(opened.peer), "by mail", "<p>old mail</p>")
    primary = str(row.id)
    await bench.desk.agent_replies(primary, "<p>answer by mail</p>")
    bench.clock.advance(hours=2)
    await bench.desk.merge(opened.conversation, primary)
    raws, cursor = await bench.poll(cursor)
    assert StatusChanged(conversation=opened.conversation, status=Status.CLOSED, moved_to=primary) in bench.events(raws)
    assert bench.heard(raws) == []
    bench.clock.advance(minutes=1)
    await bench.desk.agent_replies(primary, "<p>for the chat</p>")
    raws, cursor = await bench.poll(cursor)
    assert bench.heard(raws) == ["<p>for the chat</p>"]
    assert bench.heard((await bench.connector.poll(None, primary)).raws) == ["<p>for the chat</p>"]


async def test_a_merge_into_a_strangers_ticket_ends_the_ticket(bench, cursor):
    opened = await bench.open()
    await bench.desk.merge(opened.conversation, bench.desk.open_ticket(tag=""))
    raws, _ = await bench.poll(cursor)
    events = [event for event in bench.events(raws) if isinstance(event, StatusChanged)]
    assert events == [StatusChanged(conversation=opened.conversation, status=Status.CLOSED)]


async def test_edits_and_deletions_are_told(bench, cursor):
    opened = await bench.open()
    said = await bench.desk.agent_notes(opened.conversation, "<p>wrong</p>", public=True)
    hidden = await bench.desk.agent_notes(opened.conversation, "<p>internal</p>")
    _, cursor = await bench.poll(cursor)
    bench.clock.advance(minutes=3)
    await bench.desk.edit(opened.conversation, said, "<p>right</p>")
    await bench.desk.edit(opened.conversation, hidden, "<p>still internal</p>")
    raws, cursor = await bench.poll(cursor)
    edited = MessageChanged(conversation=opened.conversation, message=said, change=Change.EDITED)
    assert [event for event in bench.events(raws) if isinstance(event, MessageChanged)] == [edited]
    bench.clock.advance(minutes=3)
    await bench.desk.delete_note(opened.conversation, said)
    await bench.desk.delete_note(opened.conversation, hidden)
    raws, cursor = await bench.poll(cursor)
    deleted = MessageChanged(conversation=opened.conversation, message=said, change=Change.DELETED)
    assert [event for event in bench.events(raws) if isinstance(event, MessageChanged)] == [deleted]


async def test_a_reply_behind_deleted_notes_is_found(bench, cursor):
    opened = await bench.open()
    row = bench.row(opened.conversation)
    for number in range(101):
        bench.desk.state.say(row, f"<p>{number}</p>", user=row.requester, source=2, incoming=True)
    _, cursor = await bench.poll(cursor)
    for said in row.conversations[:2]:
        bench.desk.site.unsay(row, said)
    bench.clock.advance(minutes=1)
    await bench.desk.agent_replies(opened.conversation, "<p>here</p>")
    raws, _ = await bench.poll(cursor)
    assert bench.heard(raws) == ["<p>here</p>"]


# Paging and budget


@pytest.fixture
def small_pages(monkeypatch):
    """Pages of 10 instead of 100, so that several of them take no time."""
    monkeypatch.setattr("connectors.freshdesk.api.PAGE", 10)
    monkeypatch.setattr("connectors.freshdesk.polling.PAGE", 10)


@pytest.mark.usefixtures("small_pages")
async def test_more_tickets_than_a_page_are_all_found(bench, cursor):
    tickets = [bench.desk.open_ticket() for _ in range(33)]
    for number, ticket in enumerate(tickets):
        if number % 7 == 0:
            bench.clock.advance(seconds=1)
        bench.desk.site.reply(bench.row(ticket), bench.desk.colleague, {"body": f"<p>{ticket}</p>"}, [])
    raws, _ = await bench.poll(cursor)
    assert sorted(set(bench.heard(raws))) == sorted(f"<p>{ticket}</p>" for ticket in tickets)


@pytest.mark.usefixtures("small_pages")
async def test_more_than_a_page_within_one_second_is_all_found(bench, cursor):
    """A bulk update gives hundreds of tickets the same `updated_at`."""
    tickets = [bench.desk.open_ticket() for _ in range(35)]
    for ticket in tickets:
        bench.desk.site.reply(bench.row(ticket), bench.desk.colleague, {"body": f"<p>{ticket}</p>"}, [])
    raws, _ = await bench.poll(cursor)
    assert set(bench.heard(raws)) == {f"<p>{ticket}</p>" for ticket in tickets}


async def test_a_quiet_account_costs_one_call_a_round(bench, cursor):
    opened = await bench.open()
    await bench.desk.agent_replies(opened.conversation, "<p>hi</p>")
    bench.clock.advance(minutes=1)
    raws, cursor = await bench.poll(cursor)
    assert raws
    raws, cursor = await bench.poll(cursor)
    before = len(bench.desk.site.asked)
    for _ in range(3):
        bench.clock.advance(minutes=1)
        raws, cursor = await bench.poll(cursor)
        assert raws == []
    assert bench.desk.site.asked[before:] == ["GET /api/v2/tickets"] * 3


async def test_what_was_not_kept_is_read_again(bench, cursor):
    """The store was down: the same cursor comes again, and so does everything."""
    opened = await bench.open()
    await bench.desk.agent_replies(opened.conversation, "<p>hi</p>")
    bench.clock.advance(minutes=1)
    first = await bench.connector.poll(cursor)
    second = await bench.connector.poll(cursor)
    assert bench.heard(first.raws) == bench.heard(second.raws) == ["<p>hi</p>"]
    third = await bench.connector.poll(second.cursor)
    again = await bench.connector.poll(second.cursor)
    assert third.cursor == again.cursor


async def test_two_answers_within_one_second_are_both_found(bench, cursor):
    opened = await bench.open()
    await bench.desk.agent_replies(opened.conversation, "<p>one</p>")
    first, cursor = await bench.poll(cursor)
    await bench.desk.agent_replies(opened.conversation, "<p>two</p>")
    second, cursor = await bench.poll(cursor)
    assert bench.heard(first) == ["<p>one</p>"]
    assert "<p>two</p>" in bench.heard(second)


async def test_a_vendor_whose_clock_stands_still_is_read_all_the_same(bench, cursor):
    opened = await bench.open()
    frozen = bench.clock()
    bench.desk.state.clock = lambda: frozen
    bench.clock.advance(days=3)
    heard = []
    for number in range(12):
        if number in {0, 3}:
            await bench.desk.agent_replies(opened.conversation, f"<p>{number}</p>")
        raws, cursor = await bench.poll(cursor)
        heard += bench.heard(raws)
    assert set(heard) == {"<p>0</p>", "<p>3</p>"}


async def test_reading_leaves_a_fifth_of_the_minute_to_writing(bench, cursor):
    bench.desk.site.plan = "growth"
    tickets = [bench.desk.open_ticket() for _ in range(50)]
    for ticket in tickets:
        bench.desk.site.reply(bench.row(ticket), bench.desk.colleague, {"body": f"<p>{ticket}</p>"}, [])
        bench.clock.advance(milliseconds=100)
    for _ in range(125):
        bench.desk.site.draw()
    heard: set[str] = set()
    rounds = 0
    while len(heard) < len(tickets):
        rounds += 1
        assert rounds < 10, "the reading does not come to an end"
        before = len(bench.desk.site.asked)
        raws, cursor = await bench.poll(cursor)
        heard |= set(bench.heard(raws))
        assert len(bench.desk.site.asked) - before <= (40 if rounds == 1 else 160)
        bench.clock.advance(minutes=1)
    assert rounds > 1, "the first round had to stop early"


async def test_reading_waits_when_the_minute_is_nearly_used_up(bench, cursor):
    bench.desk.site.plan = "growth"
    ticket = bench.desk.open_ticket()
    await bench.desk.agent_replies(ticket, "<p>hi</p>")
    for _ in range(170):
        bench.desk.site.draw()
    with pytest.raises(Throttled) as caught:
        await bench.connector.poll(cursor)
    assert 0 < caught.value.retry_after <= 60
    bench.clock.advance(seconds=caught.value.retry_after)
    assert bench.heard((await bench.connector.poll(cursor)).raws) == ["<p>hi</p>"]


async def test_429_says_when_reading_may_go_on(bench, cursor):
    bench.desk.site.plan = "trial"
    for _ in range(50):
        bench.desk.site.draw()
    with pytest.raises(Throttled) as caught:
        await bench.connector.poll(cursor)
    assert 0 < caught.value.retry_after <= 60


async def test_a_position_of_another_connector_is_named(bench):
    with pytest.raises(Malformed, match="position"):
        await bench.connector.poll("17")


# Callbacks as the vendor makes them


async def test_the_vendors_own_callback_is_a_nudge(bench):
    requests = []
    bench.desk.site.rules.install(
        "rule",
        "http://127.0.0.1:9/hooks/desk2",
        bench.desk.hook_secret,
        events=["reply_sent"],
        performer=1,
        tag="bridge",
    )
    bench.desk.site.rules._send = lambda call, now: _took(requests, call)
    opened = await bench.open()
    await bench.desk.agent_replies(opened.conversation, "<p>hi</p>")
    (call,) = requests
    headers = {name.lower(): value for name, value in call.headers.items()}
    result = await bench.connector.verify(Request("POST", "/", (), headers, call.body, "", bench.clock()))
    assert result.refresh == (opened.conversation,)


async def _took(requests, call):
    requests.append(call)


# Files


async def test_a_files_address_is_read_anew_and_asked_without_credentials(bench):
    opened = await bench.open()
    said = await bench.desk.agent_replies(opened.conversation, "see", [("a.png", "image/png", b"\x89PNG 1")])
    (part,) = [
        part
        for event in bench.events((await bench.connector.poll(None, opened.conversation)).raws)
        if isinstance(event, MessageReceived)
        for part in event.message.parts
        if isinstance(part, Image)
    ]
    bench.clock.advance(days=2)
    fetched = b"".join([chunk async for chunk in bench.connector.fetch(part.media, 1000)])
    assert fetched == b"\x89PNG 1"
    assert all("authorization" not in headers for headers in bench.desk.storage.asked)
    assert part.media.id.startswith(f"{opened.conversation}:{said}:")


@pytest.mark.parametrize("needs_login", [True, False])
async def test_a_picture_inside_an_answer_is_fetched(bench, needs_login):
    bench.desk.site.inline_needs_login = needs_login
    opened = await bench.open()
    source = bench.desk.put_inline(b"\x89PNG inline", "image/png")
    said = await bench.desk.agent_replies(opened.conversation, f'like <img src="{bench.desk.origin}{source}">')
    media = Media(account="desk2", id=f"{opened.conversation}:{said}:inline-0")
    assert b"".join([chunk async for chunk in bench.connector.fetch(media, 1000)]) == b"\x89PNG inline"


@pytest.mark.parametrize("place", ["{}:9999:1", "{}:{}:1", "{}:{}:inline-0", "99999:1:1", "x", ""])
async def test_a_file_that_is_not_there_ends(bench, place):
    opened = await bench.open()
    said = await bench.desk.agent_replies(opened.conversation, "nothing here")
    media = Media(account="desk2", id=place.format(opened.conversation, said))
    with pytest.raises(Rejected):
        [chunk async for chunk in bench.connector.fetch(media, 1000)]


# check


async def test_check_tells_what_the_account_grants(bench):
    bench.desk.site.plan = "growth"
    bench.desk.bridge.scope = 2
    health = await bench.connector.check()
    assert health.ok
    assert {key: in_language(said, "en") for key, said in health.facts.items()} == {
        "agent": str(bench.desk.bridge.id),
        "sees": "the tickets of its groups only",
        "calls per minute": "200",
        "callbacks": "accepted",
    }


@pytest.mark.parametrize("code", ["account_suspended", "require_feature", "password_lockout", "password_expired"])
async def test_check_names_the_trouble_and_recovers(bench, code):
    bench.desk.site.suspended = code
    health = await bench.connector.check()
    assert code in health.problems[0].what
    bench.desk.site.suspended = ""
    assert (await bench.connector.check()).ok


async def test_check_survives_a_page_of_html(bench):
    bench.desk.faults.add(Trouble.STATUS, "GET .*/agents/me", status=404, body=b"<html>no such account</html>")
    health = await bench.connector.check()
    assert "domain" in health.problems[0].remedy


async def test_check_works_for_an_agent_who_may_not_see_fields(bench):
    bench.desk.state.agents[1] = Agent(1, "Another", "another@acme.example", "another-key-of-one")
    assert (await bench.configured(api_key="another-key-of-one").check()).ok
    bench.desk.faults.add(Trouble.STATUS, "GET .*/ticket_fields", status=403, body=b'{"code":"access_denied"}')
    assert (await bench.connector.check()).ok


async def test_a_raw_is_the_same_for_everybody(bench):
    raw = Raw("conversation:1", b'{"ticket":{"id":1},"conversation":{"id":"1","source":0,"body":"x","user_id":"5"}}')
    (event,) = bench.connector.normalise(raw)
    assert event == bench.configured().normalise(raw._replace())[0]
    assert event.message.audience.value == "agents", "what is not plainly public is private"
