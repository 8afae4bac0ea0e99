"""The pure parts: from RT's payloads to events, from messages to steps, addresses, marks, mails, signatures, keys.

The fixtures are what the poller made of the answers of Request Tracker 5.0.3.
"""

import email
import email.policy
import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.contract import (
    Audience,
    Author,
    AuthorKind,
    Card,
    Cause,
    Contact,
    Event,
    File,
    Format,
    Image,
    Location,
    Malformed,
    Media,
    Message,
    MessageReceived,
    Part,
    Raw,
    RenderContext,
    Request,
    Status,
    StatusChanged,
    Text,
    Unauthentic,
    Unsupported,
    Video,
    Voice,
    file_name,
)
from bridge.testing.conformance.purity import make_isolated_account
from connectors.rt import RequestTracker, inbound
from connectors.rt.gateway import compose, sender
from connectors.rt.outbound import render
from connectors.rt.text import address, is_customer, key_of, mark, marked, message_id

FIXTURES = Path(__file__).parent / "fixtures"
KEY = "0123456789abcdef0123456789abcdef"


def events(name: str) -> list[Event]:
    payload = (FIXTURES / f"{name}.json").read_bytes()
    return list(inbound.normalise(Raw(name.replace("_", ":"), payload), "desk", "bridge.invalid"))


def message(name: str) -> Message:
    (event,) = events(name)
    assert isinstance(event, MessageReceived)
    return event.message


# normalise


def test_an_answer_typed_in_rts_page() -> None:
    said = message("transaction_95")
    assert (said.id, said.conversation, said.audience) == ("95", "6", Audience.CUSTOMER)
    assert said.author == Author(kind=AuthorKind.AGENT, id="agent")
    assert said.sent_at == datetime(2026, 11, 22, 12, 3, 28, tzinfo=UTC)
    assert said.parts == (
        Text(body="<p>line1</p>\n\n<p>line2</p>", format=Format.HTML),
        File(media=Media(account="desk", id="57", mime="application/pdf", name="附件.pdf", size=10)),
    )


def test_an_answer_by_mail_is_said_once_with_all_its_parts() -> None:
    said = message("transaction_120")
    assert said.author == Author(kind=AuthorKind.AGENT, id="agent", name="Agent")
    assert said.parts == (
        Text(body="answer"),
        Image(media=Media(account="desk", id="84", mime="image/png", name="图.png", size=9)),
        Text(body="signature"),
        Image(media=Media(account="desk", id="86", mime="image/jpeg")),
        File(media=Media(account="desk", id="87", mime="text/html", name="a.html", size=4)),
    )


def test_a_comment_stays_with_the_agents() -> None:
    assert message("transaction_97").audience is Audience.AGENTS


def test_an_outsider_is_no_agent() -> None:
    assert message("transaction_121").author.kind is AuthorKind.CUSTOMER


@pytest.mark.parametrize("name", ["transaction_107", "transaction_122"])
def test_our_own_voice_is_known_by_subject_or_message_id(name: str) -> None:
    assert (message(name).origin, message(name).author.kind) == (KEY, AuthorKind.BRIDGE)


@pytest.mark.parametrize(
    ("name", "status", "moved_to"),
    [
        ("transaction_98", Status.SOLVED, ""),
        ("transaction_123", Status.OPEN, ""),
        ("transaction_124", Status.OPEN, ""),
        ("transaction_125", Status.OPEN, "2"),
    ],
)
def test_changes_of_a_ticket(name: str, status: Status, moved_to: str) -> None:
    assert events(name) == [StatusChanged(conversation="6", status=status, moved_to=moved_to)]


@pytest.mark.parametrize("word", ["rejected", "deleted"])
def test_what_ends_a_ticket(word: str) -> None:
    payload = json.dumps({"id": "1", "type": "Status", "ticket": "6", "new": word}).encode()
    (event,) = inbound.normalise(Raw("transaction:1", payload), "desk", "bridge.invalid")
    assert event == StatusChanged(conversation="6", status=Status.CLOSED)


def test_an_answer_that_says_nothing_is_passed_on_so_that_its_author_can_be_told() -> None:
    (event,) = events("transaction_126")
    assert isinstance(event, MessageReceived)
    assert (event.message.author.kind, event.message.parts) == (AuthorKind.AGENT, (Text(body=""),))


def test_what_rt_could_not_give_out_is_quarantined() -> None:
    with pytest.raises(Malformed, match="transaction 7"):
        inbound.normalise(Raw("transaction:7", b'{"id":"7","unreadable":"http 500"}'), "desk", "bridge.invalid")


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ("<p>x</p>\n\n<p>&nbsp;</p>\n", "<p>x</p>"),
        ("<p>x</p><p></p><br />\n<br>", "<p>x</p>"),
        ("x<br />", "x"),
        ("<p>&nbsp;</p>", ""),
        ("<p>a</p><p>b</p>", "<p>a</p><p>b</p>"),
    ],
)
def test_the_editors_empty_end(html: str, left: str) -> None:
    assert inbound._trimmed(html, html=True) == left


# render


def said(*parts: Part, id: str = "m", audience: Audience = Audience.CUSTOMER, subject: str = "") -> Message:  # noqa: A002
    author = Author(kind=AuthorKind.CUSTOMER)
    return Message(id=id, conversation="c", author=author, parts=parts, audience=audience, subject=subject)


def media(name: str, mime: str, **more: Any) -> Media:
    return Media(account="shop", id="1", name=name, mime=mime, sha256="ab" * 32, **more)


PICTURE, THUMB = media("图.png", "image/png"), media("", "image/jpeg")


@pytest.mark.parametrize(
    ("part", "text", "files"),
    [
        (Text(body="  {{x}} <script>\n\n> q"), "  {{x}} <script>\n\n> q", ()),
        (Image(media=PICTURE, caption="see"), "[image: 图.png]\nsee", (PICTURE,)),
        (Voice(media=media("", "audio/amr"), transcript="我要退款"), "[voice message: abababab.amr]\n我要退款", None),
        (Video(media=media("a.mp4", "video/mp4"), thumb=THUMB), "[video: a.mp4]\n[thumbnail: abababab.jpg]", None),
        (File(media=media("a.pdf", "application/pdf")), "[file: a.pdf]", None),
        (
            Image(media=Media(account="shop", id="1", error="the file has expired")),
            "[image: image, could not be fetched: the file has expired]",
            (),
        ),
        (
            Card(title="Order 17", app="wx1", path="pages/order?id=17", thumb=THUMB),
            "[card]\nOrder 17\npage: pages/order?id=17\n[thumbnail: abababab.jpg]",
            (THUMB,),
        ),
        (
            Location(latitude=31.2, longitude=121.5, label="People's Square"),
            "[location] People's Square 31.2, 121.5",
            (),
        ),
        (Unsupported(what="sticker", text="😀"), "[sticker] 😀", ()),
    ],
)
def test_how_each_kind_looks_to_the_agent(part: Part, text: str, files: tuple[Media, ...] | None) -> None:
    (step,) = render([said(part)], RenderContext(conversation="6"))
    assert step.body == {"text": text}
    if files is not None:
        assert step.media == files


def test_a_burst_is_one_correspondence_in_order() -> None:
    burst = [said(Text(body=f"line {number}"), id=f"m{number}") for number in range(5)]
    (step,) = render(burst, RenderContext(conversation="6"))
    assert step.verb == "correspond"
    assert step.body["text"] == "line 0\n\nline 1\n\nline 2\n\nline 3\n\nline 4"
    assert step.covers == ("m0", "m1", "m2", "m3", "m4")


def test_the_first_message_makes_the_ticket_and_tells_where_the_customer_came_from() -> None:
    context = RenderContext(
        contact=Contact(id="o1", name="Customer A"),
        context={"session_from": "vip", "page_path": "pages/order", "empty": ""},
        previous="5",
    )
    note = said(Text(body="a note"), id="n", audience=Audience.AGENTS)
    first, second, third = render([said(Text(body="hello\nthere")), note, said(Text(body="more"), id="m2")], context)
    assert [step.verb for step in (first, second, third)] == ["create", "comment", "correspond"]
    assert first.body["subject"] == "Customer A: hello"
    assert first.body["text"] == "hello\nthere\n\n[came from: vip]\n[page: pages/order]\n[continues ticket #5]"


def test_a_subject_of_the_customers_own() -> None:
    (step,) = render([said(Text(body="hello"), subject="Order 17")], RenderContext(contact=Contact(id="o1")))
    assert step.body["subject"] == "Order 17"


def test_a_very_long_burst_is_several_correspondences() -> None:
    steps = render(
        [said(Text(body="x" * 30_000), id=f"m{number}") for number in range(3)], RenderContext(conversation="6")
    )
    assert [step.covers for step in steps] == [("m0",), ("m1",), ("m2",)]


# addresses, marks, mails


@given(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=80), st.text(st.characters(codec="utf-8"), max_size=80)
)
def test_addresses_are_folded_without_meeting(one: str, other: str) -> None:
    made = address(one, "bridge.invalid")
    assert made == made.lower()
    assert is_customer(made.upper(), "bridge.invalid")
    assert len(made.partition("@")[0]) <= 64
    assert (made == address(other, "bridge.invalid")) == (one == other)


@pytest.mark.parametrize("who", ["agent", "c-0@elsewhere.test", "c-xyz@bridge.invalid", "", "c-0@bridge.invalid.test"])
def test_other_peoples_addresses(who: str) -> None:
    assert not is_customer(who, "bridge.invalid")


@given(st.from_regex(r"[\w.:-]{1,64}", fullmatch=True))
def test_marks_come_back(key: str) -> None:
    assert marked(mark(key) + "\n") == key
    assert key_of(message_id(key, "bridge.invalid"), "bridge.invalid") == key


@pytest.mark.parametrize(
    "subject", ["Re: ref x", "[desk.test #7] ref x", "Re: [desk.test #7] ref x", "ref", "ref a b", "No Subject"]
)
def test_an_agents_subject_is_no_mark(subject: str) -> None:
    assert marked(subject) == ""


@pytest.mark.parametrize("given_id", ["<x@desk.test>", "rt-5.0.3-1@desk.test", "", "x"])
def test_another_message_id_is_no_key(given_id: str) -> None:
    assert key_of(given_id, "bridge.invalid") == ""


NAMES = st.text(st.characters(codec="utf-8"), max_size=60)


@example("", "", "", "0\x1e0")
@given(st.text(st.characters(codec="utf-8"), max_size=300), NAMES, NAMES, NAMES)
def test_a_mail_says_what_was_typed(text: str, name: str, subject: str, file: str) -> None:
    who = sender(Contact(id="o1", name=name), "bridge.invalid")
    upload = (file_name(media(file, "text/plain")), b"a\r\nb\n\x00", "text/plain")
    raw = compose(text, [upload], who, KEY, subject=subject)
    assert raw.isascii()
    assert raw == compose(text, [upload], who, KEY, subject=subject)
    found = email.message_from_bytes(raw, policy=email.policy.default)
    body, attached = list(found.iter_parts())
    assert body.get_payload(decode=True) == text.encode()
    assert attached.get_payload(decode=True) == b"a\r\nb\n\x00"
    assert found["From"].addresses[0].addr_spec == address("o1", "bridge.invalid")
    assert found["Message-ID"] == f"<{KEY}@bridge.invalid>"
    assert len(found.get_all("From")) == len(found.get_all("Subject") or [""]) == 1
    assert not {name.lower() for name in found} & {"to", "cc", "bcc", "reply-to"}


@pytest.mark.parametrize(
    ("name", "mime", "shown"),
    [
        ("a/b\r\nc.png", "image/png", "a_b c.png"),
        ("photo", "image/jpeg", "photo.jpg"),
        ("", "audio/amr", "abababab.amr"),
        ("", "", "abababab.bin"),
        ("发票.pdf", "application/pdf", "发票.pdf"),
    ],
)
def test_names_of_files(name: str, mime: str, shown: str) -> None:
    assert file_name(media(name, mime)) == shown


# verify

SETTINGS = {
    "kind": "rt",
    "api_base": "https://rt.example.com/REST/2.0",
    "token": "1-31-of-the-bridge",
    "queue": "Support",
    "hook_secret": "a-hook-secret",
}
NOTE = b'{"creator":"agent","event":"correspond","ticket":9,"transaction":108,"type":"Correspond"}'


def tracker(**changes: Any) -> RequestTracker:
    return RequestTracker(RequestTracker.Config.model_validate(SETTINGS | changes), make_isolated_account("desk"))


def call(body: bytes = NOTE, **headers: str) -> Request:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("POST", "/hooks/desk", (), names, body, "198.51.100.7", datetime(2026, 1, 5, tzinfo=UTC))


def sign(body: bytes, secret: bytes = b"a-hook-secret") -> str:
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("name", ["x_bridge_signature", "x_rt_signature"])
@pytest.mark.parametrize("shape", ["{}", "sha256={}", " sha256={} "])
async def test_a_signed_note_names_the_ticket(name: str, shape: str) -> None:
    result = await tracker().verify(call(**{name: shape.format(sign(NOTE))}))
    assert (result.refresh, result.raws) == (("9",), ())


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x_bridge_signature": ""},
        {"x_bridge_signature": sign(NOTE, b"another")},
        {"x_bridge_signature": sign(NOTE + b" ")},
        {"x_bridge_signature": sign(NOTE)[:-1]},
        {"x_bridge_signature": "sha1=" + sign(NOTE)},
        {"x_bridge_signature": "ä" * 64},
        {"x_rt_signature": "sha256="},
    ],
)
async def test_a_forged_note_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthentic):
        await tracker().verify(call(**headers))


async def test_without_a_secret_nothing_is_believed() -> None:
    with pytest.raises(Unauthentic):
        await tracker(hook_secret="").verify(call(x_bridge_signature=sign(NOTE, b"")))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b"\xff", b"[" * 100_000])
async def test_a_signed_note_that_says_nothing(body: bytes) -> None:
    with pytest.raises(Malformed):
        await tracker().verify(call(body, x_bridge_signature=sign(body)))


@pytest.mark.parametrize("ticket", ['"1 OR id > 0"', "null", '"²"', '""', "{}"])
async def test_a_note_about_what_is_no_ticket_is_no_nudge(ticket: str) -> None:
    body = b'{"ticket":%s}' % ticket.encode()
    assert (await tracker().verify(call(body, x_bridge_signature=sign(body)))).refresh == ()


# keys of the configuration


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"api_base": "https://rt.example.com"}, "must end with /REST/2.0"),
        ({"api_base": "http://rt.example.com/REST/2.0"}, "plain http"),
        ({"token": " "}, "Auth Tokens"),
        ({"queue": "a' OR 'b"}, "without quotes"),
        ({"queue": ""}, "name of a queue"),
        ({"mail_gateway": "http://rt.example.com"}, "mail_gateway on plain http"),
        ({"mail_gateway": "rt.example.com"}, "mail_gateway must be a URL"),
        ({"requestor_domain": "Bridge.Invalid"}, "lower-case domain"),
    ],
)
def test_a_fault_in_the_configuration_says_what_to_do(changes: dict[str, str], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        RequestTracker.Config.model_validate(SETTINGS | changes)


@pytest.mark.parametrize("tail", ["", "/", "/REST/1.0/NoAuth/mail-gateway"])
def test_the_gateway_may_be_named_in_full(tail: str) -> None:
    config = RequestTracker.Config.model_validate(SETTINGS | {"mail_gateway": f"https://rt.example.com/rt{tail}"})
    assert config.mail_gateway == "https://rt.example.com/rt"


async def test_what_the_administrator_pastes_holds_no_secret() -> None:
    plan = await tracker().plan()
    text = "\n".join(change.text for change in plan)
    assert "https://bridge" in text
    assert "return 1 if $t->Creator == 31;" in text, "what the bridge writes itself is not told"
    assert "a-hook-secret" not in text
    assert SETTINGS["token"] not in text
    assert len(await tracker(hook_secret="").plan()) == len(plan) + 1
    assert all(change.apply is None for change in [*plan, *await tracker().plan(remove=True)])


async def test_callbacks_without_a_secret_say_what_is_missing():
    for secret, sent, cause in (
        ("", "x", Cause.NO_SECRET),
        ("right", "x", Cause.SIGNATURE),
        ("right", "", Cause.UNSIGNED),
    ):
        with pytest.raises(Unauthentic) as caught:
            await tracker(hook_secret=secret).verify(call(x_bridge_signature=sent))
        assert caught.value.cause is cause
