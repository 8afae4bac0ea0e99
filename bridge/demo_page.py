"""The demonstration as a page: a phone on the left, the web desk on the right, the way of the messages between them."""

import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.app import Bridge
from bridge.cli.trace import trace_json
from bridge.contract import Http, SignsIn

CUSTOMER = "oDemo_Customer_A"
AGENT = "Agent"
_FOLDER = Path(__file__).parent / "demo_static"
_CSP = "default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; frame-src 'self'"
_LARGEST = 10 * 2**20
_MARKS = {"done": "done", "ready": "ready", "parked": "ready"}


class Page:
    """What the demonstration's page asks for. `phone` is the simulated platform."""

    def __init__(self, bridge: Bridge, phone: Any, card: bytes) -> None:
        self._bridge = bridge
        self._phone = phone
        self._card = card
        self._password = secrets.token_urlsafe(18)
        self._signed = False

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/", self.index),
            Route("/demo/shop", self.shop),
            Route("/demo/static/{name}", self.static),
            Route("/demo/state", self.state),
            Route("/demo/desk", self.desk),
            Route("/demo/file/{number:int}", self.file),
            Route("/demo/phone/{verb}", self.act, methods=["POST"]),
        ]

    async def index(self, _request: Request) -> Response:
        return FileResponse(_FOLDER / "index.html", headers={"content-security-policy": _CSP})

    async def shop(self, _request: Request) -> Response:
        return FileResponse(_FOLDER / "shop.html", headers={"content-security-policy": _CSP})

    async def static(self, request: Request) -> Response:
        path = _FOLDER / Path(request.path_params["name"]).name
        return FileResponse(path) if path.suffix in {".css", ".js"} and path.exists() else Response(status_code=404)

    async def act(self, request: Request) -> Response:
        """Something the customer does."""
        acts: dict[str, Callable[[bytes], Awaitable[Any]]] = {
            "enter": lambda _: self._phone.enters(CUSTOMER, session_from="product-17"),
            "text": lambda body: self._phone.says(CUSTOMER, body.decode("utf-8", "replace")[:600]),
            "picture": lambda body: self._phone.sends_image(CUSTOMER, body),
            "card": lambda _: self._phone.sends_card(
                CUSTOMER, title="Mug, 350 ml", path="pages/product?id=17", thumb=self._card
            ),
        }
        act = acts.get(request.path_params["verb"])
        body = await request.body()
        if act is None or len(body) > _LARGEST:
            return Response(status_code=404 if act is None else 413)
        await act(body)
        return Response(status_code=204)

    async def state(self, _request: Request) -> Response:
        """The phone's screen, and the way of the latest messages."""
        found = await self._bridge.store.read(trace_json, CUSTOMER)
        return JSONResponse({"bubbles": self._bubbles(), "way": _way(found)}, headers={"cache-control": "no-store"})

    async def file(self, request: Request) -> Response:
        bubbles = self._phone.chat(CUSTOMER)
        number = request.path_params["number"]
        data = bubbles[number].data if number < len(bubbles) else b""
        return Response(data, media_type="image/jpeg", headers={"cache-control": "max-age=3600"})

    async def desk(self, _request: Request) -> Response:
        """Signs the demonstration's agent in and shows the desk."""
        connector = self._bridge.runtime.accounts["desk"].connector
        if not self._signed and isinstance(connector, SignsIn):
            await connector.add_agent(AGENT, self._password)
            self._signed = True
        base = self._bridge.settings.bridge.public_url  # never the Host of the request: the password goes there
        http = Http(timeout=10, home=base)
        try:
            answer = await http.request(
                "POST",
                f"{base}/desk/desk/v1/sign-in",
                json={"name": AGENT, "password": self._password},
                headers={"origin": base, "x-desk": "1"},
            )
        finally:
            await http.close()
        cookie = {"set-cookie": answer.headers["set-cookie"]} if "set-cookie" in answer.headers else {}
        return RedirectResponse("/desk/desk/", 303, headers=cookie)

    def _bubbles(self) -> list[dict[str, str]]:
        return [
            {
                "who": bubble.who,
                "kind": bubble.kind,
                "text": bubble.text,
                "detail": "mini program",
                "file": f"/demo/file/{number}" if bubble.kind == "image" else "",
            }
            for number, bubble in enumerate(self._phone.chat(CUSTOMER))
        ]


def _way(found: dict[str, Any]) -> list[dict[str, str]]:
    """The latest steps, newest first: what happened to each, and when."""
    entries = [
        _waits(row) if kind == "waiting" else _step(row)
        for link in found["links"]
        for kind in ("waiting", "steps")
        for row in link[kind]
    ]
    return [entry for _, entry in sorted(entries, key=lambda pair: pair[0], reverse=True)[:14]]


def _waits(row: dict[str, Any]) -> tuple[str, dict[str, str]]:
    why = f"held: {row['held']}" if row["held"] else "stored, about to go"
    return row["since"], {"what": f"→ {row['to']}: {why}", "mark": "ready", "when": row["since"][11:23]}


def _step(step: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """A step's way: received, stored, delivered, accepted."""
    when = step["done"] or step["rendered"]
    state = "accepted" if step["state"] == "done" else step["state"]
    words = [f"→ {step['to']}:", step["verb"].replace("_", " "), state]
    if len(step["messages"]) > 1:
        words.append(f"({len(step['messages'])} messages)")
    if len(step["attempts"]) > 1:
        words.append(f"after {len(step['attempts'])} attempts")
    sent = step["attempts"][-1]["begun"] if step["attempts"] else None
    stations = {
        "received": step["received"],
        "stored": step["stored"] or step["rendered"],
        "delivered": sent,
        state: step["done"],
    }
    times = "\n".join(f"{name}\u00a0{moment[11:23]}" for name, moment in stations.items() if moment)
    return when, {"what": " ".join(words), "mark": _MARKS.get(step["state"], "bad"), "when": times}


class Framed:
    """Lets the demonstration's own page show the desk in a frame, which a real desk refuses."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    (key, value.replace(b"frame-ancestors 'none'", b"frame-ancestors 'self'"))
                    for key, value in message["headers"]
                    if key != b"x-frame-options"
                ]
            await send(message)

        await self._app(scope, receive, sending if scope["type"] == "http" else send)
