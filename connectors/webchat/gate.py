"""The door of the web desk: signing in and out, and who may call at all."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bridge.contract import Gone
from connectors.webchat.agents import Agents, Browser, Session
from connectors.webchat.office import Office
from connectors.webchat.web import Handler, Refusal, caller, read_json, slow_down

Act = Callable[[Request, Session, str], Awaitable[Response]]
_WEEK = 7 * 86400
_KNOWN = 180 * 86400


class Gate:
    """Everything but the page and the sign-in needs a session. `first` runs before an agent's act."""

    def __init__(self, office: Office, first: Callable[[], Awaitable[None]]) -> None:
        self.agents = Agents(office.config, office.account)
        self._office = office
        self._first = first
        name = office.account.name
        self._secure = office.account.public_url.startswith("https://")
        # the prefix makes browsers refuse the cookie from anywhere but this very host
        self._cookie = f"__Host-desk-{name}" if self._secure else f"desk-{name}"
        self._device = f"__Host-device-{name}" if self._secure else f"device-{name}"

    def own(self, request: Request) -> dict[str, str]:
        """Only our own page may call, and it says so in a header that no form of another site can set."""
        if not self._office.door.is_own(request):
            raise Refusal(403, "forbidden", "Only the desk's own page may do this.")
        if request.method != "GET" and request.headers.get("x-desk") != "1":
            raise Refusal(403, "forbidden", "The header x-desk is missing.")
        return {}

    def signed(self, act: Act) -> Handler:
        """The act for those who are signed in."""

        async def handler(request: Request) -> Response:
            session = await self.agents.session(request.cookies.get(self._cookie, ""))
            if session is None:
                raise Refusal(401, "signed_out", "Please sign in.")
            await self._first()
            try:
                return await act(request, session, request.path_params.get("ticket", ""))
            except Gone as error:
                raise Refusal(404, "no_ticket", error.message) from None

        return handler

    async def sign_in(self, request: Request) -> Response:
        """Name and password; the browser gets a cookie that scripts cannot read."""
        network, device = caller(request), request.cookies.get(self._device, "")
        body = await read_json(request, 4096)
        name, password = body.get("name"), body.get("password")
        if not isinstance(name, str) or not isinstance(password, str) or len(password) > 1000:
            raise Refusal(400, "bad_request", "Send name and password.")
        # a device that is known has no part in what strangers do at the same address
        if not self.agents.knows(name, device) and (wait := self._office.limits.wait("sign_in.address", network)):
            raise slow_down(wait)
        browser = Browser(network, device, request.headers.get("user-agent", ""))
        agent, token, known = await self.agents.sign_in(name, password, browser)
        response = JSONResponse({"name": agent})
        response.set_cookie(
            self._cookie, token, path="/", secure=self._secure, httponly=True, samesite="strict", max_age=_WEEK
        )
        response.set_cookie(
            self._device, known, path="/", secure=self._secure, httponly=True, samesite="strict", max_age=_KNOWN
        )
        return response

    async def sessions(self, request: Request, session: Session, _: str) -> Response:
        """Where the agent is signed in."""
        return JSONResponse({"sessions": await self.agents.sessions(session)})

    async def end_sessions(self, request: Request, session: Session, _: str) -> Response:
        """Ends one of the agent's own by its id, or all others."""
        which = (await read_json(request)).get("id")
        if not isinstance(which, str) or not which:
            raise Refusal(400, "bad_request", 'Send the id of a session, or "others".')
        if not await self.agents.end(session, which) and which != "others":
            raise Refusal(404, "no_session", "There is no such session.")
        return Response(status_code=204)

    async def sign_out(self, request: Request, session: Session, _: str) -> Response:
        """The session ends here, not only in the browser."""
        await self.agents.sign_out(session)
        response = Response(status_code=204)
        response.delete_cookie(self._cookie, path="/", secure=self._secure, httponly=True, samesite="strict")
        return response
