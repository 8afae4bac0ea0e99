"""Who may call the API and how often, how a body is read, and how a refusal looks."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bridge.contract import Limit, Limits, network_of
from bridge.engine.context import Work
from bridge.web.bodies import whole_body
from bridge.web.strangers import Strangers
from mappings import api_tokens
from mappings.store import Store

LARGEST = 16 * 2**10  # bytes of a body
WORD = r"^[^\x00-\x1f\x7f]*$"  # no database keeps a zero
USED_AGAIN = timedelta(minutes=5)  # after which a token's last use is written down anew
_CALLS = {"token": Limit(600, 6000)}  # of each token, in each process

Act = Callable[[Request], Awaitable[Response]]
T = TypeVar("T")
BodyT = TypeVar("BodyT", bound="Body")


class Acts(Protocol):
    """Runs one change in a transaction of its own, and wakes whom it concerns."""

    async def __call__(self, function: Callable[[Work], T]) -> T: ...


class Body(BaseModel):
    """The JSON of a request: unknown keys are refused, values never stand in an error."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, strict=True)


class Refusal(Exception):
    """An answer other than the wanted one; `error` names the field and what to do."""

    def __init__(self, status: int, error: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(error)
        self.status, self.error, self.headers = status, error, headers


class Access:
    """Bearer tokens: the one of the configuration may do everything, those of `bridge api` what their scopes say, until
    they end. Without any there is no API: 404.
    """

    def __init__(self, token: str, store: Store, now: Callable[[], datetime]) -> None:
        self._token, self._store, self._now = token.encode(), store, now
        self._strangers = Strangers(now)
        self._calls = Limits(_CALLS, now)

    def guard(self, act: Act, scope: str) -> Act:
        """The same for those who bring a token with this scope ("" for any), with refusals as JSON."""

        async def answer(request: Request) -> Response:
            try:
                await self._check(request, scope)
                return await act(request)
            except Refusal as refusal:
                return JSONResponse({"error": refusal.error}, refusal.status, refusal.headers)

        return answer

    async def _check(self, request: Request, scope: str) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        token = given.strip().encode() if scheme.lower() == "bearer" else b""
        key = hashlib.sha256(token).hexdigest()
        if not (self._token and hmac.compare_digest(token, self._token)):
            found = await self._find(request, token, key)
            if scope and scope not in found.split():
                raise Refusal(403, f"this token lacks the scope {scope!r}: bridge api add-token NAME --scope {scope}")
        if wait := self._calls.wait("token", key):
            raise _slow_down(wait)

    async def _find(self, request: Request, token: bytes, key: str) -> str:
        """The scopes of a token of `bridge api`. Raises Refusal."""
        network = network_of(request.client.host if request.client is not None else "")
        if self._strangers.locked_out(network, key):
            raise _slow_down(2.0)
        now = self._now()
        found = await self._store.read(api_tokens.find_token, key) if token else None
        if found is None or (found.expires_at is not None and found.expires_at <= now):
            self._strangers.wrong(network, key)
            if not self._token and not await self._store.read(api_tokens.is_any):
                raise Refusal(404, "not found")
            why = "a bearer token is needed" if found is None else "this token has ended: bridge api add-token"
            raise Refusal(401, why, {"www-authenticate": "Bearer"})
        self._strangers.right(key)
        if found.used_at is None or now - found.used_at > USED_AGAIN:
            # nobody waits: a database that cannot be written can still be read
            self._store.write(api_tokens.touch_token, key, now).add_done_callback(_seen)
        scopes: str = found.scopes
        return scopes


def _slow_down(wait: float) -> Refusal:
    return Refusal(429, "too many requests; try again later", {"retry-after": str(int(wait) + 1)})


def _seen(written: asyncio.Future[None]) -> None:
    """Whether it was written is nobody's news."""
    if not written.cancelled():
        written.exception()


async def read(request: Request, model: type[BodyT]) -> BodyT:
    """The body, validated. Raises Refusal."""
    body = await whole_body(request, LARGEST)
    if body is None:
        raise Refusal(413, "too large")
    _refuse_ambiguity(body)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        fault = max(faults, key=lambda one: len(one["loc"]))  # of several shapes the one that came nearest
        where = ".".join(map(str, fault["loc"])) or "body"
        raise Refusal(422, f"{where}: {fault['msg'].removeprefix('Value error, ')}") from None


def _refuse_ambiguity(body: bytes) -> None:
    """A key that stands twice can be read in two ways. What is no JSON at all is the model's to refuse."""

    def once(pairs: list[tuple[str, object]]) -> None:
        if len({name for name, _ in pairs}) < len(pairs):
            raise Refusal(422, "body: a key stands twice in one object")

    try:
        json.loads(body, object_pairs_hook=once)
    except (ValueError, RecursionError):
        return
