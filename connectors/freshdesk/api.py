"""Freshdesk's API v2: requests, paging, and the budget of calls.

Source: https://developers.freshdesk.com/api/
"""

import base64
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from bridge.contract import Account, AuthFailed, Gone, Rejected, Response, Retryable, Throttled
from connectors.freshdesk.errors import refusal
from connectors.freshdesk.settings import Settings

PAGE = 100  # the most a list gives
LAST_PAGE = 300  # the deepest a list goes
_KEPT_FREE = 0.2  # the part of the minute's calls that reading leaves to writing
_MINUTE = timedelta(minutes=1)
_SLOWEST = 500_000  # bytes of an upload in a second
_LARGEST = 32 * 2**20  # bytes of a page of conversations, whose bodies may be long

Upload = tuple[str, bytes, str]
"""(file name, bytes, MIME type)"""


class Api:
    """One account, one agent's key."""

    def __init__(self, config: Settings, account: Account) -> None:
        self._root = config.root
        self._account = account
        pair = f"{config.api_key.get_secret_value()}:X"
        self._authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
        self.total = 0.0
        self._remaining = math.inf
        self._counted_at: datetime | None = None
        self._date: datetime | None = None

    @property
    def authorization(self) -> dict[str, str]:
        """The header that opens the account: for its own host only."""
        return {"authorization": self._authorization}

    @property
    def now(self) -> datetime:
        """The earlier of our clock and the vendor's last word, so that neither running ahead skips anything."""
        ours = self._account.now()
        return min(ours, self._date) if self._date is not None else ours

    async def get(self, path: str, **params: Any) -> dict[str, Any]:
        """One object. Raises Gone when it is not there."""
        answer = await self._send("GET", path, params=params)
        found = answer.json()
        if not isinstance(found, dict):
            raise Retryable(f"{answer.where}: not an object", code="unexpected answer")
        return found

    async def rows(self, path: str, *, page: int = 1, **params: Any) -> tuple[list[dict[str, Any]], bool]:
        """One page of a list, and whether another one may follow. The header that says so is not always there."""
        params = {**params, "page": page, "per_page": PAGE}
        answer = await self._send("GET", path, params=params)
        found = answer.json()
        if not isinstance(found, list):
            raise Retryable(f"{answer.where}: not a list", code="unexpected answer")
        rows = [row for row in found if isinstance(row, dict)]
        follows = 'rel="next"' in answer.headers.get("link", "") or len(found) >= PAGE
        return rows, follows and page < LAST_PAGE

    async def every(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """A whole short list (groups, products, fields, rules)."""
        rows: list[dict[str, Any]] = []
        for page in range(1, 11):
            found, follows = await self.rows(path, page=page, **params)
            rows += found
            if not follows:
                break
        return rows

    async def make(self, path: str, fields: Mapping[str, Any], files: Sequence[Upload] = ()) -> dict[str, Any]:
        """A ticket or a note. With files it goes as a form, in which everything is text."""
        if files:
            size = sum(len(data) for _, data, _ in files)
            answer = await self._send(
                "POST",
                path,
                data=as_form(fields),
                files=[("attachments[]", file) for file in files],
                timeout=self._account.request_timeout + size / _SLOWEST,
            )
        else:
            answer = await self._send("POST", path, json=dict(fields))
        made = answer.json()
        if not isinstance(made, dict) or not id_of(made):
            raise Retryable(f"{answer.where}: {answer.status} without an id", code="unexpected answer", certain=False)
        return made

    async def change(self, path: str, fields: Mapping[str, Any] | None = None) -> None:
        """A change that may be made twice."""
        await self._send("PUT", path, json=dict(fields or {}), repeatable=True)

    async def remove(self, path: str) -> None:
        """Deletes; what is not there any more is fine."""
        try:
            await self._send("DELETE", path, repeatable=True)
        except Gone:
            return

    def spare(self) -> Throttled | None:
        """None while reading may go on; otherwise how long it should leave the rest of the minute to writing."""
        if self._counted_at is None or self._remaining >= self.total * _KEPT_FREE:
            return None
        left = _MINUTE - (self._account.now() - self._counted_at)
        if left <= timedelta(0):
            return None
        return Throttled("most of the account's calls of this minute are used up", retry_after=left.total_seconds())

    async def _send(  # noqa: PLR0913 - a request, all by name
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        files: Sequence[tuple[str, Upload]] | None = None,
        timeout: float | None = None,
        repeatable: bool = False,
    ) -> Response:
        answer = await self._account.http.request(
            method,
            self._root + path,
            params=params or None,
            headers={**self.authorization, "accept": "application/json"},
            json=json,
            data=data,
            files=files,
            timeout=timeout,
            repeatable=repeatable,
            max_bytes=_LARGEST,
        )
        self._count(answer)
        if not answer.ok:
            raise refusal(answer)
        return answer

    def _count(self, answer: Response) -> None:
        total, remaining = (_number(answer, f"x-ratelimit-{name}") for name in ("total", "remaining"))
        if total is not None and remaining is not None:
            self.total, self._remaining, self._counted_at = total, remaining, self._account.now()
        try:
            self._date = parsedate_to_datetime(answer.headers.get("date", ""))
        except (TypeError, ValueError):
            self._date = None
        if self._date is not None and self._date.tzinfo is None:
            self._date = None


def as_form(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Nested fields as Freshdesk's forms spell them: `tags[]`, `custom_fields[cf_x]`."""
    form: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, Mapping):
            form |= {f"{name}[{key}]": _text(entry) for key, entry in value.items()}
        elif isinstance(value, list | tuple):
            form[f"{name}[]"] = [_text(entry) for entry in value]
        else:
            form[name] = _text(value)
    return form


def id_of(found: Mapping[str, Any], name: str = "id") -> str:
    """An id as text; "" where there is none."""
    value = found.get(name)
    return str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""


def number_of(value: str) -> int | None:
    """An id as Freshdesk wants it in a body: strings are a `datatype_mismatch`."""
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None


def elsewhere(error: Gone) -> AuthFailed:
    """For paths that always exist: a 404 there means that the whole account does not."""
    return AuthFailed(f"{error.message}; there is no such account: check domain and api_base", code=error.code)


def blocked(error: Gone) -> Rejected:
    """For a ticket whose requester may not have any."""
    reason = {
        "en": "the customer is blocked or deleted in Freshdesk",
        "zh": "该客户在 Freshdesk 中已被屏蔽或删除",
    }
    return Rejected(f"{error.message}: the customer's contact is blocked or deleted", code=error.code, reason=reason)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _number(answer: Response, header: str) -> float | None:
    try:
        value = float(answer.headers.get(header, ""))
    except ValueError:
        return None
    return value if math.isfinite(value) else None
