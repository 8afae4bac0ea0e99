"""`/v1/chat-messages` and `/v1/info` with Dify's events and refusals.

Source: langgenius/dify-docs, `en/api-reference/openapi_service.json` (July 2026).
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bridge.testing.conformance.bots import BotSimulator, BotTrouble
from bridge.testing.faults import NESTED

KEY = "app-simulator-0001"


class Simulator(BotSimulator):
    """`mode` is `chat`, `agent` (its closing message repeats the answer) or `replaced` (moderation took it back)."""

    path = "/v1"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.asked = []
        self.mode = "chat"
        self.conversations: dict[str, str] = {}  # id → user
        self.app = Starlette(
            routes=[
                Route("/v1/chat-messages", self._chat, methods=["POST"]),
                Route("/v1/info", self._info, methods=["GET"]),
                Route("/v1/conversations", self._list, methods=["GET"]),
                Route("/v1/conversations/{id}", self._delete, methods=["DELETE"]),
            ]
        )

    def settings(self) -> dict[str, Any]:
        return {"kind": "dify", "api_base": self.base, "api_key": KEY}

    async def _info(self, request: Request) -> Response:
        return self._refused(request) or JSONResponse({"name": "Shop", "description": "", "tags": [], "mode": "chat"})

    async def _list(self, request: Request) -> Response:
        """Of one user, at most `limit` (1 to 100); without a user a 400 (docs.dify.ai, Get Conversations)."""
        user, limit = request.query_params.get("user", ""), int(request.query_params.get("limit", 20))
        if (refused := self._refused(request)) is not None:
            return refused
        if not user or not 1 <= limit <= 100:
            return _error(400, "invalid_param", "user is required, limit is 1 to 100")
        mine = [one for one, whose in self.conversations.items() if whose == user]
        return JSONResponse(
            {"limit": limit, "has_more": len(mine) > limit, "data": [{"id": one} for one in mine[:limit]]}
        )

    async def _delete(self, request: Request) -> Response:
        """204; a conversation of another user is none."""
        if (refused := self._refused(request)) is not None:
            return refused
        body, identifier = await request.json(), request.path_params["id"]
        if self.conversations.get(identifier) != body.get("user"):
            return _error(404, "not_found", "Conversation Not Exists.")
        del self.conversations[identifier]
        return Response(status_code=204)

    def _refused(self, request: Request) -> Response | None:
        if request.headers.get("authorization") == f"Bearer {KEY}":
            return None
        return _error(401, "unauthorized", "Access token is invalid")

    async def _chat(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        body = await request.json()
        if not body.get("query") or not isinstance(body.get("inputs"), dict) or not body.get("user"):
            return _error(400, "invalid_param", "query, inputs and user are required")
        if body.get("response_mode") != "streaming" and self.mode == "agent":
            return _error(400, "invalid_param", "Agent Chat App does not support blocking mode")
        conversation = body.get("conversation_id") or ""
        trouble = self.meets()
        if conversation and (self.conversations.get(conversation) != body["user"] or trouble is BotTrouble.FORGOTTEN):
            return _error(404, "not_found", "Conversation Not Exists.")
        if trouble is not None and trouble is not BotTrouble.FORGOTTEN:
            return await self._fail(trouble)
        self.asked.append(body["query"])
        conversation = conversation or f"conversation-{len(self.conversations) + 1}"
        self.conversations[conversation] = body["user"]
        if body.get("response_mode") != "streaming":
            return JSONResponse(self._whole(conversation))
        return StreamingResponse(self._stream(conversation), media_type="text/event-stream")

    def _whole(self, conversation: str) -> dict[str, Any]:
        """An answer to a question that was asked with `blocking`, or without a mode."""
        return {
            "event": "message",
            "task_id": "task-1",
            "id": "message-1",
            "message_id": "message-1",
            "conversation_id": conversation,
            "mode": self.mode,
            "answer": self.says,
            "metadata": {"usage": {"total_tokens": 42}, "retriever_resources": []},
            "created_at": 1_700_000_000,
        }

    async def _stream(self, conversation: str) -> AsyncIterator[str]:
        common = {"task_id": "task-1", "conversation_id": conversation, "message_id": "message-1"}
        yield "event: ping\n\n"
        if self.handoff:
            yield _event("message", answer=self.says, **common)
            odd = {"data": '{"form', "inputs": 3} if self.breaks_particulars else {}
            yield _event("human_input_required", **common, **odd)
            return
        kind = "agent_message" if self.mode == "agent" else "message"
        first, _, rest = self.says.partition(" ")
        yield _event(kind, answer=f"{first} " if rest else first, **common)
        if rest:
            yield _event(kind, answer=rest, **common)
        if self.mode == "agent":
            yield _event("message", answer=self.says, **common)
        if self.mode == "replaced":
            yield _event("message_replace", answer="(taken back)", reason="output_moderation", **common)
        yield _event("message_end", metadata={"usage": {"total_tokens": 42}}, **common)

    async def _fail(self, trouble: BotTrouble) -> Response:
        match trouble:
            case BotTrouble.SLOW:
                await asyncio.sleep(3)
            case BotTrouble.DRIP:
                return StreamingResponse(_drip(), media_type="text/event-stream")
            case BotTrouble.HALF:
                half = _event("message", answer="We open", conversation_id="c", message_id="m", task_id="t")
                return Response(half, media_type="text/event-stream")
            case BotTrouble.ERROR_200:
                text = _event("error", status=400, code="completion_request_error", message="upstream failed")
                return Response(text, media_type="text/event-stream")
            case BotTrouble.QUOTA:
                return _error(400, "provider_quota_exceeded", "Your quota for the provider has been exhausted.")
            case BotTrouble.LIMIT:
                return _error(429, "too_many_requests", "Too many requests.")
            case BotTrouble.HTML:
                return HTMLResponse("<html>504 Gateway Time-out</html>", 504)
            case BotTrouble.PAGE:
                return HTMLResponse("<!doctype html><html><body>Sign in</body></html>")
            case BotTrouble.AUTH:
                return _error(401, "unauthorized", "Access token is invalid")
            case BotTrouble.BAD_TOOL:
                text = _event("agent_thought", thought="", tool="search", tool_input='{"search": {"q', task_id="t")
                text += _event("message_end", metadata={}, conversation_id="c", message_id="m", task_id="t")
                return Response(text, media_type="text/event-stream")
            case BotTrouble.EMPTY:
                text = _event("message_end", metadata={}, conversation_id="c", message_id="m", task_id="t")
                return Response(text, media_type="text/event-stream")
            case BotTrouble.NESTED:
                return Response(b"data: " + NESTED + b"\n\n", media_type="text/event-stream")
            case _:
                pass
        return _error(500, "internal_server_error", "Internal Server Error")


def _event(name: str, **fields: Any) -> str:
    return f"data: {json.dumps({'event': name, **fields})}\n\n"


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"code": code, "message": message, "status": status}, status)


async def _drip() -> AsyncIterator[str]:
    for _ in range(40):
        yield "event: ping\n\n"
        await asyncio.sleep(0.1)
