"""The simulated platform's API: addresses, checks, and its way of saying no with status 200."""

import random
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.wecom.simulator.checks import MSGID, read_content, read_json
from connectors.wecom.simulator.state import Books, Bubble, Clock, Refused, Session


@dataclass(slots=True)
class Forced:
    """An errcode to answer with instead of the truth. `carried_out`: the call takes effect all the same."""

    where: str
    code: int
    text: str
    times: int
    carried_out: bool


Handler = Callable[[Request, dict[str, Any]], Awaitable[dict[str, Any] | Response]]
_OK: dict[str, Any] = {"errcode": 0, "errmsg": "ok"}


class Platform:
    """API of one company with one app."""

    def __init__(self, clock: Clock, books: Books, *, corp_id: str, secret: str) -> None:
        self.clock = clock
        self.books = books
        self.corp_id = corp_id
        self.secret = secret
        self.may_serve = True  # the app is among those that may call the interface
        self.allowed_addresses: set[str] | None = None
        self.managed = set(books.accounts)
        self.forced: list[Forced] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._token = ("", clock())
        posts: dict[str, Handler] = {
            "kf/sync_msg": self._sync,
            "kf/send_msg": self._send,
            "kf/send_msg_on_event": self._send_on_event,
            "kf/service_state/get": self._state,
            "kf/service_state/trans": self._move,
            "kf/customer/batchget": self._customers,
            "kf/account/list": self._accounts,
            "media/upload": self._upload,
        }
        gets: dict[str, Handler] = {"gettoken": self._get_token, "media/get": self._get_media}
        self.app = Starlette(
            routes=[
                Route(f"/cgi-bin/{path}", self._endpoint(handler), methods=[method])
                for method, handlers in (("POST", posts), ("GET", gets))
                for path, handler in handlers.items()
            ]
        )

    def _endpoint(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            try:
                result = await self._answer(handler, request)
            except Refused as refused:
                hint = random.getrandbits(60)  # a simulator's dice
                text = f"{refused.text}, hint: [{hint}], more info at https://open.work.weixin.qq.com/devtool/query"
                return JSONResponse({"errcode": refused.code, "errmsg": text})
            return result if isinstance(result, Response) else JSONResponse(result)

        return serve

    async def _answer(self, handler: Handler, request: Request) -> dict[str, Any] | Response:
        path = request.url.path
        address = request.client.host if request.client else ""
        if self.allowed_addresses is not None and address not in self.allowed_addresses:
            raise Refused(60020, f"not allow to access from your ip, from ip: {address}")
        if not path.endswith("/gettoken"):
            self._check_token(request.query_params.get("access_token", ""))
        fields = {}
        if request.method == "POST" and not path.endswith("/upload"):
            fields = read_json(await request.body())
        self.calls.append((path, fields))
        forced = self._take(path)
        if forced is not None and not forced.carried_out:
            raise Refused(forced.code, forced.text)
        if "/kf/" in path and not self.may_serve:
            raise Refused(48002, "api forbidden")
        result = await handler(request, fields)
        if forced is not None:
            raise Refused(forced.code, forced.text)
        return result

    def _take(self, path: str) -> Forced | None:
        for forced in self.forced:
            if re.search(forced.where, path):
                forced.times -= 1
                if forced.times <= 0:
                    self.forced.remove(forced)
                return forced
        return None

    def expire_token(self) -> None:
        self._token = (self._token[0], self.clock())

    def _check_token(self, given: str) -> None:
        value, until = self._token
        if not given:
            raise Refused(41001, "access_token missing")
        if given != value:
            raise Refused(40014, "invalid access_token")
        if self.clock() >= until:
            raise Refused(42001, "access_token expired")

    async def _get_token(self, request: Request, fields: dict[str, Any]) -> dict[str, Any]:
        query = request.query_params
        if query.get("corpid") != self.corp_id:
            raise Refused(40013, "invalid corpid")
        if query.get("corpsecret") != self.secret:
            raise Refused(40001, "invalid credential")
        value, until = self._token
        if self.clock() >= until:
            value, until = secrets.token_urlsafe(60), self.clock() + timedelta(seconds=7200)
            self._token = (value, until)
        return {**_OK, "access_token": value, "expires_in": int((until - self.clock()).total_seconds())}

    def _account(self, fields: dict[str, Any]) -> str:
        found = fields.get("open_kfid")
        if found not in self.books.accounts:
            raise Refused(95000, "invalid open_kfid")
        if found not in self.managed:
            raise Refused(60030, "no permission of this kf account")
        return str(found)

    def _session(self, fields: dict[str, Any], name: str) -> tuple[str, str, Session]:
        account, user = self._account(fields), fields.get(name)
        if not isinstance(user, str) or user not in self.books.people:
            raise Refused(40096, "invalid external userid")
        return account, user, self.books.sessions[account, user]

    async def _sync(self, request: Request, fields: dict[str, Any]) -> dict[str, Any]:
        limit = fields.get("limit", 1000)
        if not isinstance(limit, int) or not 1 <= limit <= 1000:
            raise Refused(40058, "invalid parameter: limit")
        box = self.books.boxes[self._account(fields)]
        return box.page(str(fields.get("cursor", "")), str(fields.get("token", "")), limit)

    def _new_msgid(self, fields: dict[str, Any], account: str) -> str:
        given = fields.get("msgid", "")
        if not isinstance(given, str) or not MSGID.fullmatch(given):
            raise Refused(40058, "invalid parameter: msgid")
        if given and (account, given) in self.books.sent:
            raise Refused(95022, "msgid already exists")
        return given or secrets.token_hex(16)

    async def _send(self, request: Request, fields: dict[str, Any]) -> dict[str, Any]:
        account, user, session = self._session(fields, "touser")
        number = self._new_msgid(fields, account)
        text, data = read_content(fields, self.books.files)
        session.spend(self.clock())
        self._show((account, number), user, fields, text, data)
        return {**_OK, "msgid": number}

    async def _send_on_event(self, request: Request, fields: dict[str, Any]) -> dict[str, Any]:
        welcome = self.books.welcomes.get(str(fields.get("code")))
        account = self.books.accounts[0]
        number = self._new_msgid(fields, account)
        if welcome is None or welcome.used or self.clock() > welcome.until:
            raise Refused(40058, "invalid code")
        if fields.get("msgtype") not in {"text", "msgmenu"}:
            raise Refused(40008, "invalid message type")
        text, data = read_content(fields, self.books.files)
        welcome.used = True
        self._show((account, number), welcome.user, fields, text, data)
        return {**_OK, "msgid": number}

    def _show(self, sent: tuple[str, str], user: str, fields: dict[str, Any], text: str, data: bytes) -> None:
        self.books.sent.add(sent)
        self.books.phones[user].append(Bubble("service", fields["msgtype"], text, data, fields, sent[1]))

    async def _state(self, request: Request, fields: dict[str, Any]) -> dict[str, Any]:
        _, _, session = self._session(fields, "external_userid")
        return {**_OK, "service_state": session.state, "servicer_userid": session.servicer}

    async def _move(self, request: Request, fields: dict[str, Any]) -> dict[str, Any]:
        _, _, session = self._session(fields, "external_userid")
        session.move(int(fields.get("service_state", -1)), str(fields.get("servicer_userid", "")))
        return {**_OK, "msg_code": secrets.token_hex(8)}

    async def _customers(self, request: Request, fields: dict[str, Any]) -> dict[str, Any]:
        wanted = fields.get("external_userid_list")
        if not isinstance(wanted, list) or not 1 <= len(wanted) <= 100:
            raise Refused(40058, "invalid parameter: external_userid_list")
        people = self.books.people
        known = [{"external_userid": one, **people[one]} for one in wanted if one in people]
        return {**_OK, "customer_list": known, "invalid_external_userid": [one for one in wanted if one not in people]}

    async def _accounts(self, request: Request, fields: dict[str, Any]) -> dict[str, Any]:
        listed = [
            {"open_kfid": one, "name": f"客服{number}", "avatar": "", "manage_privilege": one in self.managed}
            for number, one in enumerate(self.books.accounts)
        ]
        return {**_OK, "account_list": listed}

    async def _upload(self, request: Request, fields: dict[str, Any]) -> dict[str, Any]:
        kind = request.query_params.get("type", "")
        async with request.form() as form:
            part = form.get("media")
            if not isinstance(part, UploadFile) or not part.filename:
                raise Refused(41005, "media data missing")
            media_id = self.books.files.put(kind, await part.read(), part.content_type or "")
        return {**_OK, "type": kind, "media_id": media_id, "created_at": str(int(self.clock().timestamp()))}

    async def _get_media(self, request: Request, fields: dict[str, Any]) -> Response:
        found = self.books.files.get(request.query_params.get("media_id"))
        headers = {"content-disposition": 'attachment; filename="media"'}
        return Response(found.data, media_type=found.mime, headers=headers)
