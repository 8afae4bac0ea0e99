"""What is written, byte by byte, and how an uncertain write is known again."""

import asyncio

import pytest
from test_freshdesk_simulator import client_of

from bridge.contract import (
    Audience,
    AuthFailed,
    Card,
    Contact,
    File,
    Gone,
    Image,
    Labels,
    Media,
    Rejected,
    RenderContext,
    Retryable,
    Status,
    Text,
)
from bridge.testing.faults import Trouble
from connectors.freshdesk.marks import external_id, is_signed, line_of, reference, tag_of
from connectors.freshdesk.outbound import priority_of, tags_of

CREATE, NOTE, CHANGE = r"POST /api/v2/tickets$", r"POST .*/notes$", r"PUT /api/v2/tickets/\d+$"
TYPED = '1 < 2 & "x" <script>alert(1)</script>\n{{ticket.id}} {{ticket.requester.email}}\n你好 👍🏽'


async def test_a_new_ticket_has_the_customer_as_requester_and_no_address(bench):
    fields = {
        "group": "WeChat",
        "brand": "Shop",
        "priority": "high",
        "tags": ["vip, gold"],
        "custom_fields": {"cf_openid": "o"},
    }
    receipt = await bench.open("hello", fields=fields, key="key-1")
    ticket = bench.row(receipt.conversation)
    contact = bench.desk.state.contacts[ticket.requester]
    assert receipt.peer == str(contact.id)
    assert receipt.ids == (f"ticket:{ticket.id}",)
    assert receipt.url == f"https://acme.freshdesk.com/a/tickets/{ticket.id}"
    assert contact.name == "Customer A"
    assert contact.fields == {"unique_external_id": external_id("desk2", "oGZUI0egBJY1zhBYw2KhdUfwVJJE")}
    assert ticket.subject == "Customer A: hello"
    assert ticket.description == f'<div>hello</div>\n<div style="color:#888">{line_of("key-1")}</div>'
    assert ticket.tags == ["bridge", tag_of("key-1"), "vip gold"]
    assert ticket.custom == {"cf_openid": "o"}
    assert ticket.status == 2
    assert ticket.fields == {"priority": 3, "source": 7, "group_id": 82, "product_id": 91}


async def test_the_next_message_is_a_public_note_of_the_customer(bench):
    opened = await bench.open()
    receipt = await bench.say(opened.conversation, TYPED, peer=opened.peer)
    (note,) = bench.row(opened.conversation).conversations
    assert (note.private, note.incoming, note.user, note.source) == (False, True, int(opened.peer), 2)
    assert receipt.ids == (str(note.id),)
    assert note.body.startswith(
        "<div>1 &lt; 2 &amp; &quot;x&quot; &lt;script&gt;alert(1)&lt;/script&gt;<br>{{ticket.id}} "
    )
    assert TYPED in bench.desk.ticket(opened.conversation)[-1].text


async def test_a_remark_is_private_and_of_the_bridge(bench):
    opened = await bench.open()
    step = bench.step(bench.message("Not delivered", private=True), conversation=opened.conversation)
    await bench.send(step, bench.target(opened.conversation))
    (note,) = bench.row(opened.conversation).conversations
    assert (note.private, note.incoming, note.user) == (True, False, bench.desk.bridge.id)


async def test_a_burst_is_one_note(bench):
    opened = await bench.open()
    step = bench.step(*(bench.message(word) for word in ("one", "two", "three")), conversation=opened.conversation)
    await bench.send(step, bench.target(opened.conversation))
    assert [seen.text.split("\n")[:5] for seen in bench.desk.ticket(opened.conversation)[1:]] == [
        ["one", "", "two", "", "three"]
    ]


async def test_files_go_as_they_are(bench):
    picture = await bench.account.media.keep(b"\x89PNG\r\n\x1a\n1", name="照片.png", mime="image/png")
    paper = await bench.account.media.keep(b"%PDF-1.7", name='a"b\r\nc.pdf', mime="application/pdf")
    parts = (Image(media=picture, caption="look"), File(media=paper))
    opened = await bench.send(
        bench.step(bench.message(*parts)), bench.target(fields={"custom_fields": {"cf_openid": "o"}})
    )
    seen = bench.desk.ticket(opened.conversation)[0]
    assert seen.files == (("照片.png", b"\x89PNG\r\n\x1a\n1"), ("a'b c.pdf", b"%PDF-1.7"))
    assert seen.text.startswith("[image: 照片.png]\nlook\n[file: a'b c.pdf]")
    assert bench.row(opened.conversation).custom == {"cf_openid": "o"}
    step = bench.step(bench.message(File(media=paper)), conversation=opened.conversation)
    await bench.send(step, bench.target(opened.conversation, peer=opened.peer))
    note = bench.row(opened.conversation).conversations[-1]
    assert (note.private, note.incoming, note.user, len(note.files)) == (False, True, int(opened.peer), 1)


async def test_what_the_ticket_has_no_room_for_becomes_a_link(bench):
    opened = await bench.open()
    big = await bench.account.media.keep(b"%PDF" + b"\0" * 11_000_000, name="big.pdf", mime="application/pdf")
    for count in (1, 2):
        step = bench.step(bench.message(File(media=big)), conversation=opened.conversation)
        await bench.send(step, bench.target(opened.conversation))
        assert sum(len(seen.files) for seen in bench.desk.ticket(opened.conversation)) == 1
        assert len(bench.desk.ticket(opened.conversation)) == count + 1
    assert big.url in bench.desk.ticket(opened.conversation)[-1].text


async def test_one_note_carries_twenty_megabytes_at_most(bench):
    files = [
        Media(
            account="shop", id=str(n), sha256=f"{n:064x}", size=9_000_000, name=f"{n}.pdf", url=f"https://b.example/{n}"
        )
        for n in range(3)
    ]
    step = bench.step(bench.message(*(File(media=file) for file in files)), conversation="71")
    assert [media.id for media in step.media] == ["0", "1"]
    assert "2.pdf, too large for the ticket] https://b.example/2" in step.body["html"]


async def test_a_card_is_said_in_words_with_its_thumbnail(bench):
    thumb = Media(account="shop", id="t", sha256="a" * 64, size=9, name="t.jpg", mime="image/jpeg")
    step = bench.step(bench.message(Card(title="Order 17", path="pages/order?id=17", thumb=thumb)), conversation="71")
    assert step.body["html"] == "<div>[card]<br>Order 17<br>page: pages/order?id=17<br>[thumbnail: t.jpg]</div>"
    assert step.media == (thumb,)


async def test_the_way_in_and_the_earlier_ticket_are_named_once(bench):
    context = {"context": {"session_from": "vip<1>"}, "previous": "70"}
    html = bench.step(bench.message("hi"), **context).body["html"]
    assert html == "<div>hi</div><div>[came from: vip&lt;1&gt;]<br>[continues ticket #70]</div>"
    assert "70" not in bench.step(bench.message("hi"), conversation="71", **context).body["html"]


@pytest.mark.parametrize("status", [3, 4, 5])
async def test_the_customer_wakes_a_sleeping_ticket(bench, status):
    opened = await bench.open()
    await bench.desk.set_status(opened.conversation, status)
    await bench.say(opened.conversation, "still broken", peer=opened.peer)
    assert bench.desk.status(opened.conversation) == 2


async def test_a_ticket_that_the_account_reopens_itself_is_left_alone(bench):
    bench.desk.site.reopens = True
    opened = await bench.open()
    await bench.desk.resolve(opened.conversation)
    bench.desk.faults.add(Trouble.STATUS, CHANGE, status=500)
    await bench.say(opened.conversation, "still broken", peer=opened.peer)
    assert bench.desk.status(opened.conversation) == 2


@pytest.mark.parametrize("status", [2, 6])
async def test_a_custom_status_is_not_changed(bench, status):
    opened = await bench.open()
    await bench.desk.set_status(opened.conversation, status)
    await bench.say(opened.conversation, "more", peer=opened.peer)
    assert bench.desk.status(opened.conversation) == status


async def test_a_remark_wakes_nothing(bench):
    opened = await bench.open()
    await bench.desk.resolve(opened.conversation)
    step = bench.step(bench.message("note", private=True), conversation=opened.conversation, status=Status.SOLVED)
    await bench.send(step, bench.target(opened.conversation))
    assert bench.desk.status(opened.conversation) == 4


@pytest.mark.parametrize("status", [500, 403, 429])
async def test_a_reopening_that_failed_is_made_good_without_a_second_note(bench, status):
    opened = await bench.open()
    await bench.desk.resolve(opened.conversation)
    bench.desk.faults.add(Trouble.STATUS, CHANGE, status=status)
    step = bench.step(bench.message("again"), conversation=opened.conversation)
    receipt = await bench.as_engine(step, bench.target(opened.conversation, peer=opened.peer))
    assert receipt.ids == (str(bench.row(opened.conversation).conversations[-1].id),)
    assert len(bench.row(opened.conversation).conversations) == 1
    assert bench.desk.status(opened.conversation) == 2


async def test_words_on_a_ticket_that_does_not_open_are_said_on_the_next_one(bench):
    opened = await bench.open()
    await bench.desk.resolve(opened.conversation)
    body = b'{"description":"Validation failed","errors":[{"field":"status","code":"invalid_value"}]}'
    bench.desk.faults.add(Trouble.STATUS, CHANGE, status=400, body=body)
    with pytest.raises(Gone, match="not reopened"):
        await bench.say(opened.conversation, "again", peer=opened.peer)


# Uncertain writes


@pytest.mark.parametrize("trouble", [Trouble.STATUS_AFTER, Trouble.RESET_AFTER, Trouble.TRUNCATED, Trouble.GARBAGE])
async def test_a_ticket_that_took_effect_is_found_and_not_opened_twice(bench, trouble):
    bench.desk.faults.add(trouble, CREATE)
    step, target = bench.step(bench.message("hello")), bench.target()
    receipt = await bench.as_engine(step, target)
    assert list(bench.desk.state.tickets) == [int(receipt.conversation)]
    assert receipt == await bench.connector.lookup(step, target)
    assert receipt.peer == str(bench.row(receipt.conversation).requester)


@pytest.mark.parametrize("trouble", [Trouble.STATUS, Trouble.RESET_BEFORE])
async def test_a_ticket_that_took_no_effect_is_opened(bench, trouble):
    bench.desk.faults.add(trouble, CREATE)
    await bench.as_engine(bench.step(bench.message("hello")), bench.target())
    assert len(bench.desk.state.tickets) == 1


async def test_a_note_that_took_effect_before_the_crash_is_found(bench):
    """The process died between the vendor's yes and our commit: another one, which remembers nothing, looks."""
    opened = await bench.open()
    step, target = (
        bench.step(bench.message("once"), conversation=opened.conversation),
        bench.target(opened.conversation),
    )
    bench.desk.faults.add(Trouble.RESET_AFTER, NOTE)
    with pytest.raises(Retryable) as caught:
        await bench.send(step, target)
    assert not caught.value.certain
    reborn = bench.configured()
    found = await reborn.lookup(step, target)
    assert found is not None
    assert found.ids == (str(bench.row(opened.conversation).conversations[-1].id),)
    assert await reborn.lookup(step, bench.target(opened.conversation)) is None


async def test_a_file_that_took_effect_is_not_sent_twice(bench):
    opened = await bench.open()
    paper = await bench.account.media.keep(b"%PDF-1.7", name="a.pdf", mime="application/pdf")
    bench.desk.faults.add(Trouble.STATUS_AFTER, NOTE, status=502)
    await bench.as_engine(
        bench.step(bench.message(File(media=paper)), conversation=opened.conversation),
        bench.target(opened.conversation),
    )
    assert len(bench.row(opened.conversation).conversations) == 1


async def test_a_note_is_found_behind_hundreds_of_others(bench):
    opened = await bench.open()
    row = bench.row(opened.conversation)
    for number in range(250):
        bench.desk.state.say(row, f"<p>{number}</p>", user=row.requester, source=2, incoming=True)
    step, target = (
        bench.step(bench.message("deep"), conversation=opened.conversation),
        bench.target(opened.conversation),
    )
    receipt = await bench.send(step, target)
    assert (await bench.configured().lookup(step, target)).ids == receipt.ids
    asked = bench.desk.site.asked
    before = len(asked)
    assert (await bench.connector.lookup(step, target)).ids == receipt.ids
    assert len(asked) - before <= 5, "a ticket that was read before is read from its last pages"


async def test_a_ticket_whose_tags_were_changed_is_still_found(bench):
    step, target = bench.step(bench.message("hello")), bench.target()
    receipt = await bench.send(step, target)
    bench.row(receipt.conversation).tags = ["somebody else's"]
    found = await bench.connector.lookup(step, target)
    assert found is not None
    assert found.conversation == receipt.conversation


async def test_the_reference_may_go_into_a_field(bench):
    connector = bench.configured(marker_field="cf_bridge")
    step, target = bench.step(bench.message("hello")), bench.target(key="key-7")
    receipt = await bench.send(step, target, connector)
    assert bench.row(receipt.conversation).custom == {"cf_bridge": reference("key-7")}
    assert bench.row(receipt.conversation).tags == ["bridge"]
    assert (await connector.lookup(step, target)).conversation == receipt.conversation


async def test_a_ticket_that_cannot_be_read_says_nothing(bench):
    """404 means that nobody knows, not that the note is absent."""
    opened = await bench.open()
    step, target = bench.step(bench.message("x"), conversation=opened.conversation), bench.target(opened.conversation)
    await bench.send(step, target)
    bench.desk.archive(opened.conversation)
    with pytest.raises(
        Gone
    ):  # the archive has it, but there nobody sees the customer's words: they go to the next ticket
        await bench.configured().lookup(step, target)
    del bench.desk.state.tickets[int(opened.conversation)]
    with pytest.raises(Retryable):
        await bench.connector.lookup(step, target)
    bench.clock.advance(minutes=20)
    with pytest.raises(Gone):
        await bench.connector.lookup(step, target)


# People


@pytest.mark.parametrize("status", [400, 409])
async def test_a_deleted_contact_is_brought_back_for_its_customer(bench, status):
    bench.desk.site.duplicate_status = status
    first = await bench.open()
    bench.desk.state.contacts[int(first.peer)].deleted = True
    second = await bench.open("I am back")
    assert second.peer == first.peer
    assert not bench.desk.state.contacts[int(first.peer)].deleted
    assert len(bench.desk.state.contacts) == 1


async def test_a_known_contact_is_the_requester_of_the_next_ticket(bench):
    first = await bench.open()
    bench.desk.state.contacts[int(first.peer)].fields.clear()  # a merge may take the external id away
    second = await bench.open("next", peer=first.peer)
    assert second.peer == first.peer
    assert len(bench.desk.state.contacts) == 1


async def test_a_merged_contact_is_followed_on_its_ticket(bench):
    opened = await bench.open()
    state = bench.desk.state
    primary = state.add_contact("Customer A", {"email": "customer.a@acme.example"})
    bench.desk.people.merge(primary, [state.contacts[int(opened.peer)]])
    await bench.say(opened.conversation, "it is me", peer=opened.peer)
    assert bench.row(opened.conversation).conversations[-1].user == primary.id


async def test_a_ticket_that_was_given_to_another_customer_takes_nothing_more(bench):
    opened = await bench.open()
    other = bench.desk.state.add_contact("Customer B", {"email": "customer.b@acme.example"})
    await bench.desk.gives(opened.conversation, other.id)
    with pytest.raises(Gone) as caught:
        await bench.say(opened.conversation, "for my eyes", peer=opened.peer)
    assert caught.value.moved_to is None
    assert not bench.row(opened.conversation).conversations


async def test_a_blocked_contact_is_no_reason_to_try_forever(bench):
    bench.desk.faults.add(Trouble.STATUS, CREATE, status=405, headers={"allow": "GET"})
    with pytest.raises(Rejected) as caught:
        await bench.open()
    assert caught.value.reason["zh"]


async def test_an_account_that_is_not_there_stops_the_account(bench):
    """A 404 for the list of tickets must not open one new ticket after the other."""
    bench.desk.faults.add(Trouble.STATUS, CREATE, status=404, body=b"<html>not found</html>")
    with pytest.raises(AuthFailed, match="domain"):
        await bench.open()


async def test_a_group_that_is_not_there_does_not_cost_the_ticket(bench):
    receipt = await bench.open(fields={"group": "Nobody", "brand": 91})
    assert bench.row(receipt.conversation).fields["product_id"] == 91
    assert "group_id" not in bench.row(receipt.conversation).fields
    assert "Nobody" in receipt.detail


async def test_names_are_asked_for_once(bench):
    for _ in range(3):
        await bench.open(fields={"group": "Support"})
    assert [line for line in bench.desk.site.asked if line.endswith("/groups")] == ["GET /api/v2/groups"]


async def test_required_fields_come_from_the_configuration(bench):
    bench.desk.site.required = ["cf_openid", "type"]
    with pytest.raises(Rejected, match="missing_field"):
        await bench.open()
    health = await bench.connector.check()
    assert sorted(problem.remedy for problem in health.problems) == [
        "New tickets must have 'Openid': set custom_fields.cf_openid in the account's settings.",
        "New tickets must have 'Type': set type in the account's settings.",
    ]
    connector = bench.configured(type="Question", custom_fields={"cf_openid": "unknown"})
    assert (await connector.check()).ok
    receipt = await bench.send(bench.step(bench.message("hello")), bench.target(), connector)
    assert bench.row(receipt.conversation).custom == {"cf_openid": "unknown"}


# Where tickets go


@pytest.mark.parametrize("outcome", ["archive", "trash", "spam", "gone"])
async def test_a_finished_ticket_is_followed_by_a_new_one(bench, outcome):
    opened = await bench.open()
    match outcome:
        case "archive":
            bench.desk.archive(opened.conversation)
        case "trash":
            bench.desk.trash(opened.conversation)
        case "spam":
            bench.desk.trash(opened.conversation, spam=True)
        case "gone":
            del bench.desk.state.tickets[int(opened.conversation)]
    with pytest.raises(Gone) as caught:
        await bench.say(opened.conversation, "hello?", peer=opened.peer)
    assert caught.value.moved_to is None


async def test_a_merge_is_followed_to_a_ticket_of_the_same_person(bench):
    first, second = await bench.open("one"), await bench.open("two")
    await bench.desk.merge(first.conversation, second.conversation)
    with pytest.raises(Gone) as caught:
        await bench.say(first.conversation, "hello?", peer=first.peer)
    assert caught.value.moved_to == second.conversation


async def test_a_merge_is_not_followed_to_a_stranger(bench):
    opened = await bench.open()
    stranger = bench.desk.open_ticket("of somebody else", tag="")
    await bench.desk.merge(opened.conversation, stranger)
    with pytest.raises(Gone) as caught:
        await bench.say(opened.conversation, "hello?", peer=opened.peer)
    assert caught.value.moved_to is None


async def test_words_about_a_merge_are_believed_on_closed_tickets_only(bench):
    first, second = await bench.open("one"), await bench.open("two")
    note = f"I merged into ticket {second.conversation} what you asked"
    await bench.desk.agent_notes(first.conversation, note)
    await bench.say(first.conversation, "fine", peer=first.peer)
    assert len(bench.row(first.conversation).conversations) == 2


# What the ticket shows


async def shown(bench, ticket, *tags, **fields):
    step = bench.connector.labels(Labels(tags=tags, fields=fields), RenderContext(conversation=ticket))
    assert step.audience is Audience.AGENTS
    return await bench.send(step, bench.target(ticket))


async def test_labels_replace_their_own_kind_only(bench):
    opened = await bench.open(fields={"tags": ["vip"]}, key="key-1")
    await shown(bench, opened.conversation, "replies-left-5", "replies-until-2026-01-07-0900")
    await bench.desk.resolve(opened.conversation)
    await shown(bench, opened.conversation, "replies-left-4", "replies-until-2026-01-07-0900")
    row = bench.row(opened.conversation)
    assert row.tags == ["bridge", tag_of("key-1"), "vip", "replies-until-2026-01-07-0900", "replies-left-4"]
    assert (row.status, row.conversations) == (4, []), "nothing was reopened, nobody was notified"


async def test_labels_that_stand_there_cost_no_update(bench):
    opened = await bench.open()
    for _ in range(2):
        await shown(bench, opened.conversation, "replies-left-5")
    assert sum(line.startswith("PUT ") for line in bench.desk.site.asked) == 1


@pytest.mark.parametrize(
    ("numbers", "left", "value"),
    [(set(), "cf_openid", "5"), ({"cf_openid"}, "cf_openid", 5), (set(), "cf_nowhere", None)],
)
async def test_fields_take_text_or_numbers_and_cost_no_tags(bench, numbers, left, value):
    bench.desk.site.numbers = numbers
    opened = await bench.open()
    receipt = await shown(bench, opened.conversation, "replies-left-5", **{left: "5"})
    row = bench.row(opened.conversation)
    assert "replies-left-5" in row.tags
    assert row.custom.get(left) == value
    assert ("cf_nowhere" in receipt.detail) == (value is None)


async def test_an_empty_value_clears_a_field(bench):
    opened = await bench.open(fields={"custom_fields": {"cf_openid": "o"}})
    await shown(bench, opened.conversation, "replies-left-0", cf_openid="")
    assert bench.row(opened.conversation).custom == {"cf_openid": None}


async def test_a_finished_ticket_shows_nothing_more(bench):
    opened = await bench.open()
    bench.desk.archive(opened.conversation)
    with pytest.raises(Gone):
        await shown(bench, opened.conversation, "replies-left-5")


# Pure


@pytest.mark.parametrize("openid", ["oGZUI0egBJY1", "OgzuI0EGbjy1", "用户", "x" * 200])
def test_external_ids_survive_a_vendor_that_folds_case(openid):
    made = external_id("Desk", openid)
    assert made == made.lower()
    assert made != external_id("Desk", openid.swapcase()) or openid == openid.swapcase()
    assert len(made) <= 200


def test_references_are_seen_at_the_end_only():
    assert is_signed(f"words\n{line_of('k')}")
    assert not is_signed(f"{line_of('k')} was quoted by an agent")
    assert len(tag_of("k" * 100)) <= 32


def test_priorities_and_tags():
    assert [priority_of(value) for value in ("Low", "urgent", 3, "2", None, "9")] == [1, 4, 3, 2, 1, 1]
    assert tags_of("a", "a", "", "b,c", "x" * 40) == ["a", "b c", "x" * 32]


async def test_writes_of_different_tickets_do_not_wait_for_each_other(bench):
    steps = [bench.step(bench.message(f"customer {n}")) for n in range(5)]
    targets = [bench.target(contact=Contact(id=f"c{n}", name=f"Customer {n}")) for n in range(5)]
    receipts = await asyncio.gather(*(bench.send(step, target) for step, target in zip(steps, targets, strict=True)))
    assert len({receipt.conversation for receipt in receipts}) == 5
    assert len({receipt.peer for receipt in receipts}) == 5


async def test_html_of_a_customer_becomes_text(bench):
    step = bench.step(bench.message(Text(body="<b>hi</b><script>x</script>", format="html")), conversation="71")
    assert step.body["html"] == "<div>hi</div>"


@pytest.mark.parametrize(
    ("scale", "score", "kept"),
    [
        ((103, 102, 101, 100, -101, -102, -103), 4, 102),
        ((103, 100, -103), 5, 103),
        ((103, 100, -103), 2, -103),
        ((1, 2, 3), 3, 2),
        ((1, 2, 3), 1, 3),
    ],
)
async def test_what_a_customer_thinks_is_the_tickets_own_rating_once(bench, scale, score, kept):
    bench.desk.site.scale = scale
    opened = await bench.open()
    labels = Labels(tags=(f"csat-{score}",), prefix="csat-", rating=score)
    for _ in range(2):
        step = bench.connector.labels(labels, RenderContext(conversation=opened.conversation))
        await bench.send(step, bench.target(opened.conversation))
    api = client_of(bench.desk)
    given = await asyncio.to_thread(api._get, f"tickets/{opened.conversation}/satisfaction_ratings")
    api._session.close()
    assert [one["ratings"] for one in given] == [{"default_question": kept}]
    assert f"csat-{score}" in bench.row(opened.conversation).tags


async def test_an_account_without_surveys_gets_the_tag(bench):
    opened = await bench.open()
    step = bench.connector.labels(Labels(tags=("csat-5",), rating=5), RenderContext(conversation=opened.conversation))
    receipt = await bench.send(step, bench.target(opened.conversation))
    assert receipt.detail == "no survey is active"
    assert "csat-5" in bench.row(opened.conversation).tags
