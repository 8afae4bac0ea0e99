"""The suite's trouble in front of a real server: a simulator proves only what its author believes of the vendor."""

from typing import Self
from urllib.parse import urlsplit

import httpx
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bridge.testing.faults import Faults
from bridge.testing.simulator import Simulator

_OF_THE_CONNECTION = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "content-length", "content-encoding"}
)


class FaultProxy(Simulator):
    """Passes every request on to `target` (an origin: `http://host:port`) and arms its `faults` on the way.

    Put `rewrite(url)` for the vendor's URL into the account's keys. The vendor sees its own host name, or the proxy's
    where it checks or writes links by the caller's (`keep_host`).
    """

    def __init__(self, target: str, *, keep_host: bool = False, seconds: float = 60.0) -> None:
        super().__init__()
        parts = urlsplit(target)
        self.target = f"{parts.scheme}://{parts.netloc}"
        self._keep_host = keep_host
        self._client: httpx.AsyncClient | None = None
        self._seconds = seconds
        self.faults = Faults(self._pass_on)

    def settings(self) -> dict[str, str]:
        return {"api_base": self.base}

    def rewrite(self, url: str) -> str:
        """This URL of the vendor as it is reached through the proxy."""
        if not f"{url}/".startswith(f"{self.target}/"):
            raise ValueError(f"{url} is not at {self.target}")
        return self.origin + url.removeprefix(self.target)

    async def start(self, port: int = 0) -> Self:
        self._client = httpx.AsyncClient(timeout=self._seconds, trust_env=False)
        return await super().start(port)

    async def stop(self) -> None:
        """The vendor is out of reach: nothing listens here until `start`. What is in progress is carried out."""
        await super().stop()
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._client is None:
            raise RuntimeError("the proxy is not started")
        request = Request(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            return  # nobody sent it to the end
        url = self.target + scope["raw_path"].decode("ascii")
        if scope["query_string"]:
            url += "?" + scope["query_string"].decode("ascii")
        dropped = _OF_THE_CONNECTION | (frozenset() if self._keep_host else {"host"})
        headers = [(name, value) for name, value in request.headers.items() if name not in dropped]
        try:
            answer = await self._client.request(request.method, url, headers=headers, content=body)
        except httpx.HTTPError as error:
            await Response(f"the vendor does not answer: {type(error).__name__}", 502)(scope, receive, send)
            return
        response = Response(answer.content, answer.status_code)
        kept = [(k, v) for k, v in answer.headers.raw if k.decode().lower() not in _OF_THE_CONNECTION]
        response.raw_headers[:] = [*kept, (b"content-length", str(len(answer.content)).encode())]
        await response(scope, receive, send)
