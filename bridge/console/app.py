"""The console as one application: its addresses, who may call each, and what a failure looks like."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bridge.console import pages
from bridge.console.disk import DISK, why_of
from bridge.console.gate import Gate
from bridge.console.live import Live
from bridge.console.menu import menu_of
from bridge.console.texts import say
from bridge.console.users import Session, Users
from bridge.console.views import VIEWS, View
from bridge.console.views.overview import Snapshot
from bridge.console.visit import Desk, NotFound, Refused, Visit, read_form, safe_next
from bridge.contract import Words, in_language
from bridge.services.faults import Fault, fault_of
from bridge.services.folder import MediaDown
from bridge.services.tokens import derive_key
from bridge.web.strangers import Strangers

if TYPE_CHECKING:
    from bridge.app import Bridge

log = structlog.get_logger("bridge.console")

Handler = Callable[[Request], Awaitable[Response]]


class ConsoleApp:
    """Built once per process."""

    def __init__(self, bridge: "Bridge") -> None:
        secret = derive_key(bridge.settings.bridge.secret_key.get_secret_value(), "console")
        users = Users(bridge.store, hmac.digest(secret, b"console", hashlib.sha256), bridge.clock)
        settings = bridge.settings.bridge
        self._gate = Gate(users, settings.public_url, settings.language, Strangers(bridge.clock))
        self._desk = Desk(bridge, users, Live(bridge.store), Snapshot())
        routes = [
            Route("/", self._answering(self._gate.page), methods=["GET"]),
            Route("/sign-in", self._answering(self._gate.sign_in), methods=["POST"]),
            Route("/sign-in", self._to_sign_in, methods=["GET"]),
            Route("/static/{name}", self._static, methods=["GET"]),
            Route("/events", self._answering(self._events), methods=["GET"]),
            Route(
                "/sign-out", self._answering(self._signed(View("POST", "/sign-out", self._sign_out))), methods=["POST"]
            ),
            *(Route(view.path, self._answering(self._signed(view)), methods=[view.method]) for view in VIEWS),
            Route("/{rest:path}", self._answering(self._nothing)),
        ]
        self._app = Starlette(routes=routes)
        self._app.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/console":
            await RedirectResponse("/console/", 308)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def drain(self) -> None:
        """Open streams end."""
        self._desk.live.drain()

    def _signed(self, view: View) -> Handler:
        """A view for those who are signed in and may see it."""

        async def handler(request: Request) -> Response:
            if request.method == "POST":
                self._gate.check_origin(request)
            session = await self._session(request)
            if session is None:
                return self._to_door(request)
            if not session.may(view.role):
                raise Refused("error.role", 403, role=say(session.language, f"role.{view.role}"))
            form = await read_form(request) if request.method == "POST" else {}
            if request.method == "POST":
                self._gate.check_form(session, form)
            return await view.act(Visit(self._desk, request, session, form))

        return handler

    async def _session(self, request: Request) -> Session | None:
        session = await self._gate.session(request)
        if session is None:
            return None
        return replace(session, language=self._gate.language(request, session))

    def _to_door(self, request: Request) -> Response:
        if request.method == "POST":
            raise Refused("error.signed_out", 401)
        path = request.scope["path"] + (f"?{request.url.query}" if request.url.query else "")
        if request.headers.get("hx-request"):  # a page that follows: it goes to the sign-in as a whole
            page = urlsplit(request.headers.get("hx-current-url", ""))
            path = page.path + (f"?{page.query}" if page.query else "")
            return Response(
                status_code=401, headers={"hx-redirect": f"/console/?next={quote(safe_next(path), safe='')}"}
            )
        return RedirectResponse(
            str(request.url.replace(scheme="", netloc="", path="/console/").include_query_params(next=path)), 303
        )

    def _answering(self, handler: Handler) -> Handler:
        """The handler, with failures as pages."""

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except ClientDisconnect:
                raise
            except Exception as error:
                refused = _refusal_of(error)
                if refused.status == 500 or (refused.status == 400 and not isinstance(error, Refused)):
                    log.error("bug in the console", path=request.scope["path"], exc_info=error)  # noqa: TRY400 # as the log forms it
                return await self._failure(request, refused)

        return answer

    async def _failure(self, request: Request, refused: Refused) -> Response:
        """What is wrong and what to do, in the layout where the caller is known."""
        try:
            session = await self._session(request)
        except Exception:  # noqa: BLE001 - this page says what is wrong, whoever looks
            session = None
        language = self._gate.language(request, session)
        return pages.page(
            "error.html",
            language,
            status=refused.status,
            theme=session.theme if session is not None else "",
            headers={"retry-after": "5"} if refused.status in {429, 503} else {},
            session=session,
            menu=menu_of(session) if session is not None else [],
            here="",
            said="",
            stuck=False,
            text=refused.text,
            values={name: in_language(value, language) for name, value in refused.values.items()},
            status_shown=refused.status,
        )

    async def _sign_out(self, visit: Visit) -> Response:
        return await self._gate.sign_out(visit.session)

    async def _to_sign_in(self, request: Request) -> Response:
        return RedirectResponse("/console/", 303)

    async def _events(self, request: Request) -> Response:
        session = await self._gate.session(request)
        if session is None:
            return Response("signed out", 401)
        return self._desk.live.stream(lambda: self._gate.session(request), session.key)

    async def _nothing(self, request: Request) -> Response:
        if await self._gate.session(request) is None:
            return self._to_door(request)
        raise NotFound

    async def _static(self, request: Request) -> Response:
        return pages.static(request)


_DOWN = "系统暂时无法保存文件"


def _refusal_of(error: Exception) -> Refused:
    """What a page says of a failure; 500 for one that nobody foresaw."""
    match error:
        case NotFound():
            return Refused("error.not_found", 404)
        case Refused():
            return error
        case MediaDown():
            return Refused("error.disk", 503, why=Words(error.message, f"{_DOWN}（{error.message}）"))
        case OSError() if error.errno in DISK:
            return Refused("error.disk", 503, why=why_of(error))
    return {
        Fault.STORE: Refused("error.database", 503),
        Fault.INPUT: Refused("error.form", 400),
        Fault.BUG: Refused("error.bug", 500),
    }[fault_of(error)]
