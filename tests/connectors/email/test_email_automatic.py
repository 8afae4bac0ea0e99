"""Mails that look like a machine's and are a person's, and the other way round; one Message-ID for two mails."""

import asyncio

import pytest
from mail_rig import make_rig

from bridge.contract import Audience, Malformed, MessageReceived, Scope, Text, Throttled
from connectors.email import mime
from connectors.email.automatic import Flow, why_automatic, why_doubtful
from connectors.email.cut import cut_html, cut_text
from connectors.email.plain import to_lines


def mail(head: str, text: str = "x"):
    return mime.parse(f"{head}\n\n{text}".encode())


def said(event: MessageReceived) -> str:
    return "\n".join(part.body for part in event.message.parts if isinstance(part, Text))


# What people write through lists, forms and with such subjects

PEOPLE = {
    "group": "From: a@customer.example\nPrecedence: list\nList-Id: <support.shop.example>\n"
    "List-Post: <mailto:support@shop.example>\nList-Unsubscribe: <mailto:x@shop.example>",
    "mailman": "From: a@customer.example\nPrecedence: bulk\nList-Post: <mailto:l@shop.example>\nList-Id: L <l.x>",
    "precedence": "From: a@customer.example\nPrecedence: list",
    "form": "From: web@shop.example\nReply-To: a@customer.example\nAuto-Submitted: auto-generated",
    "form-noreply": "From: no-reply@shop.example\nReply-To: A <a@customer.example>",
    "question": "From: a@customer.example\nSubject: 自动回复怎么开启？",
    "answer to ours": "From: a@customer.example\nSubject: 回复：自动回复：您好",
    "holiday": "From: a@customer.example\nSubject: 休假期间能发货吗",
    "out": "From: a@customer.example\nSubject: 外出时收不到快递",
    "car": "From: a@customer.example\nSubject: Auto: new tyres",
    "stock": "From: a@customer.example\nSubject: Out of office chairs?",
    "bouncer": "From: bouncer@club.example",
}
NEWSLETTERS = {
    "one click": "From: shop@news.example\nList-Unsubscribe: <https://x.example>\nList-Unsubscribe-Post: One-Click",
    "bulk": "From: shop@news.example\nReply-To: help@news.example\nPrecedence: bulk",
    "announcements": "From: a@news.example\nList-Id: <n.news.example>\nList-Post: NO",
    "feedback": "From: a@news.example\nReply-To: b@news.example\nFeedback-ID: 1:2\nList-Post: <mailto:l@x.example>",
    "mailing with reply address": "From: a@news.example\nReply-To: b@news.example\nAuto-Submitted: auto-generated\n"
    "List-Unsubscribe: <https://x.example>",
    "vacation": "From: a@customer.example\nSubject: 自动回复：我在休假",
    "vacation in brackets": "From: a@customer.example\nSubject: 【自动回复】",
    "vacation alone": "From: a@customer.example\nSubject: 休假",
}


@pytest.mark.parametrize("name", PEOPLE)
def test_a_persons_mail_is_taken_in(name):
    assert not why_automatic(mail(PEOPLE[name]), Flow.CUSTOMER, "x")
    assert not why_doubtful(mail(PEOPLE[name]), Flow.CUSTOMER, "x")


@pytest.mark.parametrize("name", NEWSLETTERS)
def test_what_nobody_wrote_for_the_shop_is_held(name):
    found = mail(NEWSLETTERS[name])
    assert why_automatic(found, Flow.CUSTOMER, "x") or why_doubtful(found, Flow.CUSTOMER, "x")


@pytest.mark.parametrize("name", PEOPLE)
async def test_a_persons_mail_comes_as_a_message(channel, name):
    channel.sim.arrives(f"{PEOPLE[name]}\nTo: help@mail.example\nMessage-ID: <p@x>\n\nwhere is it?".encode())
    (event,) = await channel.events()
    assert event.message.audience is Audience.CUSTOMER
    assert said(event) == "where is it?"


# What helpdesks say by themselves

AGENTS = {
    "zendesk": "Auto-Submitted: auto-generated\nX-Auto-Response-Suppress: All\nReturn-Path: <support@desk.example>",
    "jira": "Auto-Submitted: auto-generated\nPrecedence: bulk\nX-JIRA-FingerPrint: x",
    "rt": "Precedence: bulk\nX-RT-Loop-Prevention: desk.example\nRT-Ticket: d #1",
    "otrs": "X-Powered-By: OTRS\nReturn-Path: <support@desk.example>",
}
NOTICES = {
    "zammad": "Auto-Submitted: auto-generated\nPrecedence: bulk\nX-Loop: yes\nReturn-Path: <>",
    "zammad without path": "Auto-Submitted: auto-generated\nPrecedence: bulk\nX-Loop: yes",
    "znuny": "X-OTRS-Loop: yes",
    "loop with an address": "X-Loop: support@desk.example\nPrecedence: bulk",
    "empty path, generated": "Auto-Submitted: auto-generated\nReturn-Path: < >",
    "empty path, bulk": "Precedence: bulk\nReturn-Path: <>",
    "autoresponder": "X-Autoresponder: yes",
    "autoreply from": "X-AutoReply-From: support@desk.example",
    "junk": "Precedence: junk",
    "x-precedence": "X-Precedence: auto_reply",
}
DOUBTFUL = {
    "empty path": ("Return-Path: <>", "x"),
    "loop": ("X-Loop: support@desk.example", "x"),
    "subject": ("Subject: 自动回复：您的工单", "x"),
    "words": ("Subject: Re: x", "此邮件由系统自动发送，请勿回复。"),
    "words en": ("Subject: Re: x", "Hello,\nthis is an automated\nmessage. We are closed."),
}


@pytest.mark.parametrize("name", AGENTS)
def test_an_agents_answer_with_a_helpdesks_stamps_passes(name):
    found = mail(f"From: support@desk.example\n{AGENTS[name]}")
    assert not why_automatic(found, Flow.HELPDESK, "Your parcel leaves tomorrow.")
    assert not why_doubtful(found, Flow.HELPDESK, "Your parcel leaves tomorrow.")


@pytest.mark.parametrize("name", NOTICES)
def test_a_helpdesks_own_answers_never_reach_a_customer(name):
    assert why_automatic(mail(f"From: support@desk.example\n{NOTICES[name]}"), Flow.HELPDESK, "We are on it.")


@pytest.mark.parametrize("name", DOUBTFUL)
async def test_what_may_be_either_is_held_and_can_be_released(name):
    head, words = DOUBTFUL[name]
    async with make_rig(style="person") as desk:
        await desk.send("你好")
        desk.sim.agent_answers(words, headers=dict([head.split(": ", 1)]))
        (raw,) = await desk.poll()
        with pytest.raises(Malformed, match="held back as automatic"):
            desk.box.normalise(raw)
        (event,) = desk.box.normalise(raw._replace(released=True))
        assert event.message.audience is Audience.CUSTOMER


# Quotes below which something stands that is no answer

QUOTE = "On Fri, Nov 20, 2026 at 10:21 AM Anna <a@x.example> wrote:\n> internal: customer is angry [1]\n> more"
OTRS = "20.11.2026 10:21 - Anna A wrote:\n> internal: angry\n> more"
ENDS = {
    "footnotes": f"Answer.\n\n{QUOTE}\n\n[1] http://desk.example/a\n[2] https://desk.example/b",
    "footnotes under a heading": f"Answer.\n\n{QUOTE}\n\nLinks:\n------\n[1] http://desk.example/a",
    "footnotes on two lines": f"Answer.\n\n{QUOTE}\n\n[1]\nhttp://desk.example/a",
    "lynx": f"Answer.\n\n{QUOTE}\n\nReferences\n\n   1. http://desk.example/a\n   2. mailto:a@x.example",
    "no attribution": "Answer.\n\n> internal\n> more\n\n[1] http://desk.example/a",
    "framed signature": f"Answer.\n\n--\nAnna\nTel. 1\n--\n\n{OTRS}",
    "framed signature below": f"Answer.\n\n{OTRS}\n\n--\nAnna\nTel. 1\n--\n",
    "framed signature with blanks": f"Answer.\n\n-- \nAnna\n-- \n\n{QUOTE}",
    "both": f"Answer.\n\n--\nAnna, https://shop.example [1]\n--\n\n{OTRS}\n\n[1] https://shop.example",
    "quote without marks": "Answer.\n\n--\nAnna\n--\n\n11/20/2026 10:21 - Anna A wrote:\ninternal\n\n[1] http://a.example",
}
WHOLE = (
    "You need both:\n[1] http://a.example\n[2] http://b.example",
    "Two ways:\n\n1. https://a.example\n2. https://b.example",
    "> which pages?\n\n1. https://a.example\n2. https://b.example",
    "Size A\n--\nSize B\n\nTell us which one you want, we have both in stock.\nAnd the colour.\n\na\nb\nc\nd\ne\nf",
)


@pytest.mark.parametrize("name", ENDS)
def test_a_quote_goes_whatever_programs_put_below_it(name):
    assert cut_text(ENDS[name]).text == "Answer."


def test_a_footnote_that_the_answer_names_stays():
    text = f"See the guide [2].\n\n{QUOTE}\n\n[1] http://desk.example/a\n[2] https://desk.example/b"
    assert cut_text(text).text == "See the guide [2].\n\n[2] https://desk.example/b"


@pytest.mark.parametrize("text", WHOLE)
def test_lists_of_addresses_and_dashes_that_people_write_stay(text):
    assert cut_text(text).text == text


@pytest.mark.parametrize(
    "below", ["<p>--<br>Anna<br>--</p>", "<p>[1] http://desk.example/a</p>", "<p>发自我的iPhone</p>", "<p>&nbsp;</p>"]
)
@pytest.mark.parametrize("quote", ['<div type="cite">internal</div>', '<blockquote type="cite">internal</blockquote>'])
def test_in_html_too(quote, below):
    assert cut_text(to_lines(cut_html(f"<p>Answer.</p>{quote}{below}").html)).text == "Answer."
    assert "and this" in to_lines(cut_html(f"<p>Answer.</p>{quote}<p>and this</p>{below}").html)


# One Message-ID, two mails


def form(words: str, sender: str = "form@shop.example", reply_to: str = "a@customer.example", more: str = "") -> bytes:
    return (
        f"From: {sender}\nReply-To: {reply_to}\nTo: help@x.example\nSubject: contact\nMessage-ID: <form@shop.example>\n"
        f"{more}\n\n{words}"
    ).encode()


async def test_two_different_mails_with_one_message_id_are_two_messages(channel):
    for raw in (form("first"), form("second"), form("first", reply_to="b@customer.example")):
        channel.sim.arrives(raw)
    events = await channel.events()
    assert [said(event) for event in events] == ["first", "second", "first"]
    assert len({event.message.id for event in events}) == 3
    assert len({raw.key for raw in channel.raws}) == 3
    assert len({event.message.conversation for event in events}) == 3


async def test_files_tell_mails_apart(channel):
    def with_file(data: str) -> bytes:
        return (
            "From: a@customer.example\nTo: help@x.example\nMessage-ID: <f@x.example>\nMIME-Version: 1.0\n"
            'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\nsee\n--b\n'
            f"Content-Type: application/pdf\nContent-Disposition: attachment; filename=a.pdf\n\n{data}\n--b--\n"
        ).encode()

    channel.sim.arrives(with_file("%PDF-1"))
    channel.sim.arrives(with_file("%PDF-2"))
    await channel.events()
    assert len({raw.key for raw in channel.raws}) == 2


async def test_one_mail_read_twice_is_one_message_whatever_servers_added(channel):
    channel.sim.arrives(form("first"))
    channel.sim.arrives(form("first \n", more="Received: from elsewhere\nX-Spam: no\n"))
    await channel.events()
    assert {raw.key for raw in channel.raws} == {"mid:<form@shop.example>"}


async def test_a_mail_read_again_after_another_took_its_id_is_known_again(channel):
    for words in ("first", "second", "first", "second"):
        channel.sim.arrives(form(words))
    await channel.events()
    keys = [raw.key for raw in channel.raws]
    assert keys[:2] == keys[2:]
    assert len(set(keys)) == 2


async def test_two_readers_at_once_agree_on_the_keys(channel):
    for words in ("first", "second"):
        channel.sim.arrives(form(words))
    start = channel.cursor
    pages = await asyncio.gather(channel.box.poll(start), channel.box.poll(start))
    assert [raw.key for raw in pages[0].raws] == [raw.key for raw in pages[1].raws]


async def test_mails_whose_id_is_none_do_not_share_a_conversation(channel):
    for words in ("first", "second"):
        channel.sim.arrives(form(words).replace(b"<form@shop.example>", b"<none>"))
    events = await channel.events()
    assert len({event.message.conversation for event in events}) == 2


async def test_who_answers_the_first_mail_is_not_led_to_the_second():
    async with make_rig(role="channel") as rig:
        rig.sim.arrives(form("first"))
        rig.sim.arrives(form("second", reply_to="b@customer.example"))
        first, _ = await rig.events()
        answer = form("more").replace(b"Message-ID: <form@", b"In-Reply-To: <form@shop.example>\nMessage-ID: <more@")
        rig.sim.arrives(answer)
        (event,) = await rig.events()
        assert event.message.conversation == first.message.conversation


# A helpdesk's limits where all customers share one address


@pytest.mark.parametrize(("limit_by", "sent"), [("sender", 12), ("ticket", 20)])
async def test_twenty_customers_at_once_wait_only_where_the_helpdesk_counts_senders(limit_by, sent):
    async with make_rig(settings={"address_mode": "single", "limit_by": limit_by}) as rig:
        refusals = []
        for number in range(20):
            try:
                await rig.send(f"order {number} did not arrive", link=f"link-{number}")
            except Throttled as error:
                refusals.append(error)
        assert 20 - len(refusals) == sent
        assert all("rate limit" in error.message and error.scope is Scope.ACCOUNT for error in refusals)


@pytest.mark.parametrize(
    "text",
    [
        "Dies ist eine automatisch generierte E-Mail. Bitte antworten Sie nicht.",
        "Ceci est un message automatique, merci de ne pas y répondre.",
        "Esta es una respuesta automática.",
        "Questo è un messaggio automatico.",
        "このメールは自動送信されています。",
        "이 메일은 자동으로 발송되었습니다.",
        "Это автоматическое уведомление.",
        "本邮件由系统自动发送，请勿回复。",
    ],
)
def test_what_a_helpdesk_calls_automatic_is_held_in_every_language(text):
    mail = mime.parse(b"From: desk@desk.example\r\nSubject: [#12] Hi\r\n\r\nx")
    assert why_doubtful(mail, Flow.HELPDESK, text) or why_automatic(mail, Flow.HELPDESK, text)
    assert not why_doubtful(mail, Flow.HELPDESK, f"Our automatic door is broken, please ring. {'x' * 130} {text}")
