"""Requests and answers: bodies within limits, errors as JSON, who may call from which site."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from bridge.contract import Rejected, Retryable, StoreDown, network_of
from connectors.webchat.settings import allows

_MAX_BODY = 32 * 1024
_MAX_DEPTH = 20
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_BASE = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-proto": "1",
}
Handler = Callable[[Request], Awaitable[Response]]


class Refusal(Exception):
    """An answer that is no. `code` is stable; the browser translates it. `wait` is in seconds."""

    def __init__(self, status: int, code: str, message: str, *, wait: float = 0.0, **more: Any) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.wait = wait
        self.more = more


def slow_down(wait: float) -> Refusal:
    """Too many requests; said with the time after which one more is welcome."""
    return Refusal(429, "rate_limited", "Too many messages at once. Please wait a moment.", wait=wait)


@dataclass(frozen=True, slots=True)
class Door:
    """Which sites may call: our own pages, and those the account allows. Programs that name no site may, too."""

    public_url: str
    origins: tuple[str, ...]

    def is_own(self, request: Request) -> bool:
        """Whether the calling page, if it says, is one of ours."""
        origin = request.headers.get("origin", "").lower()
        if not origin:
            return request.headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}
        if origin == own_origin(self.public_url):
            return True
        return origin.partition("://")[2] == request.headers.get("host", "").lower() != ""

    def admits(self, request: Request) -> dict[str, str]:
        """The headers that let the calling page read the answer. Raises Refusal for a site that is not allowed."""
        origin = request.headers.get("origin", "")
        if not origin or self.is_own(request):
            return {"vary": "Origin"}
        if not allows(self.origins, origin):
            raise Refusal(403, "origin_not_allowed", "This site may not use the chat: add it to allowed_origins.")
        return {"vary": "Origin", "access-control-allow-origin": origin}


def own_origin(public_url: str) -> str:
    """Scheme, host and port of our own pages, as browsers write them."""
    parts = urlsplit(public_url.lower())
    return f"{parts.scheme}://{parts.netloc}"


def answering(handler: Handler, admit: Callable[[Request], dict[str, str]]) -> Handler:
    """The handler with everything that all have in common: the door, errors as JSON, headers."""

    async def answer(request: Request) -> Response:
        headers: dict[str, str] = {}
        try:
            headers = admit(request)
            response = await handler(request)
        except Refusal as refusal:
            response = refused(refusal)
        except StoreDown:
            busy = Refusal(503, "busy", "Not stored: please try again in a moment.", wait=5)
            response = refused(busy)
        except Retryable:
            response = refused(Refusal(503, "busy", "Too much at once: please try again in a moment.", wait=1))
        except Rejected:
            response = refused(Refusal(404, "gone", "This is not here any more."))
        except ClientDisconnect:
            response = Response(status_code=400)
        for name, value in (_BASE | headers).items():
            response.headers.setdefault(name, value)
        return response

    return answer


def preflight() -> Response:
    """What a browser asks before it lets another site's page call."""
    return Response(
        status_code=204,
        headers={
            "access-control-allow-methods": "GET, POST, DELETE",
            "access-control-allow-headers": "authorization, content-type, last-event-id, x-name, x-visitor",
            "access-control-max-age": "600",
        },
    )


def refused(refusal: Refusal) -> Response:
    """A refusal as JSON; the trace names it in a report."""
    error: dict[str, Any] = {
        "code": refusal.code,
        "message": refusal.message,
        "trace": uuid4().hex[:12],
        **refusal.more,
    }
    headers = {}
    if refusal.wait:
        error["retry_after_ms"] = int(refusal.wait * 1000) + 1
        headers["retry-after"] = str(int(refusal.wait) + 1)
    return JSONResponse({"error": error}, refusal.status, headers)


async def read_body(request: Request, limit: int) -> bytes:
    """The body, if it is no larger. Raises Refusal (413) before it is all read."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > limit:
            raise _too_large(limit)
    return bytes(data)


def _too_large(limit: int) -> Refusal:
    return Refusal(413, "too_large", f"Larger than {limit} bytes.", limit=limit)


async def read_json(request: Request, limit: int = _MAX_BODY) -> dict[str, Any]:
    """A JSON object. Raises Refusal (400, 413, 415)."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await read_body(request, limit)
    if kind != "application/json":
        # a form of another site can send anything but this
        raise Refusal(415, "json_wanted", "Send JSON, and say so in content-type.")
    if body.count(b"[") + body.count(b"{") > 500:
        raise _no_object()
    try:
        value = json.loads(body, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise _no_object() from None
    if not isinstance(value, dict) or _depth(value) > _MAX_DEPTH:
        raise _no_object()
    found: dict[str, Any] = _storable(value)
    return found


def _no_object() -> Refusal:
    return Refusal(400, "bad_request", "This is no JSON object.")


def _storable(value: Any) -> Any:
    """Without what no database keeps: zeros, and halves of characters that JSON can write alone."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value)
    if isinstance(value, list):
        return [_storable(entry) for entry in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(entry) for key, entry in value.items()}
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key twice")
    return found


def _depth(value: Any) -> int:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inside), default=0)


def caller(request: Request) -> str:
    """Whose limits count: the address that asks, of IPv6 the /64 that one subscriber has. Behind a proxy the server
    itself is told whom to believe.
    """
    return network_of(request.client.host) if request.client is not None else ""


def number(value: Any, default: int = 0) -> int:
    """A whole number of a query or body, at least 0."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else default
