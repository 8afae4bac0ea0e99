"""Where a connector is tried: its vendor, an account in memory, and a bridge just large enough to keep callbacks."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request as WebRequest
from starlette.responses import Response
from starlette.routing import Route

from bridge.contract import Account, Connector, Malformed, Raw, Request, Serves, StoreDown, Unauthentic
from bridge.testing.clock import VirtualClock
from bridge.testing.rig import result_of
from bridge.testing.simulator import Simulator

PUBLIC_URL = "https://bridge.example.com"


@dataclass(slots=True)
class Harness:
    """One try: `connector` on `account` against `vendor`, all on one `clock`.

    `requests` are the callbacks that arrived at `hook_url`, `kept` the raws made durable (by callbacks that verified,
    by routes and listeners).
    `peers`: whose a ticket is, as its receipt said. `served` calls the routes of a connector that `Serves`.
    `store_down` makes keeping fail.
    """

    clock: VirtualClock
    account: Account
    connector: Connector[Any]
    vendor: Any
    hook_url: str = ""
    served: httpx.AsyncClient | None = None
    peers: dict[str, str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    kept: list[Raw] = field(default_factory=list)
    cursor: str | None = None
    store_down: bool = False
    _moved: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def persist(self, raws: Sequence[Raw], cursor: str | None = None) -> None:
        """What the engine offers to routes and listeners."""
        if self.store_down:
            raise StoreDown
        self.kept += raws
        self.cursor = cursor or self.cursor
        await self.notice()

    async def notice(self) -> None:
        """Wakes `until`."""
        async with self._moved:
            self._moved.notify_all()

    async def until(self, condition: Callable[[], object]) -> None:
        """Returns when something arrived and the condition holds; fails after 30 seconds."""
        async with asyncio.timeout(30), self._moved:
            await self._moved.wait_for(condition)

    async def request(self, number: int = 0) -> Request:
        """The callback of this number, when it has arrived (within 30 seconds)."""
        await self.until(lambda: len(self.requests) > number)
        return self.requests[number]


class Hook(Simulator):
    """The bridge's address for callbacks, `/hooks/{account}`: verify, keep, reply."""

    def __init__(self, account: str, clock: VirtualClock) -> None:
        super().__init__(clock=clock)
        self.path = f"/hooks/{account}"
        self.harness: Harness | None = None
        self.app = Starlette(routes=[Route(self.path, self._take, methods=["GET", "POST", "PUT"])])

    def settings(self) -> dict[str, Any]:
        return {}

    async def _take(self, request: WebRequest) -> Response:
        if self.harness is None:
            return Response(status_code=503)
        taken = Request(
            method=request.method,
            path=request.url.path,
            query=tuple(request.query_params.multi_items()),
            headers=dict(request.headers),
            body=await request.body(),
            client="198.51.100.7",
            at=self.clock(),
        )
        self.harness.requests.append(taken)
        await self.harness.notice()
        try:
            result = await result_of(self.harness.connector, taken)
        except Unauthentic:
            return Response(status_code=403)
        except Malformed:
            return Response(status_code=400)
        reply = result.reply
        try:
            await self.harness.persist(result.raws)
        except StoreDown:
            reply = self.harness.connector.retry_later_reply
        return Response(reply.body, reply.status, dict(reply.headers), reply.media_type)


@asynccontextmanager
async def serve_routes(harness: Harness) -> AsyncIterator[httpx.AsyncClient | None]:
    """A client for the routes of a connector that has some."""
    if not isinstance(harness.connector, Serves):
        yield None
        return
    app = Starlette(routes=list(harness.connector.routes(harness.persist)))
    async with AsyncExitStack() as stack:
        transport = httpx.ASGITransport(app)
        yield await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL))
