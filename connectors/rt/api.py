"""RT's REST2: requests, and what its answers mean.

Source: lib/RT/REST2.pm of Request Tracker 5, and the behaviour of 5.0.3 as observed.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from bridge.contract import Account, AuthFailed, ConnectorError, Gone, Rejected, Response, Retryable, Scope, Throttled
from connectors.rt.settings import Settings

_CALL_SECONDS = 30.0  # one call costs RT 0.2 s of CPU; a busy one answers late
PAGE = 100  # the most RT gives

# a form without files would go out urlencoded, and RT wants multipart: an empty part makes it one
_ONE_TICKET = re.compile(r"/ticket/\d", re.ASCII)
_BUSY = {"en": "RT asks for fewer requests", "zh": "RT 要求降低请求频率"}
_QUOTED = re.compile(r"(?<!\w)'([^']+)'(?!\w)")
_AS_FORM = [("_", ("", b"", "text/plain"))]

Upload = tuple[str, bytes, str]
"""(file name, bytes, MIME type)"""

Row = Mapping[str, Any]


class Api:
    """One RT, one user."""

    def __init__(self, config: Settings, account: Account) -> None:
        self._config = config
        self._http = account.http
        self.timeout = (
            max(_CALL_SECONDS, account.request_timeout) if account.request_timeout >= 10 else account.request_timeout
        )

    async def get(self, path: str, **params: Any) -> Any:
        """A JSON answer. Raises Gone for what is not there."""
        answer = await self._send("GET", path, params=params)
        if not answer.body:
            raise Retryable(f"{answer.where}: empty answer", code=f"http {answer.status}")
        return answer.json()

    async def rows(
        self, path: str, query: str, fields: str, *, newest: bool = False, page: int = 1
    ) -> tuple[Sequence[Row], bool]:
        """One page of a search in the order of ids, and whether it is full.

        A page may be short or empty although more follow: RT cuts pages before it looks at rights.
        """
        order = "DESC" if newest else "ASC"
        search = {"query": query} if query else {}
        found = await self.get(path, **search, fields=fields, orderby="id", order=order, per_page=PAGE, page=page)
        items = found.get("items") if isinstance(found, dict) else None
        rows = [item for item in items or () if isinstance(item, dict) and number_of(item)]
        size = found.get("per_page") if isinstance(found, dict) else None
        return sorted(rows, key=number_of, reverse=newest), len(rows) >= (size if isinstance(size, int) else PAGE)

    async def write(self, path: str, fields: Mapping[str, Any], files: Sequence[Upload]) -> Response:
        """A ticket, a correspondence or a comment, as multipart: the one form in which any file name survives."""
        parts = [("Attachments", file) for file in files]
        answer = await self._send("POST", path, data={"JSON": json.dumps(fields, ensure_ascii=False)}, files=parts)
        answer.json()  # a page of a proxy leaves open whether RT ever saw it
        return answer

    async def put(self, path: str, fields: Mapping[str, Any]) -> Sequence[str]:
        """Changes; returns RT's sentences. A refused change is a 200 as well."""
        answer = await self._send("PUT", path, json=dict(fields), repeatable=True)
        found = answer.json()
        return [str(line) for line in found] if isinstance(found, list) else []

    async def mail(self, ticket: str | None, message: bytes) -> None:
        """Hands one message to RT's mail gateway, as `rt-mailgate --extension ticket` does; without a ticket it makes
        one. The gateway says "ok" and nothing else: neither the ticket nor the transaction.
        """
        url = f"{self._config.mail_gateway}/REST/1.0/NoAuth/mail-gateway"
        fields = {
            "SessionType": "REST",
            "queue": self._config.queue,
            "action": "correspond",
            "message": message.decode("ascii"),
            **({"ticket": ticket} if ticket else {}),
        }
        answer = await self._http.request("POST", url, data=fields, files=_AS_FORM, timeout=self.timeout)
        if not answer.ok:
            error = refusal(answer)
            raise Retryable(f"{error.message}; is mail_gateway right?") if isinstance(error, Gone) else error
        text = answer.text.strip()
        if text.startswith("not ok"):
            raise Rejected(f"{answer.where}: the mail gateway refused; RT's log says why", code="mail gateway")
        if text.startswith("temporary failure"):
            raise Retryable(f"{answer.where}: temporary failure; see RT's log", code="mail gateway")
        if not text.startswith("ok"):
            raise Retryable(f"{answer.where}: not the mail gateway's answer", code="mail gateway", certain=False)

    async def content(self, attachment: str, limit: int) -> bytes:
        """The bytes of an attachment."""
        size = limit * 4 // 3 + limit // 50 + 65536  # base64 in lines
        answer = await self._send("GET", f"/attachment/{quote(attachment, safe='')}", params={}, max_bytes=size)
        found = answer.json()
        try:
            data = base64.b64decode(found["Content"])
        except (KeyError, TypeError, binascii.Error):
            raise Rejected(f"attachment {attachment} has no content", code="no content") from None
        if len(data) > limit:
            raise Rejected(f"attachment {attachment} is larger than {limit} bytes", code="too large")
        return data

    async def _send(  # noqa: PLR0913 - a request, all by name
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        files: Sequence[tuple[str, Upload]] | None = None,
        repeatable: bool = False,
        max_bytes: int = 5 * 2**20,
    ) -> Response:
        parts = list(files) if files else (_AS_FORM if data is not None else None)
        answer = await self._http.request(
            method,
            self._config.api_base + path,
            params=params,
            headers={"authorization": f"token {self._config.token.get_secret_value()}", "accept": "application/json"},
            json=json,
            data=data,
            files=parts,
            timeout=self.timeout,
            repeatable=repeatable,
            max_bytes=max_bytes,
        )
        if not answer.ok:
            raise refusal(answer)
        return answer


def refusal(answer: Response) -> ConnectorError:
    """What a status means. A fault of RT's own is a 500 with an empty body, and leaves open what was done."""
    said = message_of(answer)
    code = f"http {answer.status}"
    where = f"{answer.where}: {answer.status}"
    if answer.status == 401:
        return AuthFailed(f"{where}: RT refuses the token", code=code)
    if answer.status == 404:
        return Gone(f"{where}: not there", code=code)
    if answer.status == 429 or (answer.status == 503 and answer.retry_after is not None):
        return Throttled(f"{where}: too many requests", retry_after=answer.retry_after or 30.0, code=code, reason=_BUSY)
    if answer.status >= 500:
        return Retryable(f"{where}: RT has a fault", code=code, certain=answer.safe, ended=answer.ended)
    if answer.status == 403:
        # rights are given by queue, and a ticket may stand in another one: then only it is shut
        scope = Scope.CONVERSATION if _ONE_TICKET.search(where) else None
        return AuthFailed(f"{where}: RT does not allow it: {said}", code=code, scope=scope)
    return Rejected(f"{where}: {said}", code=code)


def message_of(answer: Response) -> str:
    """RT's own sentence, short."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return ""
    text = found.get("message", "") if isinstance(found, dict) else ""
    return str(text)[:200]


def id_of(value: Any) -> str:
    """Ids come as strings in lists and as numbers in full objects."""
    if isinstance(value, dict):
        value = value.get("id")
    return str(value) if isinstance(value, str | int) else ""


def number_of(row: Row) -> int:
    """The id of a row as a number; 0 for none."""
    text = id_of(row)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


@contextmanager
def after_writing() -> Iterator[None]:
    """Trouble in what follows a write: the write itself was done, so that nothing may claim it was not."""
    try:
        yield
    except ConnectorError as error:
        raise Retryable(f"{error.message}; the write before it was done", code=error.code, certain=False) from None


def had_status(answer: Response) -> bool:
    """Whether a correspondence that asked for a status found it there. RT sets it after the words and adds a sentence:
    "You can't change status from 'open' to 'open'", by which nothing is written; whatever else it says, or does not
    (a language without such quotes), is no proof. Source: lib/RT/REST2/Resource/Message.pm and
    lib/RT/Record/Role/Status.pm of RT 5.
    """
    said = answer.json()
    named = _QUOTED.findall(str(said[1])) if isinstance(said, list) and len(said) == 2 else []
    return len(named) == 2 and named[0] == named[1]


def last_part(location: str) -> str:
    """The id at the end of a Location, which may be relative."""
    return location.rstrip("/").rpartition("/")[2]
