"""Conversations from end to end: helpdesks of six styles, customers, loops, forgers, absences and bounces."""

import contextlib

import mail_corpus as corpus
import pytest
from mail_rig import make_rig

from bridge.contract import (
    Audience,
    AuthorKind,
    DeliveryState,
    File,
    Gone,
    Image,
    Malformed,
    MessageReceived,
    ReceiptReceived,
    Rejected,
    Text,
)
from connectors.email import mime
from connectors.email.envelope import load
from connectors.email.simulator.desk import STYLES

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))


def text_of(event: MessageReceived) -> str:
    return "\n".join(part.body for part in event.message.parts if isinstance(part, Text))


@pytest.mark.parametrize("style", STYLES)
async def test_a_long_talk_with_a_helpdesk_is_one_ticket_and_every_answer_comes_once(style):
    async with make_rig(style=style, acknowledges=True) as rig:
        first = await rig.send("你好，订单没到")
        for event in await rig.events():
            assert event.message.audience is Audience.AGENTS  # acknowledgements never reach the customer
            assert event.message.author.kind is AuthorKind.SYSTEM
        for turn in range(25):
            rig.clock.advance(minutes=1)
            rig.sim.agent_answers(f"answer {turn}", files=(("图.png", "image/png", PNG),) if turn == 3 else ())
            (event,) = await rig.events()
            assert text_of(event) == f"answer {turn}"
            assert event.message.conversation == first.conversation
            assert event.message.audience is Audience.CUSTOMER
            assert len(event.message.parts) == (2 if turn == 3 else 1)
            await rig.send(f"question {turn}", conversation=first.conversation)
        assert len(rig.sim.desk.tickets) == 1
        assert not rig.sim.desk.suspended
        assert not await rig.events()


async def test_two_customers_never_meet(desk):
    first = await desk.send("one", link="a")
    second = await desk.send("two", link="b")
    tickets = desk.sim.desk.tickets
    desk.sim.agent_answers("for the second", ticket=tickets[1])
    desk.sim.agent_answers("for the first", ticket=tickets[0])
    told = {event.message.conversation: text_of(event) for event in await desk.events()}
    assert told == {first.conversation: "for the first", second.conversation: "for the second"}


async def test_a_single_address_threads_by_references_and_a_verdict():
    settings = {"address_mode": "single", "authserv_id": "mx.bridge.example"}
    async with make_rig(style="rt", acknowledges=True, settings=settings) as rig:
        receipt = await rig.send("one")
        passed = b"Authentication-Results: mx.bridge.example; dmarc=pass header.from=desk.example\r\n"
        rig.sim.inbox.mails[-1].raw = passed + rig.sim.inbox.mails[-1].raw
        await rig.events()
        raw = rig.sim.desk.write(rig.sim.desk.tickets[0], "answer", rig.clock())  # by the subject's tag alone
        rig.sim.arrives(passed + raw)
        (event,) = await rig.events()
        assert event.message.conversation == receipt.conversation
        rig.sim.arrives(raw.replace(b"Message-ID: <", b"Message-ID: <again-"))  # the same without a finding
        (raw,) = await rig.poll()
        with pytest.raises(Malformed, match=r"mx\.bridge"):
            rig.box.normalise(raw)


async def test_an_agent_answers_from_a_mail_program_of_their_own(desk):
    receipt = await desk.send("one")
    desk.sim.desk.style = "person"
    desk.sim.agent_answers("from my phone", sender="agent.a@desk.example", name="Agent A")
    (event,) = await desk.events()
    assert event.message.conversation == receipt.conversation
    assert event.message.author.name == "Agent A"
    desk.sim.agent_answers("I am away", sender="agent.a@desk.example", name="Agent A", automatic=True)
    raw = desk.sim.inbox.mails[-1].raw
    desk.sim.inbox.mails[-1].raw = b"Auto-Submitted: auto-generated\r\n" + raw
    (event,) = await desk.events()
    assert event.message.audience is Audience.AGENTS


async def test_a_helpdesk_that_mails_customers_their_own_words_is_not_an_agent(desk):
    await desk.send("I ordered a lamp on Monday and it is not here yet.")
    desk.sim.agent_answers("I ordered a lamp on Monday\nand it is not here yet.")
    desk.sim.agent_answers("We are looking into it.")
    own, answer = await desk.events()
    assert own.message.audience is Audience.AGENTS
    assert answer.message.audience is Audience.CUSTOMER


# Forgers


async def forged(rig, text: str = "give me your card number", **changes: str) -> str:
    """What happens to a forged mail in a real conversation: the reason of its quarantine, "" if it got through."""
    to = mime.addresses(mime.parse(rig.sim.sent[0]), "From")[0][1]
    fields = {
        "From": "Agent <agent@desk.example>",
        "To": to,
        "Subject": "x",
        "Message-ID": "<forged@evil.example>",
    } | changes
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    rig.sim.arrives(f"{head}\r\n{text}\r\n".encode())
    (raw,) = await rig.poll()
    try:
        rig.box.normalise(raw)
    except Malformed as error:
        return error.message
    return ""


async def test_a_stranger_who_knows_the_address_is_quarantined_and_released_by_trust(desk):
    await desk.send("one")
    reason = await forged(desk, From="a@evil.example")
    assert "trusted_senders" in reason
    config = desk.box.config.model_copy(update={"trusted_senders": ("evil.example",)})
    later = type(desk.box)(config, desk.box.account)
    assert text_of(later.normalise(desk.raws[-1])[0]) == "give me your card number"


async def test_a_forged_sender_without_the_signed_address_is_quarantined(desk):
    await desk.send("one")
    await desk.events()
    assert "no conversation" in await forged(desk, To="bridge@bridge.example", Subject="Re: [#1] x")


async def test_a_forged_sender_is_quarantined_when_our_server_says_so(desk):
    await desk.send("one")
    reason = await forged(desk, **{"Authentication-Results": "mx; dmarc=fail header.from=desk.example"})
    assert "DMARC" in reason


async def test_a_token_of_somebody_elses_making_opens_nothing(desk):
    await desk.send("one")
    to = mime.addresses(mime.parse(desk.sim.sent[0]), "From")[0][1]
    local, _, domain = to.rpartition("@")
    other = local[:-1] + ("0" if local[-1] != "0" else "1")
    assert "no conversation" in await forged(desk, To=f"{other}@{domain}")


async def test_a_mail_that_pretends_to_be_us_goes_nowhere(desk):
    await desk.send("one")
    assert "our own address" in await forged(desk, From="bridge+x@bridge.example")


# Loops


async def test_our_own_mail_coming_back_is_dropped(desk):
    await desk.send("one")
    desk.sim.arrives(desk.sim.sent[0])
    stripped = desk.sim.sent[0].replace(b"Message-ID: <", b"Message-ID: <x")
    desk.sim.arrives(stripped)  # a relay replaced the id: our mark is still there
    assert not await desk.events()


async def test_a_mail_that_passed_too_many_servers_is_stopped(channel):
    channel.sim.arrives(b"Received: from a by b; x\r\n" * 26 + corpus.mail(b"x"))
    (raw,) = await channel.poll()
    with pytest.raises(Malformed, match="loop"):
        channel.box.normalise(raw)


async def test_two_bridges_wired_together_stop_within_three_mails(channel):
    passed, stopped = 0, ""
    for number in range(6):
        channel.sim.customer_writes(f"text {number}", headers={"X-Bridge-Loop": "another-instance"})
        (raw,) = await channel.poll()
        try:
            passed += len(channel.box.normalise(raw))
        except Malformed as error:
            stopped = error.message
    assert passed == 3
    assert "another bridge" in stopped


async def test_a_machine_that_repeats_itself_is_held(channel):
    passed = 0
    for number in range(5):
        channel.sim.customer_writes("您好，" * 40, subject=f"no. {number}")
        (raw,) = await channel.poll()
        try:
            passed += len(channel.box.normalise(raw))
        except Malformed as error:
            assert "same words" in error.message  # noqa: PT017 # some pass, some do not
    assert passed == 3


async def test_a_flood_in_one_conversation_is_held_and_a_retry_counts_once(channel):
    channel.sim.customer_writes("start")
    (first,) = await channel.events()
    await channel.send("hello", conversation=first.message.conversation)
    passed = 0
    for number in range(70):
        channel.sim.customer_writes(f"no. {number}", answering=channel.sim.sent[0])
        cursor = channel.cursor
        await channel.box.poll(cursor)  # read twice, as after a crash
        (raw,) = await channel.poll()
        with contextlib.suppress(Malformed):
            passed += len(channel.box.normalise(raw))
    assert passed == 59


# Bounces and absences


async def test_a_bounce_marks_the_very_mail(desk):
    first = await desk.send("one")
    second = await desk.send("two", conversation=first.conversation)
    desk.sim.bounces(desk.sim.sent[0])
    (event,) = await desk.events()
    assert isinstance(event, ReceiptReceived)
    assert (event.message, event.state) == (first.ids[0], DeliveryState.FAILED)
    assert event.message != second.ids[0]
    assert "does not exist" in event.reason
    desk.sim.bounces(desk.sim.sent[1], action="delayed", status="4.4.1")
    (event,) = await desk.events()
    assert event.state is DeliveryState.HELD


async def test_a_bounce_of_nothing_of_ours_makes_no_conversation(channel):
    channel.sim.bounces(corpus.mail(b"x"))
    (raw,) = await channel.poll()
    with pytest.raises(Malformed, match="none of our mails"):
        channel.box.normalise(raw)


async def test_a_read_receipt_is_no_message(channel):
    raw = corpus.multipart("multipart/report; report-type=disposition-notification", corpus.part("text/plain", b"read"))
    channel.sim.arrives(raw)
    assert not await channel.events()


async def test_an_absence_notice_is_held_back_until_an_admin_lets_it_pass(channel):
    channel.sim.customer_writes("start")
    (first,) = await channel.events()
    await channel.send("hello", conversation=first.message.conversation)
    channel.sim.vacation(channel.sim.sent[0])
    (raw,) = await channel.poll()
    with pytest.raises(Malformed, match="auto-replied"):
        channel.box.normalise(raw)
    (event,) = channel.box.normalise(raw._replace(released=True))
    assert event.message.author.kind is AuthorKind.CUSTOMER
    assert event.message.audience is Audience.CUSTOMER


async def test_a_contact_forms_customers_are_told_apart_by_who_an_answer_reaches(channel):
    said = (
        "Please call me back about the lamp that I ordered from your shop; nobody has answered me since Monday morning."
    )
    for number in range(6):
        channel.sim.arrives(
            f"From: Shop form <form@shop.example>\r\nReply-To: c{number}@customer.example\r\nSubject: form\r\n"
            f"Message-ID: <form{number}@shop.example>\r\n\r\n{said}\r\n".encode()
        )
    assert [event.contact.email for event in await channel.events()] == [f"c{n}@customer.example" for n in range(6)]


# Customers who write by mail


async def test_a_customer_who_writes_by_mail_is_answered_in_the_thread(channel):
    mail = channel.sim.customer_writes(
        "我的订单呢？", files=(("图.png", "image/png", PNG), ("a.pdf", "application/pdf", b"%PDF"))
    )
    (event,) = await channel.events()
    assert event.contact.email == "a@customer.example"
    assert event.message.subject == "Order"
    assert [type(part) for part in event.message.parts] == [Text, Image, File]
    await channel.send("马上查", conversation=event.message.conversation)
    answer = mime.parse(channel.sim.sent[0])
    assert mime.header(answer, "To") == "a@customer.example"
    assert mime.header(answer, "Subject") == "Re: Order"
    assert mime.header(answer, "In-Reply-To") == mime.header(mime.parse(mail), "Message-ID")
    channel.sim.customer_writes("谢谢", answering=channel.sim.sent[0])
    (again,) = await channel.events()
    assert again.message.conversation == event.message.conversation
    await channel.send("不客气", conversation=event.message.conversation)
    assert len(mime.ids(mime.header(mime.parse(channel.sim.sent[1]), "References"))) == 3


async def test_a_new_mail_of_the_same_customer_is_a_new_conversation(channel):
    channel.sim.customer_writes("one")
    channel.sim.customer_writes("two")
    first, second = await channel.events()
    assert first.message.conversation != second.message.conversation
    assert first.contact == second.contact


async def test_ios_which_drops_references_still_threads(channel):
    channel.sim.customer_writes("one")
    (first,) = await channel.events()
    await channel.send("answer", conversation=first.message.conversation)
    raw = channel.sim.customer_writes("two", answering=channel.sim.sent[0])
    channel.sim.inbox.mails.pop()
    head = [line for line in raw.split(b"\r\n") if not line.startswith(b"References:")]
    channel.sim.arrives(b"\r\n".join(head))
    (second,) = await channel.events()
    assert second.message.conversation == first.message.conversation


async def test_a_stranger_with_only_a_foreign_id_starts_a_conversation_of_their_own(channel):
    mail = channel.sim.customer_writes("one")
    (first,) = await channel.events()
    own = mime.header(mime.parse(mail), "Message-ID")
    channel.sim.customer_writes("let me in", sender="E <e@evil.example>", headers={"In-Reply-To": own})
    (second,) = await channel.events()
    assert second.message.conversation != first.message.conversation


async def test_a_colleague_who_got_our_answer_may_join_and_is_named(channel):
    channel.sim.customer_writes("one")
    (first,) = await channel.events()
    await channel.send("answer", conversation=first.message.conversation)
    channel.sim.customer_writes("I take over", sender="B <b@customer.example>", answering=channel.sim.sent[0])
    (second,) = await channel.events()
    assert second.message.conversation == first.message.conversation
    assert text_of(second).startswith("[B <b@customer.example>]")
    assert second.contact is None
    await channel.send("fine", conversation=first.message.conversation)
    assert mime.header(mime.parse(channel.sim.sent[1]), "To") == "a@customer.example"  # the answer goes to the customer


async def test_the_same_mail_read_twice_changes_nothing(channel):
    channel.sim.customer_writes("one")
    cursor = channel.cursor
    (first,) = (await channel.box.poll(cursor)).raws
    (second,) = (await channel.box.poll(cursor)).raws
    assert first.key == second.key
    assert load(first.payload).conversation == load(second.payload).conversation


async def test_nobody_to_write_to_is_said(channel):
    with pytest.raises(Rejected):
        await channel.send("x", conversation="0" * 13)
    with pytest.raises(Gone):
        await channel.send("x", conversation="999")
