"""What agents say, as sends: few of them, none too long, nothing lost without a word."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wechat_rig import APP_ID, agent, context, kept, make_wechat

from bridge.contract import Audience, Card, File, Format, Image, Location, Rejected, Text, Unsupported, Video, Voice
from connectors.tencent.text import MAX_BYTES, clean, split
from connectors.wechat.invitation import LIMITS, fit

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
WECHAT = make_wechat(
    lambda: NOW,
    templates={
        "back": {
            "id": "TEMPLATE_1",
            "page": "pages/chat",
            "data": {"thing1": "您有一条新的客服回复，请点击查看并继续与我们联系", "time2": "{now}", "name3": "{name}"},
        }
    },
)


def rendered(*messages, **fields):
    return list(WECHAT.render(messages, context(**fields)))


def texts(steps):
    return [step.body["text"]["content"] for step in steps if step.body["msgtype"] == "text"]


# Splitting

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)


@given(_text, st.integers(min_value=4, max_value=200))
@example("🏳️‍🌈" * 40, 30)
@example("\U0001f1e6\U0001f1f9" * 30, 21)
@example("e\u0301" * 60, 16)
@example(" " * 500, 100)
def test_parts_are_short_and_lose_no_character(text, limit):
    parts = split(text, limit)
    assert all(len(part.encode()) <= limit and part.strip() for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@given(_text, st.integers(min_value=4, max_value=200))
def test_what_fits_is_left_as_it_is(text, limit):
    if len(text.encode()) <= limit and text.strip():
        assert split(text, limit) == [text]


@pytest.mark.parametrize(
    ("text", "limit", "parts"),
    [
        ("one. two three four", 12, ["one. two ", "three four"]),
        ("First part.\n\nSecond part is here.", 24, ["First part.\n\n", "Second part is here."]),
        ("你好。请问您的订单号是多少？", 27, ["你好。请问您的订单", "号是多少？"]),
        ("第一句话在这里。第二句", 30, ["第一句话在这里。", "第二句"]),
        ("aaaaaaaaaaaaaaaa", 10, ["aaaaaaaaaa", "aaaaaa"]),
        ("aaaaaaaa👨‍👩‍👧", 12, ["aaaaaaaa", "👨\u200d👩", "\u200d👧"]),
        ("aaaaaaa👍🏽", 12, ["aaaaaaa", "👍🏽"]),
    ],
)
def test_cuts_are_made_where_they_hurt_least(text, limit, parts):
    assert split(text, limit) == parts


def test_the_limit_counts_bytes_not_characters():
    # https://github.com/dodgepudding/wechat-php-sdk/issues/363
    steps = rendered(agent("汉" * 700))
    assert [len(part.encode()) for part in texts(steps)] == [2046, 54]
    assert [step.covers for step in steps] == [("c1",), ("c1",)]


def test_text_goes_out_as_typed_without_what_json_would_have_to_escape():
    # Escaped JSON has reached people literally: https://github.com/w7corp/easywechat/issues/935
    typed = 'a <a href="https://x.example">b</a> {{c}} \\u4f60 & "d"'
    assert texts(rendered(agent(typed))) == [typed]
    assert clean("a\x00b\x1b[31m\r\nc\rd\ud800") == "ab[31m\nc\nd?"


# Joining

MANY = [agent(f"remark {n}", id=f"c{n}") for n in range(1, 5)]


@pytest.mark.parametrize(
    ("count", "replies", "sends"),
    [
        (2, None, 2),
        (4, None, 4),
        (2, 5, 2),
        (3, 5, 3),
        (4, 5, 1),
        (2, 4, 2),
        (2, 3, 1),
        (2, 2, 1),
        (1, 1, 1),
        (4, 1, 1),
        (2, 0, 1),
    ],
)
def test_remarks_are_joined_when_little_is_left(count, replies, sends):
    steps = rendered(*MANY[:count], replies=replies)
    assert len(steps) == sends
    assert "\n".join(texts(steps)) == "\n".join(f"remark {n}" for n in range(1, count + 1))
    assert [one for step in steps for one in step.covers] == [f"c{n}" for n in range(1, count + 1)]


def test_remarks_of_two_people_are_joined_only_when_they_would_not_fit():
    two = [agent("one", id="c1"), agent("two", id="c2", name="Other")]
    assert len(rendered(*two, replies=2)) == 2
    assert texts(rendered(*two, replies=1)) == ["one\ntwo"]


def test_a_caption_travels_with_the_text_that_follows():
    first = agent(Image(media=kept(), caption="the plan"), id="c1")
    steps = rendered(first, agent("is it right?", id="c2"), replies=2)
    assert [step.verb for step in steps] == ["image", "send"]
    assert texts(steps) == ["the plan\nis it right?"]
    assert [step.covers for step in steps] == [("c1",), ("c1", "c2")]


def test_parts_of_one_message_that_are_words_are_one_send():
    steps = rendered(agent("see this", File(media=kept(name="a.pdf", mime="application/pdf"), caption="page 2")))
    assert len(steps) == 1
    assert steps[0].covers == ("c1",)


def test_joined_text_that_is_too_long_names_the_messages_of_each_part():
    steps = rendered(agent("a" * 1500, id="c1"), agent("b" * 1500, id="c2"), replies=2)
    assert [step.covers for step in steps] == [("c1",), ("c2",)]
    steps = rendered(agent("a" * 1500, id="c1"), agent("b" * 100, id="c2"), agent("c" * 3000, id="c3"), replies=3)
    assert steps[0].covers == ("c1", "c2")
    assert {one for step in steps for one in step.covers} == {"c1", "c2", "c3"}
    assert all(len(text.encode()) <= MAX_BYTES for text in texts(steps))


_parts = st.one_of(
    st.builds(Text, body=st.text(max_size=3000)),
    st.builds(Text, body=st.text("<>&p aé/=\"'\n", max_size=200), format=st.sampled_from(Format)),
    st.builds(Image, media=st.just(kept()), caption=st.text(max_size=20)),
    st.builds(File, media=st.builds(kept, error=st.sampled_from(["", "gone"])), caption=st.text(max_size=20)),
    st.builds(Unsupported, what=st.text(max_size=10), text=st.text(max_size=10)),
    st.builds(
        Card, title=st.text(max_size=80), url=st.sampled_from(["", "https://x.example"]), path=st.text(max_size=9)
    ),
)
_messages = st.lists(
    st.tuples(st.lists(_parts, max_size=3), st.sampled_from(["Agent", "Other"]), st.sampled_from(Audience)), max_size=5
)


@given(_messages, st.none() | st.integers(min_value=0, max_value=6))
def test_every_message_is_covered_in_order_and_private_ones_never(shaped, replies):
    messages = [
        agent(*parts, id=f"c{number}", name=name, audience=audience)
        for number, (parts, name, audience) in enumerate(shaped)
    ]
    steps = rendered(*messages, replies=replies)
    covered = list(dict.fromkeys(one for step in steps for one in step.covers))
    assert covered == [message.id for message in messages if message.audience is Audience.CUSTOMER]
    assert all(text.strip() and len(text.encode()) <= MAX_BYTES for text in texts(steps))
    assert len(steps) <= len(rendered(*messages))


# Kinds

CARD = Card(title="Order 17", app=APP_ID, path="pages/order?id=17", thumb=kept())
CASES = {
    "html": (
        Text(body='<p>See <a href="https://x.example/a">this</a></p><ul><li>one</li></ul>', format=Format.HTML),
        {"msgtype": "text", "text": {"content": "See this (https://x.example/a)\n\n- one"}},
    ),
    "image": (Image(media=kept()), {"msgtype": "image"}),
    "gif": (Image(media=kept(mime="image/gif")), {"msgtype": "image"}),
    "vector image": (
        Image(media=kept(mime="image/svg+xml", name="a.svg")),
        {
            "msgtype": "text",
            "text": {"content": "[Image] a.svg (12 kB)\nhttps://bridge.example.com/media/t (the link expires)"},
        },
    ),
    "lost image": (
        Image(media=kept(sha256="", url="", error="404 from http://10.0.0.1/secret")),
        {"msgtype": "text", "text": {"content": "[Image] plan.png (12 kB): could not be passed on"}},
    ),
    "file": (
        File(media=kept(name="invoice.pdf", mime="application/pdf", size=1_234_567), caption="March"),
        {
            "msgtype": "text",
            "text": {
                "content": "[File] invoice.pdf (1.2 MB)\nhttps://bridge.example.com/media/t (the link expires)\nMarch"
            },
        },
    ),
    "voice": (
        Voice(media=kept(name="", mime="audio/mpeg", size=None), transcript="hello"),
        {
            "msgtype": "text",
            "text": {"content": "[Voice message]\nhttps://bridge.example.com/media/t (the link expires)\nhello"},
        },
    ),
    "video": (
        Video(media=kept(name="v.mp4", mime="video/mp4", size=900)),
        {
            "msgtype": "text",
            "text": {"content": "[Video] v.mp4 (900 B)\nhttps://bridge.example.com/media/t (the link expires)"},
        },
    ),
    "card of ours": (
        CARD,
        {
            "msgtype": "miniprogrampage",
            "miniprogrampage": {"title": "Order 17", "appid": APP_ID, "pagepath": "pages/order?id=17"},
        },
    ),
    "card of another app": (
        CARD.model_copy(update={"app": "wx0000000000000000"}),
        {"msgtype": "text", "text": {"content": "Order 17\npages/order?id=17"}},
    ),
    "card without a picture": (
        CARD.model_copy(update={"thumb": None}),
        {"msgtype": "text", "text": {"content": "Order 17\npages/order?id=17"}},
    ),
    "link": (
        Card(title="Returns", description="How to", url="https://shop.example/returns"),
        {
            "msgtype": "link",
            "link": {
                "title": "Returns",
                "description": "How to",
                "url": "https://shop.example/returns",
                "thumb_url": "",
            },
        },
    ),
    "long link": (
        Card(title="R" * 61, url="https://shop.example/returns"),
        {"msgtype": "text", "text": {"content": "R" * 61 + "\nhttps://shop.example/returns"}},
    ),
    "location": (
        Location(latitude=23.134521, longitude=113.358803, label="Pier 4"),
        {"msgtype": "text", "text": {"content": "[location] Pier 4 23.134521, 113.358803"}},
    ),
    "something else": (
        Unsupported(what="poll", text="yes or no"),
        {"msgtype": "text", "text": {"content": "[poll] yes or no"}},
    ),
    "tracking pixel only": (
        Text(body='<img src="https://t.example" width="1" height="1">', format=Format.HTML),
        {"msgtype": "text", "text": {"content": "[message without text]"}},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_kind_goes_out_as(name):
    part, body = CASES[name]
    (step,) = rendered(agent(part))
    assert step.body == body
    assert step.cost == 1
    assert [media.id for media in step.media] == (["a1"] if step.verb in {"image", "card"} else [])


def test_sentences_follow_the_language():
    file = agent(File(media=kept(name="发票.pdf", mime="application/pdf")))
    assert texts(rendered(file, language="zh")) == [
        "[文件] 发票.pdf (12 kB)\nhttps://bridge.example.com/media/t (链接有有效期)"
    ]


def test_a_sub_merchant_session_is_answered_as_one():
    (step,) = rendered(agent("hello"), context={"business_id": "7"})
    assert step.body["businessid"] == 7


# Invitations


def test_an_invitation_fits_its_fields_and_costs_no_reply():
    step = WECHAT.invitation("TEMPLATE_1", context(now=NOW, contact={"id": "o", "name": "顾客甲乙丙顾客甲乙丙丁戊"}))
    assert step == WECHAT.invitation("back", context(now=NOW, contact={"id": "o", "name": "顾客甲乙丙顾客甲乙丙丁戊"}))
    assert step.cost == 0
    assert step.body == {
        "template_id": "TEMPLATE_1",
        "page": "pages/chat",
        "miniprogram_state": "formal",
        "lang": "zh_CN",
        "data": {
            "thing1": {"value": "您有一条新的客服回复，请点击查看并继续…"},
            "time2": {"value": "2026-01-05 17:00"},
            "name3": {"value": "顾客甲乙丙顾客甲乙…"},
        },
    }


def test_an_unknown_template_is_refused_with_what_to_do():
    with pytest.raises(Rejected, match="templates"):
        WECHAT.invitation("other", context(now=NOW))


@given(st.sampled_from(sorted(LIMITS)), st.text(max_size=60))
def test_values_never_exceed_their_field(kind, text):
    value = fit(f"{kind}1", text)
    assert len(value) <= LIMITS[kind]
    assert "\n" not in value
