"""The simulated platform's API: addresses, checks in the platform's order, and its way of saying no."""

import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.wechat.simulator.checks import ESCAPED, MINI_TYPES, OFFICIAL_TYPES, check_field, read_content, read_json
from connectors.wechat.simulator.state import Allowance, Bubble, Clock, Files, Refused, TokenOffice


@dataclass(slots=True)
class Forced:
    """An errcode to answer with instead of the truth. `carried_out`: the call takes effect all the same."""

    where: str
    code: int
    text: str
    times: int
    carried_out: bool


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it arrived, for tests that look at the bytes."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes


Handler = Callable[[Request, bytes], Awaitable[dict[str, Any] | Response]]


class Platform:
    """State and API of one app at the platform."""

    def __init__(
        self, clock: Clock, *, app_id: str, app_secret: str, original_id: str, flavour: str, refuse_escapes: bool
    ) -> None:
        self.clock = clock
        self.app_id = app_id
        self.app_secret = app_secret
        self.original_id = original_id
        self.flavour = flavour
        self.refuse_escapes = refuse_escapes
        self.tokens = TokenOffice(clock)
        self.files = Files(clock)
        self.phones: dict[str, list[Bubble]] = defaultdict(list)
        self.allowances: dict[str, Allowance] = defaultdict(Allowance)
        self.people: set[str] = set()
        self.blocked: set[str] = set()
        self.consents: Counter[tuple[str, str]] = Counter()
        self.templates: dict[str, tuple[str, ...]] = {}
        self.may_send = True  # the account has the customer-service permission
        self.allowed_addresses: set[str] | None = None
        self.forced: list[Forced] = []
        self.calls: list[Call] = []
        self.typed: list[tuple[str, str]] = []
        self.fetched_links: list[str] = []
        self.app = Starlette(routes=self._routes())

    def _routes(self) -> list[Route]:
        post = {
            "/cgi-bin/stable_token": self._stable_token,
            "/cgi-bin/message/custom/send": self._with_token(self._send),
            "/cgi-bin/message/custom/typing": self._with_token(self._typing),
            "/cgi-bin/message/custom/business/typing": self._with_token(self._typing),
            "/cgi-bin/message/subscribe/send": self._with_token(self._subscribe_send),
            "/cgi-bin/media/upload": self._with_token(self._upload),
            "/cgi-bin/openapi/quota/get": self._with_token(self._quota),
            "/cgi-bin/callback/check": self._with_token(self._callback_check),
        }
        get = {
            "/cgi-bin/token": self._token,
            "/cgi-bin/media/get": self._with_token(self._get_media),
            "/cgi-bin/getcallbackip": self._with_token(self._addresses),
            "/cgi-bin/get_api_domain_ip": self._with_token(self._addresses),
            "/picture/{name}": self._outside,
            "/video/{name}": self._outside,
        }
        routes = [
            Route(path, self._endpoint(handler, "POST"), methods=["GET", "POST"]) for path, handler in post.items()
        ]
        return routes + [Route(path, self._endpoint(handler, "GET"), methods=["GET"]) for path, handler in get.items()]

    def _endpoint(self, handler: Handler, method: str) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            body = await request.body()
            self.calls.append(Call(request.method, request.url.path, dict(request.query_params), body))
            try:
                result = await self._answer(handler, method, request, body)
            except Refused as refused:
                return self._refusal(refused, request.url.path)
            return result if isinstance(result, Response) else JSONResponse(result)

        return serve

    async def _answer(self, handler: Handler, method: str, request: Request, body: bytes) -> dict[str, Any] | Response:
        if request.method != method:
            raise Refused(43002, "require POST method")
        forced = self._take(request.url.path)
        if forced is not None and not forced.carried_out:
            raise Refused(forced.code, forced.text)
        self._check_address(request)
        result = await handler(request, body)
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

    def _check_address(self, request: Request) -> None:
        address = request.client.host if request.client else ""
        if self.allowed_addresses is not None and address not in self.allowed_addresses:
            raise Refused(40164, f"invalid ip {address} ipv6 ::ffff:{address}, not in whitelist")

    def _refusal(self, refused: Refused, path: str) -> Response:
        """Status 200, as always. The rid's first group is the time of the request in hex."""
        rid = f"{int(self.clock().timestamp()):08x}-{random.getrandbits(32):08x}-{random.getrandbits(32):08x}"
        body = {"errcode": refused.code, "errmsg": f"{refused.text} rid: {rid}"}
        if path == "/cgi-bin/media/get":  # errors of a download come as text/plain
            return Response(json.dumps(body), media_type="text/plain")
        return JSONResponse(body)

    def _with_token(self, handler: Handler) -> Handler:
        async def checked(request: Request, body: bytes) -> dict[str, Any] | Response:
            self.tokens.check(request.query_params.get("access_token", ""))
            if not self.may_send and ("/custom/" in request.url.path or b"/custom/" in body):
                raise Refused(48001, "api unauthorized")
            return await handler(request, body)

        return checked

    def _check_secret(self, app_id: Any, secret: Any) -> None:
        if not app_id:
            raise Refused(41002, "appid missing")
        if not secret:
            raise Refused(41004, "appsecret missing")
        if app_id != self.app_id:
            raise Refused(40013, "invalid appid")
        if secret != self.app_secret:
            raise Refused(40125, "invalid appsecret, view more at http://t.cn/RAEkdVq")

    async def _token(self, request: Request, body: bytes) -> dict[str, Any]:
        query = request.query_params
        if query.get("grant_type") != "client_credential":
            raise Refused(40002, "invalid grant_type")
        self._check_secret(query.get("appid"), query.get("secret"))
        value, left = self.tokens.classic()
        return {"access_token": value, "expires_in": left}

    async def _stable_token(self, request: Request, body: bytes) -> dict[str, Any]:
        fields = read_json(body)
        if fields.get("grant_type") != "client_credential":
            raise Refused(40002, "invalid grant_type")
        self._check_secret(fields.get("appid"), fields.get("secret"))
        value, left = self.tokens.stable(force=fields.get("force_refresh") is True)
        return {"access_token": value, "expires_in": left}

    async def _send(self, request: Request, body: bytes) -> dict[str, Any]:
        if self.refuse_escapes and ESCAPED.search(body):
            raise Refused(40033, "invalid charset. please check your request, if include \\uxxxx will create fail!")
        fields = read_json(body)
        openid = self._known(fields)
        kind = fields.get("msgtype")
        if kind not in OFFICIAL_TYPES:
            raise Refused(40008, "invalid message type")
        if self.flavour == "mini_program" and kind not in MINI_TYPES:
            raise Refused(48008, "no permission for this msgtype")
        content = fields.get(kind)
        if not isinstance(content, dict):
            raise Refused(44004, "empty content")
        text, data = read_content(kind, content, self.files, self.app_id, self.flavour)
        if openid in self.blocked:
            raise Refused(48002, "user block receive message")
        self.allowances[openid].spend(self.clock())
        self.phones[openid].append(Bubble("service", kind, text, data, fields, self.clock()))
        return {"errcode": 0, "errmsg": "ok"}

    def _known(self, fields: dict[str, Any]) -> str:
        openid = fields.get("touser")
        if not isinstance(openid, str) or openid not in self.people:
            raise Refused(40003, "invalid openid")
        return openid

    async def _typing(self, request: Request, body: bytes) -> dict[str, Any]:
        fields = read_json(body)
        openid = self._known(fields)
        self.allowances[openid].type(self.clock(), str(fields.get("command")))
        self.typed.append((openid, str(fields.get("command"))))
        return {"errcode": 0, "errmsg": "ok"}

    async def _subscribe_send(self, request: Request, body: bytes) -> dict[str, Any]:
        fields = read_json(body)
        openid = self._known(fields)
        template = str(fields.get("template_id"))
        known = self.templates.get(template)
        if known is None:
            raise Refused(40037, "invalid template_id")
        data = fields.get("data")
        if not isinstance(data, dict):
            raise Refused(47003, "argument invalid! data is not an object")
        for key in known:
            check_field(key, data.get(key))
        if self.consents[openid, template] <= 0:
            raise Refused(43101, "user refuse to accept the msg")
        self.consents[openid, template] -= 1
        shown = "\n".join(str(data[key]["value"]) for key in known)
        self.phones[openid].append(Bubble("platform", "notification", shown, b"", fields, self.clock()))
        return {"errcode": 0, "errmsg": "ok", "msgid": random.getrandbits(60)}

    async def _upload(self, request: Request, body: bytes) -> dict[str, Any]:
        kind = request.query_params.get("type", "")
        async with request.form() as form:
            part = form.get("media")
            if not isinstance(part, UploadFile) or not part.filename:
                raise Refused(41005, "media data missing")
            data = await part.read()
            mime = part.content_type or ""
        media_id = self.files.put(kind, data, mime)
        return {"type": kind, "media_id": media_id, "created_at": int(self.clock().timestamp())}

    async def _get_media(self, request: Request, body: bytes) -> dict[str, Any] | Response:
        media_id = request.query_params.get("media_id", "")
        stored = self.files.get(media_id)
        if stored.kind == "video":
            return {"video_url": f"{request.url.scheme}://{request.url.netloc}/video/{media_id}"}
        return Response(
            stored.data, media_type=stored.mime, headers={"content-disposition": 'attachment; filename="media"'}
        )

    async def _outside(self, request: Request, body: bytes) -> Response:
        name = request.path_params["name"]
        if request.url.path.startswith("/video/"):
            stored = self.files.get(name)
            return Response(stored.data, media_type=stored.mime)
        self.fetched_links.append(str(request.url))
        return Response(b"not for you", status_code=404)

    async def _quota(self, request: Request, body: bytes) -> dict[str, Any]:
        used = sum(bubble.who == "service" for chat in self.phones.values() for bubble in chat)
        quota = {"daily_limit": 500000, "used": used, "remain": 500000 - used}
        return {"errcode": 0, "errmsg": "ok", "quota": quota}

    async def _callback_check(self, request: Request, body: bytes) -> dict[str, Any]:
        return {"dns": [{"ip": "127.0.0.1", "real_operator": "DEFAULT"}], "ping": []}

    async def _addresses(self, request: Request, body: bytes) -> dict[str, Any]:
        return {"ip_list": ["127.0.0.1"]}
