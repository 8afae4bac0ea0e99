"""Who a visitor is: sessions, signed identity, what they say about themselves."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bridge.contract import Persist
from connectors.webchat.hub import head_of
from connectors.webchat.identity import Unproven, prove
from connectors.webchat.inbound import Came, raw_of
from connectors.webchat.office import Office
from connectors.webchat.signatures import ACCESS
from connectors.webchat.text import clean_line, clean_page, clean_title
from connectors.webchat.visitors import Visitor, contact_of, context_of, epoch_of, events_of, turn_of
from connectors.webchat.web import Refusal, caller, read_json, slow_down

_HISTORY = 150  # events a browser without a past begins with


class Arrival:
    """Who a visitor is comes from their key alone, never from a request's words."""

    def __init__(self, office: Office, persist: Persist) -> None:
        self._office = office
        self._config = office.config
        self._account = office.account
        self._persist = persist
        self._visitors = office.visitors
        self._signatures = office.signatures
        self._limits = office.limits

    async def begin(self, request: Request) -> Response:
        """A key for a quarter of an hour: for the visitor whose token the browser kept, or for a new one."""
        body = await read_json(request)
        facts = _where(body)
        token = body.get("visitor_token")
        visitor = await self._visitors.by_token(token) if isinstance(token, str) else None
        fresh = ""
        if visitor is None:
            for limit, subject in (("sessions.address", caller(request)), ("sessions.all", "")):
                if wait := self._limits.wait(limit, subject):
                    raise slow_down(wait)
            visitor, fresh = await self._visitors.make(facts)
        elif any(visitor.get(key) != value for key, value in facts.items()):
            visitor = await self._visitors.change(visitor["id"], lambda value: value.update(facts))
        if body.get("identity"):
            kept = fresh or (token if isinstance(token, str) else "")
            visitor, fresh = await self._prove(request, visitor, body["identity"])
            if kept:  # it was another's, or the same visitor's before they signed in
                await self._visitors.forget_token(kept)
        if self._config.identity == "required" and not visitor.get("external"):
            raise Refusal(401, "identity_required", "Please sign in on this site first.")
        if body.get("entered") is True:
            await self._entered(visitor)
        return JSONResponse(await self._session(visitor, fresh, everything=not body.get("resume")))

    async def _session(self, visitor: Visitor, token: str, *, everything: bool) -> dict[str, Any]:
        now = self._account.now()
        head = await head_of(self._account.records, events_of(visitor["id"]), visitor["read"]) if everything else 0
        answer: dict[str, Any] = {
            "access_token": self._signatures.access(visitor["id"], now, turn_of(visitor)),
            "expires_in": int(ACCESS.total_seconds()),
            "visitor": {
                "id": visitor["id"],
                "verified": bool(visitor.get("external")),
                "name": contact_of(visitor).name,
            },
            "cursor": f"{epoch_of(visitor)}.{max(0, head - _HISTORY)}",
            "read_seq": visitor["read"],
            "profile": all(visitor.get(key) for key in self._config.prechat) or bool(visitor.get("external")),
            "server_time": self._visitors.time(),
        }
        return answer | ({"visitor_token": token} if token else {})

    async def end(self, request: Request) -> Response:
        """The browser's token opens nothing any more."""
        body = await read_json(request)
        if isinstance(body.get("visitor_token"), str):
            await self._visitors.forget_token(body["visitor_token"])
        return Response(status_code=204)

    async def identify(self, request: Request) -> Response:
        """The site says who this visitor is."""
        visitor = await self.who(request, proven=False)
        owner, token = await self._prove(request, visitor, await read_json(request))
        session = await self._session(owner, token, everything=True)
        return JSONResponse(session | {"switched": owner["id"] != visitor["id"]})

    async def _prove(self, request: Request, visitor: Visitor, claim: Any) -> tuple[Visitor, str]:
        """The visitor who is this person, and a new token: what was held before the sign-in opens nothing of it."""
        if wait := self._limits.wait("identify.address", caller(request)):
            raise slow_down(wait)
        secret = self._config.identity_secret.get_secret_value()
        try:
            endless = self._config.endless_user_hash
            identity = prove(claim, secret, self._account.name, self._account.now(), endless=endless)
        except Unproven:
            raise Refusal(401, "identity_refused", "Who this is could not be verified.") from None
        owner = await self._visitors.identify(visitor, identity)
        if turn_of(owner) != turn_of(visitor) and owner["id"] == visitor["id"]:
            self._office.hub.drop(owner["id"])
        return owner, await self._visitors.lend_token(owner)

    async def who(self, request: Request, *, proven: bool = True) -> Visitor:
        """The visitor whose key the request carries. Raises Refusal (401)."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        bearer = key.strip() if scheme.lower() == "bearer" else ""
        name, turn = self._signatures.visitor(bearer, self._account.now())
        visitor = await self._visitors.get(name) if name else None
        if visitor is None or turn_of(visitor) != turn:
            raise Refusal(401, "no_session", "Please begin a session first.")
        if proven and self._config.identity == "required" and not visitor.get("external"):
            raise Refusal(401, "identity_required", "Please sign in on this site first.")
        return visitor

    async def profile(self, request: Request) -> Response:
        """What visitors say about themselves: shown to agents as not verified."""
        visitor = await self.who(request)
        self._office.calm("signals.visitor", visitor)
        body = await read_json(request)
        limits = {"name": 60, "email": 200, "phone": 40}
        said = {key: clean_title(body[key], most) for key, most in limits.items() if body.get(key)}
        visitor = await self._visitors.change(visitor["id"], lambda value: value.update(said))
        return JSONResponse({"visitor": {"id": visitor["id"], "name": contact_of(visitor).name}})

    async def _entered(self, visitor: Visitor) -> None:
        now = self._account.now()
        payload = Came(visitor=visitor["id"], contact=contact_of(visitor), context=context_of(visitor), at=now)
        await self._persist([raw_of(f"entered:{visitor['id']}:{now:%Y%m%d%H}", payload, now)])


def page_of(body: dict[str, Any]) -> dict[str, str]:
    """The page a browser says it is on; nothing for none."""
    page = body.get("page")
    if not isinstance(page, dict):
        return {}
    found = {"page": clean_page(page.get("url")), "title": clean_line(page.get("title"), 120)}
    return found if found["page"] else {}


def _where(body: dict[str, Any]) -> dict[str, str]:
    """What a browser says about itself and the page it is on."""
    page = body.get("page")
    found = {"lang": clean_line(body.get("lang"), 20), "tz": clean_line(body.get("tz"), 60), **page_of(body)}
    if isinstance(page, dict):
        found["ref"] = clean_page(page.get("ref"))
    return {key: value for key, value in found.items() if value}
