"""The door: signing in and out, cookies, and who may send a form at all."""

import hmac
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bridge.console import pages
from bridge.console.texts import LANGUAGES, language_of
from bridge.console.users import LONGEST, Browser, Refusal, Session, Users, hashed
from bridge.console.visit import Refused, read_form, safe_next
from bridge.contract import network_of
from bridge.web.strangers import Strangers

_KNOWN = 180 * 86400


@dataclass(slots=True)
class Gate:
    """Sign-in of one bridge. `public_url` says what its own pages are called and whether cookies need TLS."""

    users: Users
    public_url: str
    fallback: str  # the language of who named none
    strangers: Strangers

    @property
    def _secure(self) -> bool:
        return self.public_url.startswith("https://")

    def cookie(self, name: str) -> str:
        """The prefix makes browsers refuse the cookie from anywhere but this very host."""
        return f"__Host-{name}" if self._secure else name

    async def session(self, request: Request) -> Session | None:
        """Who asks. Raises Refused (429) for a network that brings one cookie after the other."""
        by_itself = "hx-request" in request.headers or request.url.path.endswith("/events")
        token = request.cookies.get(self.cookie("console"), "")
        if not token:
            return None
        network, key = network_of(_client(request)), hashed(token)
        if self.strangers.locked_out(network, key):
            raise Refused("error.often", 429)
        found = await self.users.session(token, used=not by_itself)
        if found is None:
            self.strangers.wrong(network, key)
        else:
            self.strangers.right(key)
        return found

    def language(self, request: Request, session: Session | None = None) -> str:
        """Their own, else the one asked for, else the browser's."""
        asked = request.query_params.get("lang", "")
        if session is not None and session.language:
            return session.language
        return asked if asked in LANGUAGES else language_of(request.headers.get("accept-language", ""), self.fallback)

    def check_origin(self, request: Request) -> None:
        """Only our own page may send a form. Raises Refused."""
        origin = request.headers.get("origin", "").lower()
        if origin:
            public = urlsplit(self.public_url.lower())
            host = request.headers.get("host", "").lower()
            own = origin == f"{public.scheme}://{public.netloc}" or (origin.partition("://")[2] == host != "")
        else:
            own = request.headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}
        if not own:
            raise Refused("error.origin", 403)

    async def page(self, request: Request) -> Response:
        """The sign-in; who is signed in goes on to the overview."""
        if await self.session(request) is not None:
            return RedirectResponse(safe_next(request.query_params.get("next", "")), 303)
        return self._form(request, ended=bool(request.cookies.get(self.cookie("console"))))

    def _form(
        self, request: Request, refusal: Refusal | None = None, name: str = "", *, ended: bool = False
    ) -> Response:
        wait = int(refusal.wait) + 1 if refusal is not None and refusal.wait else 0
        return pages.page(
            "sign_in.html",
            self.language(request),
            status=refusal.status if refusal is not None else 200,
            headers={"retry-after": str(wait)} if wait else {},
            refused=refusal.text if refusal is not None else "",
            wait=wait,
            ended=ended,
            name=name,
            next=safe_next(request.query_params.get("next", "")),
        )

    async def sign_in(self, request: Request) -> Response:
        """Name and password; the browser gets a token that was made here and that scripts cannot read."""
        self.check_origin(request)
        form = await read_form(request)
        name, password = form.get("name", "")[:200], form.get("password", "")[:1000]
        browser = Browser(
            network_of(_client(request)),
            request.cookies.get(self.cookie("console-device"), ""),
            request.headers.get("user-agent", ""),
        )
        old = request.cookies.get(self.cookie("console"), "")
        try:
            token, known = await self.users.sign_in(name, password, browser, old)
        except Refusal as refusal:
            return self._form(request, refusal, name)
        response = RedirectResponse(safe_next(form.get("next", "")), 303)
        for cookie, value, age in (
            ("console", token, int(LONGEST.total_seconds())),
            ("console-device", known, _KNOWN),
        ):
            response.set_cookie(
                self.cookie(cookie), value, path="/", secure=self._secure, httponly=True, samesite="strict", max_age=age
            )
        return response

    async def sign_out(self, session: Session) -> Response:
        """Ends the session here, and the cookie there."""
        await self.users.sign_out(session)
        response = RedirectResponse("/console/", 303)
        response.delete_cookie(self.cookie("console"), path="/", secure=self._secure, httponly=True, samesite="strict")
        return response

    def check_form(self, session: Session, form: dict[str, str]) -> None:
        """The form was given out to this very session. Raises Refused."""
        if not hmac.compare_digest(form.get("csrf", "").encode(), session.csrf.encode()):
            raise Refused("error.csrf", 403)


def _client(request: Request) -> str:
    return request.client.host if request.client is not None else ""
