"""`POST /api/consents`: the back end of a mini app says that a customer allowed messages of a template, or refused.

For the bridge's owner only, with the bearer token of the configuration. Consents are counted: a call that carries an
`id` counts once, however often it is repeated.
"""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bridge.contract import ConnectorError, Contact, Invites, RenderContext
from bridge.engine.context import Runtime
from bridge.web.bodies import declares_more
from mappings import consents as told
from mappings import records
from mappings.store import Store, Tx

log = structlog.get_logger("bridge.consents")

_LARGEST = 16 * 2**10  # bytes
_SEEN = "consent"
_WORD = r"^[^\x00-\x1f\x7f]*$"  # no database keeps a zero


class ConsentGiven(BaseModel):
    """The body. `count` consents are added; 0 takes all away. `id` names the customer's tap, for repeats."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, strict=True)

    account: str = Field(min_length=1, max_length=64, pattern=_WORD)
    conversation: str = Field(min_length=1, max_length=200, pattern=_WORD)
    template: str = Field(min_length=1, max_length=200, pattern=_WORD)
    count: int = Field(default=1, ge=0, le=100)
    id: str = Field(default="", max_length=200, pattern=_WORD)


def consents(runtime: Runtime, store: Store, now: Callable[[], datetime]) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint, for those who may call it."""

    async def answer(request: Request) -> Response:
        body = await _read(request)
        if body is None:
            return _no(413, "too large")
        try:
            given_consent = ConsentGiven.model_validate_json(body)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
            return _no(422, f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['msg']}")
        wrong = _wrong(runtime, given_consent, now())
        if wrong:
            return _no(422, wrong)
        left = await store.write(keep_consent, given_consent, now())
        log.info("consent", account=given_consent.account, count=given_consent.count, left=left)
        return JSONResponse({"left": left})

    return answer


def keep_consent(tx: Tx, given: ConsentGiven, now: datetime) -> int:
    """Counts it, unless its id was counted before. Returns how many the customer has left of this template."""
    fresh = True
    if given.id:
        key = hashlib.sha256(f"{given.conversation}\n{given.template}\n{given.id}".encode()).hexdigest()
        try:
            records.put_record(tx, given.account, records.RecordPut(_SEEN, key, {"count": given.count}, 0), now)
        except records.Changed:
            fresh = False
    if fresh:
        told.set_consent(tx, given.account, given.conversation, given.template, given.count, now)
    known = told.consents_of(tx, given.account, given.conversation)
    return next((int(row.left) for row in known if row.template == given.template), 0)


def _wrong(runtime: Runtime, given: ConsentGiven, now: datetime) -> str:
    connected = runtime.accounts.get(given.account)
    if connected is None or not isinstance(connected.connector, Invites):
        return f"account: {given.account!r} is no account that can invite customers"
    try:
        connected.connector.invitation(given.template, RenderContext(contact=Contact(id=given.conversation), now=now))
    except ConnectorError as error:
        return f"template: {error.message}"
    return ""


async def _read(request: Request) -> bytes | None:
    if declares_more(request.headers.get("content-length", ""), _LARGEST):
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST:
            return None
    return bytes(body)


def _no(status: int, error: str) -> Response:
    return JSONResponse({"error": error}, status)
