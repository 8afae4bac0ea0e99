"""The platform that the tests and the demo run on: does it refuse what the vendor refuses?"""

import asyncio
import io
import json
import warnings
from datetime import timedelta

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from wechat_rig import APP_ID, OPENID, picture

from bridge.contract import Http
from bridge.testing.simulator import Simulator as Base
from connectors.wechat.simulator import FAULT_LINE, Simulator
from connectors.wechat.simulator.push import callback, encode, seal, unseal


class Listener(Base):
    """Somebody's server. `answers` are given in turn, the last one for ever."""

    def __init__(self, *answers: tuple[int, bytes], wait: float = 0) -> None:
        super().__init__()
        self.answers = list(answers) or [(200, b"success")]
        self.wait = wait
        self.seen: list[tuple[dict[str, str], bytes]] = []
        self.app = Starlette(routes=[Route("/", self._take, methods=["GET", "POST"])])

    def settings(self):
        return {}

    async def _take(self, request: Request) -> Response:
        self.seen.append((dict(request.query_params), await request.body()))
        await asyncio.sleep(self.wait)
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return Response(body, status)


@pytest.fixture
async def http(platform):
    client = Http(home=platform.base)
    yield client
    await client.close()


async def token(http, platform):
    asked = {"grant_type": "client_credential", "appid": platform.app_id, "secret": platform.app_secret}
    answer = await http.request("POST", f"{platform.base}/cgi-bin/stable_token", json=asked)
    return answer.json()["access_token"]


async def call(http, platform, path, body, value=None):
    value = value or await token(http, platform)
    content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    answer = await http.request("POST", platform.base + path, params={"access_token": value}, content=content)
    assert answer.status == 200
    return answer.json()


def said(**fields):
    return {"touser": OPENID, "msgtype": "text", "text": {"content": "x"}} | fields


async def send(http, platform, body):
    return (await call(http, platform, "/cgi-bin/message/custom/send", body))["errcode"]


def grant(platform):
    platform.platform.people.add(OPENID)
    platform.platform.allowances[OPENID].grant(platform.clock(), 5, timedelta(hours=48))


async def test_wechatpy_can_use_it(platform):
    """An independent client: token, text, image, upload, download."""
    grant(platform)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from wechatpy.client import WeChatClient
        from wechatpy.exceptions import WeChatClientException

    class Client(WeChatClient):
        API_BASE_URL = f"{platform.base}/cgi-bin/"

        def fetch_access_token(self):
            params = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
            return self._fetch_access_token(url=f"{self.API_BASE_URL}token", params=params)

    def use() -> bytes:
        client = Client(platform.app_id, platform.app_secret)
        try:
            client.message.send_text(OPENID, "你好")
            file = io.BytesIO(picture())
            file.name = "a.png"
            media_id = client.media.upload("image", file)["media_id"]
            client.message.send_image(OPENID, media_id)
            with pytest.raises(WeChatClientException) as caught:
                client.message.send_image(OPENID, "none")
            assert caught.value.errcode == 40007
            return client.media.download(media_id).content
        finally:
            client._http.close()

    assert await asyncio.to_thread(use) == picture()
    assert [(bubble.kind, bubble.text) for bubble in platform.chat(OPENID)] == [("text", "你好"), ("image", "")]


async def test_the_allowance_follows_the_platforms_rules(platform, http, clock):
    async with Listener() as listener:
        platform.hook_url = listener.origin
        await platform.enters(OPENID)
        assert [await send(http, platform, said()) for _ in range(3)] == [0, 0, 45047]
        await platform.says(OPENID, "hi")
        assert platform.left(OPENID) == 5
        await platform.enters(OPENID)
        assert platform.left(OPENID) == 5  # never added, never lowered
        assert [await send(http, platform, said()) for _ in range(6)] == [0] * 5 + [45047]
        clock.advance(hours=48, seconds=1)
        assert await send(http, platform, said()) == 45015
        await platform.enters(OPENID)
        clock.advance(61)
        assert await send(http, platform, said()) == 45015


async def test_a_refused_send_spends_nothing(platform, http):
    grant(platform)
    for body in (said(text={"content": ""}), said(msgtype="image", image={"media_id": "none"})):
        assert await send(http, platform, body)
    assert platform.left(OPENID) == 5


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", 44002),
        (b"{", 47001),
        (b"[]", 47001),
        ({"touser": "oNobody12345"}, 40003),
        ({"touser": 5}, 40003),
        (said(msgtype="nonsense"), 40008),
        (said(msgtype="voice", voice={"media_id": "x"}), 48008),
        (said(msgtype="msgmenu", msgmenu={}), 48008),
        (said(text="x"), 44004),
        (said(text={"content": "  "}), 44004),
        (said(text={"content": "汉" * 683}), 45002),
        (said(text={"content": '<a data-miniprogram-appid="wx2">x</a>'}), 45166),
        (said(msgtype="image", image={"media_id": "none"}), 40007),
        (said(msgtype="miniprogrampage", miniprogrampage={"title": "x"}), 40101),
        (said(msgtype="miniprogrampage", miniprogrampage={"pagepath": "x", "appid": "wx2"}), 40013),
        (said(msgtype="miniprogrampage", miniprogrampage={"pagepath": "x", "appid": APP_ID}), 40007),
        (said(msgtype="link", link={"title": "x"}), 40101),
        (b'{"touser":"%s","msgtype":"text","text":{"content":"\\u4f60"}}' % OPENID.encode(), 40033),
        (said(text={"content": "\\u4f60 typed"}), 0),
        (said(text={"content": "汉" * 682}), 0),
    ],
    ids=str,
)
async def test_sends_are_checked(platform, http, body, code):
    grant(platform)
    assert await send(http, platform, body) == code


@pytest.mark.parametrize(
    ("value", "code"), [("short", 40014), ("x" * 120, 40001), ("not a token at all, clearly", 40014)]
)
async def test_tokens_are_checked(platform, http, value, code):
    answer = await call(http, platform, "/cgi-bin/message/custom/send", said(), value)
    assert answer["errcode"] == code
    stamp, *rest = answer["errmsg"].rpartition("rid: ")[2].split("-")
    assert int(stamp, 16) == int(platform.clock().timestamp())
    assert [len(part) for part in rest] == [8, 8]


async def test_the_two_families_of_tokens(platform, clock):
    office = platform.platform.tokens
    stable, left = office.stable(force=False)
    classic, _ = office.classic()
    newer, _ = office.classic()
    assert (left, len({stable, classic, newer})) == (7200, 3)
    for value in (stable, classic, newer):
        office.check(value)
    clock.advance(minutes=6)
    with pytest.raises(Exception, match="42001"):
        office.check(classic)
    assert office.stable(force=False) == (stable, 7200 - 360)
    clock.advance(7200 - 360 - 299)
    renewed, _ = office.stable(force=False)
    assert renewed != stable
    office.check(stable)  # both work meanwhile
    forced, _ = office.stable(force=True)
    assert office.stable(force=True)[0] == forced  # 30 s apart
    with pytest.raises(Exception, match="40001"):
        office.check(renewed)
    for _ in range(19):
        clock.advance(30)
        office.stable(force=True)
    clock.advance(30)
    with pytest.raises(Exception, match="45009"):
        office.stable(force=True)


@pytest.mark.parametrize(
    ("kind", "data", "code"),
    [
        ("image", b"", 44001),
        ("image", b"RIFF....WEBP", 40005),
        ("image", b"\xff\xd8\xff" + b"x" * 2 * 2**20, 45001),
        ("file", b"x", 40004),
        ("thumb", b"\xff\xd8\xff" + b"x" * 64 * 2**10, 40006),
        ("image", b"GIF89a", 0),
        ("voice", b"#!AMR", 0),
        ("video", b"\x00\x00\x00\x18ftypmp42", 0),
    ],
)
async def test_uploads_are_checked(platform, http, kind, data, code):
    answer = await http.request(
        "POST",
        f"{platform.base}/cgi-bin/media/upload",
        params={"access_token": await token(http, platform), "type": kind},
        files=[("media", ("a.bin", data, "image/png"))],
    )
    assert answer.json().get("errcode", 0) == code


async def test_a_get_where_a_post_is_due(platform, http):
    answer = await http.request("GET", f"{platform.base}/cgi-bin/message/custom/send")
    assert answer.json()["errcode"] == 43002


@pytest.mark.parametrize("identical", [False, True])
async def test_a_push_that_fails_comes_again_and_again(clock, identical):
    async with (
        Listener((500, b""), (200, b"what"), (200, b"success")) as listener,
        Simulator(clock=clock, hook_url=listener.origin, push_timeout=0.4, identical_repeats=identical) as platform,
    ):
        number = await platform.says(OPENID, "hi")
        assert platform.attempts == [(number, 500), (number, 200), (number, 200)]
        assert len({body for _, body in listener.seen}) == (1 if identical else 3)
        assert [bubble.kind for bubble in platform.chat(OPENID)] == ["text"]


@pytest.mark.parametrize("answer", [(200, b"ok"), (500, b"success"), (302, b""), (200, b"<xml></xml>")])
async def test_the_phone_shows_a_fault_after_the_last_attempt(clock, answer):
    async with (
        Listener(answer) as listener,
        Simulator(clock=clock, hook_url=listener.origin, push_timeout=0.02, deliveries=4) as platform,
    ):
        await platform.says(OPENID, "hi")
        assert len(platform.attempts) == 4
        assert platform.chat(OPENID)[-1].text == FAULT_LINE


async def test_a_slow_server_and_a_dead_one_are_the_same(clock):
    async with Listener(wait=0.15) as listener, Simulator(clock=clock, push_timeout=0.03, deliveries=2) as platform:
        for url in (listener.origin, "http://127.0.0.1:9"):
            platform.hook_url = url
            await platform.says(OPENID, "hi")
        assert [status for _, status in platform.attempts] == [0, 0, 0, 0]


async def test_an_empty_answer_counts_as_taken(clock):
    async with Listener((200, b"")) as listener, Simulator(clock=clock, hook_url=listener.origin) as platform:
        assert await platform.enters(OPENID)


@pytest.mark.parametrize("mode", ["plain", "secure"])
async def test_a_hand_over_stops_the_pushes(clock, mode):
    transfer = b"<xml><MsgType><![CDATA[transfer_customer_service]]></MsgType></xml>"
    async with Simulator(clock=clock, mode=mode) as platform:
        body = transfer
        if mode == "secure":
            packet = seal(transfer, platform.encoding_aes_key, platform.app_id, b"r" * 16)
            body = f"<xml><Encrypt><![CDATA[{packet}]]></Encrypt></xml>".encode()
        async with Listener((200, body)) as listener:
            platform.hook_url = listener.origin
            await platform.says(OPENID, "one")
            await platform.says(OPENID, "two")
            assert len(listener.seen) == 1
            clock.advance(minutes=31)
            await platform.says(OPENID, "three")
            platform.closes_hand_over(OPENID)
            await platform.says(OPENID, "four")
            assert len(listener.seen) == 3


async def test_everything_people_can_send_is_pushed(clock):
    async with Listener() as listener, Simulator(clock=clock, hook_url=listener.origin, mode="plain") as platform:
        platform.business_id = 7
        await platform.enters(OPENID, session_from="vip")
        await platform.says(OPENID, "hi")
        await platform.sends_image(OPENID, picture())
        await platform.sends_card(OPENID)
        await platform.sends_voice(OPENID, recognition="hello")
        await platform.sends_video(OPENID)
        await platform.sends_video(OPENID, short=True)
        await platform.sends_raw(
            {"MsgType": "location", "Location_X": 1.5, "Location_Y": 2.5, "MsgId": 9}, openid=OPENID
        )
        await platform.sends_event(OPENID, "debug_demo", debug_str="hello world")
        await platform.accepts(OPENID, "T1", shape="flat")
        await platform.refuses(OPENID, "T1", "T2")
        pushed = [json.loads(body) for _, body in listener.seen]
        assert [fields["MsgType"] for fields in pushed] == [
            "event", "text", "image", "miniprogrampage", "voice", "video", "shortvideo", "location", "event", "event", "event",
        ]  # fmt: skip
        assert {fields["BusinessId"] for fields in pushed} == {7}
        assert len({fields["MsgId"] for fields in pushed[1:8]}) == 7
        assert pushed[-2]["List"]["SubscribeStatusString"] == "accept"
        assert [entry["TemplateId"] for entry in pushed[-1]["SubscribeMsgPopupEvent"]["List"]] == ["T1", "T2"]
        assert platform.platform.consents[OPENID, "T1"] == 1


async def test_nobody_fetches_the_picture_links(clock, http):
    async with Listener() as listener, Simulator(clock=clock, hook_url=listener.origin, mode="plain") as platform:
        await platform.sends_image(OPENID, picture())
        link = json.loads(listener.seen[0][1])["PicUrl"]
        assert platform.platform.fetched_links == []
        async for _ in _tolerant(http, link):
            pass
        assert platform.platform.fetched_links == [link]


async def _tolerant(http, url):
    answer = await http.request("GET", url)
    yield answer.body


async def test_notifications_need_a_template_that_fits_and_a_consent(platform, http):
    platform.platform.people.add(OPENID)
    platform.platform.templates["T1"] = ("thing1",)
    path = "/cgi-bin/message/subscribe/send"

    async def code(**fields):
        body = {"touser": OPENID, "template_id": "T1", "data": {"thing1": {"value": "x"}}} | fields
        return (await call(http, platform, path, body))["errcode"]

    assert await code() == 43101
    platform.platform.consents[OPENID, "T1"] = 1
    assert await code(template_id="T2") == 40037
    assert await code(data={"thing1": {"value": "x" * 21}}) == 47003
    assert await code(data={"thing1": {"value": "a\nb"}}) == 47003
    assert await code(data=[{"thing1": "x"}]) == 47003  # https://github.com/binarywang/WxJava/issues/1670
    assert await code() == 0
    assert await code() == 43101


def test_a_push_without_a_server_is_a_mistake_of_the_test(clock):
    with pytest.raises(RuntimeError, match="hook_url"):
        asyncio.run(Simulator(clock=clock).says(OPENID, "hi"))


def test_xml_is_built_as_the_platform_builds_it():
    fields = {"A": "x ]]> y", "N": 5, "L": {"List": [{"T": "1"}, {"T": "2"}]}}
    assert encode(fields, "xml") == (
        b"<xml><A><![CDATA[x ]]]]><![CDATA[> y]]></A><N>5</N>"
        b"<L><List><T><![CDATA[1]]></T></List><List><T><![CDATA[2]]></T></List></L></xml>"
    )


def test_a_callback_has_the_parameters_of_its_mode():
    made = {"token": "t", "key": "A" * 43, "app_id": "wx1", "data_format": "json", "timestamp": 5, "nonce": "6"}
    query, _ = callback({"FromUserName": "o"}, mode="plain", **made)
    assert list(query) == ["signature", "timestamp", "nonce"]
    query, body = callback({"FromUserName": "o", "ToUserName": "gh"}, mode="secure", **made)
    assert (query["openid"], query["encrypt_type"], list(json.loads(body))) == ("o", "aes", ["ToUserName", "Encrypt"])
    assert unseal(json.loads(body)["Encrypt"], "A" * 43) == b'{"FromUserName":"o","ToUserName":"gh"}'
