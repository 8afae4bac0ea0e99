"""Calls of both products: a refused token is renewed once, and errors of files come as JSON."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol
from urllib.parse import urlencode

from bridge.contract import Account, ConnectorError, Rejected, Response, Retryable, Token
from connectors.tencent.answers import NO_CODE, UPLOAD_SECONDS, Result, checked, code_of, number, object_in

EARLY = timedelta(minutes=4)  # the platform itself renews five minutes early, and both tokens work meanwhile
_JSON_LIMIT = 64 * 1024

Once = Callable[[str], Awaitable[Response]]


class Failure(Protocol):
    """The error for a code of the product's."""

    def __call__(self, number: int, text: str, where: str, now: datetime, *, safe: bool = False) -> ConnectorError: ...


class Calls(ABC):
    """One account's calls. Every call renews a refused token once and repeats: a token error is a definite no.

    A product names its `failure`, its codes of refused tokens, and what a code that is `missing` stands for.
    """

    failure: ClassVar[Failure]
    token_codes: ClassVar[Collection[int]]
    missing: ClassVar[int] = NO_CODE

    def __init__(self, account: Account, api_base: str, timeout: float | None = None) -> None:
        self._account = account
        self._api_base = api_base
        self._timeout = timeout

    @abstractmethod
    async def token(self, refused: str = "") -> str:
        """The shared token. `refused` is one that the platform just turned down."""

    async def call(self, path: str, body: Mapping[str, Any] | None = None, *, repeatable: bool = False) -> Result:
        """POSTs JSON as plain UTF-8 (GETs without a body). Raises what the answer's code leads to; an unreadable answer
        is uncertain.
        """

        async def once(token: str) -> Response:
            return await self._account.http.request(
                "GET" if body is None else "POST",
                self._url(path),
                params={"access_token": token},
                json=None if body is None else dict(body),
                timeout=self._timeout,
                repeatable=repeatable or body is None,
            )

        return await self._with_token(once)

    async def upload(self, name: str, data: bytes, mime: str, kind: str = "image") -> str:
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
            if result is None or self._is_file(result):
                if not head:
                    raise Rejected("media/get: the file is empty", code="empty")
                yield head
                async for chunk in chunks:
                    yield chunk
                return
            if elsewhere := self._elsewhere(result):
                async for chunk in self._account.http.download(elsewhere, limit=limit):
                    yield chunk
                return
            code = number(result.get("errcode"), 0)
            if code in self.token_codes and not last:
                token = await self.token(refused=token)
                continue
            raise self._failed(code, str(result.get("errmsg", "")), "media/get", safe=True)

    def _is_file(self, result: Result) -> bool:
        """Whether an object is a file's content and no answer."""
        return False

    def _elsewhere(self, result: Result) -> str:
        """Where the bytes are, when the answer names another place; else ""."""
        return ""

    def _token_in(self, answer: Response) -> Token:
        result = self._checked(answer)
        value = result.get("access_token")
        if not isinstance(value, str) or not value:
            raise Retryable(f"{answer.where}: no access_token in the answer", code="no token")
        return Token(value, self._account.now() + timedelta(seconds=number(result.get("expires_in"), 7200)))

    async def _with_token(self, once: Once) -> Result:
        token = await self.token()
        answer = await once(token)
        if code_of(answer.body) in self.token_codes:
            answer = await once(await self.token(refused=token))
        return self._checked(answer)

    def _checked(self, answer: Response) -> Result:
        """The answer as an object, or the error it stands for."""

        def fail(code: int, text: str) -> ConnectorError:
            return self._failed(code, text, answer.where, safe=answer.safe)

        return checked(answer, fail, missing=self.missing)

    def _failed(self, code: int, text: str, where: str, *, safe: bool = False) -> ConnectorError:
        return type(self).failure(code, text, where, self._account.now(), safe=safe)

    def _url(self, path: str) -> str:
        return self._api_base + path
