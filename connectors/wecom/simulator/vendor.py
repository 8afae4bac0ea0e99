"""WeCom's platform, its customers' phones and its servicers' clients, on loopback."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bridge.contract import ConnectorError, Http
from bridge.testing.clock import system_clock
from bridge.testing.simulator import Simulator as BaseSimulator
from connectors.tencent.packets import prefix, seal, signature
from connectors.wecom.simulator.api import Forced, Platform
from connectors.wecom.simulator.state import ENDED, SERVICER, Books, Bubble, Welcome

KEY = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
KFID = "wkAJ2GCAAASSm4_FhToWMFea0xAFfd3Q"


@dataclass(frozen=True, slots=True)
class Company:
    """What a company's admin chose."""

    corp_id: str = "ww0123456789abcdef"
    secret: str = "S1mulatedSecretOfAnApp0123456789abcdefghijk"  # noqa: S105 # a simulator's
    token: str = "simulated"  # noqa: S105 # a simulator's
    encoding_aes_key: str = KEY
    accounts: tuple[str, ...] = (KFID,)
    names_account: bool = True  # old callbacks do not say which account they are about


class Simulator(BaseSimulator):
    """One company with its accounts and customers. Set `hook_url`, then let people act.

    A bell rings after each act, up to three times until it is answered with 200. `push_timeout` is in seconds of real
    time; everything else follows `clock`.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = system_clock,
        hook_url: str = "",
        push_timeout: float = 5.0,
        **company: Any,
    ) -> None:
        """`company` are fields of `Company`."""
        given = Company(**company)
        super().__init__(clock=clock)
        self.corp_id = given.corp_id
        self.secret = given.secret
        self.token = given.token
        self.encoding_aes_key = given.encoding_aes_key
        self.hook_url = hook_url
        self.push_timeout = push_timeout
        self.names_account = given.names_account
        self.books = Books(clock, given.accounts)
        self.platform = Platform(clock, self.books, corp_id=given.corp_id, secret=given.secret)
        self.app = self.platform.app
        self.attempts: list[int] = []  # statuses of the bells, 0 for no answer
        self._http = Http(timeout=push_timeout, max_concurrency=32)

    def settings(self) -> dict[str, Any]:
        accounts = self.books.accounts
        return {
            "kind": "wecom",
            "corp_id": self.corp_id,
            "secret": self.secret,
            "token": self.token,
            "encoding_aes_key": self.encoding_aes_key,
            "open_kfid": accounts[0] if len(accounts) == 1 else "*",
            "api_base": self.base,
        }

    async def stop(self) -> None:
        await self._http.close()
        self._http = Http(timeout=self.push_timeout, max_concurrency=32)
        await super().stop()

    # What customers do

    async def says(self, user: str, text: str, *, account: str = "", **extra: Any) -> str:
        """Writes a text. Returns its msgid."""
        return await self._writes(user, "text", {"content": text, **extra}, Bubble("customer", "text", text), account)

    async def taps(self, user: str, label: str) -> str:
        """Taps an answer of the last menu: it comes back as a text that names the answer's id."""
        menu = next(one.body["msgmenu"] for one in reversed(self.chat(user)) if one.kind == "msgmenu")
        clicks = {one["click"]["content"]: one["click"]["id"] for one in menu["list"] if one["type"] == "click"}
        return await self.says(user, label, menu_id=clicks[label])

    async def sends(self, user: str, kind: str, body: dict[str, Any], *, account: str = "") -> str:
        """Anything else, as the platform would hand it over."""
        return await self._writes(user, kind, body, Bubble("customer", kind), account)

    async def sends_file(self, user: str, kind: str, data: bytes, mime: str) -> str:
        media_id = self.books.files.put(kind, data, mime, checked=False)
        return await self._writes(user, kind, {"media_id": media_id}, Bubble("customer", kind, data=data), "")

    async def enters(self, user: str, *, scene: str = "", scene_param: str = "", account: str = "") -> str:
        """Opens the chat. Returns the welcome code, "" where there is none: somebody wrote within 48 hours."""
        account = account or self.books.accounts[0]
        self.knows(user)
        session = self.books.sessions[account, user]
        code = ""
        if session.until is None or self.clock() > session.until:
            code = secrets.token_urlsafe(16)
            self.books.welcomes[code] = Welcome(user, self.clock() + timedelta(seconds=20))
        event = {"event_type": "enter_session", "scene": scene, "scene_param": scene_param, "open_kfid": account}
        await self.happens(user, event | ({"welcome_code": code} if code else {}), account)
        return code

    async def recalls(self, user: str, msgid: str) -> None:
        await self.happens(user, {"event_type": "user_recall_msg", "recall_msgid": msgid})

    def knows(self, user: str, **profile: Any) -> None:
        """Makes a customer known: nickname, avatar, unionid."""
        known = self.books.people.setdefault(user, {"nickname": f"客户{user[-4:]}", "avatar": "", "gender": 0})
        known.update(profile)

    def chat(self, user: str) -> list[Bubble]:
        return list(self.books.phones[user])

    def received(self, user: str) -> list[str]:
        """The texts that the service sent to that phone."""
        return [one.text for one in self.chat(user) if one.who == "service" and one.kind == "text"]

    def lets_reply(self, user: str) -> None:
        """As if the customer had just written, without a word."""
        self.knows(user)
        self.books.sessions[self.books.accounts[0], user].spoke(self.clock())

    # What servicers and the platform do

    async def takes(self, user: str, servicer: str) -> None:
        """A servicer takes the customer in WeCom's own client."""
        session = self.books.sessions[self.books.accounts[0], user]
        session.state, session.servicer = SERVICER, servicer
        taken = {"event_type": "session_status_change", "change_type": 1, "new_servicer_userid": servicer}
        await self.happens(user, taken)

    async def servicer_says(self, user: str, servicer: str, text: str) -> None:
        session = self.books.sessions[self.books.accounts[0], user]
        session.state, session.servicer = SERVICER, servicer
        self.books.phones[user].append(Bubble("servicer", "text", text))
        await self._hand_over(self._item(user, "text", 5, text={"content": text}, servicer_userid=servicer))

    async def ends(self, user: str) -> None:
        """The servicer ends the session: only the customer can begin a new one."""
        session = self.books.sessions[self.books.accounts[0], user]
        gone, session.state, session.servicer = session.servicer, ENDED, ""
        await self.happens(user, {"event_type": "session_status_change", "change_type": 3, "old_servicer_userid": gone})

    async def fails(self, user: str, msgid: str, fail_type: int) -> None:
        """A message that was taken does not arrive after all."""
        await self.happens(user, {"event_type": "msg_send_fail", "fail_msgid": msgid, "fail_type": fail_type})

    async def happens(self, user: str, event: dict[str, Any], account: str = "") -> None:
        """An event: it names customer and account inside."""
        account = account or self.books.accounts[0]
        item = self._item("", "event", 4, account, event={"open_kfid": account, "external_userid": user, **event})
        await self._hand_over({name: value for name, value in item.items() if name != "open_kfid"}, account)

    def fail(self, code: int, text: str = "", *, where: str = "kf/send_msg$", carried_out: bool = False) -> None:
        """The next call of a path is answered with an errcode, carried out or not."""
        self.platform.forced.append(Forced(where, code, text or "as asked", 1, carried_out))

    def callback(self, payload: str, **choices: str) -> tuple[dict[str, str], bytes]:
        """Query and body of a callback. `choices` override token, key and corp id."""
        key, corp_id = choices.get("key", self.encoding_aes_key), choices.get("corp_id", self.corp_id)
        packet = seal(payload.encode(), key, corp_id, prefix())
        query = self._signed(packet, choices.get("token", self.token))
        outer = f"<xml><ToUserName><![CDATA[{self.corp_id}]]></ToUserName><AgentID></AgentID>"
        return query, f"{outer}<Encrypt><![CDATA[{packet}]]></Encrypt></xml>".encode()

    async def check_url(self) -> bool:
        """What "save" in the console does. Whether the address proved itself."""
        echo = str(secrets.randbelow(10**18))
        packet = seal(echo.encode(), self.encoding_aes_key, self.corp_id, prefix())
        query = self._signed(packet, self.token) | {"echostr": packet}
        answer = await self._http.request("GET", self.hook_url, params=query)
        return answer.status == 200 and answer.body == echo.encode()

    def _signed(self, packet: str, token: str) -> dict[str, str]:
        stamp, nonce = str(int(self.clock().timestamp())), str(secrets.randbelow(10**9))
        return {"msg_signature": signature(token, stamp, nonce, packet), "timestamp": stamp, "nonce": nonce}

    async def _writes(self, user: str, kind: str, body: dict[str, Any], bubble: Bubble, account: str) -> str:
        account = account or self.books.accounts[0]
        self.knows(user)
        self.books.sessions[account, user].spoke(self.clock())
        self.books.phones[user].append(bubble)
        item = self._item(user, kind, 3, account, **{kind: body})
        await self._hand_over(item, account)
        return str(item["msgid"])

    def _item(self, user: str, kind: str, origin: int, account: str = "", **body: Any) -> dict[str, Any]:
        return {
            "msgid": secrets.token_hex(16),
            "open_kfid": account or self.books.accounts[0],
            **({"external_userid": user} if user else {}),
            "send_time": int(self.clock().timestamp()),
            "origin": origin,
            "msgtype": kind,
            **body,
        }

    async def _hand_over(self, item: dict[str, Any], account: str = "") -> None:
        account = account or self.books.accounts[0]
        self.books.boxes[account].add(item)
        if self.hook_url:
            await self.ring(account)

    async def ring(self, account: str = "") -> bool:
        """The bell, up to three times. Whether it was heard."""
        account = account or self.books.accounts[0]
        named = f"<OpenKfId><![CDATA[{account}]]></OpenKfId>" if self.names_account else ""
        payload = (
            f"<xml><ToUserName><![CDATA[{self.corp_id}]]></ToUserName><CreateTime>{int(self.clock().timestamp())}"
            "</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[kf_msg_or_event]]></Event>"
            f"<Token><![CDATA[{self.books.boxes[account].ring()}]]></Token>{named}</xml>"
        )
        headers = {"content-type": "text/xml"}
        for attempt in range(3):
            query, body = self.callback(payload)
            try:
                answer = await self._http.request("POST", self.hook_url, params=query, content=body, headers=headers)
                self.attempts.append(answer.status)
                if answer.status == 200:
                    return True
            except ConnectorError:
                self.attempts.append(0)
            if attempt < 2:
                await asyncio.sleep(self.push_timeout / 5)
        return False
