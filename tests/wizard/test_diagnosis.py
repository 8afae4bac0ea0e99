"""Each fault of a set-up is told apart, from what the connector says of its keys alone."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.contract import Request, Unauthentic
from bridge.testing.rig import make_account
from bridge.wizard.diagnosis import Suspect, diagnose, led_astray, refusal_of
from bridge.wizard.draft import Former
from connectors.wechat.connector import WeChat
from connectors.wechat.simulator.push import callback, signature

TOKEN, OLD = "k7Qm29xTOKENtoken0123", "0ld00ldToken0000"
KEY, OLD_KEY = "9fT3" + "a" * 38 + "M", "8eS2" + "b" * 38 + "M"
SECRET = "0123456789abcdef0123456789abcdef"
VALUES = {
    "kind": "wechat",
    "app_id": "wx0123456789abcdef",
    "app_secret": SECRET,
    "token": TOKEN,
    "encoding_aes_key": KEY,
    "mode": "secure",
}


def suspect(**changed: Any) -> Suspect:
    former = [
        Former(key="token", value=OLD, until="2026-11-22T10:05:00Z"),
        Former(key="encoding_aes_key", value=OLD_KEY, until="2026-11-22T10:06:00Z"),
    ]
    return Suspect(WeChat, VALUES | changed, make_account("shop"), former)


def asked(token: str, path: str = "/hooks/shop", age: int = 0) -> Request:
    now = datetime.now(UTC)
    stamp = str(int(now.timestamp()) - age)
    query = [("signature", signature(token, stamp, "1")), ("timestamp", stamp), ("nonce", "1"), ("echostr", "42")]
    return Request("GET", path, query, {}, b"", "192.0.2.7", now)


def pushed(**settings: Any) -> Request:
    given: dict[str, Any] = {
        "token": TOKEN,
        "key": KEY,
        "app_id": VALUES["app_id"],
        "mode": "secure",
        "data_format": "json",
    } | settings
    fields = {
        "ToUserName": "gh_1",
        "FromUserName": "o1",
        "CreateTime": 1,
        "MsgType": "text",
        "Content": "x",
        "MsgId": 1,
    }
    query, body = callback(fields, **given)
    return Request("POST", "/hooks/shop", list(query.items()), {}, body, "192.0.2.7", datetime.now(UTC))


async def finding(request: Request, **changed: Any) -> tuple[str, str, str]:
    one = suspect(**changed)
    connector = one.built()
    assert connector is not None
    refused = await refusal_of(connector, request)
    assert refused is not None
    found = await diagnose(one, request, refused)
    shown = json.dumps([found.what, found.key, found.title, found.value, found.reason])
    assert not any(secret in shown for secret in (TOKEN, OLD, KEY, OLD_KEY, SECRET)), "a secret is never shown"
    return found.what, found.key, found.value


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (asked(OLD), ("former", "token", "2026-11-22T10:05:00Z")),
        (asked(f"{TOKEN} "), ("blank", "token", "")),
        (asked(f"{TOKEN}\n"), ("blank", "token", "")),
        (asked(TOKEN.lower()), ("case", "token", "")),
        (asked(KEY), ("swapped", "token", "encoding_aes_key")),
        (asked(SECRET), ("swapped", "token", "app_secret")),
        (asked("something else"), ("signature", "", "")),
        (asked(TOKEN, age=3600), ("clock", "", "")),
        (pushed(key=OLD_KEY), ("former", "encoding_aes_key", "2026-11-22T10:06:00Z")),
        (pushed(key="7dR1" + "c" * 38 + "M"), ("key", "", "")),
        (pushed(mode="plain"), ("choice", "mode", "plain")),
        (pushed(app_id="wx00000000000000ff"), ("app", "", "")),
        (pushed(token=OLD), ("former", "token", "2026-11-22T10:05:00Z")),
    ],
)
async def test_a_refused_callback_has_a_cause(request_: Request, expected: tuple[str, str, str]) -> None:
    assert await finding(request_) == expected


async def test_the_other_way_round_the_choice_is_named_too() -> None:
    assert await finding(pushed(), mode="plain") == ("choice", "mode", "compatible")


async def test_what_is_right_is_not_refused() -> None:
    connector = suspect().built()
    assert connector is not None
    assert await refusal_of(connector, asked(TOKEN)) is None
    assert await refusal_of(connector, pushed()) is None


async def test_a_callback_on_another_path_is_known_and_a_visitor_is_not() -> None:
    assert await led_astray(suspect(), asked(TOKEN, "/hook/shop"), "/hooks/shop")
    assert await led_astray(suspect(), asked("another", "/callback"), "/hooks/shop")
    visit = Request("GET", "/robots.txt", [], {}, b"", "192.0.2.7", datetime.now(UTC))
    assert not await led_astray(suspect(), visit, "/hooks/shop")


async def test_the_connector_keeps_its_own_word_where_nothing_else_is_known() -> None:
    one = suspect()
    request = asked("something else")
    connector = one.built()
    assert connector is not None
    refused = await refusal_of(connector, request)
    assert isinstance(refused, Unauthentic)
    found = await diagnose(one, request, refused)
    assert "Token" in found.reason["en"] and "Token" in found.reason["zh"]
