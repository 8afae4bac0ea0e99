"""Who may call the API, how a body is read, and how a refusal looks."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bridge.contract import StoreDown
from bridge.engine.context import Work
from mappings import api_tokens
from mappings.store import Store

LARGEST = 16 * 2**10  # bytes of a body
WORD = r"^[^\x00-\x1f\x7f]*$"  # no database keeps a zero

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
    """Bearer tokens: the one of the configuration may do everything, those of `bridge api` what their scopes say.
    Without any there is no API: 404.
    """

    def __init__(self, token: str, store: Store) -> None:
        self._token, self._store = token.encode(), store

    def guard(self, act: Act, scope: str) -> Act:
        """The same for those who bring a token with this scope ("" for any), with refusals and a store in trouble as
        JSON.
        """

        async def answer(request: Request) -> Response:
            try:
                await self._check(request, scope)
                return await act(request)
            except Refusal as refusal:
                return JSONResponse({"error": refusal.error}, refusal.status, refusal.headers)
            except (StoreDown, SQLAlchemyError):
                return JSONResponse({"error": "the database is down; try again"}, 503, {"retry-after": "5"})

        return answer

    async def _check(self, request: Request, scope: str) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        token = given.strip().encode() if scheme.lower() == "bearer" else b""
        if self._token and hmac.compare_digest(token, self._token):
            return
        found = await self._store.read(api_tokens.scopes_of, hashlib.sha256(token).hexdigest()) if token else None
        if found is None:
            if not self._token and not await self._store.read(api_tokens.is_any):
                raise Refusal(404, "not found")
            raise Refusal(401, "a bearer token is needed", {"www-authenticate": "Bearer"})
        if scope and scope not in found.split():
            raise Refusal(403, f"this token lacks the scope {scope!r}: bridge api add-token NAME --scope {scope}")


async def read(request: Request, model: type[BodyT]) -> BodyT:
    """The body, validated. Raises Refusal."""
    declared = request.headers.get("content-length", "")
    body = bytearray()
    if declared.isdigit() and int(declared[:20]) > LARGEST:
        raise Refusal(413, "too large")
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise Refusal(413, "too large")
    try:
        return model.model_validate_json(bytes(body))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        fault = max(faults, key=lambda one: len(one["loc"]))  # of several shapes the one that came nearest
        where = ".".join(map(str, fault["loc"])) or "body"
        raise Refusal(422, f"{where}: {fault['msg'].removeprefix('Value error, ')}") from None
