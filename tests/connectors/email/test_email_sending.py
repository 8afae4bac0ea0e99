"""Sending: what goes out, how often, and what each answer of the server leads to."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mail_rig import make_rig

from bridge.contract import (
    Audience,
    AuthFailed,
    Author,
    AuthorKind,
    Card,
    Contact,
    File,
    Format,
    Image,
    Location,
    Media,
    Message,
    Rejected,
    RenderContext,
    Retryable,
    Scope,
    Text,
    Throttled,
    Unsupported,
    Voice,
)
from connectors.email import Email, mime
from connectors.email.composition import clean, encoded, mailbox
from connectors.email.outbound import render

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))


def said(*parts, audience=Audience.CUSTOMER, number=1) -> Message:
    made = tuple(Text(body=part) if isinstance(part, str) else part for part in parts)
    return Message(
        id=f"m{number}", conversation="c", author=Author(kind=AuthorKind.CUSTOMER), parts=made, audience=audience
    )


def steps(*messages, desk=True, max_files=1000, language="en"):
    return render(
        messages, RenderContext(contact=Contact(id="c", name="A"), language=language), desk=desk, max_files=max_files
    )


def media(name="a.png", size=100, **more) -> Media:
    return Media(account="shop", id=name, name=name, mime="image/png", size=size, **{"sha256": "f" * 64} | more)


# Rendering


def test_a_burst_is_one_mail_in_order():
    (step,) = steps(said("one"), said("two", number=2), said(Image(media=media()), number=3))
    assert step.body["text"] == "one\n\ntwo"
    assert step.covers == ("m1", "m2", "m3")
    assert [file.name for file in step.media] == ["a.png"]


def test_a_note_for_agents_goes_below_the_customers_words_and_says_so():
    """A mail of its own would open a closed ticket again."""
    (step,) = steps(said("one"), said("late", audience=Audience.AGENTS, number=2), said("two", number=3))
    assert step.audience is Audience.CUSTOMER
    words, _, note = step.body["text"].partition("-" * 40)
    assert words.strip() == "one\n\ntwo"
    assert note.strip().startswith("[note of the bridge") and note.endswith("late")
    assert set(step.covers) == {"m1", "m2", "m3"}


def test_a_note_that_is_alone_is_a_mail_and_says_so():
    (note,) = steps(said("late", audience=Audience.AGENTS))
    assert note.audience is Audience.AGENTS
    assert note.body["text"].startswith("[note of the bridge")


def test_files_beyond_the_limit_start_another_mail_and_larger_ones_become_links():
    many = [said(Image(media=media(f"{n}.png", 400)), number=n) for n in range(5)]
    assert [len(step.media) for step in steps(*many)] == [2, 2, 1]
    (step,) = steps(said(File(media=media("big.zip", 5000, url="https://bridge.example/media/x"))))
    assert not step.media
    assert step.body["text"] == "[file: big.zip, too large to attach] https://bridge.example/media/x"


def test_what_cannot_be_attached_is_said_in_words():
    (step,) = steps(
        said(
            Image(media=media("lost.png", error="gone after three days", sha256="")),
            Card(title="Shop", description="Lamp", path="pages/lamp"),
            Location(latitude=31.23, longitude=121.47, label="Office"),
            Unsupported(what="sticker", text="wave"),
            Voice(media=media("v.mp3", 5), transcript="hello"),
        )
    )
    text = step.body["text"]
    for words in (
        "[image: lost.png, could not be fetched: gone after three days]",
        "Lamp",
        "pages/lamp",
        "Office",
        "mlat=31.23",
        "[sticker] wave",
        "hello",
    ):
        assert words in text


def test_an_agents_html_reaches_a_customer_in_both_forms_and_harmless():
    (step,) = steps(said(Text(body="<p>Hi <b>you</b></p><script>x</script>", format=Format.HTML)), desk=False)
    assert step.body["text"] == "Hi you"
    assert step.body["html"] == "<div><p>Hi <b>you</b></p></div>"


@given(st.lists(st.lists(st.text(max_size=30), max_size=3), min_size=1, max_size=6))
@settings(deadline=None)
def test_every_message_is_covered_in_order(texts):
    messages = [said(*parts, number=number) for number, parts in enumerate(texts)]
    covered = [message for step in steps(*messages) for message in step.covers]
    assert list(dict.fromkeys(covered)) == [message.id for message in messages]


# Headers


@given(st.text(max_size=200))
def test_no_nickname_writes_a_header(name):
    for value in (mailbox(name, "a@x.example"), encoded(name)):
        assert value.isascii()
        for line in value.split("\r\n")[1:]:
            assert line.startswith(" ")
        assert "\n" not in value.replace("\r\n ", "")


def test_names_and_words_are_cleaned():
    assert mailbox("a\r\nBcc: x@evil.example", "a@x.example") == '"a Bcc: x@evil.example" <a@x.example>'
    assert mailbox('"Agent" \\', "a@x.example") == '"Agent " <a@x.example>'
    assert clean("a\u202eb\u200bc") == "a b c"
    for word in encoded("订单" * 100).split("\r\n "):
        assert len(word) <= 75
    assert mime.text(encoded("订单😀" * 50)) == "订单😀" * 50


async def test_a_mail_to_a_helpdesk_looks_like_a_persons(desk):
    receipt = await desk.send(
        "你好", Image(media=await desk.box.account.media.keep(PNG, name="图.png", mime="image/png"))
    )
    mail = mime.parse(desk.sim.sent[0])
    for name in ("Auto-Submitted", "Precedence", "List-Id", "Reply-To", "Cc", "Bcc"):
        assert not mime.headers(mail, name)
    assert mime.header(mail, "X-Auto-Response-Suppress") == "OOF, AutoReply"
    assert mime.header(mail, "To") == "support@desk.example"
    assert mime.header(mail, "Message-ID") == receipt.ids[0]
    assert "<conv." in mime.header(mail, "References")
    leaves = mime.leaves(mail)
    assert leaves[0].text_body.strip() == "你好"
    assert (leaves[1].name, mime.body(leaves[1].part)) == ("图.png", PNG)
    assert not desk.sim.desk.suspended


async def test_each_conversation_has_its_own_constant_address(desk):
    first = await desk.send("one", link="a")
    await desk.send("two", conversation=first.conversation, link="a")
    await desk.send("other", link="b")
    senders = [mime.addresses(mime.parse(raw), "From")[0][1] for raw in desk.sim.sent]
    assert senders[0] == senders[1] != senders[2]
    assert senders[0].startswith("bridge+")


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("plus", "bridge-1"),
        ("catch_all", "1"),
        ("single", "bridge@bridge.example"),
        ("reply_to", "bridge@bridge.example"),
    ],
)
async def test_the_address_follows_the_mode(mode, expected):
    async with make_rig(settings={"address_mode": mode, "separator": "-"}) as rig:
        await rig.send("x")
        sender = mime.addresses(mime.parse(rig.sim.sent[0]), "From")[0][1]
        assert sender.startswith(expected)
        assert sender.endswith("@bridge.example")
        answers = [address for _, address in mime.addresses(mime.parse(rig.sim.sent[0]), "Reply-To")]
        assert bool(answers) is (mode == "reply_to")
        assert all(address.startswith("bridge-1") for address in answers)


async def test_a_long_address_leaves_room_for_no_bounce_token():
    name = "a-rather-long-name-of-a-mailbox"
    async with make_rig() as rig:
        config = rig.box.config.model_copy(update={"address": f"{name}@bridge.example"})
        prepared = await Email(config, rig.box.account).prepare(rig.step("x"), rig.target())
        assert prepared["sender"].startswith(f"{name}+1")  # the conversation's own address
        short = await rig.box.prepare(rig.step("x"), rig.target(link="b"))
        assert short["sender"].startswith("bridge+b1")


# Repeats


async def test_every_try_sends_the_same_bytes(desk):
    step, target = desk.step("你好"), desk.target()
    desk.sim.trouble("END", taken=True)  # carried out, then the line dies
    with pytest.raises(Retryable) as caught:
        await desk.box.deliver(step, target)
    assert not caught.value.certain
    desk.clock.advance(minutes=5)
    assert await desk.box.lookup(step, target) is None
    receipt = await desk.box.deliver(step, target.model_copy(update={"attempt": 2}))
    first, second = desk.sim.sent
    assert first == second
    assert receipt.conversation


async def test_a_mail_that_waited_longer_than_files_are_kept_is_composed_anew(desk):
    step, target = desk.step("你好"), desk.target()
    target = target.model_copy(update={"prepared": await desk.box.prepare(step, target)})
    desk.box.account.media.files.clear()
    receipt = await desk.box.deliver(step, target)
    assert receipt.ids == (target.prepared["message_id"],)


async def test_an_answer_proves_that_a_mail_arrived():
    async with make_rig(acknowledges=True) as rig:
        step, target = rig.step("你好"), rig.target()
        rig.sim.trouble("END", taken=True)
        with pytest.raises(Retryable):
            await rig.box.deliver(step, target)
        await rig.poll()
        found = await rig.box.lookup(step, target)
        assert found is not None
        assert found.conversation
        assert len(rig.sim.sent) == 1


@pytest.mark.parametrize("at", ["EHLO", "AUTH", "MAIL", "RCPT"])
async def test_a_line_that_dies_before_the_content_is_certain(desk, at):
    desk.sim.trouble(at)
    with pytest.raises(Retryable) as caught:
        await desk.send("x")
    assert caught.value.certain
    assert not desk.sim.sent


async def test_a_server_that_is_not_there_is_certain(desk):
    await desk.sim.smtp.stop()
    with pytest.raises(Retryable) as caught:
        await desk.send("x")
    assert caught.value.certain


@pytest.mark.parametrize(
    ("at", "answer", "error"),
    [
        ("MAIL", "421 4.3.2 shutting down", Retryable),
        ("RCPT", "450 4.2.0 greylisted", Retryable),
        ("RCPT", "451 4.3.0 local error", Retryable),
        ("END", "452 4.2.2 mailbox full", Retryable),
        ("END", "421 4.7.28 rate limit, try later", Throttled),
        ("MAIL", "432 4.3.2 too many", Throttled),
        ("AUTH", "535 5.7.8 wrong", AuthFailed),
        ("AUTH", "535 5.7.139 basic authentication is disabled", AuthFailed),
        ("MAIL", "530 5.7.0 authentication required", AuthFailed),
        ("MAIL", "501 mail from address must be same as authorization user", AuthFailed),
        ("MAIL", "553 5.7.1 sender not owned by user", AuthFailed),
        ("END", "550 5.7.60 not allowed to send as this sender", AuthFailed),
        ("RCPT", "550 5.1.1 no such user", Rejected),
        ("RCPT", "550 5.2.1 disabled", Rejected),
        ("END", "554 5.7.1 spam", Rejected),
        ("END", "550 5.7.26 unauthenticated", Rejected),
        ("END", "555 5.9.9 never heard of", Rejected),
        ("END", "552 5.3.4 too large", Rejected),
    ],
)
async def test_an_answer_means(desk, at, answer, error):
    desk.sim.trouble(at, answer, times=5 if at == "AUTH" else 1)  # clients try one mechanism after the other
    with pytest.raises(error) as caught:
        await desk.send("x")
    assert type(caught.value) is error or issubclass(type(caught.value), error)
    assert caught.value.certain
    assert not isinstance(caught.value, Throttled) or error is Throttled
    assert "bridge" not in caught.value.message.partition(":")[2]  # no address in the log


async def test_a_refused_address_is_explained_to_agents(desk):
    desk.sim.trouble("RCPT", "550 5.1.1 no such user")
    with pytest.raises(Rejected) as caught:
        await desk.send("x")
    assert caught.value.reason == {"en": "the address does not exist", "zh": "收件地址不存在"}


async def test_a_mail_that_is_too_large_goes_again_with_links(desk):
    big = await desk.box.account.media.keep(bytes(40_000), name="big.bin", mime="application/x-big")
    desk.sim.smtp.size = 20_000
    step, target = desk.step("see file", File(media=big)), desk.target()
    with pytest.raises(Retryable):
        await desk.box.deliver(step, target)
    await desk.box.deliver(step, target)
    mail = mime.parse(desk.sim.sent[0])
    assert len(mime.leaves(mail)) == 1
    assert "/media/" in mime.leaves(mail)[0].text_body
    step = desk.step("y" * 100_000)
    with pytest.raises(Rejected):
        await desk.box.deliver(step, desk.target(link="other"))


async def test_a_provider_that_wants_the_login_as_sender_works_in_single_mode():
    async with make_rig(settings={"address_mode": "single"}) as rig:
        rig.sim.smtp.same_sender = True
        await rig.send("x")
    async with make_rig() as rig:
        rig.sim.smtp.same_sender = True
        with pytest.raises(AuthFailed, match="single"):
            await rig.send("x")


# Limits


async def test_a_second_mail_waits_for_the_tickets_number():
    async with make_rig(style="rt", settings={"await_ticket": "30s"}) as rig:
        first = await rig.send("one")
        with pytest.raises(Throttled) as caught:
            await rig.send("two", conversation=first.conversation)
        assert caught.value.scope is Scope.CONVERSATION
        rig.sim.arrives(rig.sim.desk.acknowledgement(rig.sim.desk.tickets[0], rig.clock()))
        await rig.poll()
        await rig.send("two", conversation=first.conversation)
        assert len(rig.sim.desk.tickets) == 1
        assert "[desk.example #1]" in mime.header(mime.parse(rig.sim.sent[1]), "Subject")


async def test_a_helpdesk_that_never_acknowledges_is_not_waited_for_long():
    async with make_rig(settings={"await_ticket": "30s"}) as rig:
        first = await rig.send("one")
        rig.clock.advance(seconds=31)
        await rig.send("two", conversation=first.conversation)


async def test_no_destination_gets_more_than_helpdesks_allow(desk):
    first = await desk.send("x")
    for _ in range(11):
        await desk.send("x", conversation=first.conversation)
    with pytest.raises(Throttled) as caught:
        await desk.send("x", conversation=first.conversation)
    assert 0 < caught.value.retry_after <= 600
    await desk.send("another person", link="other")
    desk.clock.advance(minutes=11)
    await desk.send("x", conversation=first.conversation)


async def test_a_single_address_is_one_sender_for_all():
    async with make_rig(settings={"address_mode": "single"}) as rig:
        for number in range(12):
            await rig.send("x", link=f"link-{number}")
        with pytest.raises(Throttled) as caught:
            await rig.send("x", link="one-more")
        assert caught.value.scope is Scope.ACCOUNT


# Signing in


async def test_oauth_signs_in_and_renews_a_token_that_was_refused():
    async with make_rig(settings={"oauth": True}) as rig:
        await rig.send("one")
        rig.sim.tokens.clear()  # the provider forgot it
        await rig.send("two", link="b")
        rig.sim.agent_answers("answer")
        (event,) = await rig.events()
        assert event.message.parts[0].body == "answer"


async def test_a_dead_refresh_token_needs_a_person():
    async with make_rig(settings={"oauth": True}) as rig:
        rig.sim.tokens.clear()
        rig.sim.refresh_tokens.clear()
        with pytest.raises(AuthFailed, match="refresh_token"):
            await rig.send("x")
        health = await rig.box.check()
        assert not health.ok


async def test_check_says_what_is_wrong_and_sends_nothing(desk):
    health = await desk.box.check()
    assert health.ok
    assert health.facts["waiting"] == "IDLE"
    desk.sim.imap.accounts.clear()
    health = await desk.box.check()
    assert len(health.problems) == 2
    assert all(problem.remedy for problem in health.problems)
    assert not desk.sim.sent


async def test_mails_of_the_desk_in_the_spam_folder_are_reported(desk):
    desk.sim.imap.folders["Junk"].add(b"From: a@desk.example\r\n\r\nx", desk.clock())
    health = await desk.box.check()
    assert health.ok
    assert health.facts["in spam"].en.startswith("1 mails")


async def test_two_accounts_send_at_once(desk):
    await asyncio.gather(*(desk.send("x", link=f"l{n}", key=f"k{n}") for n in range(4)))
    assert len({mime.header(mime.parse(raw), "Message-ID") for raw in desk.sim.sent}) == 4


async def test_a_picture_without_a_name_is_sent_with_an_ending(desk):
    await desk.send("look", Image(media=await desk.box.account.media.keep(PNG, name="", mime="image/png")))
    names = [leaf.name for leaf in mime.leaves(mime.parse(desk.sim.sent[-1])) if leaf.kind == "image/png"]
    assert names == ["file-1.png"]
