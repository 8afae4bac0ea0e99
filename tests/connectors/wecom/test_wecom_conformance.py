"""What every connector has to keep."""

import json
from typing import Any

from bridge.contract import AuthFailed, Media, Raw, Rejected, Retryable, Scope, Throttled, WindowClosed
from bridge.testing.conformance import ConnectorConformance, Harness, Refusal
from connectors.wecom import WeCom
from connectors.wecom.simulator import Simulator
from connectors.wecom.simulator.vendor import KFID

USER = "wmAJ2GCAAAme1XQRC-NI-q0_ZM9ukoAw"


def says(code: int) -> bytes:
    """The platform says no with status 200."""
    return json.dumps({"errcode": code, "errmsg": "as asked, hint: [1], from ip: 127.0.0.1"}).encode()


def sample(kind: str, body: dict[str, Any], **more: Any) -> Raw:
    named = {} if kind == "event" else {"open_kfid": KFID, "external_userid": USER}
    item = {"msgid": f"m-{kind}-{len(str(body))}", **named, "send_time": 1615478585, "origin": 3, "msgtype": kind}
    customer = {"external_userid": USER, "nickname": "李华", "avatar": "https://wx.qlogo.cn/a", "unionid": "oUnion"}
    payload = {"account": KFID, "item": item | {kind: body} | more, "customer": customer}
    return Raw(item["msgid"], json.dumps(payload, ensure_ascii=False).encode())


def event(kind: str, **fields: Any) -> Raw:
    body = {"event_type": kind, "open_kfid": KFID, "external_userid": USER, **fields}
    return sample("event", body, origin=4)


SAMPLES = (
    sample("text", {"content": "在吗 😀", "menu_id": "101"}),
    sample("image", {"media_id": "2iSLeVyqzk4eX0IB5kTi9Ljfa2rt9dwfq5WKRQ4Nvvgw"}),
    sample("voice", {"media_id": "3iSLeVyqzk4eX0IB5kTi9Ljfa2rt9dwfq5WKRQ4Nvvgw"}),
    sample("video", {"media_id": "4iSLeVyqzk4eX0IB5kTi9Ljfa2rt9dwfq5WKRQ4Nvvgw"}),
    sample("file", {"media_id": "5iSLeVyqzk4eX0IB5kTi9Ljfa2rt9dwfq5WKRQ4Nvvgw"}),
    sample("location", {"latitude": 23.1, "longitude": 113.3, "name": "广州塔", "address": "阅江西路"}),
    sample("link", {"title": "t", "desc": "d", "url": "https://example.com/", "pic_url": "https://example.com/p"}),
    sample("business_card", {"userid": "zhangsan"}),
    sample("miniprogram", {"title": "订单", "appid": "wx1", "pagepath": "p/o.html?id=1", "thumb_media_id": "6iSL"}),
    sample("msgmenu", {"head_content": "您满意吗？", "list": [], "tail_content": ""}),
    sample(
        "channels_shop_order", {"order_id": "37", "product_titles": "鞋", "price_wording": "￥9", "state": "待发货"}
    ),
    sample("channels_shop_product", {"product_id": "3", "title": "鞋", "price": "9"}),
    sample("merged_msg", {"title": "聊天记录", "item": []}),
    sample("note", {}),
    sample("text", {"content": "由同事回复"}, origin=5, servicer_userid="zhangsan"),
    event("enter_session", scene="shop", scene_param="order%3D1", welcome_code="w1"),
    event("msg_send_fail", fail_msgid="abc", fail_type=4),
    event("session_status_change", change_type=1, new_servicer_userid="zhangsan", msg_code="c"),
    event("session_status_change", change_type=3, old_servicer_userid="zhangsan"),
    event("user_recall_msg", recall_msgid="abc"),
    event("servicer_recall_msg", recall_msgid="abc", servicer_userid="zhangsan"),
    event("servicer_status_change", servicer_userid="zhangsan", status=1),
    event("heard_of_never_before"),
)


class TestWeCom(ConnectorConformance):
    connector = WeCom
    simulator = Simulator
    effect = "POST /cgi-bin/kf/send_msg"
    uploads = "POST /cgi-bin/media/upload"
    samples = SAMPLES
    cannot_show = {"files_shown": "the simulator keeps ids of files; see the connector's own tests"}
    refusals = (
        Refusal("window over", WindowClosed, 200, says(95002)),
        Refusal("replies used up", WindowClosed, 200, says(95001)),
        Refusal("a servicer has it", WindowClosed, 200, says(95018)),
        Refusal("token", AuthFailed, 200, says(42001)),
        Refusal("interface switched off", AuthFailed, 200, says(95017)),
        Refusal("quota", Throttled, 200, says(45009), scope=Scope.INTERFACE),
        Refusal("busy", Retryable, 200, says(-1)),
        Refusal("unheard of", Rejected, 200, says(95999)),
    )

    def make_vendor(self, clock: Any, hook_url: str) -> Simulator:
        return Simulator(clock=clock, hook_url=hook_url, push_timeout=1.0)

    def wrong_settings(self, vendor: Simulator) -> dict[str, Any]:
        return vendor.settings() | {"secret": "fffffffffffffffffffffffffffffffffffffffffff"}

    async def take_rights(self, harness: Harness) -> None:
        harness.vendor.platform.may_serve = False

    async def open_conversation(self, harness: Harness) -> str:
        harness.vendor.lets_reply(USER)
        return f"{KFID}:{USER}"

    async def happens(self, harness: Harness, text: str) -> None:
        await harness.vendor.says(USER, text)

    async def shown(self, harness: Harness) -> list[str]:
        return [bubble.text or bubble.kind for bubble in harness.vendor.chat(USER) if bubble.who == "service"]

    async def says(self, harness: Harness, conversation: str, text: str) -> None:
        await harness.vendor.says(USER, text)

    async def says_wordless(self, harness: Harness, conversation: str) -> str:
        await harness.vendor.sends(USER, "location", {"latitude": 23.1, "longitude": 113.3, "name": "", "address": ""})
        return "23.1"

    async def sends_file(self, harness: Harness, conversation: str, data: bytes) -> None:
        await harness.vendor.sends_file(USER, "file", data, "application/pdf")

    async def put_file(self, harness: Harness, data: bytes) -> Media:
        media_id = harness.vendor.books.files.put("image", data, "image/jpeg", checked=False)
        return Media(account=harness.account.name, id=media_id)
