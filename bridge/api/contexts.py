"""`POST /api/context`: the shop's server says who a customer is and where they come from.

By `conversation` (the customer's id at the channel), or by a `handle` that the mini program will bring as its
`session-from` when the chat is opened.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Annotated

from pydantic import Field, field_validator, model_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bridge.api.access import WORD, Acts, Body, Refusal, read
from bridge.contract import Contact
from bridge.engine.context import Runtime, Work
from bridge.engine.conversation.profile import keep, of_conversation, of_handle, proven_by, show_profile
from bridge.engine.inbound.channel_events import grant
from mappings import links, people

_KEPT = timedelta(days=30)  # what has no end of its own
_LONGEST = timedelta(days=400)

Short = Annotated[str, Field(min_length=1, max_length=200, pattern=WORD)]


class Lasting(Body):
    """A value with its end, an ISO time."""

    value: Short
    until: str

    @field_validator("until")
    @classmethod
    def _time(cls, value: str) -> str:
        if datetime.fromisoformat(value).tzinfo is None:
            raise ValueError("needs a time zone, such as 2026-12-31T23:59:59+08:00")
        return value


One = Short | Lasting


class ContextGiven(Body):
    """The body. `profile` holds `tier`, `orders`, `tags`, `customer_id` and whatever else agents should see; each value
    is a text, or an object with `value` and `until`, or a list of those.
    """

    account: Short
    conversation: Short | None = None
    handle: Annotated[str, Field(min_length=8, max_length=200, pattern=WORD)] | None = None
    context: dict[Short, Annotated[str, Field(max_length=500, pattern=WORD)]] = Field(default={}, max_length=30)
    profile: dict[Short, One | list[One]] = Field(default={}, max_length=30)
    shared_id: Annotated[str, Field(max_length=128, pattern=WORD)] = ""
    grant: Annotated[str, Field(max_length=64, pattern=WORD)] = ""
    id: Short | None = None

    @model_validator(mode="after")
    def _one(self) -> "ContextGiven":
        if (self.conversation is None) == (self.handle is None):
            raise ValueError("name either `conversation` or `handle`")
        for name in ("grant", "shared_id"):
            if getattr(self, name) and self.conversation is None:
                raise ValueError(f"a `{name}` is for a `conversation`")
        if "session_from" in self.context:
            raise ValueError("context.session_from is what the client says; use another name")
        return self


class Contexts:
    """The address. What it is told is there from the next conversation on, and for the present one."""

    def __init__(self, runtime: Runtime, act: Acts) -> None:
        self._runtime, self._act = runtime, act

    async def take(self, request: Request) -> Response:
        """Keeps it. A repeat changes nothing."""
        given = await read(request, ContextGiven)
        if given.account not in self._runtime.channels:
            raise Refusal(422, f"account: {given.account!r} is no channel of this bridge")
        window = self._runtime.capabilities(given.account).window
        grants = window.grants if window is not None else {}
        if given.grant and given.grant.lower() not in grants:
            raise Refusal(422, f"grant: {given.account!r} knows {', '.join(sorted(grants)) or 'none'}")
        self._runtime.shop_tells = True
        shown = await self._act(partial(_keep, given))
        return JSONResponse({"kept": True, "shown": shown}, 202)


def _keep(given: ContextGiven, work: Work) -> bool:
    """Whether there is a conversation that it is shown in already."""
    default = f"{work.now + _KEPT:%Y-%m-%dT%H:%M:%S+00:00}"
    profile = {
        name: [_lasting(one, default) for one in (values if isinstance(values, list) else [values])]
        for name, values in given.profile.items()
    }
    ends = [datetime.fromisoformat(one["until"]) for values in profile.values() for one in values]
    until = min(max([*ends, work.now + _KEPT]), work.now + _LONGEST)
    subject = of_conversation(given.conversation) if given.conversation is not None else of_handle(given.handle or "")
    told = {"context": given.context, "profile": profile}
    if not keep(work, given.account, subject, told, until, given.id or "") or given.conversation is None:
        return False
    customer_id = next(iter(proven_by(profile, work.now).get("customer.id", ())), "")
    shared_id = given.shared_id
    if customer_id or shared_id:
        contact = Contact(id=given.conversation)
        known = people.know(work.tx, given.account, contact.id, "", customer_id, work.now, shared_id=shared_id)
        people.suggest(work.tx, known.person_id, customer_id, work.now, shared_id=shared_id)
    link = links.open_link(work.tx, given.account, given.conversation)
    if link is None:
        return False
    show_profile(work, link, now=True)
    if given.grant and given.account in work.runtime.accounts:
        link = links.get_link(work.tx, link.id, lock=True)
        if given.id is None or links.notice_once(work.tx, link.id, f"grant.{given.id}", work.now):
            grant(work, work.runtime.accounts[given.account], link, given.grant.lower())
    return True


def _lasting(one: One, default: str) -> dict[str, str]:
    return {"value": one, "until": default} if isinstance(one, str) else {"value": one.value, "until": one.until}
