"""What the platform hands over, item by item: every type of message and event, and those that nobody knows yet."""

import json
from typing import Any

import pytest

from bridge.contract import (
    Audience,
    AuthorKind,
    Card,
    Change,
    DeliveryState,
    Entered,
    Event,
    File,
    Image,
    Location,
    Malformed,
    MessageChanged,
    MessageReceived,
    Part,
    Raw,
    ReceiptReceived,
    Text,
    Unsupported,
    Video,
    Voice,
)
from connectors.wecom.errors import FAILS
from connectors.wecom.inbound import normalise

KFID, USER = "wkAJ2GCAAASSm4_FhToWMFea0xAFfd3Q", "wmAJ2GCAAAme1XQRC-NI-q0_ZM9ukoAw"
AT = 1_767_603_600


def read(item: dict[str, Any], *, language: str = "en", customer: Any = None, several: bool = False) -> list[Event]:
    whole = {"msgid": "m1", "open_kfid": KFID, "external_userid": USER, "send_time": AT, "origin": 3, **item}
    payload = {"account": KFID, "item": whole} | ({"customer": customer} if customer else {})
    return list(normalise(Raw("m1", json.dumps(payload).encode()), "wecom", language, several=several))


def happened(event: dict[str, Any], language: str = "en") -> list[Event]:
    """Events name account and customer inside, and nowhere else."""
    inside = {"open_kfid": KFID, "external_userid": USER, **event}
    item = {"msgid": "e1", "send_time": AT, "origin": 4, "msgtype": "event", "event": inside}
    payload = json.dumps({"account": KFID, "item": item}).encode()
    return list(normalise(Raw("e1", payload), "wecom", language, several=False))


def part_of(kind: str, body: dict[str, Any]) -> Part:
    (event,) = read({"msgtype": kind, kind: body})
    assert isinstance(event, MessageReceived)
    (part,) = event.message.parts
    return part


@pytest.mark.parametrize(
    ("kind", "body", "wanted"),
    [
        ("text", {"content": "在吗", "menu_id": "2"}, Text(body="在吗")),
        ("location", {"latitude": 23.1, "longitude": 113.3, "name": "A", "address": "B"},
         Location(latitude=23.1, longitude=113.3, label="A B")),
        ("link", {"title": "T", "desc": "D", "url": "https://example.com/a", "pic_url": "https://example.com/p"},
         Card(title="T", description="D", url="https://example.com/a")),
        ("business_card", {"userid": "zhangsan"}, Unsupported(what="business_card", text="zhangsan")),
        ("channels_shop_order", {"order_id": "7", "title": "杯子", "price_wording": "¥9"},
         Unsupported(what="channels_shop_order", text="杯子 7 ¥9")),
        ("channels_shop_product", {"product_id": "3", "title": "杯子"}, Unsupported(what="channels_shop_product", text="杯子 3")),
        ("merged_msg", {"title": "聊天记录"}, Unsupported(what="merged_msg", text="聊天记录")),
        ("meeting", {}, Unsupported(what="meeting", text="")),
        ("something_new", {"title": "never seen"}, Unsupported(what="something_new", text="never seen")),
    ],
)  # fmt: skip
def test_each_type_is_shown(kind: str, body: dict[str, Any], wanted: Part) -> None:
    assert part_of(kind, body) == wanted


@pytest.mark.parametrize(
    ("kind", "of", "mime"),
    [("image", Image, ""), ("voice", Voice, "audio/amr"), ("video", Video, "video/mp4"), ("file", File, "")],
)
def test_files_are_fetched_by_their_id(kind: str, of: Any, mime: str) -> None:
    part = part_of(kind, {"media_id": "MEDIA-1"})
    assert isinstance(part, of) and (part.media.id, part.media.mime) == ("MEDIA-1", mime)
    assert part_of(kind, {}) == Unsupported(what=kind)


def test_a_mini_programs_card_has_its_page() -> None:
    part = part_of("miniprogram", {"title": "T", "appid": "wx1", "pagepath": "a/b", "thumb_media_id": "M"})
    assert isinstance(part, Card) and (part.title, part.app, part.path) == ("T", "wx1", "a/b")
    assert part.thumb is not None and part.thumb.id == "M"


def test_a_customer_has_a_name_a_picture_and_an_id_that_other_products_know() -> None:
    known = {"nickname": "小明", "avatar": "https://example.com/a.png", "unionid": "U1"}
    (event,) = read({"msgtype": "text", "text": {"content": "hi"}}, customer=known, several=True)
    assert isinstance(event, MessageReceived) and event.contact is not None
    assert (event.contact.name, event.contact.avatar, event.contact.shared_id) == (
        "小明",
        "https://example.com/a.png",
        "U1",
    )
    assert event.message.author.kind is AuthorKind.CUSTOMER and event.message.author.name == "小明"
    assert event.message.conversation == f"{KFID}:{USER}" and event.context == {"open_kfid": KFID}


def test_what_a_colleague_says_in_wecom_is_for_agents() -> None:
    """It was said to the customer already: sent on, they would read it twice."""
    (event,) = read({"msgtype": "text", "text": {"content": "hi"}, "origin": 5, "servicer_userid": "zhangsan"})
    assert isinstance(event, MessageReceived)
    assert (event.message.audience, event.message.author.kind) == (Audience.AGENTS, AuthorKind.AGENT)
    assert event.message.author.name == "zhangsan"


def test_an_entry_has_its_scene_and_opens_only_with_a_welcome_code() -> None:
    scene = {"event_type": "enter_session", "scene": "shop", "scene_param": "order=7"}
    (plain,) = happened(scene)
    assert isinstance(plain, Entered) and not plain.opens_chat
    assert plain.context == {"session_from": "shop", "scene_param": "order=7"}
    (new,) = happened({**scene, "welcome_code": "CODE"})
    assert isinstance(new, Entered) and new.opens_chat
    assert new.context["_welcome_code"] == "CODE" and new.context["_welcome_until"] == str(AT + 20)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("number", [*FAILS, 99])
def test_a_message_that_did_not_arrive_is_a_failure_with_its_reason(number: int, language: str) -> None:
    (event,) = happened({"event_type": "msg_send_fail", "fail_msgid": "OURS", "fail_type": number}, language)
    assert isinstance(event, ReceiptReceived)
    assert (event.message, event.state) == ("OURS", DeliveryState.FAILED)
    assert event.reason == FAILS.get(number, FAILS[0])[language == "zh"]
    assert happened({"event_type": "msg_send_fail", "fail_type": number}) == []


@pytest.mark.parametrize("kind", ["user_recall_msg", "servicer_recall_msg"])
def test_what_is_taken_back_is_deleted(kind: str) -> None:
    (event,) = happened({"event_type": kind, "recall_msgid": "m7"})
    assert isinstance(event, MessageChanged) and (event.message, event.change) == ("m7", Change.DELETED)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (1, "new took this customer"),
        (2, "new took over"),
        (3, "ended by old"),
        (4, "new resumed"),
        (9, "status_change 9"),
    ],
)
def test_who_has_the_session_is_told_to_agents(change: int, said: str) -> None:
    who = {"new_servicer_userid": "new"} if change != 3 else {}
    event = {"event_type": "session_status_change", "change_type": change, "old_servicer_userid": "old", **who}
    (told,) = happened(event)
    assert isinstance(told, MessageReceived) and told.message.audience is Audience.AGENTS
    (part,) = told.message.parts
    assert isinstance(part, Text) and said in part.body
    (chinese,) = happened(event, "zh")
    assert isinstance(chinese, MessageReceived)
    assert (chinese.message.parts == told.message.parts) == (change == 9)


def test_events_about_servicers_are_about_no_conversation() -> None:
    for kind in ("servicer_status_change", "reject_customer_msg_switch_change"):
        assert happened({"event_type": kind, "servicer_userid": "zhangsan"}) == []
        assert happened({"event_type": kind, "external_userid": "", "servicer_userid": "zhangsan"}) == []


def test_an_event_that_nobody_knows_is_seen() -> None:
    (told,) = happened({"event_type": "a_new_kind"})
    assert isinstance(told, MessageReceived) and told.message.audience is Audience.AGENTS
    assert told.message.parts == (Text(body="[a_new_kind]"),)


@pytest.mark.parametrize(
    "item", [{"external_userid": ""}, {"external_userid": "../x"}, {"msgtype": ""}, {"msgtype": 7}]
)
def test_what_names_no_customer_is_quarantined(item: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        read({"msgtype": "text", "text": {"content": "hi"}, **item})
