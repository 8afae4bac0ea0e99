"""What agents do, as the bridge reads it: nudges, polls, and what must never leave."""

import json
from itertools import pairwise
from typing import Any

import pytest
from zendesk_rig import answers, events, say

from bridge.contract import (
    Audience,
    AuthorKind,
    Change,
    File,
    Image,
    MessageChanged,
    MessageReceived,
    Page,
    Status,
    StatusChanged,
    Text,
    Throttled,
    Unsupported,
)
from bridge.testing.clock import VirtualClock
from bridge.testing.faults import Trouble
from connectors.zendesk import Zendesk
from connectors.zendesk.simulator import Simulator

PDF = b"%PDF-1.7 x"


async def look(zendesk: Zendesk, ticket: str) -> Page:
    return await zendesk.poll(None, ticket)


async def poll(zendesk: Zendesk, cursor: str | None) -> tuple[Page, str]:
    """All pages of one round as one."""
    raws: list[Any] = []
    for _ in range(30):
        page = await zendesk.poll(cursor)
        raws += page.raws
        assert page.cursor is not None
        cursor = page.cursor
        if not page.more:
            return Page(raws, cursor), cursor
    raise AssertionError("the round does not end")


def words(zendesk: Zendesk, page: Page) -> list[str]:
    return [part.body for message in answers(zendesk, page) for part in message.parts if isinstance(part, Text)]


async def test_an_answer_is_read_with_its_files(zendesk: Zendesk, vendor: Simulator) -> None:
    ticket = vendor.open_ticket()
    files = [("a.png", "image/png", b"\x89PNG"), ("b.pdf", "application/pdf", PDF)]
    comment = await vendor.agent_says(ticket, "<p>see <a href='https://acme.example/a'>this</a></p>", files=files)
    (message,) = answers(zendesk, await look(zendesk, ticket))
    assert (message.id, message.conversation, message.author.name) == (comment, ticket, "Agent")
    text, image, file = message.parts
    assert isinstance(text, Text) and "https://acme.example/a" in text.body
    assert isinstance(image, Image) and isinstance(file, File)
    assert (file.media.name, file.media.mime, file.media.size) == ("b.pdf", "application/pdf", len(PDF))


async def test_private_notes_are_for_agents(zendesk: Zendesk, vendor: Simulator) -> None:
    ticket = vendor.open_ticket()
    await vendor.agent_says(ticket, "<p>#retry</p>", public=False)
    page = await look(zendesk, ticket)
    assert answers(zendesk, page) == []
    (found,) = [
        e.message
        for e in events(zendesk, page)
        if isinstance(e, MessageReceived) and e.message.author.kind is AuthorKind.AGENT
    ]
    assert found.audience is Audience.AGENTS


async def test_trap_10_our_own_writes_are_known(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    await say(zendesk, "again", ticket=first.conversation, key="key-2")
    found = [
        e.message for e in events(zendesk, await look(zendesk, first.conversation)) if isinstance(e, MessageReceived)
    ]
    assert [(message.origin, message.author.kind) for message in found] == [
        ("key-1", AuthorKind.BRIDGE),
        ("key-2", AuthorKind.BRIDGE),
    ]


async def test_trap_10_even_where_comments_do_not_show_metadata(zendesk: Zendesk, vendor: Simulator) -> None:
    vendor.views.shows_comment_metadata = False
    (first,) = await say(zendesk, "hello")
    (event,) = events(zendesk, await look(zendesk, first.conversation))
    assert isinstance(event, MessageReceived) and event.message.origin == "key-1"


async def test_answers_through_other_tools_are_answers(zendesk: Zendesk, vendor: Simulator) -> None:
    """An AI draft or a CRM panel writes by the API; dropping `via api` would drop them."""
    ticket = vendor.open_ticket()
    found = vendor.state.tickets[int(ticket)]
    vendor.tickets.update(found, {"comment": {"body": "by a tool", "public": True}}, vendor.state.agent)
    (message,) = answers(zendesk, await look(zendesk, ticket))
    assert message.author.kind is AuthorKind.AGENT


async def test_someone_copied_in_is_no_agent(zendesk: Zendesk, vendor: Simulator) -> None:
    ticket = vendor.open_ticket()
    other = vendor.state.add_user("Copied in")
    await vendor.agent_says(ticket, "<p>from a CC</p>", who=other)
    assert answers(zendesk, await look(zendesk, ticket)) == []


async def test_an_automation_is_the_system(zendesk: Zendesk, vendor: Simulator) -> None:
    ticket = vendor.open_ticket()
    await vendor.automation_says(ticket, "<p>still there?</p>")
    (message,) = answers(zendesk, await look(zendesk, ticket))
    assert message.author.kind is AuthorKind.SYSTEM


async def test_foreign_tickets_are_not_read(zendesk: Zendesk, vendor: Simulator, clock: VirtualClock) -> None:
    """What other customers say never comes to the bridge, whoever names their tickets."""
    _, cursor = await poll(zendesk, None)
    clock.advance(minutes=3)
    foreign = vendor.open_ticket(tags=())
    await vendor.agent_says(foreign, "<p>to somebody else</p>")
    assert list((await look(zendesk, foreign)).raws) == []
    clock.advance(minutes=3)
    page, _ = await poll(zendesk, cursor)
    assert page.raws == []


async def test_a_ticket_that_lost_its_tag_is_still_ours(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    vendor.state.tickets[int(first.conversation)].tags.clear()
    await vendor.agent_says(first.conversation, "<p>answer</p>")
    assert len(answers(zendesk, await look(zendesk, first.conversation))) == 1


@pytest.mark.parametrize("ticket", ["0", "../users/me", "", "abc", "999999"])
async def test_a_nudge_about_nothing_brings_no_words(zendesk: Zendesk, ticket: str) -> None:
    page = await zendesk.poll(None, ticket) if ticket else Page()
    assert [e for e in events(zendesk, page) if isinstance(e, MessageReceived)] == []


# Attachments that are not there


@pytest.mark.parametrize("scan", ["malware_found"])
async def test_malware_is_said_not_sent(zendesk: Zendesk, vendor: Simulator, scan: str) -> None:
    ticket = vendor.open_ticket()
    await vendor.agent_says(ticket, "<p>look</p>", files=[("a.exe", "application/x-dosexec", b"MZ")], scan=scan)
    (message,) = answers(zendesk, await look(zendesk, ticket))
    part = message.parts[-1]
    assert isinstance(part, Unsupported) and "malware" in part.what and part.text == "a.exe"


async def test_a_redacted_attachment_is_said(zendesk: Zendesk, vendor: Simulator) -> None:
    ticket = vendor.open_ticket()
    await vendor.agent_says(ticket, "<p>look</p>", files=[("a.pdf", "application/pdf", PDF)])
    file = vendor.last_file()
    file.name, file.data, file.mime, file.deleted = "redacted.txt", b"", "text/plain", True
    (message,) = answers(zendesk, await look(zendesk, ticket))
    assert isinstance(message.parts[-1], Unsupported)


async def test_a_pasted_picture_is_a_picture_once(zendesk: Zendesk, vendor: Simulator) -> None:
    ticket = vendor.open_ticket()
    picture = vendor.files.add("image.png", "image/png", b"\x89PNG", inline=True)
    url = vendor.views.attachment(picture)["content_url"]
    html = f'<p>see<img src="{url}" alt="image.png"> <img src="https://cdn.example/logo.png"></p>'
    await vendor.agent_says(ticket, html)
    vendor.state.tickets[int(ticket)].comments[-1].attachments.append(picture)
    (message,) = answers(zendesk, await look(zendesk, ticket))
    assert [part.kind for part in message.parts] == ["text", "image"]


# Changes


async def test_status_changes_are_told_in_order(zendesk: Zendesk, vendor: Simulator, clock: VirtualClock) -> None:
    ticket = vendor.open_ticket()
    for status in ("open", "solved", "open", "solved"):
        clock.advance(seconds=1)
        await vendor.agent_solves(ticket, status)
    clock.advance(days=4)
    await vendor.closes(ticket)
    page = await look(zendesk, ticket)
    found = [event.status for event in events(zendesk, page) if isinstance(event, StatusChanged)]
    assert found == [Status.OPEN, Status.SOLVED, Status.OPEN, Status.SOLVED, Status.CLOSED]
    assert len({raw.key for raw in page.raws}) == len(page.raws)


async def test_a_status_is_told_even_without_audits(zendesk: Zendesk, vendor: Simulator) -> None:
    ticket = vendor.open_ticket()
    await vendor.agent_solves(ticket)
    vendor.state.tickets[int(ticket)].audits.clear()
    found = [event for event in events(zendesk, await look(zendesk, ticket)) if isinstance(event, StatusChanged)]
    assert [event.status for event in found] == [Status.SOLVED]


async def test_a_comment_made_private_is_told(zendesk: Zendesk, vendor: Simulator) -> None:
    ticket = vendor.open_ticket()
    comment = await vendor.agent_says(ticket, "<p>oops</p>")
    await vendor.hides(ticket, comment)
    page = await look(zendesk, ticket)
    assert answers(zendesk, page) == []
    (changed,) = [event for event in events(zendesk, page) if isinstance(event, MessageChanged)]
    assert (changed.conversation, changed.message, changed.change) == (ticket, comment, Change.HIDDEN)


async def test_a_redaction_is_told(zendesk: Zendesk, vendor: Simulator) -> None:
    ticket = vendor.open_ticket()
    comment = await vendor.agent_says(ticket, "<p>card 4111</p>")
    await vendor.redacts(ticket, comment, "4111")
    page = await look(zendesk, ticket)
    (changed,) = [event for event in events(zendesk, page) if isinstance(event, MessageChanged)]
    assert (changed.message, changed.change) == (comment, Change.EDITED)
    assert "4111" not in json.dumps([raw.payload.decode() for raw in page.raws])


async def test_a_deleted_ticket_is_told(zendesk: Zendesk, vendor: Simulator, clock: VirtualClock) -> None:
    _, cursor = await poll(zendesk, None)
    clock.advance(minutes=3)
    (first,) = await say(zendesk, "hello")
    await vendor.deletes(first.conversation)
    for page in (
        await look(zendesk, first.conversation),
        (clock.advance(minutes=3), await poll(zendesk, cursor))[1][0],
    ):
        (event,) = events(zendesk, page)
        assert isinstance(event, StatusChanged)
        assert (event.conversation, event.status) == (first.conversation, Status.CLOSED)


# Trap 18: merges


async def test_trap_18_a_merge_is_followed_and_only_what_comes_after_is_told(
    zendesk: Zendesk, vendor: Simulator, clock: VirtualClock
) -> None:
    other = vendor.open_ticket(tags=(), subject="of somebody else")
    await vendor.agent_says(other, "<p>a secret of somebody else</p>")
    clock.advance(minutes=1)
    (first,) = await say(zendesk, "hello")
    clock.advance(minutes=1)
    await vendor.merges(first.conversation, other)
    clock.advance(minutes=1)
    await vendor.agent_says(other, "<p>answer after the merge</p>")
    page = await look(zendesk, first.conversation)
    (moved,) = [event for event in events(zendesk, page) if isinstance(event, StatusChanged) and event.moved_to]
    assert (moved.conversation, moved.moved_to) == (first.conversation, other)
    assert "secret" not in " ".join(words(zendesk, page))
    assert any("answer after the merge" in text for text in words(zendesk, page))
    later = await look(zendesk, other)
    assert "secret" not in " ".join(words(zendesk, later))
    assert any("answer after the merge" in text for text in words(zendesk, later))


async def test_trap_18_answers_elsewhere_are_polled(zendesk: Zendesk, vendor: Simulator, clock: VirtualClock) -> None:
    (first,) = await say(zendesk, "hello")
    other = vendor.open_ticket(tags=())
    await vendor.merges(first.conversation, other)
    await look(zendesk, first.conversation)
    vendor.state.tickets[int(other)].tags.clear()  # an agent's macro sets other tags
    _, cursor = await poll(zendesk, None)
    clock.advance(minutes=5)
    await vendor.agent_says(other, "<p>here</p>")
    clock.advance(minutes=5)
    page, _ = await poll(zendesk, cursor)
    assert any("here" in text for text in words(zendesk, page))


async def test_trap_18_a_chain_of_merges_ends(zendesk: Zendesk, vendor: Simulator) -> None:
    tickets = [vendor.open_ticket() for _ in range(6)]
    for source, into in pairwise(tickets):
        await vendor.merges(source, into)
    page = await look(zendesk, tickets[0])
    moved = [event.moved_to for event in events(zendesk, page) if isinstance(event, StatusChanged) and event.moved_to]
    assert moved == tickets[1:5]


@pytest.mark.parametrize("trace", ["tag and words", "words", "from"])
async def test_trap_18_other_spellings_of_a_merge(zendesk: Zendesk, vendor: Simulator, trace: str) -> None:
    (first,) = await say(zendesk, "hello")
    other = vendor.open_ticket(tags=())
    await vendor.merges(first.conversation, other)
    ticket = vendor.state.tickets[int(first.conversation)]
    comment = ticket.comments[-1]
    comment.via = {"channel": "web", "source": {"from": {}, "to": {}, "rel": None}}
    if trace == "words":
        ticket.tags.remove("closed_by_merge")
    elif trace == "from":
        comment.via["source"] = {"from": {"ticket_id": int(other)}, "to": {}, "rel": "merge"}
    elif trace == "tag and words":
        comment.html = f"<p>Diese Anfrage wurde mit #{other} zusammengeführt</p>"
    page = await look(zendesk, first.conversation)
    assert [e.moved_to for e in events(zendesk, page) if isinstance(e, StatusChanged) and e.moved_to] == [other]


async def test_an_agents_follow_up_continues_the_conversation(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    await vendor.closes(first.conversation)
    follow_up = vendor.follows_up(first.conversation)
    await vendor.agent_says(follow_up, "<p>one more thing</p>")
    found = events(zendesk, await look(zendesk, follow_up))
    assert isinstance(found[0], StatusChanged)
    assert (found[0].conversation, found[0].moved_to) == (first.conversation, follow_up)


async def test_our_own_follow_up_moves_nothing(zendesk: Zendesk, vendor: Simulator) -> None:
    (first,) = await say(zendesk, "hello")
    await vendor.closes(first.conversation)
    (second,) = await say(zendesk, "again", key="key-2", previous=first.conversation, peer=first.peer)
    found = events(zendesk, await look(zendesk, second.conversation))
    assert not any(isinstance(event, StatusChanged) for event in found)


# The poll


async def test_a_lost_call_is_found_by_the_poll(zendesk: Zendesk, vendor: Simulator, clock: VirtualClock) -> None:
    _, cursor = await poll(zendesk, None)
    (first,) = await say(zendesk, "hello")
    clock.advance(minutes=10)
    vendor.hooks.lose = 1
    await vendor.agent_says(first.conversation, "<p>never announced</p>")
    clock.advance(minutes=2)
    page, _ = await poll(zendesk, cursor)
    assert any("never announced" in text for text in words(zendesk, page))


async def test_trap_19_the_last_minute_is_not_left_out(
    zendesk: Zendesk, vendor: Simulator, clock: VirtualClock
) -> None:
    """The export hides it; the list does not."""
    (first,) = await say(zendesk, "hello")
    _, cursor = await poll(zendesk, None)
    clock.advance(seconds=5)
    await vendor.agent_says(first.conversation, "<p>just now</p>")
    page, _ = await poll(zendesk, cursor)
    assert any("just now" in text for text in words(zendesk, page))


async def test_a_poll_in_pages_with_repeats(zendesk: Zendesk, vendor: Simulator, clock: VirtualClock) -> None:
    vendor.lists.per_page, vendor.lists.repeats = 2, True
    _, cursor = await poll(zendesk, None)
    for number in range(7):
        clock.advance(seconds=1)
        await vendor.agent_says(vendor.open_ticket(), f"<p>answer {number}</p>")
    clock.advance(minutes=5)
    page, _ = await poll(zendesk, cursor)
    said = [text for text in words(zendesk, page) if "answer" in text]
    assert sorted(dict.fromkeys(said)) == [
        f'<div class="zd-comment" dir="auto"><p>answer {number}</p></div>' for number in range(7)
    ]


async def test_an_agent_who_may_not_export_polls_by_the_list(
    zendesk: Zendesk, vendor: Simulator, clock: VirtualClock
) -> None:
    vendor.lists.may_export = False
    _, cursor = await poll(zendesk, None)
    for _ in range(150):
        vendor.open_ticket(tags=())
    (first,) = await say(zendesk, "hello")
    clock.advance(minutes=10)
    await vendor.agent_says(first.conversation, "<p>found by the list</p>")
    clock.advance(minutes=1)
    page, following = await poll(zendesk, cursor)
    assert any("found by the list" in text for text in words(zendesk, page))
    assert following != cursor


async def test_the_pace_of_the_export_is_kept(zendesk: Zendesk, vendor: Simulator, clock: VirtualClock) -> None:
    """However often the engine asks: the vendor allows ten a minute and would refuse the rest."""
    _, cursor = await poll(zendesk, None)
    for _ in range(40):
        page, cursor = await poll(zendesk, cursor)
        clock.advance(seconds=1)
    assert page is not None


async def test_what_was_read_twice_and_kept_is_not_read_again(
    zendesk: Zendesk, vendor: Simulator, clock: VirtualClock
) -> None:
    _, cursor = await poll(zendesk, None)
    clock.advance(minutes=3)
    await vendor.agent_says(vendor.open_ticket(), "<p>answer</p>")
    found = []
    for _ in range(5):
        clock.advance(seconds=20)
        page, cursor = await poll(zendesk, cursor)
        found.append(len(page.raws))
    assert found[0] > 0
    assert found[1] > 0, "something may have been said in the same second"
    assert found[2:] == [0, 0, 0]


async def test_a_poll_that_was_not_kept_is_repeated(zendesk: Zendesk, vendor: Simulator, clock: VirtualClock) -> None:
    _, cursor = await poll(zendesk, None)
    clock.advance(minutes=3)
    await vendor.agent_says(vendor.open_ticket(), "<p>answer</p>")
    clock.advance(minutes=3)
    seen = [{raw.key for raw in (await poll(zendesk, cursor))[0].raws} for _ in range(4)]
    assert seen[0] and all(keys == seen[0] for keys in seen)


@pytest.mark.parametrize("cursor", ["nonsense", "t:", "p:1:2", "t:99999999999999999999"])
async def test_a_cursor_that_cannot_be_read_is_no_end(zendesk: Zendesk, cursor: str) -> None:
    page = await zendesk.poll(cursor)
    assert page.cursor is not None and page.cursor.startswith("t:")


@pytest.mark.parametrize("where", ["/incremental/", r"/tickets$", "/audits", "/users/show_many", "/users/"])
@pytest.mark.parametrize("status", [403, 404, 405])
async def test_a_list_that_a_role_or_a_gateway_withholds_stops_nothing(
    zendesk: Zendesk, vendor: Simulator, clock: VirtualClock, where: str, status: int
) -> None:
    _, cursor = await poll(zendesk, None)
    (first,) = await say(zendesk, "hello")
    clock.advance(minutes=5)
    await vendor.agent_says(first.conversation, "<p>answer</p>")
    clock.advance(minutes=5)
    vendor.faults.add(Trouble.STATUS, f"GET .*{where}", status=status, times=99)
    page, _ = await poll(zendesk, cursor)
    assert any("answer" in text for text in words(zendesk, page))


async def test_a_throttled_export_says_how_long(zendesk: Zendesk, vendor: Simulator, clock: VirtualClock) -> None:
    _, cursor = await poll(zendesk, None)
    vendor.faults.add(Trouble.STATUS, "GET /api/v2/incremental", status=429, headers={"retry-after": "42"})
    with pytest.raises(Throttled) as caught:
        await zendesk.poll(cursor)
    assert caught.value.retry_after == 42


# Trap 14: paging


async def test_trap_14_more_than_a_page_of_comments(zendesk: Zendesk, vendor: Simulator, clock: VirtualClock) -> None:
    vendor.gate.per_ticket = 1000
    ticket = vendor.open_ticket()
    for number in range(130):
        clock.advance(seconds=1)
        await vendor.agent_says(ticket, f"<p>no {number}</p>")
    said = words(zendesk, await look(zendesk, ticket))
    assert len(said) == 130
    assert "no 129" in said[-1]


async def test_trap_14_a_sort_that_is_ignored_still_brings_the_newest(
    zendesk: Zendesk, vendor: Simulator, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.zendesk.simulator.rest._sorted", lambda rows, _query: rows)
    vendor.gate.per_ticket = 1000
    ticket = vendor.open_ticket()
    for number in range(130):
        await vendor.agent_says(ticket, f"<p>no {number}</p>")
        clock.advance(hours=1)
    said = words(zendesk, await look(zendesk, ticket))
    assert "no 129" in said[-1]


async def test_calls_may_repeat_overtake_and_come_late(zendesk: Zendesk, vendor: Simulator) -> None:
    """They are only nudges: whatever order they come in, the same keys are read."""
    ticket = vendor.open_ticket()
    vendor.hooks.hold = vendor.hooks.reorder = True
    for number in range(3):
        await vendor.agent_says(ticket, f"<p>{number}</p>")
    first, again = await look(zendesk, ticket), await look(zendesk, ticket)
    assert [raw.key for raw in first.raws] == [raw.key for raw in again.raws]
    assert len(answers(zendesk, first)) == 3
