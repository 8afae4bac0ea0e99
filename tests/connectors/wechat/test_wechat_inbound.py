"""Payloads of the platform's pages, and what becomes of each. `expected.json` is reviewed by eye when it changes."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from wechat_rig import OPENID, make_wechat

from bridge.contract import Event, Image, Malformed, MessageReceived, Raw, Unsupported

HERE = Path(__file__).parent
SAMPLES = sorted(path for path in (HERE / "fixtures").iterdir() if path.suffix in {".json", ".xml"})
EXPECTED = HERE / "expected.json"
TEMPLATES = {
    "back": {"id": "TEMPLATE_1", "data": {"thing1": "x"}},
    "also": {"id": "TEMPLATE_2", "data": {"thing1": "x"}},
}


def wechat(**settings):
    return make_wechat(lambda: datetime(2026, 1, 5, tzinfo=UTC), templates=TEMPLATES, **settings)


def events_of(payload: bytes, key="payload:1"):
    return list(wechat().normalise(Raw(key, payload)))


def dumped(events):
    return TypeAdapter(list[Event]).dump_python(events, mode="json", exclude_defaults=True)


def test_every_sample_becomes_what_is_expected():
    found = {path.name: dumped(events_of(path.read_bytes())) for path in SAMPLES}
    if os.environ.get("WECHAT_EXPECTED") == "write":
        EXPECTED.write_text(json.dumps(found, indent=1) + "\n")
    assert found == json.loads(EXPECTED.read_text())


def test_json_and_xml_of_one_message_mean_the_same():
    both = [dumped(events_of((HERE / "fixtures" / f"text.{kind}").read_bytes())) for kind in ("json", "xml")]
    assert both[0] == both[1]


@pytest.mark.parametrize("name", ["flat_object", "flat_array", "nested_object", "nested_array"])
def test_consents_come_in_four_forms(name):
    # https://github.com/royalrick/weapp/issues/63
    found = events_of((HERE / "fixtures" / f"consent_{name}.json").read_bytes())
    expected = [("TEMPLATE_1", 1), ("TEMPLATE_2", 0)] if "array" in name else [("TEMPLATE_1", 1)]
    assert [(event.template, event.count) for event in found] == expected


def test_consent_to_a_template_that_is_not_configured_says_nothing():
    payload = (HERE / "fixtures" / "consent_flat_array.json").read_bytes()
    assert not make_wechat(lambda: datetime(2026, 1, 5, tzinfo=UTC)).normalise(Raw("k", payload))


def message(**fields):
    base = {"ToUserName": "gh_1", "FromUserName": OPENID, "CreateTime": 1, "MsgType": "text", "MsgId": 5}
    return json.dumps(base | {"Content": "x"} | fields).encode()


@pytest.mark.parametrize(
    "openid",
    [
        "",
        "short",
        "../../../etc/passwd",
        "a%00bcdefg",
        "x" * 65,
        "x" * 10_000,
        "a b c d e f",
        "ünïcödé1",
        "x\n" * 4,
        None,
        {"a": 1},
        True,
    ],
)
def test_an_openid_that_is_none_is_quarantined(openid):
    with pytest.raises(Malformed):
        events_of(message(FromUserName=openid))


@pytest.mark.parametrize(
    "payload", [b"{}", b'{"MsgType": ""}', b'{"MsgType": {"a": 1}}', b"[]", b"<xml/>", b"", b"\xff"]
)
def test_what_cannot_be_read_is_quarantined(payload):
    with pytest.raises(Malformed):
        events_of(payload)


@pytest.mark.parametrize("when", ["", "soon", None, [], 10**30, -(10**30), "1e5"])
def test_an_odd_time_loses_no_message(when):
    (event,) = events_of(message(CreateTime=when))
    assert event.message.sent_at is None


def test_equal_ids_of_two_customers_are_two_messages():
    # https://github.com/binarywang/WxJava/issues/333
    one, two = (events_of(message(FromUserName=openid))[0].message.id for openid in (OPENID, "oSomebodyElse1"))
    assert one != two
    assert one == f"{OPENID}:5"


def test_a_message_without_an_id_has_the_key_of_its_raw():
    (event,) = events_of(message(MsgId=None), key="payload:77")
    assert event.message.id == "payload:77"


def test_half_an_emoji_can_be_stored():
    (event,) = events_of(b'{"MsgType": "text", "FromUserName": "%s", "Content": "a\\ud83dz"}' % OPENID.encode())
    assert event.message.parts[0].body.encode() == "a\ufffdz".encode()


def test_pictures_are_named_by_media_id_never_by_link():
    (event,) = events_of(message(MsgType="image", PicUrl="http://169.254.169.254/", MediaId="m1"))
    (part,) = event.message.parts
    assert isinstance(part, Image)
    assert part.media.id == "m1"
    assert "169.254" not in event.model_dump_json()


def test_an_unknown_kind_is_shown_as_what_it_is():
    (event,) = events_of(message(MsgType="file", Content="", Title="invoice.pdf", Description="March"))
    assert event.message.parts == (Unsupported(what="file", text="invoice.pdf\nMarch"),)


def test_unknown_fields_change_nothing():
    assert events_of(message()) == events_of(message(Idx=1, MsgDataId="x", bizmsgmenuid="101", Extra={"a": [1]}))


@pytest.mark.parametrize(
    "event", ["debug_demo", "wxa_media_check", "kf_create_session", "VIEW", "LOCATION", "", "new_one"]
)
def test_events_of_no_conversation_say_nothing(event):
    assert not events_of(message(MsgType="event", Event=event, FromUserName=""))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_names = st.sampled_from(
    [
        "FromUserName",
        "CreateTime",
        "MsgType",
        "Event",
        "MsgId",
        "Content",
        "MediaId",
        "List",
        "Location_X",
        "Location_Y",
        "TemplateId",
        "EventKey",
        "SubscribeMsgPopupEvent",
        "SubscribeMsgSentEvent",
        "SessionFrom",
        "BusinessId",
        "Format",
        "Title",
    ]
)
_kinds = st.sampled_from(["text", "image", "voice", "video", "location", "link", "event", "miniprogrampage", "odd"])
_events = st.sampled_from(
    ["user_enter_tempsession", "subscribe", "subscribe_msg_popup_event", "subscribe_msg_sent_event", "odd"]
)


@given(st.dictionaries(_names, _json), _kinds | _json, _events | _json, st.just(OPENID) | _json)
def test_whatever_the_fields_hold_becomes_events_or_quarantine(fields, kind, event, openid):
    fields |= {"MsgType": kind, "Event": event, "FromUserName": openid}
    try:
        found = events_of(json.dumps(fields).encode())
    except Malformed:
        return
    assert TypeAdapter(list[Event]).validate_json(TypeAdapter(list[Event]).dump_json(found)) == found
    if kind not in {"event", ""} and isinstance(kind, str):
        assert isinstance(found[0], MessageReceived)


@given(st.binary(max_size=200))
def test_any_bytes_are_events_or_quarantine(payload):
    try:
        events_of(payload)
    except Malformed:
        return
