"""The bell: who may ring it, and what it says."""

import json
from pathlib import Path

import pytest
from wechatpy.enterprise.crypto import WeChatCrypto

from bridge.contract import Cause, Request, Unauthentic
from connectors.tencent.crypto import Vault
from connectors.wecom import WeCom
from connectors.wecom.simulator import Simulator
from connectors.wecom.simulator.vendor import KFID

VECTORS = {
    one["id"]: one
    for one in json.loads((Path(__file__).parents[1] / "wechat" / "vectors.json").read_text("utf-8"))["vectors"]
}
BELL = (
    "<xml><ToUserName><![CDATA[ww]]></ToUserName><CreateTime>1</CreateTime><MsgType><![CDATA[event]]></MsgType>"
    f"<Event><![CDATA[kf_msg_or_event]]></Event><Token><![CDATA[ENC1]]></Token><OpenKfId><![CDATA[{KFID}]]></OpenKfId></xml>"
)


def asked(simulator: Simulator, method: str, query: dict[str, str], body: bytes = b"") -> Request:
    return Request(method, "/hooks/kf", list(query.items()), {}, body, "127.0.0.1", simulator.clock())


async def test_the_bell_asks_for_a_round_and_keeps_nothing(platform: Simulator, wecom: WeCom) -> None:
    query, body = platform.callback(BELL)
    result = wecom.verify(asked(platform, "POST", query, body))
    assert (result.reply.status, result.raws, result.refresh) == (200, (), ("",))


async def test_a_bell_that_names_no_account_rings_for_ours(platform: Simulator, wecom: WeCom) -> None:
    """Older callbacks lack OpenKfId."""
    query, body = platform.callback(BELL.replace(f"<OpenKfId><![CDATA[{KFID}]]></OpenKfId>", ""))
    result = wecom.verify(asked(platform, "POST", query, body))
    assert (result.reply.status, result.refresh) == (200, ("",))


async def test_other_callbacks_of_the_app_ring_nothing(platform: Simulator, wecom: WeCom) -> None:
    for payload in (
        BELL.replace("kf_msg_or_event", "enter_agent"),
        BELL.replace(KFID, "wkAnotherAccount"),
        "no xml at all",
    ):
        query, body = platform.callback(payload)
        result = wecom.verify(asked(platform, "POST", query, body))
        assert (result.reply.status, result.refresh) == (200, ()), payload


@pytest.mark.parametrize(
    ("choices", "cause"),
    [
        ({"token": "another"}, Cause.SIGNATURE),
        ({"key": "A" * 42 + "E"}, Cause.KEY),
        ({"corp_id": "wwAnother"}, Cause.APP),
    ],
)
async def test_forgeries_are_refused_in_one_voice(
    platform: Simulator, wecom: WeCom, choices: dict[str, str], cause: Cause
) -> None:
    query, body = platform.callback(BELL, **choices)
    with pytest.raises(Unauthentic) as caught:
        wecom.verify(asked(platform, "POST", query, body))
    assert caught.value.cause is cause
    assert caught.value.message == "the callback's signature does not verify"


async def test_an_old_callback_is_refused(platform: Simulator, wecom: WeCom) -> None:
    query, body = platform.callback(BELL)
    platform.clock.advance(16 * 60)
    with pytest.raises(Unauthentic) as caught:
        wecom.verify(asked(platform, "POST", query, body))
    assert caught.value.cause is Cause.CLOCK


async def test_the_address_proves_itself_by_what_it_decrypts(platform: Simulator, wecom: WeCom) -> None:
    """The published sample of the console's call."""
    sample = VECTORS["qy-echostr"]
    config = wecom.config.model_copy(update={"token": type(wecom.config.token)(sample["token"])})
    there = WeCom(config, wecom.account)
    there._vault = Vault(sample["encoding_aes_key"], sample["app_id"])
    platform.clock.advance(int(sample["timestamp"]) - platform.clock().timestamp())
    query = {name: sample[name] for name in ("msg_signature", "timestamp", "nonce")} | {"echostr": sample["encrypted"]}
    assert there.verify(asked(platform, "GET", query)).reply.body == sample["plaintext"]


async def test_wechatpy_reads_the_simulators_callbacks(platform: Simulator) -> None:
    """Code that nobody here wrote opens what the simulator seals."""
    query, body = platform.callback(BELL)
    crypto = WeChatCrypto(platform.token, platform.encoding_aes_key, platform.corp_id)
    opened = crypto.decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"])
    assert opened == BELL


async def test_the_connector_reads_what_wechatpy_seals(platform: Simulator, wecom: WeCom) -> None:
    crypto = WeChatCrypto(platform.token, platform.encoding_aes_key, platform.corp_id)
    stamp = str(int(platform.clock().timestamp()))
    sealed = crypto.encrypt_message(BELL, "nonce1", stamp)
    signed = sealed.split("<MsgSignature><![CDATA[")[1].split("]]>")[0]
    query = {"msg_signature": signed, "timestamp": stamp, "nonce": "nonce1"}
    assert wecom.verify(asked(platform, "POST", query, sealed.encode())).refresh == ("",)
