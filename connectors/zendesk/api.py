"""Zendesk's REST API: requests with credentials, pages, uploads, downloads."""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, quote, urljoin, urlsplit

from bridge.contract import Account, AuthFailed, Rejected, Response, Retryable
from connectors.zendesk.credentials import Credentials
from connectors.zendesk.errors import refusal
from connectors.zendesk.settings import Settings

PAGE = 100  # the most Zendesk gives
_PAGES = 100
_UPLOAD_SECONDS = 45.0
_SMALL = 1_000_000  # bytes a second that a slow line still manages

Row = dict[str, Any]


class Api:
    """One account at Zendesk. Raises what `refusals` makes of an answer that is no success."""

    def __init__(self, config: Settings, account: Account) -> None:
        self._config = config
        self._account = account
        self._http = account.http
        self._credentials = Credentials(config, account)
        self.warned = ""  # the last x-zendesk-api-warn: names of keys that Zendesk dropped

    async def get(self, path: str, **params: Any) -> Row:
        """A JSON object."""
        return self.object(await self.send("GET", path, params=params))

    @staticmethod
    def object(answer: Response) -> Row:
        """The answer's JSON object; anything else leaves open what happened."""
        found = answer.json()
        if not isinstance(found, dict):
            raise Retryable(f"{answer.where}: not an object", code="no object", certain=answer.safe)
        return found

    async def send(  # noqa: PLR0913 - a request, all by name
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
        timeout: float | None = None,
    ) -> Response:
        """One request below `/api/v2`. A refused OAuth token is renewed once."""
        authorization = await self._credentials.header()
        for last in (False, True):
            answer = await self._http.request(
                method,
                f"{self._config.root}/api/v2{path}",
                params=params,
                headers={"authorization": authorization, "accept": "application/json", **(headers or {})},
                json=body,
                content=content,
                timeout=timeout,
                repeatable=repeatable,
                max_bytes=50 * 2**20,
            )
            if answer.status != 401 or last or not self._credentials.renewable:
                break
            authorization = await self._credentials.header(refused=authorization)
        self.warned = answer.headers.get("x-zendesk-api-warn", self.warned)[:300]
        if not answer.ok:
            raise refusal(answer)
        return answer

    async def pages(self, path: str, name: str, **params: Any) -> AsyncIterator[Row]:
        """The answers of a paged list, whose rows are under `name`; both styles of paging are read.

        Pages end when `has_more` says so: a cursor may be there although nothing follows.
        """
        query: dict[str, Any] = {"page[size]": PAGE, **params}
        for _ in range(_PAGES):
            found = await self.get(path, **query)
            yield found
            rows = rows_of(found, name)
            meta = found.get("meta")
            if isinstance(meta, dict):
                after = meta.get("after_cursor")
                if not meta.get("has_more") or not after or after == query.get("page[after]"):
                    return
                query = {**query, "page[after]": after}
                continue
            number = _number_of(found.get("next_page"))
            if not rows or not number or number == query.get("page"):
                return
            query = {**params, "page": number, "per_page": PAGE}

    async def all(self, path: str, name: str, **params: Any) -> list[Row]:
        """Every row of a paged answer."""
        return [row async for found in self.pages(path, name, **params) for row in rows_of(found, name)]

    async def upload(self, name: str, mime: str, data: bytes) -> str:
        """Stores a file until a comment takes it; returns its token, which lives for an hour."""
        answer = await self.send(
            "POST",
            f"/uploads?filename={quote(name, safe='')}",
            content=data,
            headers={"content-type": mime},
            repeatable=True,
            timeout=max(self._account.request_timeout, min(_UPLOAD_SECONDS, 10 + len(data) / _SMALL)),
        )
        upload = self.object(answer).get("upload")  # the answer calls itself text/plain
        token = upload.get("token") if isinstance(upload, dict) else None
        if not isinstance(token, str) or not token:
            raise Retryable(f"{answer.where}: no upload token", code="no token")
        return token

    async def download(self, url: str, limit: int) -> AsyncIterator[bytes]:
        """The bytes of a file. Credentials go to the account's own origin and to no other."""
        url = urljoin(f"{self._config.root}/", url)
        own = _origin(url) == _origin(self._config.root)
        authorization = await self._credentials.header() if own else ""
        for last in (False, True):
            try:
                async for chunk in self._http.download(
                    url, limit=limit, headers={"authorization": authorization} if own else None
                ):
                    last = True  # noqa: PLW2901 # what was handed on cannot be taken back
                    yield chunk
            except Rejected as error:
                if error.code != "http 401" or last or not own or not self._credentials.renewable:
                    raise
                authorization = await self._credentials.header(refused=authorization)
            else:
                return

    async def may_read_tickets(self) -> bool:
        """Whether these credentials can see tickets at all."""
        try:
            await self.get("/tickets/count")
        except AuthFailed:
            return False
        except Rejected:
            return True
        return True


def rows_of(found: Mapping[str, Any], name: str) -> list[Row]:
    """The objects of a list inside an answer."""
    rows = found.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def id_of(value: Any) -> str:
    """Ids are numbers in REST and strings in events; here they are strings. "" for none."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()


def number_of(value: Any) -> int:
    """An id as a number, 0 for none: ids rise with time."""
    text = id_of(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 25 else 0


def path_id(value: str) -> str:
    """An id as a part of a path."""
    return quote(value, safe="")


def dumps(value: Any) -> bytes:
    """JSON as bytes, for raws."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def unique(values: Sequence[str]) -> list[str]:
    """Each once, in order, without empty ones."""
    return list(dict.fromkeys(value for value in values if value))


def _origin(url: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return "", "", None
    return parts.scheme, (parts.hostname or "").rstrip("."), port


def _number_of(next_page: Any) -> int:
    if not isinstance(next_page, str):
        return 0
    numbers = parse_qs(urlsplit(next_page).query).get("page", [])
    return int(numbers[0]) if numbers and numbers[0].isdecimal() else 0


def other_key(key: str, ticket: Row) -> str:
    """A key for another body of the same step, the same at every attempt."""
    return f"{key}-{hashlib.sha256(dumps(ticket)).hexdigest()[:16]}"
