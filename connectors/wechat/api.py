"""Calls to the platform: the token, the request, and what its answer means."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from bridge.contract import Account, ConnectorError, Rejected, Response, Retryable, Token
from connectors.tencent.answers import UPLOAD_SECONDS, Result, checked, code_of, number, object_in
from connectors.wechat.codes import TOKEN_CODES, failure
from connectors.wechat.settings import Settings

if TYPE_CHECKING:
    from bridge.contract.http import File

_SEND_SECONDS = 8.0
_EARLY = timedelta(minutes=4)  # the platform itself renews five minutes early, and both tokens work meanwhile
_FORCED_APART = 60.0  # seconds; the platform allows a forced renewal every 30 s and 20 a day
_JSON_LIMIT = 64 * 1024

Once = Callable[[str], Awaitable[Response]]


class Api:
    """One account's calls. Every call renews a refused token once and repeats: a token error is a definite no."""

    def __init__(self, settings: Settings, account: Account) -> None:
        self._settings = settings
        self._account = account
        self._timeout = min(account.request_timeout, _SEND_SECONDS)
        # Named by app id: after a change of AppID the stored token of the old one must not be used.
        self._token_name = f"access_token:{settings.app_id}"

    async def token(self, refused: str = "") -> str:
        """The shared token. `refused` is one that the platform just turned down."""

        async def renew(old: Token | None) -> Token:
            fresh = await self.ask_token()
            if not refused or fresh.value != refused:
                return fresh
            # The platform insists on a token that it refuses: force a new one, but never in a loop.
            now = self._account.now()
            forced = float(old.refresh) if old is not None and old.refresh else 0.0
            if now.timestamp() - forced < _FORCED_APART:
                raise failure(40001, "a token forced just now is refused again", "stable_token", now)
            fresh = await self.ask_token(force=True)
            return Token(fresh.value, fresh.expires_at, refresh=str(now.timestamp()))

        found = await self._account.tokens.get(self._token_name, renew, refused=refused, early=_EARLY)
        return found.value

    async def ask_token(self, *, force: bool = False) -> Token:
        """Asks for the stable token: every process gets the same one, so that none kills another's.

        Source: https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getstableaccesstoken.html
        """
        body: dict[str, Any] = {
            "grant_type": "client_credential",
            "appid": self._settings.app_id,
            "secret": self._settings.app_secret.get_secret_value(),
        }
        if force:
            body["force_refresh"] = True
        answer = await self._account.http.request(
            "POST", self._url("/cgi-bin/stable_token"), json=body, timeout=self._timeout, repeatable=True
        )
        result = self._checked(answer)
        value = result.get("access_token")
        if not isinstance(value, str) or not value:
            raise Retryable(f"{answer.where}: no access_token in the answer", code="no token")
        lasts = number(result.get("expires_in"), 7200)
        return Token(value, self._account.now() + timedelta(seconds=lasts))

    async def call(self, path: str, body: Mapping[str, Any], *, repeatable: bool = False) -> Result:
        """POSTs JSON as plain UTF-8. Raises what the answer's code leads to; an unreadable answer is uncertain."""

        async def once(token: str) -> Response:
            return await self._account.http.request(
                "POST",
                self._url(path),
                params={"access_token": token},
                json=dict(body),
                timeout=self._timeout,
                repeatable=repeatable,
            )

        return await self._with_token(once)

    async def upload(self, name: str, data: bytes, mime: str, *, kind: str = "image") -> str:
        """Puts a temporary file (3 days) on the platform and returns its media id. Harmless to repeat."""
        files: Sequence[File] = [("media", (name, data, mime))]

        async def once(token: str) -> Response:
            return await self._account.http.request(
                "POST",
                self._url("/cgi-bin/media/upload"),
                params={"access_token": token, "type": kind},
                files=files,
                timeout=UPLOAD_SECONDS,
                repeatable=True,
            )

        result = await self._with_token(once)
        media_id = result.get("media_id") or result.get("thumb_media_id")
        if not isinstance(media_id, str) or not media_id:
            raise Retryable("media/upload: no media_id in the answer", code="no media_id")
        return media_id

    async def download(self, media_id: str, limit: int) -> AsyncIterator[bytes]:
        """The bytes of a temporary file. Errors come with status 200 and any type, so the content is looked at."""
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
            if result is None:
                if not head:
                    raise Rejected("media/get: the file is empty", code="empty")
                yield head
                async for chunk in chunks:
                    yield chunk
                return
            video = result.get("video_url")
            if isinstance(video, str) and video:
                async for chunk in self._account.http.download(_secure(video), limit=limit):
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

        return checked(answer, fail, missing=0)

    def _url(self, path: str) -> str:
        return self._settings.api_base + path


def _secure(url: str) -> str:
    """Video links come as http now and then; only https is fetched from outside."""
    parts = urlsplit(url)
    local = parts.hostname in {"127.0.0.1", "localhost", "::1"}
    return url if local or parts.scheme != "http" else parts._replace(scheme="https").geturl()
