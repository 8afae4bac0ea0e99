"""Callbacks and payloads. The shapes follow https://developers.freshdesk.com/api/#conversations and
https://support.freshdesk.com/support/solutions/articles/132589 (webhooks).
"""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.contract import Format, Malformed, Raw, Request, Unauthentic, to_plain
from bridge.testing.conformance.purity import make_isolated_account
from connectors.freshdesk import Freshdesk
from connectors.freshdesk.body import escape, pictures_in, said_in
from connectors.freshdesk.inbound import moment, ticket_in

FIXTURES = Path(__file__).parent / "fixtures"
EXPECTED = json.loads((Path(__file__).parent / "expected.json").read_text("utf-8"))
SECRET = "a-secret-of-the-hook"
OLD = "the-secret-before-it"
CONFIG = Freshdesk.Config(domain="acme.freshdesk.com", api_key="abcdefgh", hook_secret=f"{SECRET}, {OLD}")
CONNECTOR = Freshdesk(CONFIG, make_isolated_account("desk2"))


def call(body: bytes, **headers: str) -> Request:
    return Request("POST", "/hooks/desk2", (), headers, body, "198.51.100.7", datetime(2026, 1, 5, tzinfo=UTC))


@pytest.mark.parametrize("name", sorted(path.stem for path in FIXTURES.iterdir()))
def test_payloads_become_events(name):
    raw = Raw(name, (FIXTURES / f"{name}.json").read_bytes())
    events = [event.model_dump(mode="json", exclude_defaults=True) for event in CONNECTOR.normalise(raw)]
    assert events == EXPECTED[name]


@pytest.mark.parametrize(
    "body",
    [
        b'{"ticket_id":"71"}',
        b'{"ticket_id":71,"event":"agent_reply"}',
        b'{"ticket_id":"#INC-71","status":"Open"}',
        b'{"freshdesk_webhook":{"ticket_id":71,"ticket_subject":"x 5","triggered_event":"{note_type:public}"}}',
        b'{"ticket_id":"71","text":"he said "no"\nand left","x":',
        b'<?xml version="1.0"?><freshdesk_webhook><ticket_id>71</ticket_id></freshdesk_webhook>',
        b'<freshdesk-webhook><ticket-id type="integer">71</ticket-id><other>5</other></freshdesk-webhook>',
        b"ticket_id=71&event=reply",
        b"event=reply&freshdesk_webhook%5Bticket_id%5D=%23INC-71",
        b'{"triggered_event":"{status:{from:4,to:6}}","ticket_id":"0071"}',
    ],
)
def test_a_call_names_its_ticket_in_any_encoding(body):
    assert ticket_in(body) == "71"


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"[" * 50_000, b'{"ticket_id":"none"}', b"\xff\xfe", b"17"])
def test_a_call_without_a_ticket_is_malformed(body):
    with pytest.raises(Malformed, match="ticket_id"):
        ticket_in(body)


async def test_the_secret_in_the_header_opens():
    for secret in (SECRET, OLD):
        result = await CONNECTOR.verify(
            call(b'{"ticket_id":"71","text":"forged words"}', **{"x-bridge-secret": secret})
        )
        assert result.refresh == ("71",)
        assert not result.raws, "the body is a hint, never evidence"


@pytest.mark.parametrize("given", [None, "", "wrong", SECRET[:-1], SECRET + "0", "ü" * 20, f"{SECRET}, {OLD}"])
async def test_a_wrong_secret_is_refused(given):
    headers = {} if given is None else {"x-bridge-secret": given}
    with pytest.raises(Unauthentic):
        await CONNECTOR.verify(call(b'{"ticket_id":"71"}', **headers))


async def test_a_secret_in_the_query_is_refused():
    request = Request(
        "POST", "/hooks/desk2", (("X-Bridge-Secret", SECRET),), {}, b'{"ticket_id":"71"}', "", datetime.now(UTC)
    )
    with pytest.raises(Unauthentic):
        await CONNECTOR.verify(request)


@pytest.mark.parametrize("given", ["", "anything-at-all-17"])
async def test_without_a_configured_secret_every_call_is_refused(given):
    closed = Freshdesk(
        CONFIG.model_copy(update={"hook_secret": type(CONFIG.hook_secret)("")}), make_isolated_account("desk2")
    )
    with pytest.raises(Unauthentic):
        await closed.verify(call(b'{"ticket_id":"71"}', **{"x-bridge-secret": given}))


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ("<p>a</p>", "a"),
        ('<p>a</p><div class="freshdesk_quote"><p>old</p></div>', "a"),
        ("<div>See:</div><blockquote>1. open<br>2. tap</blockquote>", "See:\n\n1. open\n2. tap"),
        ('<p>a</p><div class="freshdesk_quote"><div>old</div></div><p>b</p>', "a\n\nb"),
        ('<p>a</p><blockquote type="cite">old<blockquote>older</blockquote></blockquote>b', "a\n\nb"),
        ('<p>a</p><blockquote class="gmail_quote">mine</blockquote>', "a\n\nmine"),
        (
            '<div class="signature-help">Sign <b>here</b></div><p class="e-signature">or here</p>',
            "Sign here\n\nor here",
        ),
        ('<p>a</p><div class="gmail_signature">Agent</div><p>PS: b</p>', "a\n\nPS: b"),
        ("<p>a</p><p>On Sun, Customer A wrote:</p><blockquote>old<blockquote>older</blockquote></blockquote><br>", "a"),
        ("<p>see</p><blockquote>the law</blockquote><p>and obey</p>", "see\n\nthe law\n\nand obey"),
        ("<p>a</p><p>在 2026年11月30日 09:00，客户 写道：</p><blockquote>old</blockquote>", "a"),
        ("<p>a</p><p>Il giorno lun 30 nov 2026 A ha scritto:</p><blockquote>old</blockquote>", "a"),
        ("<p>a</p><p>Am Mo., 30. Nov. 2026 schrieb A &lt;a@b.example&gt;:</p><blockquote>old</blockquote>", "a"),
        ("<p>a</p><p>2026年规定写明：</p><blockquote>no refund</blockquote>", "a\n\n2026年规定写明：\n\nno refund"),
        ("<p>a</p><blockquote>mine</blockquote><p>On 2 May, A wrote:</p><blockquote>old</blockquote>", "a\n\nmine"),
        ("<p>a</p><blockquote>mine</blockquote><p>b</p><blockquote>c</blockquote>", "a\n\nmine\n\nb\n\nc"),
        ('<p>a</p><div id="signature">Agent</div>', "a"),
        ('<div class="gmail_quote">only history</div>', "only history"),
        ('<p>a <img alt="photo" src="https://x.example/a.png"></p>', "a"),
        ("<p>quotes are said to be nice</p>", "quotes are said to be nice"),
    ],
)
def test_history_and_signature_are_cut(html, left):
    assert to_plain(said_in(html), Format.HTML) == left


def test_pictures_of_the_history_are_not_sent_again():
    html = '<p><img src="https://a.example/1.png?a=1&amp;b=2"></p><div class="freshdesk_quote"><img src="/2.png"></div>'
    assert pictures_in(html) == ["https://a.example/1.png?a=1&b=2"]
    assert pictures_in('<img width="1" height=1 src="https://a.example/o.gif"><img src="cid:1"><img src=data:x>') == []


def test_emoji_are_words_and_a_picture_keeps_the_link_it_stands_in():
    html = '<a href="https://pay.example/1"><IMG src="https://a.example/1.png"></a> ok <img class="emoji" alt="😀" src="/e">'
    assert pictures_in(html) == ["https://a.example/1.png"]
    assert to_plain(said_in(html), Format.HTML) == "[picture] (https://pay.example/1) ok 😀"


@pytest.mark.parametrize(
    "piece", ["<blockquote>", '<div class="', "<img ", "<!--", "</blockquote>", "merged into ticket "]
)
def test_hostile_bodies_take_no_time(piece):
    said_in(piece * 20_000)
    pictures_in(piece * 20_000)


def test_times_with_and_without_an_offset():
    assert moment("2026-11-22T08:00:00Z") == moment("2026-11-22T13:30:00+05:30")
    assert moment("2026-11-22T08:00:00") == moment("2026-11-22T08:00:00Z")
    assert moment(None) is None
    assert moment("0001-01-01T00:00:00+14:00") is None


@pytest.mark.parametrize(
    ("typed", "markup"),
    [
        ("  two before", "&nbsp;&nbsp;two before"),
        ("one two  three   four", "one two&nbsp; three&nbsp;&nbsp; four"),
        ("a\r\n\r\n b\tc", "a<br><br>&nbsp;b&nbsp;&nbsp;&nbsp; c"),
        ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
    ],
)
def test_what_was_typed_is_what_a_browser_shows(typed, markup):
    """HTML folds spaces: indents and columns would be lost."""
    assert escape(typed) == markup
    assert to_plain(markup, Format.HTML) == typed.replace("\r\n", "\n").replace("\t", "    ").strip()
