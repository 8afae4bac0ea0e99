"""What the demonstration's page asks for: the phone, the steps, the trace, and what breaks."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import cache
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bridge.cli.trace import trace_json
from bridge.console.texts import language_of
from bridge.demo.breaking import Breaking
from bridge.demo.forward import Forward, away_page
from bridge.demo.parts import CUSTOMER
from bridge.demo.people import Colleagues
from bridge.demo.story import Story, trace_of
from bridge.demo.texts import all_texts, say
from mappings.cli_access import open_reader
from mappings.store import StoreUnusable

if TYPE_CHECKING:
    from bridge.demo.show import Scene

_FOLDER = Path(__file__).parent / "static"
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        "frame-src 'self'; form-action 'self'; base-uri 'none'"
    ),
    "cache-control": "no-store",
}
_LARGEST = 10 * 2**20


@cache
def _templates() -> Environment:
    return Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined)


class Page:
    """The page and its questions. `card` is the picture on the product's card."""

    def __init__(self, scene: "Scene", colleagues: Colleagues, forward: Forward, card: bytes) -> None:
        self._scene = scene
        self._phone = scene.phone
        self._colleagues = colleagues
        self._card = card
        self._story = Story()
        self._breaking = Breaking(scene, colleagues, forward)
        self._speaking = asyncio.Lock()

    def routes(self) -> list[BaseRoute]:
        """For the demonstration's own server."""
        return [
            Route("/", self.index),
            Route("/demo/shop", self.shop),
            Route("/demo/static/{name}", self.static),
            Route("/demo/state", self.state),
            Route("/demo/desk", self.desk),
            Route("/demo/console", self.console),
            Route("/demo/file/{number:int}", self.file),
            Route("/demo/phone/{verb}", self.act, methods=["POST"]),
            Route("/demo/break/{verb}", self.break_it, methods=["POST"]),
        ]

    async def index(self, request: Request) -> Response:
        """In the visitor's language; the first one decides in which the bridge writes its notes."""
        language = self._language(request)
        async with self._speaking:
            if self._scene.serving.alive and not self._phone.chat(CUSTOMER):
                await self._scene.speak(language)
        return self._page("index.html", language)

    async def shop(self, request: Request) -> Response:
        """Somebody's website, with the chat widget."""
        return self._page("shop.html", self._language(request))

    @staticmethod
    def _language(request: Request) -> str:
        asked = request.query_params.get("lang", "")
        return asked if asked in {"en", "zh"} else language_of(request.headers.get("accept-language", ""))

    @staticmethod
    def _page(name: str, language: str) -> Response:
        text = (
            _templates()
            .get_template(name)
            .render(
                language=language,
                lang="zh-CN" if language == "zh" else "en",
                t=lambda key: say(language, key),
                texts=all_texts(language),
            )
        )
        return HTMLResponse(text, headers=_HEADERS)

    async def static(self, request: Request) -> Response:
        """A script or a style sheet."""
        path = _FOLDER / Path(request.path_params["name"]).name
        return FileResponse(path) if path.suffix in {".css", ".js"} and path.exists() else Response(status_code=404)

    async def act(self, request: Request) -> Response:
        """Something the customer does."""
        acts: dict[str, Callable[[bytes], Awaitable[Any]]] = {
            "enter": lambda _: self._phone.enters(CUSTOMER, session_from="product-17"),
            "text": lambda body: self._phone.says(CUSTOMER, body.decode("utf-8", "replace")[:600]),
            "picture": lambda body: self._phone.sends_image(CUSTOMER, body),
            "card": lambda body: self._phone.sends_card(
                CUSTOMER, title=body.decode("utf-8", "replace")[:60], path="pages/product?id=17", thumb=self._card
            ),
        }
        act = acts.get(request.path_params["verb"])
        body = await request.body()
        if act is None or len(body) > _LARGEST:
            return Response(status_code=404 if act is None else 413)
        await act(body)
        return Response(status_code=204)

    async def break_it(self, request: Request) -> Response:
        """Something that goes wrong."""
        text = await self._breaking.do(request.path_params["verb"], self._language(request))
        if text is None:
            return Response(status_code=404)
        return JSONResponse({"text": text})

    async def state(self, request: Request) -> Response:
        """The phone's screen, the steps, the trace, and how the world is."""
        found = await asyncio.to_thread(self._look)
        language = self._language(request)
        facts = {
            "bubbles": self._bubbles(language),
            "trace": trace_of(found, language),
            "steps": self._story.steps(found),
            "broken": self._breaking.facts(found),
            "link": found["links"][-1]["link"] if found["links"] else 0,
        }
        return JSONResponse(facts, headers={"cache-control": "no-store"})

    def _look(self) -> dict[str, Any]:
        """What the bridge's database knows, whether or not it is served."""
        try:
            with open_reader(f"sqlite:///{self._scene.place}/bridge.db") as tx:
                return trace_json(tx, CUSTOMER, self._scene.switches.now())
        except StoreUnusable:
            return {"links": []}

    async def file(self, request: Request) -> Response:
        """A picture of the chat."""
        bubbles = self._phone.chat(CUSTOMER)
        number = request.path_params["number"]
        data = bubbles[number].data if number < len(bubbles) else b""
        return Response(data, media_type="image/jpeg", headers={"cache-control": "max-age=3600"})

    async def desk(self, _request: Request) -> Response:
        """Signs the agent in and shows the desk."""
        return await self._let_in(self._colleagues.desk, "/desk/desk/")

    async def console(self, _request: Request) -> Response:
        """Signs the admin in and shows the conversation."""
        found = await asyncio.to_thread(self._look)
        link = found["links"][-1]["link"] if found["links"] else 0
        path = f"/console/conversations/{link}" if link else "/console/conversations"
        return await self._let_in(self._colleagues.console, path)

    async def _let_in(self, sign_in: Callable[[], Awaitable[list[str]]], path: str) -> Response:
        response = RedirectResponse(path, 303)
        if self._scene.serving.alive:
            try:
                cookies = await sign_in()
            except (OSError, HTTPException):  # it is starting, or ended meanwhile
                return away_page(self._scene.starting(), again=True)
            for cookie in cookies:
                response.raw_headers.append((b"set-cookie", cookie.encode("latin-1")))
        return response

    def _bubbles(self, language: str) -> list[dict[str, Any]]:
        return [
            {
                "who": bubble.who,
                "kind": bubble.kind,
                "generated": bool((bubble.body or {}).get("aimsgcontext", {}).get("is_ai_msg")),
                "text": bubble.text,
                "detail": say(language, "mini_program"),
                "file": f"/demo/file/{number}" if bubble.kind == "image" else "",
                "at": bubble.at.isoformat() if bubble.at is not None else "",
            }
            for number, bubble in enumerate(self._phone.chat(CUSTOMER))
        ]
