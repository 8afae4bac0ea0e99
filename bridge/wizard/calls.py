"""The callbacks that come while somebody sets the bridge up: each with what is wrong with it."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.contract import Request, network_of
from bridge.first_config import NAMES
from bridge.web.echo import ECHO
from bridge.web.hooks import LARGEST, PREFIX
from bridge.web.reading import Headers, pairs_of
from bridge.wizard.diagnosis import Finding, Suspect, diagnose, led_astray, refusal_of

_KEPT = 30


@dataclass(frozen=True, slots=True)
class Call:
    """One callback. `finding` is None for one that was taken."""

    role: str
    at: datetime
    method: str
    client: str
    ms: float
    finding: Finding | None


@dataclass(slots=True)
class Calls:
    """The latest ones. `suspect` gives a side as it is set up now."""

    suspect: Callable[[str], Suspect | None]
    latest: deque[Call] = field(default_factory=lambda: deque(maxlen=_KEPT))

    began: dict[str, float] = field(default_factory=dict)

    def waited(self, role: str) -> float:
        """Seconds since somebody began to wait for a side's call."""
        return time.monotonic() - self.began.setdefault(role, time.monotonic())

    def of(self, role: str) -> list[Call]:
        """Those of one side, newest first."""
        return [one for one in reversed(self.latest) if one.role == role]

    def proven(self, role: str) -> bool:
        """Whether the last one of a side was taken."""
        found = self.of(role)
        return bool(found) and found[0].finding is None

    def forget(self, role: str) -> None:
        """Something was changed: what came before says nothing any more."""
        self.began.pop(role, None)
        for one in [one for one in self.latest if one.role == role]:
            self.latest.remove(one)

    async def hear(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a callback through and writes down what became of it."""
        body = await _body(receive)
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        begun = time.monotonic()
        await app(scope, _replay(body, receive), sending)
        ms = 1000 * (time.monotonic() - begun)
        request = _request(scope, body)
        if not request.one(ECHO):
            await self._judge(request, status, ms)

    async def _judge(self, request: Request, status: int, ms: float) -> None:
        for role, name in NAMES.items():
            suspect = self.suspect(role)
            if suspect is None:
                continue
            path, found = PREFIX + name, None
            if request.path == path:
                if status >= 300:
                    found = await self._why(suspect, request)
                    if found is None:
                        continue
            elif status == 404 and await led_astray(suspect, request, path):
                found = Finding("path", value=request.path[:200])
            else:
                continue
            self.latest.append(
                Call(role, request.at, request.method, network_of(request.client) or "-", round(ms, 1), found)
            )
            return

    @staticmethod
    async def _why(suspect: Suspect, request: Request) -> Finding | None:
        """What is wrong; None for a visit that was no callback."""
        connector = suspect.built()
        refused = await refusal_of(connector, request) if connector is not None else None
        if refused is None:
            return Finding("trouble")
        found = await diagnose(suspect, request, refused)
        return None if found.what in {"visit", "no_callbacks"} else found


def _request(scope: Scope, body: list[Message]) -> Request:
    client = (scope.get("client") or ("", 0))[0]
    query = pairs_of(scope["query_string"].decode("latin-1"))
    content = b"".join(message.get("body", b"") for message in body)[: LARGEST + 1]
    headers = Headers(scope["headers"])
    return Request(scope["method"], scope["path"], query, headers, content, client, datetime.now(UTC))


async def _body(receive: Receive) -> list[Message]:
    """What came, as it came; not more of it than a callback may have."""
    found: list[Message] = []
    size = 0
    while True:
        message = await receive()
        found.append(message)
        size += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body") or size > LARGEST:
            return found


def _replay(messages: list[Message], receive: Receive) -> Receive:
    """What was read already, then what comes: streams wait here for whoever listens to leave."""
    left = list(messages)

    async def again() -> Message:
        return left.pop(0) if left else await receive()

    return again
