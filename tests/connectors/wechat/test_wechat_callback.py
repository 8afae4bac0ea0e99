"""Which callbacks are the platform's: every mode and format, and what must be refused."""

import json
import warnings
from datetime import UTC, datetime

import pytest
from wechat_rig import APP_ID, OPENID, SETTINGS, VECTORS, make_wechat, request

from bridge.contract import Cause, Malformed, MessageReceived, Raw, Unauthentic
from bridge.testing.rig import result_of
from connectors.wechat.simulator import Simulator
from connectors.wechat.simulator.push import callback, encode, signature

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
TEXT = {
    "ToUserName": "gh_97417a04a28d",
    "FromUserName": OPENID,
    "CreateTime": 1767603600,
    "MsgType": "text",
    "Content": "你好 ]]> & <b>",
    "MsgId": 23456789012345678,
}
KEY = f"msg:{OPENID}:23456789012345678"


def built(fields=TEXT, **choices):
    settings = {
        "token": SETTINGS["token"],
        "key": SETTINGS["encoding_aes_key"],
        "app_id": APP_ID,
        "mode": "secure",
        "data_format": "json",
        "timestamp": int(NOW.timestamp()),
    }
    return callback(fields, **(settings | choices))


async def verified(query, body, *, mode="secure", at=NOW, method="POST", **settings):
    wechat = make_wechat(lambda: at, mode=mode, **settings)
    return await result_of(wechat, request(query, body, at=at, method=method))


@pytest.mark.parametrize("mode", ["plain", "compatible", "secure"])
@pytest.mark.parametrize("data_format", ["json", "xml"])
@pytest.mark.parametrize("text_prefix", [True, False])
async def test_a_push_is_taken(mode, data_format, text_prefix):
    query, body = built(mode=mode, data_format=data_format, text_prefix=text_prefix)
    result = await verified(query, body, mode=mode)
    assert (result.reply.status, result.reply.body) == (200, "success")
    assert [raw.key for raw in result.raws] == [KEY]
    assert result.raws[0].payload == encode(TEXT, data_format)
    (event,) = make_wechat(lambda: NOW).normalise(result.raws[0])
    assert event.message.parts[0].body == TEXT["Content"]


@pytest.mark.parametrize("data_format", ["json", "xml"])
@pytest.mark.parametrize("mode", ["plain", "compatible", "secure"])
async def test_a_callback_made_by_wechatpy_is_taken(mode, data_format):
    """wechatpy 1.8.18 is a client library; its crypto half can also build what the platform sends."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from wechatpy.crypto import PrpCrypto, _get_signature
        from wechatpy.utils import WeChatSigner, to_binary
    import base64

    stamp, nonce = str(int(NOW.timestamp())), "1320562132"
    signer = WeChatSigner()
    signer.add_data(SETTINGS["token"], stamp, nonce)
    query = {"signature": signer.signature, "timestamp": stamp, "nonce": nonce}
    body = encode(TEXT, data_format)
    if mode != "plain":
        key = base64.b64decode(to_binary(SETTINGS["encoding_aes_key"] + "="))
        packet = PrpCrypto(key).encrypt(body.decode(), APP_ID)
        packet = packet.decode() if isinstance(packet, bytes) else packet
        query |= {"encrypt_type": "aes", "msg_signature": _get_signature(SETTINGS["token"], stamp, nonce, packet)}
        outer = TEXT if mode == "compatible" else {"ToUserName": TEXT["ToUserName"]}
        body = encode({**outer, "Encrypt": packet}, data_format)
    result = await verified(query, body, mode=mode)
    assert [raw.key for raw in result.raws] == [KEY]


@pytest.mark.parametrize(
    "vector", [v for v in VECTORS["vectors"] if v["kind"].startswith("secure_push")], ids=lambda v: v["id"]
)
async def test_published_packets_are_taken_whole(vector):
    query = {
        "signature": vector["signature"] or "",
        "timestamp": vector["timestamp"],
        "nonce": vector["nonce"],
        "encrypt_type": "aes",
        "msg_signature": vector["msg_signature"],
    }
    data_format = "json" if "json" in vector["kind"] else "xml"
    body = encode({"ToUserName": "gh_97417a04a28d", "Encrypt": vector["encrypted"]}, data_format)
    settings = {"token": vector["token"], "encoding_aes_key": vector["encoding_aes_key"], "app_id": vector["app_id"]}
    at = datetime.fromtimestamp(int(vector["timestamp"]), UTC)
    result = await verified(query, body, at=at, **settings)
    assert [raw.payload for raw in result.raws] == [vector["plaintext"].encode()]
    make_wechat(lambda: at).normalise(result.raws[0])  # whatever they are, they can be read


@pytest.mark.parametrize(
    "vector", [v for v in VECTORS["vectors"] if v["kind"] == "plain_push_signature"], ids=lambda v: v["id"]
)
async def test_published_plain_push_is_acknowledged_and_says_nothing(vector):
    query = {name: vector[name] for name in ("signature", "timestamp", "nonce")}
    at = datetime.fromtimestamp(int(vector["timestamp"]), UTC)
    result = await verified(query, json.dumps(vector["body"]).encode(), mode="plain", at=at, token=vector["token"])
    assert result.raws[0].key == "event:o9AgO5Kd5ggOC-bXrbNODIiE3bGY:1714037059:debug_demo"
    assert not make_wechat(lambda: at).normalise(result.raws[0])


async def test_published_url_verification_is_answered_with_its_echo():
    vector = VECTORS["vectors"][0]
    query = {name: vector[name] for name in ("signature", "timestamp", "nonce", "echostr")}
    at = datetime.fromtimestamp(int(vector["timestamp"]) + 60, UTC)
    for mode in ("plain", "compatible", "secure"):
        result = await verified(query, b"", method="GET", at=at, token=vector["token"], mode=mode)
        assert (result.reply.body, result.reply.media_type) == ("4375120948345356249", "text/plain")
        assert result.reply.headers["x-content-type-options"] == "nosniff"
        assert not result.raws


@pytest.mark.parametrize("echo", ["", "<script>alert(1)</script>", "1" * 129, "a\nb", "a b", "ü"])
async def test_an_echo_that_is_no_harmless_text_is_refused(echo):
    query, _ = built(mode="plain")
    with pytest.raises(Unauthentic):
        await verified(query | {"echostr": echo}, b"", method="GET")


@pytest.mark.parametrize("offset", [-901, 901, 86400, -86400])
async def test_a_timestamp_outside_a_quarter_of_an_hour_is_refused(offset):
    query, body = built(timestamp=int(NOW.timestamp()) + offset)
    with pytest.raises(Unauthentic):
        await verified(query, body)
    with pytest.raises(Unauthentic):
        await verified(query | {"echostr": "1"}, b"", method="GET")


@pytest.mark.parametrize("offset", [-899, 0, 899])
async def test_a_byte_identical_repeat_is_taken_again_with_the_same_key(offset):
    query, body = built(timestamp=int(NOW.timestamp()) + offset)
    first, second = await verified(query, body), await verified(query, body)
    assert first == second
    assert first.raws[0].key == KEY


SECURE_FORGERIES = {
    "signature in the place of msg_signature": lambda q, b: (q | {"msg_signature": q["signature"]}, b),
    "no msg_signature": lambda q, b: ({k: v for k, v in q.items() if k != "msg_signature"}, b),
    "encrypt_type raw": lambda q, b: (q | {"encrypt_type": "raw"}, b),
    "encrypt_type AES": lambda q, b: (q | {"encrypt_type": "AES"}, b),
    "no encrypt_type": lambda q, b: ({k: v for k, v in q.items() if k != "encrypt_type"}, b),
    "clear body": lambda q, b: (q, encode(TEXT, "json")),
    "clear body of a plain push": lambda q, b: built(mode="plain"),
    "another nonce": lambda q, b: (q | {"nonce": "1"}, b),
    "no nonce": lambda q, b: ({k: v for k, v in q.items() if k != "nonce"}, b),
    "another timestamp": lambda q, b: (q | {"timestamp": str(int(q["timestamp"]) + 1)}, b),
    "timestamp with a sign": lambda q, b: (q | {"timestamp": "+" + q["timestamp"]}, b),
    "timestamp in other digits": lambda q, b: (q | {"timestamp": "١٧٦٧٦٠٣٦٠٠"}, b),
    "no timestamp": lambda q, b: ({k: v for k, v in q.items() if k != "timestamp"}, b),
    "odd msg_signature": lambda q, b: (q | {"msg_signature": "ü" * 40}, b),
    "upper case msg_signature": lambda q, b: (q | {"msg_signature": q["msg_signature"].upper()}, b),
    "Encrypt is a number": lambda q, b: (q, b'{"Encrypt": 5}'),
    "Encrypt is an object": lambda q, b: (q, b'{"Encrypt": {"a": "b"}}'),
    "no Encrypt": lambda q, b: (q, b"{}"),
    "tampered packet": lambda q, b: (q, b.replace(b'"Encrypt":"', b'"Encrypt":"AAAA')),
    "another app id inside": lambda q, b: built(app_id="wx0000000000000000"),
    "another key": lambda q, b: built(key="jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"),
    "another token": lambda q, b: built(token="else"),
}


@pytest.mark.parametrize("name", SECURE_FORGERIES)
@pytest.mark.parametrize("mode", ["secure", "compatible"])
async def test_forgeries_are_refused_in_one_voice(name, mode):
    if (name, mode) == ("no encrypt_type", "compatible"):
        return  # the packet is authentic all the same; only secure mode promises the parameter
    query, body = SECURE_FORGERIES[name](*built(mode=mode))
    with pytest.raises(Unauthentic) as caught:
        await verified(query, body, mode=mode)
    assert caught.value.message == "the callback's signature does not verify"
    assert (caught.value.code, caught.value.__cause__) == ("", None)


async def test_clear_fields_beside_a_packet_are_never_believed():
    """Compatible mode: nothing signs them. Source of the body's shape: vector mp-python-sample."""
    for data_format in ("json", "xml"):
        query, body = built(mode="compatible", data_format=data_format)
        forged = body.replace("你好".encode(), b"pay 500 to me").replace(OPENID.encode(), b"oSomebodyElse", 1)
        result = await verified(query, forged, mode="compatible")
        assert result.raws[0].payload == encode(TEXT, data_format)
        assert result.raws[0].key == KEY


@pytest.mark.parametrize(
    "change",
    [{"signature": "0" * 40}, {"nonce": ""}, {"timestamp": "0"}, {"encrypt_type": "aes"}, {"signature": ""}],
    ids=str,
)
async def test_plain_forgeries_are_refused(change):
    query, body = built(mode="plain")
    with pytest.raises(Unauthentic):
        await verified(query | change, body, mode="plain")


async def test_a_secure_push_to_a_plain_account_is_refused():
    query, body = built()
    with pytest.raises(Unauthentic):
        await verified({k: query[k] for k in ("signature", "timestamp", "nonce")}, body, mode="plain")


@pytest.mark.parametrize("name", ["timestamp", "signature", "nonce", "msg_signature", "openid", "other"])
async def test_a_parameter_that_stands_twice_is_refused(name):
    query, body = built()
    pairs = [*query.items(), ("other", "1"), (name, query.get(name, "2"))]
    with pytest.raises(Malformed):
        await verified(pairs, body)


LAUGHS = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">' + b"".join(
    f'<!ENTITY a{i} "{"&a;" if i == 0 else ""}{f"&a{i - 1};" * 10}">'.encode() for i in range(12)
)
UNREADABLE = {
    "nothing": b"",
    "blank": b"  \n",
    "a word": b"hello",
    "truncated JSON": b'{"Encrypt": "abc',
    "truncated XML": b"<xml><Encrypt>abc",
    "not UTF-8": b'{"Encrypt": "\xff\xfe"}',
    "UTF-16": '{"Encrypt": "x"}'.encode("utf-16"),
    "two keys alike": b'{"Encrypt": "a", "Encrypt": "b"}',
    "two elements alike": b"<xml><Encrypt>a</Encrypt><Encrypt>b</Encrypt></xml>",
    "nested JSON": b'{"a":' + b"[" * 100_000,
    "nested JSON, closed": b'{"a":' + b"[" * 21 + b"]" * 21 + b"}",
    "nested XML": b"<a>" * 100_000,
    "array": b"[1]",
    "NaN": b'{"a": NaN}',
    "entity bomb": LAUGHS + b"]><x>&a11;</x>",
    "external entity": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><Encrypt>&e;</Encrypt></xml>',
    "remote document type": b'<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><xml/>',
    "parameter entity": b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/p">%p;]><xml/>',
    "undefined entity": b"<xml><Encrypt>&nope;</Encrypt></xml>",
    "two documents": b"<xml/><xml/>",
    "huge number": b'{"a": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("mode", ["plain", "compatible", "secure"])
async def test_what_cannot_be_read_before_it_is_authentic_is_not_kept(name, mode):
    query, _ = built(mode=mode)
    with pytest.raises(Malformed) as caught:
        await verified(query, UNREADABLE[name], mode=mode)
    assert caught.value.message == "the callback cannot be read"


@pytest.mark.parametrize("payload", [b"", b"no structure", b'{"FromUserName": "x", ', b"\xff\xfe", b"<!DOCTYPE x><x/>"])
async def test_an_authentic_payload_that_cannot_be_read_is_kept_for_quarantine(payload):
    from connectors.wechat.simulator.push import seal

    packet = seal(payload, SETTINGS["encoding_aes_key"], APP_ID, b"r" * 16)
    stamp = str(int(NOW.timestamp()))
    signed = signature(SETTINGS["token"], stamp, "1", packet)
    query = {"timestamp": stamp, "nonce": "1", "encrypt_type": "aes", "msg_signature": signed}
    result = await verified(query, encode({"Encrypt": packet}, "json"))
    (raw,) = result.raws
    assert raw.key.startswith("payload:")
    assert raw.payload == payload
    with pytest.raises(Malformed):
        make_wechat(lambda: NOW).normalise(raw)


async def test_characters_that_xml_cannot_hold_do_not_lose_a_message():
    query, body = built(mode="plain", data_format="xml")
    result = await verified(query, body.replace("你好".encode(), b"a\x0b\x00b"), mode="plain")
    (event,) = make_wechat(lambda: NOW).normalise(result.raws[0])
    assert event.message.parts[0].body == "a\ufffd\ufffdb ]]> & <b>"


async def test_a_declared_encoding_is_overruled():
    query, body = built(mode="plain", data_format="xml")
    body = b'\xef\xbb\xbf<?xml version="1.0" encoding="ISO-8859-1"?>' + body
    result = await verified(query, body, mode="plain")
    (event,) = make_wechat(lambda: NOW).normalise(result.raws[0])
    assert event.message.parts[0].body == TEXT["Content"]


async def _key(fields):
    query, body = built(fields)
    return (await verified(query, body)).raws[0].key


async def test_keys_tell_apart_what_is_apart():
    """https://github.com/binarywang/WxJava/issues/333 and https://github.com/chanjarster/weixin-java-tools/issues/66"""
    event = {**TEXT, "MsgType": "event", "MsgId": None}
    keys = [
        await _key(TEXT),
        await _key({**TEXT, "FromUserName": "oSomebodyElse1"}),
        await _key({**TEXT, "MsgId": "23456789012345679"}),
        await _key({**event, "Event": "user_enter_tempsession"}),
        await _key({**event, "Event": "debug_demo"}),
        await _key({**event, "Event": "debug_demo", "CreateTime": 1767603601}),
        await _key({**event, "Event": "CLICK", "EventKey": "one"}),
        await _key({**event, "Event": "CLICK", "EventKey": "two / three"}),
        await _key({**event, "Event": "wxa_media_check", "trace_id": "5e1f-1"}),
        await _key({**event, "Event": "subscribe_msg_popup_event", "List": {"TemplateId": "T1"}}),
        await _key({**event, "Event": "subscribe_msg_popup_event", "List": {"TemplateId": "T2"}}),
        await _key({**TEXT, "FromUserName": "../../etc"}),
        await _key({**TEXT, "MsgId": None}),
        await _key({**TEXT, "MsgId": "x" * 10_000}),
    ]
    assert len(set(keys)) == len(keys)
    assert keys[0] == await _key({**TEXT, "MsgId": "23456789012345678"})  # number or string
    assert max(map(len, keys)) < 250


@pytest.mark.parametrize("data_format", ["json", "xml"])
async def test_a_key_is_the_same_in_every_mode(data_format):
    found = set()
    for mode in ("plain", "compatible", "secure"):
        query, body = built(mode=mode, data_format=data_format)
        found.add((await verified(query, body, mode=mode)).raws[0].key)
    assert found == {KEY}


@pytest.mark.parametrize("mode", ["plain", "compatible", "secure"])
@pytest.mark.parametrize("data_format", ["json", "xml"])
async def test_the_simulator_saves_its_settings_and_pushes(mode, data_format, clock):
    """The platform's half is other code than ours; here they meet over a socket."""
    from starlette.applications import Starlette
    from starlette.requests import Request as Incoming
    from starlette.responses import Response
    from starlette.routing import Route

    from bridge.testing.simulator import Simulator as Base

    wechat = make_wechat(clock, mode=mode)
    raws: list[Raw] = []

    async def hook(incoming: Incoming) -> Response:
        pairs = incoming.query_params.multi_items()
        found = request(pairs, await incoming.body(), at=clock(), method=incoming.method)
        try:
            result = await result_of(wechat, found)
        except Unauthentic:
            return Response(status_code=403)
        raws.extend(result.raws)
        return Response(result.reply.body, result.reply.status)

    class Bridge(Base):
        def __init__(self):
            super().__init__()
            self.app = Starlette(routes=[Route("/hooks/shop", hook, methods=["GET", "POST"])])

        def settings(self):
            return {}

    async with Bridge() as bridge, Simulator(clock=clock, mode=mode, data_format=data_format) as platform:
        platform.hook_url = f"{bridge.origin}/hooks/shop"
        assert await platform.check_url()
        assert not await platform.check_url(signature="0" * 40)
        await platform.enters(OPENID, session_from="vip")
        number = await platform.says(OPENID, "你好 🙂")
        assert platform.attempts == [("user_enter_tempsession", 200), (number, 200)]
    entered, said = (wechat.normalise(raw)[0] for raw in raws)
    assert entered.context == {"session_from": "vip"}
    assert isinstance(said, MessageReceived)
    assert said.message.parts[0].body == "你好 🙂"


CAUSES = {
    "another token": (Cause.SIGNATURE, {"token": "else"}, {}),
    "another key": (Cause.KEY, {"key": "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"}, {}),
    "another app": (Cause.APP, {"app_id": "wx0000000000000000"}, {}),
    "another time": (Cause.CLOCK, {"timestamp": int(NOW.timestamp()) - 3600}, {}),
    "plain push, secure here": (Cause.MODE, {"mode": "plain"}, {}),
    "secure push, plain here": (Cause.MODE, {}, {"mode": "plain"}),
    "plain push of another token": (Cause.SIGNATURE, {"mode": "plain", "token": "else"}, {"mode": "plain"}),
    "plain push of another time": (
        Cause.CLOCK, {"mode": "plain", "timestamp": int(NOW.timestamp()) + 3600}, {"mode": "plain"}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CAUSES)
async def test_an_admin_is_told_what_is_wrong_with_the_set_up(name):
    """The faults of a set-up, each named by its cause, with what to do in both languages."""
    cause, platform, here = CAUSES[name]
    with pytest.raises(Unauthentic) as caught:
        await verified(*built(**platform), **here)
    assert caught.value.cause is cause
    assert set(caught.value.reason) == {"en", "zh"} and all(caught.value.reason.values())


async def test_the_check_of_the_address_names_its_causes():
    query, _ = built(mode="plain")
    cases = {
        Cause.SIGNATURE: query | {"echostr": "1", "signature": "0" * 40},
        Cause.CLOCK: built(mode="plain", timestamp=int(NOW.timestamp()) - 3600)[0] | {"echostr": "1"},
        Cause.UNSIGNED: {"echostr": "1"},
        Cause.VISIT: {},
    }
    for cause, asked in cases.items():
        with pytest.raises(Unauthentic) as caught:
            await verified(asked, b"", method="GET")
        assert caught.value.cause is cause
