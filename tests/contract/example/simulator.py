"""The toy vendor of Post: what it refuses, what it shows to people, and its callbacks."""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge.contract import Http
from bridge.testing.clock import system_clock
from bridge.testing.simulator import Simulator


class PostSimulator(Simulator):
    """Threads in memory. People act by `says`; `threads` maps ids to messages."""

    def __init__(self, *, clock: Callable[[], datetime] = system_clock, hook_url: str = "") -> None:
        super().__init__(clock=clock)
        self.hook_url = hook_url
        self.api_token = "token-of-the-toy"
        self.hook_secret = "secret-of-the-toy"
        self.rights = ["read", "write"]
        self.threads: dict[str, list[dict[str, Any]]] = {}
        self.messages: list[dict[str, Any]] = []
        self.files: dict[str, tuple[str, bytes]] = {}
        self.app = Starlette(
            routes=[
                Route("/me", self._me),
                Route("/messages", self._list),
                Route("/threads", self._open, methods=["POST"]),
                Route("/threads/{thread}/messages", self._add, methods=["POST"]),
                Route("/files", self._upload, methods=["POST"]),
                Route("/files/{file}", self._download),
            ]
        )

    def settings(self) -> dict[str, Any]:
        return {
            "kind": "post",
            "api_base": self.base,
            "api_token": self.api_token,
            "hook_secret": self.hook_secret,
        }

    # What people do

    def opens(self) -> str:
        """A new thread without messages."""
        thread = str(len(self.threads) + 1)
        self.threads[thread] = []
        return thread

    async def says(self, thread: str, text: str, **more: Any) -> dict[str, Any]:
        """Somebody (agent) writes; the bridge is told, once."""
        message = self._store(thread, {"text": text, **more}, {"kind": "agent", "id": "agent-1", "name": "Somebody"})
        body = json.dumps({"message": message}).encode()
        stamp = str(int(self.clock().timestamp()))
        signature = hmac.new(self.hook_secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        http = Http(timeout=5)
        try:
            headers = {"content-type": "application/json", "x-timestamp": stamp, "x-signature": signature}
            await http.request("POST", self.hook_url, content=body, headers=headers)
        finally:
            await http.close()
        return message

    async def agent_says(self, ticket: str, text: str) -> None:
        """What `bridge demo --desk post` lets an agent do."""
        await self.says(ticket, text)

    # Its API

    def _store(self, thread: str, body: dict[str, Any], author: dict[str, str]) -> dict[str, Any]:
        names = body.get("files", ())
        files = [{"id": name, "name": self.files[name][0], "size": len(self.files[name][1])} for name in names]
        message = {
            "id": len(self.messages) + 1,
            "thread": thread,
            "author": author,
            "text": body.get("text", ""),
            "files": files,
            "key": body.get("key", ""),
            "internal": bool(body.get("internal")),
            "at": self.clock().isoformat(),
        }
        self.messages.append(message)
        self.threads[thread].append(message)
        return message

    def _refusal(self, request: Request) -> Response | None:
        if request.headers.get("authorization") != f"Bearer {self.api_token}":
            return JSONResponse({"error": "who are you?"}, 401)
        if request.method == "POST" and "write" not in self.rights:
            return JSONResponse({"error": "you may not write"}, 403)
        return None

    async def _me(self, request: Request) -> Response:
        return self._refusal(request) or JSONResponse({"name": "bridge", "rights": self.rights})

    async def _list(self, request: Request) -> Response:
        query = request.query_params
        found = self.messages
        if "newest" in query:
            found = found[-1:]
        if "thread" in query:
            found = self.threads.get(query["thread"], [])
        if "key" in query:
            found = [message for message in found if message["key"] == query["key"]]
        found = [message for message in found if message["id"] > int(query.get("after", 0))]
        return self._refusal(request) or JSONResponse({"messages": found[:50], "more": len(found) > 50})

    async def _open(self, request: Request) -> Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        body = await request.json()
        if not body.get("customer", {}).get("id"):
            return JSONResponse({"error": "a thread needs a customer"}, 422)
        return self._said(self.opens(), body)

    async def _add(self, request: Request) -> Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        thread = request.path_params["thread"]
        if thread not in self.threads:
            return JSONResponse({"error": "no such thread"}, 404)
        return self._said(thread, await request.json())

    def _said(self, thread: str, body: dict[str, Any]) -> Response:
        if len(body["text"].encode()) > 1000:
            return JSONResponse({"error": "the text is too long"}, 422)
        if not set(body.get("files", ())) <= set(self.files):
            return JSONResponse({"error": "no such file"}, 422)
        author = body.get("author") or {"kind": "bot", "id": "bridge"}
        return JSONResponse(self._store(thread, body, author), 201)

    async def _upload(self, request: Request) -> Response:
        data = await request.body()
        if len(data) > 100_000:
            return JSONResponse({"error": "the file is too large"}, 413)
        name = hashlib.sha256(data).hexdigest()[:12]
        self.files[name] = (request.query_params.get("name", ""), data)
        return self._refusal(request) or JSONResponse({"id": name}, 201)

    async def _download(self, request: Request) -> Response:
        _, data = self.files.get(request.path_params["file"], ("", b""))
        return self._refusal(request) or Response(data, 200 if data else 404)
