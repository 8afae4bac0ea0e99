"""A program as an operator would write it: verifies, keeps tickets, answers at once or later, goes wrong on demand."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bridge.contract import ConnectorError, Http, Unauthentic, sign_webhook, verify_webhook, webhook_key
from bridge.testing.conformance.bots import BotSimulator, BotTrouble
from bridge.testing.faults import NESTED
from connectors.webhook.simulator.tickets import Entry, Tickets

SECRET = "whsec_c2ltdWxhdG9yLXNlY3JldC1vZi10ZXN0cy0wMDAx"  # noqa: S105 - the simulator's own


class Simulator(BotSimulator):
    """As a bot: `later` means that questions are taken with 202. As a desk: `agent_says`, `notes`, `solves`, `deletes`
    post to `hook_url`, again and again under one id until they are taken. `books` is what the program remembers.
    """

    path = ""

    def __init__(self, *, hook_url: str = "", **options: Any) -> None:
        super().__init__(**options)
        self.hook_url = hook_url
        self.books = Tickets()
        self.files: dict[str, bytes] = {}
        self.doubles = False  # everything is posted twice
        self._http = Http(timeout=5.0, max_concurrency=32)
        self.asked = []
        self.bodies: list[dict[str, Any]] = []
        self.later = False
        self.app = Starlette(
            routes=[
                Route("/bridge", self._take, methods=["POST"]),
                Route("/files/{name}", self._file, methods=["GET"]),
            ]
        )

    def settings(self) -> dict[str, Any]:
        return {"kind": "webhook", "url": f"{self.origin}/bridge", "api_base": self.origin, "secret": SECRET}

    async def stop(self) -> None:
        await self._http.close()
        self._http = Http(timeout=5.0, max_concurrency=32)
        await super().stop()

    # What agents do

    async def agent_says(self, ticket: str, text: str, *, data: bytes = b"", by_link: bool = False) -> str:
        """A public answer, with a file in the request or behind a link. Returns its id."""
        return await self._say("answer", ticket, text, data=data, by_link=by_link)

    async def notes(self, ticket: str, text: str) -> str:
        return await self._say("note", ticket, text)

    async def solves(self, ticket: str, status: str = "solved") -> None:
        self.books.tickets[ticket].status = status
        await self.posts({"type": "status", "ticket": ticket, "id": self.books.number(), "status": status})

    async def deletes(self, ticket: str, identifier: str) -> None:
        await self.posts({"type": "deleted", "ticket": ticket, "id": identifier})

    async def posts(self, body: dict[str, Any], *, identifier: str = "") -> int:
        """Signed, and sent again until it is answered with less than 500."""
        name = identifier or f"msg_{self.books.number()}"
        content = json.dumps(body, ensure_ascii=False).encode()
        status = 0
        for _ in range(2 if self.doubles else 1):
            status = await self._post(name, content)
        return status

    def put_file(self, name: str, data: bytes) -> str:
        """The address of a file of the program's."""
        self.files[name] = data
        return f"{self.origin}/files/{name}"

    async def _say(self, kind: str, ticket: str, text: str, *, data: bytes = b"", by_link: bool = False) -> str:
        entry = Entry(self.books.number(), text, "agent", kind == "note", [data] if data else [])
        self.books.tickets[ticket].entries.append(entry)
        body: dict[str, Any] = {"type": kind, "ticket": ticket, "id": entry.id, "text": text, "author": {"name": "Mei"}}
        if data:
            place = {"url": self.put_file(entry.id, data)} if by_link else {"data": b64encode(data).decode()}
            body["files"] = [{"name": "a.pdf", "mime": "application/pdf", **place}]
        await self.posts(body)
        return entry.id

    async def _post(self, name: str, content: bytes) -> int:
        for _ in range(200):
            headers = {
                "content-type": "application/json",
                **sign_webhook(webhook_key(SECRET), name, self.clock(), content),
            }
            try:
                answer = await self._http.request("POST", self.hook_url, content=content, headers=headers)
            except ConnectorError:
                await asyncio.sleep(0.05)
                continue
            if answer.status < 500:
                return answer.status
            await asyncio.sleep(0.05)
        raise AssertionError("nobody takes what the program says")

    async def _file(self, request: Request) -> Response:
        data = self.files.get(request.path_params["name"])
        return Response(data, media_type="application/pdf") if data is not None else Response(status_code=404)

    # What the bridge sends

    async def _take(self, request: Request) -> Response:
        body = await request.body()
        try:
            verify_webhook(webhook_key(SECRET), dict(request.headers), body, self.clock())
        except Unauthentic:
            return Response("bad signature", 401)
        given = json.loads(body)
        if given.get("type") == "ping":
            return Response(status_code=204)
        if given.get("type") != "question":
            return JSONResponse(self.books.take(request.headers["webhook-id"], given))
        trouble = self.meets()
        if trouble is not None and trouble is not BotTrouble.FORGOTTEN:
            return await self._fail(trouble)
        self.bodies.append(given)
        self.asked.append("\n".join(one["text"] for one in given["messages"]))
        if self.later:
            return Response(status_code=202)
        verdict = "handoff" if self.handoff else "answer"
        odd = {"reason": {"why": [1]}, "summary": 7, "tags": "x"} if self.breaks_particulars else {}
        return JSONResponse({"answers": [{"text": self.says}], "verdict": verdict, "cost": {"tokens": 3}, **odd})

    async def _fail(self, trouble: BotTrouble) -> Response:
        match trouble:
            case BotTrouble.SLOW:
                await asyncio.sleep(3)
            case BotTrouble.DRIP:
                return StreamingResponse(_drip(), media_type="application/json")
            case BotTrouble.HALF:
                return StreamingResponse(_half(), media_type="application/json", headers={"content-length": "1000"})
            case BotTrouble.ERROR_200:
                return JSONResponse({"error": "upstream", "verdict": "error"})
            case BotTrouble.LIMIT:
                return Response("slow down", 429, {"retry-after": "1"})
            case BotTrouble.HTML:
                return HTMLResponse("<html>maintenance</html>", 503)
            case BotTrouble.PAGE:
                return HTMLResponse("<!doctype html><html><body>Sign in</body></html>")
            case BotTrouble.AUTH:
                return Response("bad signature", 401)
            case BotTrouble.QUOTA:
                return Response("no budget left", 402)
            case BotTrouble.BAD_TOOL:
                return JSONResponse({"answers": {"text": 3}, "verdict": ["handoff"]})
            case BotTrouble.EMPTY:
                return JSONResponse({"answers": [], "verdict": "answer"})
            case BotTrouble.NESTED:
                return Response(NESTED, media_type="application/json")
            case _:
                pass
        return JSONResponse({"answers": [{"text": "too late"}]})


async def _drip() -> AsyncIterator[bytes]:
    for _ in range(40):
        yield b"\n"
        await asyncio.sleep(0.1)


async def _half() -> AsyncIterator[bytes]:
    yield b'{"answers": [{"te'
    raise ConnectionError
