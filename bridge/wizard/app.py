"""The set-up as one application: the wizard's pages, and behind them whatever is served so far."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bridge.console import pages
from bridge.console.texts import LANGUAGES
from bridge.console.visit import Refused, read_form
from bridge.services.tokens import derive_key
from bridge.settings import ConfigError
from bridge.web.echo import ECHO, proof
from bridge.web.failures import failed
from bridge.web.hooks import PREFIX
from bridge.wizard.setup import PATH, STEPS, Setup, Visit, language_in, starting_page
from bridge.wizard.steps import DONE, PARTS, SHOWN
from mappings.store import StoreUnusable

log = structlog.get_logger("bridge.setup")

Handler = Callable[[Request], Awaitable[Response]]


class SetupPages:
    """Served until the set-up is finished."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        routes = [
            Route("/", self._kept(self._begin)),
            Route("/console", self._kept(self._begin)),
            Route("/console/", self._kept(self._begin)),
            Route("/console/static/{name}", self._kept(self._static)),
            Route(PATH, self._kept(self._door), methods=["GET"]),
            Route(f"{PATH}/", self._kept(self._door), methods=["GET"]),
            Route(f"{PATH}/code", self._kept(self._enter), methods=["POST"]),
            Route(f"{PATH}/language", self._kept(self._language), methods=["POST"]),
            Route(f"{PATH}/{{step}}", self._kept(self._show), methods=["GET"]),
            Route(f"{PATH}/{{step}}", self._kept(self._act), methods=["POST"]),
            Route(f"{PATH}/{{step}}/{{part}}", self._kept(self._part), methods=["GET"]),
        ]
        self._pages = Starlette(routes=routes, exception_handlers={Exception: failed})
        self._pages.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] != "http":
            return
        elif self._is_page(scope["path"]):
            await self._pages(scope, receive, send)
        elif self._is_question(scope):
            await self._answer(scope, receive, send)
        else:
            await self._setup.calls.hear(self._behind, scope, receive, send)

    @staticmethod
    def _is_page(path: str) -> bool:
        return path in {"/", "/console"} or path.startswith("/console/")

    @staticmethod
    def _is_question(scope: Scope) -> bool:
        return scope["path"].startswith(PREFIX) and f"{ECHO}=".encode() in scope["query_string"]

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The proof that an address leads here; also while there is no account yet."""
        challenge = Request(scope).query_params.get(ECHO, "")
        key = derive_key(self._setup.draft.secret_key, "echo")
        await PlainTextResponse(proof(key, challenge))(scope, receive, send)

    async def _behind(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Callbacks, desks, chats: what the accounts so far serve."""
        front = self._setup.preview.front
        if front is not None:
            await front(scope, receive, send)
        else:
            await PlainTextResponse("not set up yet", 404)(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._setup.preview.show(self._setup.draft)
        except (ConfigError, StoreUnusable, OSError) as error:
            log.warning("not everything can be served yet", why=str(error))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._setup.preview.close()
        await send({"type": "lifespan.shutdown.complete"})

    def _kept(self, handler: Handler) -> Handler:
        """The handler; a disk that takes nothing is a page that says so."""

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except OSError as error:
                log.warning("the set-up cannot be kept", why=str(error))
                language = language_in(self._setup, request)
                values = {"path": str(self._setup.config.parent), "why": error.strerror or type(error).__name__}
                return pages.page(
                    "error.html", language, status=503, session=None, menu=[], here="", said="", stuck=False,
                    text="setup.disk", values=values, status_shown=503,
                )  # fmt: skip

        return answer

    async def _begin(self, request: Request) -> Response:
        if self._setup.finished.is_set():
            return starting_page(language_in(self._setup, request))
        return RedirectResponse(PATH, 303)

    async def _static(self, request: Request) -> Response:
        return pages.static(request)

    async def _door(self, request: Request) -> Response:
        if not self._setup.door.is_open(request):
            return self._code_page(request, "", 200)
        draft, missing = self._setup.draft, self._setup.missing()
        first = next((step for step in STEPS if step not in draft.done or step in missing), "trip")
        return RedirectResponse(f"{PATH}/{first}", 303)

    def _code_page(self, request: Request, fault: str, status: int, wait: float = 0.0) -> Response:
        asked = request.query_params.get("lang", "")
        language = asked if asked in LANGUAGES else language_in(self._setup, request)
        return pages.page("setup/code.html", language, status=status, fault=fault, wait=int(wait) + 1)

    async def _enter(self, request: Request) -> Response:
        form = await self._form(request)
        if isinstance(form, Response):
            return form
        token, wait = self._setup.door.enter(request, form.get("code", ""))
        if not token:
            fault = "setup.code_wait" if wait else "setup.code_wrong"
            return self._code_page(request, fault, 429 if wait else 403, wait)
        asked = request.query_params.get("lang", "")
        self._setup.draft.language = self._setup.draft.language or (asked if asked in LANGUAGES else "")
        self._setup.keep()
        response = RedirectResponse(PATH, 303)
        self._setup.door.let_in(request, response, token)
        return response

    async def _language(self, request: Request) -> Response:
        form = await self._own_form(request)
        if isinstance(form, Response):
            return form
        self._setup.draft.language = form.get("language", "") if form.get("language", "") in LANGUAGES else ""
        self._setup.keep()
        back = form.get("step", "")
        return RedirectResponse(f"{PATH}/{back}" if back in STEPS else PATH, 303)

    async def _show(self, request: Request) -> Response:
        step = request.path_params["step"]
        if not self._setup.door.is_open(request):
            return RedirectResponse(PATH, 303)
        if step not in SHOWN:
            return RedirectResponse(PATH, 303)
        return await SHOWN[step](Visit(self._setup, request))

    async def _act(self, request: Request) -> Response:
        step = request.path_params["step"]
        form = await self._own_form(request)
        if isinstance(form, Response):
            return form
        if step not in DONE:
            return Response("not found", 404)
        if form.get("act") == "skip":
            return Visit(self._setup, request, form).after(step)
        return await DONE[step](Visit(self._setup, request, form))

    async def _part(self, request: Request) -> Response:
        answer: Callable[[Visit], Awaitable[Response]] | None = PARTS.get(
            (request.path_params["step"], request.path_params["part"])
        )
        if not self._setup.door.is_open(request):
            return Response(status_code=401, headers={"hx-redirect": PATH})
        if answer is None:
            return Response("not found", 404)
        return await answer(Visit(self._setup, request))

    async def _form(self, request: Request) -> dict[str, str] | Response:
        try:
            return await read_form(request)
        except Refused as refused:
            return Response("the form cannot be read", refused.status)

    async def _own_form(self, request: Request) -> dict[str, str] | Response:
        """A form of a browser that entered the code, sent from our own page."""
        if not self._setup.door.is_open(request):
            return RedirectResponse(PATH, 303)
        form = await self._form(request)
        if not isinstance(form, Response) and not self._setup.door.is_own(request, form):
            return Response("this form was sent from another site, or is out of date: load the page again", 403)
        return form


async def wait_finished(setup: Setup) -> None:
    """Returns when the last page was left."""
    await setup.finished.wait()
    await asyncio.sleep(0.3)  # its answer is on its way
