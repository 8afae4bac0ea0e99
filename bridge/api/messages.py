"""`POST /api/messages`: the shop's server has something to say to a customer. `GET`: what became of it."""

from functools import partial
from typing import Annotated, Any

from pydantic import Field, model_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bridge.api.access import WORD, Acts, Body, Refusal, read
from bridge.api.contexts import Short
from bridge.contract import ConnectorError, Contact, Invites, RenderContext
from bridge.engine.context import Runtime, Work
from bridge.engine.conversation.shop_messages import ShopMessage, TooLong, WhenShut, say_for_shop
from bridge.engine.runtime.ids import new_name
from mappings import links, shop
from mappings.store import Store, Tx

PATH = "/api/messages"
_STATES = {"ready": "sending", "parked": "held", "done": "accepted", "dead": "failed"}


class MessageGiven(Body):
    """The body. Either `text`, or `template` with `data`, or all three: then the template calls the customer back."""

    account: Short
    conversation: Short | None = None
    customer_id: Short | None = None
    text: Annotated[str, Field(max_length=4000)] = ""
    template: Annotated[str, Field(max_length=200, pattern=WORD)] = ""
    data: dict[Short, Annotated[str, Field(max_length=200, pattern=WORD)]] = Field(default={}, max_length=20)
    when_shut: Annotated[WhenShut, Field(strict=False)] = WhenShut.HOLD
    id: Short | None = None

    @model_validator(mode="after")
    def _whole(self) -> "MessageGiven":
        if (self.conversation is None) == (self.customer_id is None):
            raise ValueError("name either `conversation` or `customer_id`")
        if not self.text.strip() and not self.template:
            raise ValueError("give a `text`, or a `template` with its `data`")
        if "\x00" in self.text:
            raise ValueError("text holds a character that cannot be kept")
        return self


class Messages:
    """The two addresses."""

    def __init__(self, runtime: Runtime, store: Store, act: Acts) -> None:
        self._runtime, self._store, self._act = runtime, store, act

    async def take(self, request: Request) -> Response:
        """Keeps it and takes it on its way. A repeat of the same `id` is harmless."""
        given = await read(request, MessageGiven)
        wrong = _wrong(self._runtime, given)
        if wrong:
            raise Refusal(422, wrong)
        try:
            name = await self._act(partial(_say, given))
        except TooLong as error:
            raise Refusal(422, f"text: {error}") from None
        if name is None:
            what = "conversation" if given.conversation is not None else "customer_id"
            raise Refusal(404, f"{what}: nobody of that name has a conversation on {given.account!r}")
        found = await self._store.read(_state, name)
        return JSONResponse(found, 202, {"location": f"{PATH}/{name}"})

    async def show(self, request: Request) -> Response:
        """Where it is."""
        found = await self._store.read(_state, str(request.path_params["id"])[:200])
        if found is None:
            raise Refusal(404, "there is no such message, or it is no longer kept")
        return JSONResponse(found)


def _say(given: MessageGiven, work: Work) -> str | None:
    link = (
        links.open_link(work.tx, given.account, given.conversation)
        if given.conversation is not None
        else shop.link_of_customer(work.tx, given.account, given.customer_id or "")
    )
    if link is None:
        return None
    link = links.get_link(work.tx, link.id, lock=True)
    text = given.text.strip()
    asked = ShopMessage(given.id or f"own:{new_name()}", text, given.template, given.data, given.when_shut)
    return say_for_shop(work, link, asked)


def _wrong(runtime: Runtime, given: MessageGiven) -> str:
    connected = runtime.accounts.get(given.account)
    if connected is None or given.account not in runtime.channels:
        return f"account: {given.account!r} is no channel of this bridge"
    if given.template:
        if not isinstance(connected.connector, Invites):
            return f"template: {given.account!r} has no templates"
        try:
            context = RenderContext(contact=Contact(id=given.conversation or ""), data=given.data, now=runtime.now())
            connected.connector.invitation(given.template, context)
        except ConnectorError as error:
            return f"template: {error.message}"
    return ""


def _state(tx: Tx, name: str) -> dict[str, Any] | None:
    row = shop.get_message(tx, name)
    if row is None:
        return None
    link = links.get_link(tx, row.link_id)
    state, why = ("dropped", row.outcome) if row.outcome else shop.where_is(tx, row)
    return {
        "id": row.id,
        "address": f"{PATH}/{row.id}",
        "given": "" if row.given.startswith("own:") else row.given,
        "account": row.account,
        "conversation": link.conversation,
        "ticket": link.ticket,
        "state": _STATES.get(state, state),
        "why": why,
        "at": f"{row.at:%Y-%m-%dT%H:%M:%SZ}",
    }
