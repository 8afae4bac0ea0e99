"""WeChat's platform and its customers' phones, on loopback."""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Literal

from bridge.contract import ConnectorError, Http
from bridge.testing.clock import system_clock
from bridge.testing.simulator import Simulator as BaseSimulator
from connectors.tencent.packets import signature
from connectors.wechat.simulator.api import Forced, Platform
from connectors.wechat.simulator.app import App
from connectors.wechat.simulator.push import SUCCESS_BODIES, DataFormat, Mode, callback, is_hand_over
from connectors.wechat.simulator.state import Bubble

FAULT_LINE = "该小程序提供的服务出现故障，请稍后再试"
Shape = Literal["nested", "flat"]


class Simulator(BaseSimulator):
    """One app with its customers. Set `hook_url`, then let people act: `says`, `sends_image`, `enters` …

    A driver returns when the bridge has acknowledged or the platform has given up (then the phone shows the fault
    line). `push_timeout` is in seconds of real time; everything else follows `clock`.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = system_clock,
        hook_url: str = "",
        push_timeout: float = 5.0,
        **app: Any,
    ) -> None:
        """`app` are fields of `App`."""
        given = App(**app)
        super().__init__(clock=clock)
        self.app_id = given.app_id
        self.app_secret = given.app_secret
        self.token = given.token
        self.encoding_aes_key = given.encoding_aes_key
        self.original_id = given.original_id
        self.mode: Mode = given.mode
        self.data_format: DataFormat = given.data_format
        self.flavour: Literal["mini_program", "official_account"] = given.flavour
        self.hook_url = hook_url
        self.push_timeout = push_timeout
        self.deliveries = given.deliveries
        self.identical_repeats = given.identical_repeats
        self.text_prefix = given.text_prefix
        self.replies, self.lasts = given.replies, given.lasts
        self.on_entry, self.entry_lasts = given.on_entry, given.entry_lasts
        self.business_id: int | None = None
        self.attempts: list[tuple[str, int]] = []  # what is pushed (message id or event) and the status, 0 for none
        self.handed_over: dict[str, datetime] = {}
        self._last: dict[str, Any] = {}
        self.platform = Platform(
            clock,
            app_id=given.app_id,
            app_secret=given.app_secret,
            original_id=given.original_id,
            flavour=given.flavour,
            refuse_escapes=given.refuse_escapes,
        )
        self.app = self.platform.app
        self._ids = count(23_456_789_012_345_678)  # 17 digits: above what a double holds exactly
        self._http = Http(timeout=push_timeout, max_concurrency=32)

    def settings(self) -> dict[str, Any]:
        return {
            "kind": "wechat",
            "flavour": self.flavour,
            "app_id": self.app_id,
            "app_secret": self.app_secret,
            "token": self.token,
            "encoding_aes_key": self.encoding_aes_key,
            "mode": self.mode,
            "api_base": self.base,
        }

    async def stop(self) -> None:
        await self._http.close()
        self._http = Http(timeout=self.push_timeout, max_concurrency=32)
        await super().stop()

    # What people do

    async def enters(self, openid: str, *, session_from: str = "wxapp") -> bool:
        """Opens the chat by the contact button. Whether the bridge took the event."""
        self._act(openid, self.on_entry, self.entry_lasts)
        return await self.sends_event(openid, "user_enter_tempsession", SessionFrom=session_from)

    async def says(self, openid: str, text: str, **extra: Any) -> str:
        """Writes a text. Returns its MsgId."""
        return await self._writes(openid, "text", Bubble("customer", "text", text), Content=text, **extra)

    async def sends_image(self, openid: str, data: bytes, *, mime: str = "image/jpeg") -> str:
        media_id = self.platform.files.put("image", data, mime, checked=False)
        link = f"{self.base}/picture/{media_id}"
        return await self._writes(openid, "image", Bubble("customer", "image", "", data), PicUrl=link, MediaId=media_id)

    async def sends_card(
        self,
        openid: str,
        *,
        title: str = "Order 17",
        path: str = "pages/order?id=17",
        thumb: bytes = b"\xff\xd8\xffthumb",
    ) -> str:
        """Sends the mini-program card that the button offered."""
        media_id = self.platform.files.put("image", thumb, "image/jpeg", checked=False)
        fields = {
            "Title": title,
            "AppId": self.app_id,
            "PagePath": path,
            "ThumbUrl": f"{self.base}/picture/{media_id}",
            "ThumbMediaId": media_id,
        }
        return await self._writes(openid, "miniprogrampage", Bubble("customer", "card", title), **fields)

    async def sends_voice(self, openid: str, data: bytes = b"#!AMR\nvoice", *, recognition: str = "") -> str:
        media_id = self.platform.files.put("voice", data, "audio/amr", checked=False)
        more = {"Recognition": recognition} if recognition else {}
        return await self._writes(
            openid, "voice", Bubble("customer", "voice", recognition, data), MediaId=media_id, Format="amr", **more
        )

    async def sends_video(self, openid: str, data: bytes = b"\x00\x00\x00\x18ftypmp42", *, short: bool = False) -> str:
        media_id = self.platform.files.put("video", data, "video/mp4", checked=False)
        thumb = self.platform.files.put("thumb", b"\xff\xd8\xffthumb", "image/jpeg", checked=False)
        kind = "shortvideo" if short else "video"
        return await self._writes(
            openid, kind, Bubble("customer", kind, "", data), MediaId=media_id, ThumbMediaId=thumb
        )

    async def sends_raw(self, fields: Mapping[str, Any], *, openid: str = "") -> bool:
        """Pushes whatever is given, with the common fields filled in where absent. Whether the bridge took it."""
        openid = openid or str(fields.get("FromUserName", "oA9bC8dE7fG6hI5jK4lM3nO2pQ1r"))
        return await self._push({**self._common(openid), **fields})

    async def sends_event(self, openid: str, event: str, **fields: Any) -> bool:
        return await self._push({**self._common(openid), "MsgType": "event", "Event": event, **fields})

    async def accepts(self, openid: str, *templates: str, shape: Shape = "nested") -> bool:
        """Taps "allow" on the subscription dialogue of these templates."""
        self.platform.people.add(openid)
        for template in templates:
            self.platform.consents[openid, template] += 1
        return await self._answers_dialogue(openid, templates, "accept", shape)

    async def refuses(self, openid: str, *templates: str, shape: Shape = "nested") -> bool:
        self.platform.people.add(openid)
        return await self._answers_dialogue(openid, templates, "reject", shape)

    async def _answers_dialogue(self, openid: str, templates: tuple[str, ...], answer: str, shape: Shape) -> bool:
        entries = [
            {"TemplateId": template, "SubscribeStatusString": answer, "PopupScene": "0"} for template in templates
        ]
        listed = {"List": entries[0] if len(entries) == 1 else entries}
        nested = shape == "nested" or self.data_format == "xml"
        fields = {"SubscribeMsgPopupEvent": listed} if nested else listed
        return await self.sends_event(openid, "subscribe_msg_popup_event", **fields)

    def chat(self, openid: str) -> list[Bubble]:
        """What that phone shows, in order."""
        return list(self.platform.phones[openid])

    def received(self, openid: str) -> list[str]:
        """The texts that the service sent to that phone."""
        return [bubble.text for bubble in self.chat(openid) if bubble.who == "service" and bubble.kind == "text"]

    def lets_reply(self, openid: str) -> None:
        """As if the customer had just written, without a push."""
        self._act(openid, self.replies, self.lasts)

    def pays(self, openid: str) -> None:
        """The customer paid at an official account, which no push tells: as many replies as one likes for 48 hours."""
        self._act(openid, 10**6, timedelta(hours=48))

    def left(self, openid: str) -> int:
        """Replies that the platform would still take for this customer."""
        allowance = self.platform.allowances[openid]
        return allowance.left if allowance.until is not None and self.clock() <= allowance.until else 0

    def closes_hand_over(self, openid: str) -> None:
        """An agent of Tencent's own tool ends the session."""
        self.handed_over.pop(openid, None)

    def fail(
        self, code: int, text: str = "", *, where: str = "custom/send", times: int = 1, carried_out: bool = False
    ) -> None:
        """The next `times` calls of a path are answered with an errcode, carried out or not."""
        self.platform.forced.append(Forced(where, code, text or "as asked", times, carried_out))

    # The platform's own doing

    async def delivers_again(self) -> bool:
        """Pushes the last message or event once more, as when its answer was lost on the way. Whether it was taken."""
        return await self._push(self._last)

    async def check_url(self, **query: str) -> bool:
        """What "save" in the console does. Whether the URL proved itself."""
        stamp, nonce, echo = str(self._stamp()), str(random.randrange(10**9)), str(random.randrange(10**18))  # noqa: S311 # a simulator needs no secrets
        asked = {"signature": signature(self.token, stamp, nonce), "timestamp": stamp, "nonce": nonce, "echostr": echo}
        answer = await self._http.request("GET", self.hook_url, params=asked | query)
        return answer.status == 200 and answer.body == asked["echostr"].encode()

    def push(self, fields: Mapping[str, Any], **choices: Any) -> tuple[dict[str, str], bytes]:
        """Query and body of a callback as the platform would send it now. `choices` override mode, key, nonce …"""
        settings: dict[str, Any] = {
            "token": self.token,
            "key": self.encoding_aes_key,
            "app_id": self.app_id,
            "mode": self.mode,
            "data_format": self.data_format,
            "timestamp": self._stamp(),
            "text_prefix": self.text_prefix,
        }
        return callback(fields, **(settings | choices))

    def message(self, openid: str, kind: str = "text", **fields: Any) -> dict[str, Any]:
        """The fields of a message with a MsgId of its own, for `push`."""
        return {**self._common(openid), "MsgType": kind, **fields, "MsgId": next(self._ids)}

    def _stamp(self) -> int:
        return int(self.clock().timestamp())

    def _common(self, openid: str) -> dict[str, Any]:
        common = {"ToUserName": self.original_id, "FromUserName": openid, "CreateTime": self._stamp()}
        return common | ({"BusinessId": self.business_id} if self.business_id is not None else {})

    def _act(self, openid: str, replies: int, lasts: timedelta) -> None:
        self.platform.people.add(openid)
        self.platform.allowances[openid].grant(self.clock(), replies, lasts)

    async def _writes(self, openid: str, kind: str, bubble: Bubble, **fields: Any) -> str:
        self._act(openid, self.replies, self.lasts)
        self.platform.phones[openid].append(replace(bubble, at=self.clock()))
        message = self.message(openid, kind, **fields)
        until = self.handed_over.get(openid)
        if until is None or self.clock() >= until:
            await self._push(message)
        return str(message["MsgId"])

    async def _push(self, fields: Mapping[str, Any]) -> bool:
        """Pushes until it is acknowledged: the connection is cut after `push_timeout`, then comes the next attempt."""
        if not self.hook_url:
            raise RuntimeError("set hook_url before anybody writes")
        openid = str(fields.get("FromUserName", ""))
        name = str(fields.get("MsgId") or fields.get("Event"))
        self._last = dict(fields)
        query, body = self.push(fields)
        for attempt in range(self.deliveries):
            if attempt and not self.identical_repeats:
                query, body = self.push(fields)
            begun = asyncio.get_running_loop().time()
            if await self._attempt(name, openid, query, body):
                return True
            if attempt + 1 < self.deliveries:
                await asyncio.sleep(max(0.0, begun + self.push_timeout - asyncio.get_running_loop().time()))
        self.platform.phones[openid].append(Bubble("platform", "fault", FAULT_LINE, at=self.clock()))
        return False

    async def _attempt(self, name: str, openid: str, query: dict[str, str], body: bytes) -> bool:
        kind = "application/json" if self.data_format == "json" else "text/xml"
        try:
            answer = await self._http.request(
                "POST",
                self.hook_url,
                params=query,
                content=body,
                headers={"content-type": kind},
                timeout=self.push_timeout,
            )
        except ConnectorError:
            self.attempts.append((name, 0))
            return False
        self.attempts.append((name, answer.status))
        if answer.status != 200:
            return False
        if answer.body.strip() in SUCCESS_BODIES:
            return True
        if is_hand_over(answer.body, key=self.encoding_aes_key, mode=self.mode):
            self.handed_over[openid] = self.clock() + timedelta(minutes=30)
            return True
        return False
