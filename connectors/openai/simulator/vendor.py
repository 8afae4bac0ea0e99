"""`/v1/chat/completions` and `/v1/models` as OpenAI's reference has them, plain and as a stream, with what goes wrong.

Source: OpenAI's API reference, "Create chat completion" and "List models".
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bridge.testing.conformance.bots import BotSimulator, BotTrouble
from bridge.testing.faults import NESTED

KEY, MODEL = "sk-simulator-0001", "sim-1"


class Simulator(BotSimulator):
    """A model that says what it is told to."""

    path = "/v1"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.asked = []
        self.bodies: list[dict[str, Any]] = []
        self.app = Starlette(
            routes=[
                Route("/v1/chat/completions", self._complete, methods=["POST"]),
                Route("/v1/models", self._models, methods=["GET"]),
            ]
        )

    def settings(self) -> dict[str, Any]:
        return {"kind": "openai", "api_base": self.base, "api_key": KEY, "model": MODEL}

    def _refused(self, request: Request) -> Response | None:
        if request.headers.get("authorization") == f"Bearer {KEY}":
            return None
        return _error(401, "invalid_api_key", "Incorrect API key provided.", "invalid_request_error")

    async def _models(self, request: Request) -> Response:
        refused = self._refused(request)
        row = {"id": MODEL, "object": "model", "created": 1_700_000_000, "owned_by": "simulator"}
        return refused or JSONResponse({"object": "list", "data": [row]})

    async def _complete(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        body = await request.json()
        if body.get("model") != MODEL:
            return _error(
                404, "model_not_found", f"The model {body.get('model')!r} does not exist", "invalid_request_error"
            )
        if not isinstance(body.get("messages"), list) or not body["messages"]:
            return _error(
                400, "missing_required_parameter", "Missing required parameter: 'messages'.", "invalid_request_error"
            )
        if any(one.get("role") not in {"system", "user", "assistant", "tool", "developer"} for one in body["messages"]):
            return _error(400, "invalid_value", "Invalid role.", "invalid_request_error")
        trouble = self.meets()
        if trouble is not None and trouble is not BotTrouble.FORGOTTEN:
            return await self._fail(trouble)
        self.bodies.append(body)
        self.asked.append(str(body["messages"][-1].get("content", "")))
        message: dict[str, Any] = {"role": "assistant", "content": self.says}
        reason = "stop"
        if self.handoff:
            arguments = json.dumps({"reason": "asked", "summary": "wants help"})
            arguments = arguments[:20] if self.breaks_particulars else arguments
            message["tool_calls"] = [_call(arguments)]
            reason = "tool_calls"
        if body.get("stream"):
            return StreamingResponse(self._stream(message, reason), media_type="text/event-stream")
        return JSONResponse(_completion(message, reason))

    async def _stream(self, message: dict[str, Any], reason: str) -> AsyncIterator[str]:
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": int(time.time()), "model": MODEL}

        def chunk(delta: dict[str, Any], ended: str | None) -> str:
            choice = {"index": 0, "delta": delta, "finish_reason": ended}
            return f"data: {json.dumps({**head, 'choices': [choice]})}\n\n"

        yield ": keep-alive\n\n"
        for word in str(message["content"]).split(" "):
            yield chunk({"role": "assistant", "content": f"{word} "}, None)
        yield chunk({}, reason)
        yield "data: [DONE]\n\n"

    async def _fail(self, trouble: BotTrouble) -> Response:
        match trouble:
            case BotTrouble.SLOW:
                await asyncio.sleep(3)
            case BotTrouble.DRIP:
                return StreamingResponse(_drip(), media_type="application/json")
            case BotTrouble.HALF:
                return StreamingResponse(_half(), media_type="application/json", headers={"content-length": "1000"})
            case BotTrouble.ERROR_200:
                return JSONResponse({"error": {"message": "upstream failed", "code": 500}})
            case BotTrouble.QUOTA:
                return _error(429, "insufficient_quota", "You exceeded your current quota.", "insufficient_quota")
            case BotTrouble.LIMIT:
                return _error(429, "rate_limit_exceeded", "Rate limit reached.", "requests", {"retry-after": "1"})
            case BotTrouble.HTML:
                return HTMLResponse("<html><body>502 Bad Gateway</body></html>", 502)
            case BotTrouble.PAGE:
                return HTMLResponse("<!doctype html><html><body>Sign in</body></html>")
            case BotTrouble.AUTH:
                return _error(401, "invalid_api_key", "Incorrect API key provided.", "invalid_request_error")
            case BotTrouble.BAD_TOOL:
                message = {"role": "assistant", "content": None, "tool_calls": [_call('{"reason": "no')]}
                return JSONResponse(_completion(message, "tool_calls"))
            case BotTrouble.EMPTY:
                return JSONResponse(_completion({"role": "assistant", "content": ""}, "length"))
            case BotTrouble.NESTED:
                return Response(NESTED, media_type="application/json")
            case _:
                pass
        return JSONResponse(_completion({"role": "assistant", "content": "too late"}, "stop"))


def _completion(message: dict[str, Any], reason: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30},
    }


def _call(arguments: str) -> dict[str, Any]:
    return {"id": "call_1", "type": "function", "function": {"name": "handoff_to_human", "arguments": arguments}}


def _error(status: int, code: str, message: str, kind: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": {"message": message, "type": kind, "code": code}}, status, headers)


async def _drip() -> AsyncIterator[bytes]:
    for _ in range(40):
        yield b"\n"
        await asyncio.sleep(0.1)


async def _half() -> AsyncIterator[bytes]:
    yield b'{"id": "chatcmpl-1", "choices": [{"ind'
    raise ConnectionError
