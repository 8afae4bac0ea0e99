"""A program as an operator would write it: verifies, answers at once or later, and goes wrong on demand."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bridge.contract import Unauthentic
from bridge.testing.conformance.bots import BotSimulator, BotTrouble
from connectors.webhook.signing import key_of, verify

SECRET = "whsec_c2ltdWxhdG9yLXNlY3JldC1vZi10ZXN0cy0wMDAx"  # noqa: S105 - the simulator's own


class Simulator(BotSimulator):
    """`later`: questions are taken with 202; `jobs` are theirs."""

    path = ""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.asked = []
        self.bodies: list[dict[str, Any]] = []
        self.later = False
        self.app = Starlette(routes=[Route("/bridge", self._take, methods=["POST"])])

    def settings(self) -> dict[str, Any]:
        return {"kind": "webhook", "url": f"{self.origin}/bridge", "secret": SECRET}

    async def _take(self, request: Request) -> Response:
        body = await request.body()
        try:
            verify(key_of(SECRET), dict(request.headers), body, self.clock())
        except Unauthentic:
            return Response("bad signature", 401)
        given = json.loads(body)
        if given.get("type") == "ping":
            return Response(status_code=204)
        trouble = self.meets()
        if trouble is not None and trouble is not BotTrouble.FORGOTTEN:
            return await self._fail(trouble)
        self.bodies.append(given)
        self.asked.append("\n".join(one["text"] for one in given["messages"]))
        if self.later:
            return Response(status_code=202)
        verdict = "handoff" if self.handoff else "answer"
        return JSONResponse({"answers": [{"text": self.says}], "verdict": verdict, "cost": {"tokens": 3}})

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
            case BotTrouble.AUTH:
                return Response("bad signature", 401)
            case BotTrouble.EMPTY:
                return JSONResponse({"answers": [], "verdict": "answer"})
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
