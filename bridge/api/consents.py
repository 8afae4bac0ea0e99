"""`POST /api/consents`: the back end of a mini app says that a customer allowed messages of a template, or refused.

For the bridge's owner only, with the bearer token of the configuration. Consents are counted: a call that carries an
`id` counts once, however often it is repeated.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime

import structlog
from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bridge.api.access import WORD, Act, Body, Refusal, read
from bridge.contract import ConnectorError, Contact, Invites, RenderContext
from bridge.engine.context import Runtime
from mappings import consents as told
from mappings import records
from mappings.store import Store, Tx

log = structlog.get_logger("bridge.consents")

_SEEN = "consent"


class ConsentGiven(Body):
    """The body. `count` consents are added; 0 takes all away. `id` names the customer's tap, for repeats."""

    account: str = Field(min_length=1, max_length=64, pattern=WORD)
    conversation: str = Field(min_length=1, max_length=200, pattern=WORD)
    template: str = Field(min_length=1, max_length=200, pattern=WORD)
    count: int = Field(default=1, ge=0, le=100)
    id: str = Field(default="", max_length=200, pattern=WORD)


def consents(runtime: Runtime, store: Store, now: Callable[[], datetime]) -> Act:
    """The endpoint, for those who may call it."""

    async def answer(request: Request) -> Response:
        given = await read(request, ConsentGiven)
        wrong = _wrong(runtime, given, now())
        if wrong:
            raise Refusal(422, wrong)
        left = await store.write(keep_consent, given, now())
        log.info("consent", account=given.account, count=given.count, left=left)
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
