"""The door of a simulated Zendesk: tokens, rights, limits, idempotency."""

import base64
import hashlib
import json
from collections import defaultdict, deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.zendesk.simulator.state import Refuse, Row, State, User

CLIENT_ID, CLIENT_SECRET = "bridge_client", "simulated-client-secret"
EMAIL, API_TOKEN = "bridge@acme.example", "simulated-api-token"
_KEPT = timedelta(hours=2)
_SCOPES = {"read", "write", "impersonate"}


class Gate:
    """`lifetime` is how long access tokens live in seconds; None: for ever, as those of older clients."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.lifetime: int | None = 1800
        self.token_status = 201
        self.tokens: dict[str, datetime | None] = {}
        self.refresh: dict[str, bool] = {}  # token → still good
        self.grants: list[Row] = []
        self.powerless = False
        self.suspended = False
        self.secret = CLIENT_SECRET
        self.takes_api_tokens = True
        self.impersonates = False  # whether the credentials carry the scope of that name
        self.per_minute = 2500
        self.per_ticket = 30
        self.exports = 10
        self.updates: defaultdict[tuple[int, int], deque[datetime]] = defaultdict(deque)
        self._all: deque[datetime] = deque()
        self._exports: deque[datetime] = deque()
        self.keys: dict[str, tuple[str, Response, datetime]] = {}

    async def token(self, request: Request) -> Response:
        """`POST /oauth/tokens`, as JSON or as a form."""
        if "json" in request.headers.get("content-type", ""):
            wanted = json.loads(await request.body())
        else:
            wanted = dict(await request.form())
        if wanted.get("client_id") != CLIENT_ID or wanted.get("client_secret") != self.secret:
            text = "The client identifier provided is invalid."
            return JSONResponse({"error": "invalid_client", "error_description": text}, 401)
        grant = wanted.get("grant_type")
        if grant == "refresh_token":
            if not self.refresh.get(str(wanted.get("refresh_token"))):
                return JSONResponse({"error": "invalid_grant", "error_description": "used or unknown"}, 400)
            self.refresh[str(wanted["refresh_token"])] = False
        elif grant != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        scope = wanted.get("scope", "")
        if not isinstance(scope, str) or any(
            word.partition(":")[2] not in {"", "read", "write"} for word in scope.split()
        ):
            return JSONResponse({"error": "invalid_scope", "error_description": "not allowed"}, 400)
        self.grants.append(dict(wanted))
        return JSONResponse(self._granted(scope, rotates=grant == "refresh_token"), self.token_status)

    def _granted(self, scope: str, *, rotates: bool) -> Row:
        value = f"tok_simulated_{len(self.tokens) + 1}"
        self.tokens[value] = self._state.clock() + timedelta(seconds=self.lifetime) if self.lifetime else None
        answer: Row = {"access_token": value, "token_type": "bearer", "scope": scope}
        if self.lifetime:
            answer["expires_in"] = self.lifetime
        if rotates:
            answer["refresh_token"] = self.new_refresh_token()
        return answer

    def new_refresh_token(self) -> str:
        value = f"ref_simulated_{len(self.refresh) + 1}"
        self.refresh[value] = True
        return value

    def user(self, request: Request) -> User | None:
        """Who asks; None for nobody. Raises Refuse for wrong credentials."""
        if self.suspended:
            raise Refuse(403, {"error": {"title": "Account suspended", "message": "This account has been suspended."}})
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if not scheme:
            return None
        if scheme.lower() == "bearer" and value in self.tokens:
            until = self.tokens[value]
            if until is None or self._state.clock() < until:
                return self._on_behalf(request)
        basic = base64.b64encode(f"{EMAIL}/token:{API_TOKEN}".encode()).decode()
        if scheme.lower() == "basic" and self.takes_api_tokens and value == basic:
            return self._on_behalf(request)
        raise Refuse(401, {"error": "Couldn't authenticate you"})

    def expect_rights(self, user: User | None) -> User:
        """Somebody, with rights. Raises Refuse."""
        if user is None:
            raise Refuse(401, {"error": "Couldn't authenticate you"})
        if self.powerless:
            text = "You do not have access to this page. Please contact the account owner."
            raise Refuse(403, {"error": {"title": "Forbidden", "message": text}})
        return user

    def _on_behalf(self, request: Request) -> User:
        other = request.headers.get("x-on-behalf-of")
        if other is None:
            return self._state.bridge
        found = self._state.user(other)
        if found is None:
            raise Refuse(401, {"error": "invalid_token"})
        if not self.impersonates:
            raise Refuse(
                403, {"error": "Forbidden", "description": "You are missing the following required scopes: impersonate"}
            )
        return found

    def admit(self, request: Request) -> dict[str, str]:
        """Counts the request; returns the headers that tell of the limit. Raises Refuse beyond it."""
        now = self._state.clock()
        left = _count(self._all, now, timedelta(minutes=1), self.per_minute)
        headers = {"x-rate-limit": str(self.per_minute), "x-rate-limit-remaining": str(max(left, 0))}
        if left < 0:
            raise _too_many(headers, 60)
        if "/incremental/" in request.url.path and _count(self._exports, now, timedelta(minutes=1), self.exports) < 0:
            raise _too_many(headers, 42)
        return headers

    def admit_update(self, ticket: int, user: int) -> dict[str, str]:
        """30 updates of one ticket by one user in 10 minutes; edits in the agent's screen count, too."""
        left = _count(self.updates[ticket, user], self._state.clock(), timedelta(minutes=10), self.per_ticket)
        name = "zendesk-ratelimit-per-ticket-updates"
        headers = {name: f"total={self.per_ticket}; remaining={max(left, 0)}; resets=468"}
        if left < 0:
            headers["x-rate-limit-remaining"] = str(self.per_minute - len(self._all))
            raise _too_many(headers, 468)
        return headers

    def replay(self, key: str, body: bytes) -> Response | None:
        """The stored answer of a creation with this key, for two hours."""
        now = self._state.clock()
        for old in [name for name, (_, _, until) in self.keys.items() if until <= now]:
            del self.keys[old]
        if not key or key not in self.keys:
            return None
        digest, answer, _ = self.keys[key]
        if digest != hashlib.sha256(body).hexdigest():
            text = "Request parameters don't match the given idempotency key"
            raise Refuse(400, {"error": "IdempotentRequestError", "description": text})
        return Response(bytes(answer.body), answer.status_code, _headers(answer.headers, "hit"))

    def remember(self, key: str, body: bytes, answer: Response) -> None:
        if key:
            answer.headers["x-idempotency-lookup"] = "miss"
            until = self._state.clock() + _KEPT
            self.keys[key] = (hashlib.sha256(body).hexdigest(), answer, until)


def _headers(headers: Mapping[str, str], lookup: str) -> dict[str, str]:
    kept = {name: value for name, value in headers.items() if name.lower() != "content-length"}
    return kept | {"x-idempotency-lookup": lookup}


def _count(times: deque[datetime], now: datetime, per: timedelta, most: int) -> int:
    """How many are left after this one; -1 when it is one too many."""
    while times and now - times[0] >= per:
        times.popleft()
    if len(times) >= most:
        return -1
    times.append(now)
    return most - len(times)


def _too_many(headers: dict[str, str], seconds: int) -> Refuse:
    body: Any = {"error": "APIRateLimitExceeded", "description": "Number of allowed requests exceeded"}
    return Refuse(429, body, {**headers, "retry-after": str(seconds)})
