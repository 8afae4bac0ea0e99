"""Calls to the platform: the token, the request, and what its answer means."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from bridge.contract import Account, ConnectorError, Rejected, Response, Retryable, Token
from connectors.tencent.answers import UPLOAD_SECONDS, Result, checked, code_of, number, object_in
from connectors.wecom.errors import TOKEN_CODES, failure
from connectors.wecom.settings import Settings

_EARLY = timedelta(minutes=4)
_JSON_LIMIT = 64 * 1024
Once = Callable[[str], Awaitable[Response]]


class Api:
    """One account's calls. Every call renews a refused token once and repeats: a token error is a definite no."""

    def __init__(self, settings: Settings, account: Account) -> None:
        self._settings = settings
        self._account = account
        self._token_name = f"access_token:{settings.corp_id}"

    async def token(self, refused: str = "") -> str:
        """The shared token. `refused` is one that the platform just turned down."""

        async def renew(_old: Token | None) -> Token:
            return await self.ask_token()

        found = await self._account.tokens.get(self._token_name, renew, refused=refused, early=_EARLY)
        return found.value

    async def ask_token(self) -> Token:
        """Asks for the app's token: the same one comes back while it is valid.

        Source: https://developer.work.weixin.qq.com/document/path/91039
        """
        answer = await self._account.http.request(
            "GET",
            self._url("/cgi-bin/gettoken"),
            params={"corpid": self._settings.corp_id, "corpsecret": self._settings.secret.get_secret_value()},
            repeatable=True,
        )
        result = self._checked(answer)
        value = result.get("access_token")
        if not isinstance(value, str) or not value:
            raise Retryable(f"{answer.where}: no access_token in the answer", code="no token")
        lasts = number(result.get("expires_in"), 7200)
        return Token(value, self._account.now() + timedelta(seconds=lasts))

    async def call(self, path: str, body: Mapping[str, Any] | None = None, *, repeatable: bool = False) -> Result:
        """POSTs JSON as plain UTF-8 (GETs without a body). Raises what the answer's code leads to."""

        async def once(token: str) -> Response:
            return await self._account.http.request(
                "GET" if body is None else "POST",
                self._url(path),
                params={"access_token": token},
                json=None if body is None else dict(body),
                repeatable=repeatable or body is None,
            )

        return await self._with_token(once)

    async def upload(self, name: str, data: bytes, mime: str, kind: str) -> str:
        """Puts a temporary file (3 days) on the platform and returns its media id. Harmless to repeat."""

        async def once(token: str) -> Response:
            return await self._account.http.request(
                "POST",
                self._url("/cgi-bin/media/upload"),
                params={"access_token": token, "type": kind},
                files=[("media", (name, data, mime))],
                timeout=UPLOAD_SECONDS,
                repeatable=True,
            )

        media_id = (await self._with_token(once)).get("media_id")
        if not isinstance(media_id, str) or not media_id:
            raise Retryable("media/upload: no media_id in the answer", code="no media_id")
        return media_id

    async def download(self, media_id: str, limit: int) -> AsyncIterator[bytes]:
        """The bytes of a temporary file. Errors come with status 200, so the content is looked at."""
        token = await self.token()
        for last in (False, True):
            query = urlencode({"access_token": token, "media_id": media_id})
            chunks = self._account.http.download(self._url(f"/cgi-bin/media/get?{query}"), limit=limit)
            head = b""
            async for chunk in chunks:
                head += chunk
                if not head.lstrip().startswith(b"{") or len(head) > _JSON_LIMIT:
                    break
            result = object_in(head)
            if result is None or "errcode" not in result:
                if not head:
                    raise Rejected("media/get: the file is empty", code="empty")
                yield head
                async for chunk in chunks:
                    yield chunk
                return
            code = number(result.get("errcode"), 0)
            if code in TOKEN_CODES and not last:
                token = await self.token(refused=token)
                continue
            raise failure(code, str(result.get("errmsg", "")), "media/get", self._account.now(), safe=True)

    async def _with_token(self, once: Once) -> Result:
        token = await self.token()
        answer = await once(token)
        if code_of(answer.body) in TOKEN_CODES:
            answer = await once(await self.token(refused=token))
        return self._checked(answer)

    def _checked(self, answer: Response) -> Result:
        """The answer as an object, or the error it stands for."""

        def fail(code: int, text: str) -> ConnectorError:
            return failure(code, text, answer.where, self._account.now(), safe=answer.safe)

        return checked(answer, fail)

    def _url(self, path: str) -> str:
        return self._settings.api_base + path
