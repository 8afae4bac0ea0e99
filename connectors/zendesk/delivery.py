"""Writing: tickets, comments as the customer, notes for agents, labels.

The creation of a ticket takes an idempotency key, an update does not: every write carries its step's key in the
metadata, which audits give back.
Source: https://developer.zendesk.com/documentation/ticketing/managing-tickets/creating-and-updating-tickets/
"""

from typing import Any

from bridge.contract import (
    Account,
    AuthFailed,
    ConnectorError,
    Gone,
    Receipt,
    Rejected,
    Response,
    Retryable,
    Scope,
    Step,
    Target,
    Throttled,
    file_name,
)
from connectors.zendesk.agents import present
from connectors.zendesk.api import Api, Row, id_of, number_of, other_key, path_id
from connectors.zendesk.body import escape
from connectors.zendesk.errors import Refused
from connectors.zendesk.lookup import Finding
from connectors.zendesk.outbound import CREATE, LABELS, NOTE, as_the_route_says, higher, link_to, tags_of
from connectors.zendesk.people import People
from connectors.zendesk.places import Places
from connectors.zendesk.settings import Settings
from connectors.zendesk.tickets import Tickets
from connectors.zendesk.waking import ASLEEP

_ABOUT_THE_USER = frozenset({"requester", "requester_id", "author", "author_id", "submitter", "submitter_id", "base"})
_ASKED = ("group_id", "brand_id", "priority", "custom_fields")
_WANTED_BY_THE_ROUTE = (*_ASKED, "assignee_id", "via_followup_source_id")


class Writer:
    """The writing side of one account."""

    def __init__(self, config: Settings, account: Account, api: Api, tickets: Tickets) -> None:
        self._config = config
        self._account = account
        self._api = api
        self._tickets = tickets
        self._people = People(account, api)
        self.places = Places(account, api)
        self.finding = Finding(config, account, api, tickets)

    # Before the write

    async def prepare(self, step: Step, target: Target) -> dict[str, Any]:
        """Who writes, where the ticket is now, which ids the route's names have; files are uploaded."""
        if target.conversation is None:
            return await self._new(step, target)
        ticket = await self._tickets.get(target.conversation)
        await self._expect_open(ticket)
        if step.verb == LABELS:
            return await self._differences(step, ticket)
        prepared: dict[str, Any] = {"status": ticket.get("status"), "updated_at": ticket.get("updated_at")}
        if step.verb != NOTE:
            prepared["user"] = await self._author(ticket, target)
        return prepared | await self._upload(step)

    async def _author(self, ticket: Row, target: Target) -> str:
        """As whom to write. Raises Gone on a ticket that was given to another customer; one that ours was merged into
        may always have been somebody else's: then the agent who merged them said that they are one.
        """
        requester = id_of(ticket.get("requester_id"))
        try:
            return await self._people.resolve(target.contact, target.peer, requester=requester)
        except Gone:
            if not await self._tickets.is_followed(id_of(ticket.get("id"))):
                raise
            return await self._people.resolve(target.contact, target.peer)

    async def _new(self, step: Step, target: Target) -> dict[str, Any]:
        if step.verb != CREATE:
            return {}
        body = step.body
        previous = body.get("previous")
        group, brand = await self.places.group(body.get("group")), await self.places.brand(body.get("brand"))
        fields, unknown = await self.places.fields_and_unknown(body.get("custom_fields"))
        missing = [
            f"{name} {body[name]}" for name, at in (("group", group), ("brand", brand)) if body.get(name) and not at
        ]
        return {
            "user": await self._people.resolve(target.contact, target.peer),
            "group_id": group,
            "brand_id": brand,
            "assignee_id": await present(self._api, str(target.fields.get("last_agent") or ""), group),
            "custom_fields": fields,
            "left_out": [*missing, *(f"field {name}" for name in unknown)],
            "previous": previous if previous and await self._is_closed(str(previous)) else "",
        }

    async def _is_closed(self, ticket: str) -> bool:
        """Only a closed ticket can be followed up."""
        try:
            return (await self._tickets.get(ticket)).get("status") == "closed"
        except Gone:
            return False

    async def _expect_open(self, ticket: Row) -> None:
        """Raises Gone for a ticket that takes nothing more, with the one it was merged into."""
        identifier = id_of(ticket.get("id"))
        status = str(ticket.get("status")).lower()
        if status == "deleted":
            raise Gone(f"ticket {identifier} was deleted", code="deleted")
        if status == "closed":
            into = await self._tickets.moved_to(ticket)
            where = f" and merged into {into}" if into else ""
            raise Gone(f"ticket {identifier} is closed{where}", code="closed", moved_to=into or None)

    async def _differences(self, step: Step, ticket: Row) -> dict[str, Any]:
        """Which tags are to be added and which to go."""
        tags = ticket.get("tags")
        there = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
        wanted: list[str] = step.body["tags"]
        values = {name: value or None for name, value in step.body["fields"].items()}
        return {
            "add": [tag for tag in wanted if tag not in there],
            "remove": [tag for tag in there if tag.startswith(step.body["prefix"]) and tag not in wanted],
            "fields": await self.places.fields(values),
            "priority": higher(step.body.get("priority", ""), ticket.get("priority")),
            "requester": id_of(ticket.get("requester_id")),
        }

    async def _upload(self, step: Step) -> dict[str, Any]:
        """Tokens live for an hour and serve one comment; unused ones are forgotten by Zendesk."""
        tokens, refused = [], []
        for media in step.media:
            try:
                data = await self._account.media.read(media)
                tokens.append(await self._uploaded(file_name(media), media.mime or "application/octet-stream", data))
            except Rejected:
                refused.append(link_to(media, step))  # too large for this account, or of a kind its admins do not want
            except Retryable:  # the words do not wait for it; where nothing works, the write says so
                refused.append(link_to(media, step))
        return {"uploads": tokens, "refused": refused}

    async def _uploaded(self, name: str, mime: str, data: bytes) -> str:
        try:
            return await self._api.upload(name, mime, data)
        except Throttled:
            raise
        except Retryable:  # once more: mostly it was a moment's fault
            return await self._api.upload(name, mime, data)

    # The write

    async def deliver(self, step: Step, target: Target) -> Receipt:
        """One write."""
        if target.conversation is None:
            if step.verb != CREATE:
                raise Rejected("there is no ticket yet to write on", code="no ticket")
            return await self._create(step, target)
        if step.verb == LABELS:
            return await self._show(step, target, target.conversation)
        try:
            answer = await self._api.send(
                "PUT", f"/tickets/{path_id(target.conversation)}", body={"ticket": _update(step, target)}
            )
        except Gone as error:
            raise await self._gone(error, target.conversation) from None
        except Refused as error:
            raise self._refused(error, target) from None
        receipt = self._receipt(answer, target)
        if step.verb != NOTE:
            await self.finding.waking.wake(self._api.object(answer)["ticket"])
        return receipt

    async def _show(self, step: Step, target: Target, ticket: str) -> Receipt:
        """Tags and fields, without a comment: nobody is notified, and repeating it changes nothing."""
        prepared = target.prepared
        try:
            add, remove = prepared.get("add", ()), prepared.get("remove", ())
            await self._tickets.change_tags(ticket, add=add, remove=remove)
            await self._tickets.set_fields(ticket, prepared.get("fields", ()), priority=prepared.get("priority", ""))
        except Gone as error:
            raise await self._gone(error, ticket) from None
        rating = step.body.get("rating", 0)
        why = await self._tickets.rate(ticket, rating, prepared.get("requester", "")) if rating else ""
        return Receipt(conversation=ticket, detail=why)

    async def _create(self, step: Step, target: Target) -> Receipt:
        ticket = self._ticket(step, target)
        try:
            answer = await self._post(ticket, target.key)
        except Gone as error:
            raise Retryable(f"{error.message}; is api_base right?", code=error.code) from None
        except Retryable as error:
            if error.code != "IdempotentRequestError":
                raise
            try:
                found = await self.finding.created(target)  # the key is used up: an earlier attempt was carried out
            except (AuthFailed, Retryable) as failed:
                what = f"{failed.message}; an earlier attempt may have made the ticket"
                raise Retryable(what, code=failed.code, certain=False) from None
            if found is not None:
                return found
            answer = await self._post(ticket, other_key(target.key, ticket))
        except Refused as error:
            if error.fields & _ABOUT_THE_USER or not any(name in ticket for name in _WANTED_BY_THE_ROUTE):
                raise self._refused(error, target) from None
            # the message matters more than the wishes of the route, which `check` cannot know to be out of date
            plain = {name: value for name, value in ticket.items() if name not in _WANTED_BY_THE_ROUTE}
            self.places.unknown[f"Zendesk refused {', '.join(sorted(error.fields)) or 'a field'} of a route"] = None
            answer = await self._post(plain, other_key(target.key, plain))
            refused = [as_the_route_says(name, step) for name in _ASKED if name in ticket]
            return self._receipt(answer, target).model_copy(update={"left_out": tuple(refused)})
        left_out = tuple(target.prepared.get("left_out") or ())
        return self._receipt(answer, target).model_copy(update={"left_out": left_out})

    async def _post(self, ticket: Row, key: str) -> Response:
        return await self._api.send("POST", "/tickets", body={"ticket": ticket}, headers={"idempotency-key": key})

    def _ticket(self, step: Step, target: Target) -> Row:
        body, prepared = step.body, target.prepared
        user = number_of(prepared.get("user"))
        ticket: Row = {
            "subject": body["subject"],
            "comment": {"html_body": body["html"], "public": True, "author_id": user},
            "requester_id": user,
            "submitter_id": user,
            "external_id": self.finding.external_id(target),
            "tags": tags_of(self._config.tag, *body.get("tags", ())),
            "metadata": _marked(target),
        }
        optional = {
            "group_id": prepared.get("group_id"),
            "brand_id": prepared.get("brand_id"),
            "assignee_id": prepared.get("assignee_id"),
            "priority": body.get("priority"),
            "custom_fields": prepared.get("custom_fields"),
            "via_followup_source_id": number_of(prepared.get("previous")),
        }
        return ticket | {name: value for name, value in optional.items() if value}

    async def _gone(self, error: Gone, ticket: str) -> ConnectorError:
        """The same with the ticket that this one was merged into. Nothing was written: whatever fails here is safe to
        repeat.
        """
        if error.code == "full":
            return error
        try:
            await self._expect_open(await self._tickets.get(ticket))
        except Gone as found:
            return found
        if error.code == "closed":
            return error
        return Retryable(
            f"{error.message}, yet it can be read and is open", code=error.code, tries=5, scope=Scope.CONVERSATION
        )

    def _refused(self, error: Refused, target: Target) -> ConnectorError:
        if error.fields & _ABOUT_THE_USER and target.prepared.get("user"):
            self._people.doubt(str(target.prepared["user"]))
            what = f"{error.message}; the user is looked up anew"
            return Retryable(what, code=error.code, tries=3, scope=Scope.CONVERSATION)
        return error

    def _receipt(self, answer: Response, target: Target) -> Receipt:
        found = self._api.object(answer)
        ticket = found.get("ticket")
        identifier = id_of(ticket.get("id")) if isinstance(ticket, dict) else ""
        if not identifier:
            raise Retryable(f"{answer.where}: no ticket in the answer", code="no ticket", certain=False)
        audit = found.get("audit")
        return self.finding.receipt(identifier, audit if isinstance(audit, dict) else {}, target)


def _update(step: Step, target: Target) -> Row:
    """A comment. On a repeat, and where the status changes along with it, only if nobody changed the ticket since."""
    prepared = target.prepared
    refused = "".join(f"<p>{escape(line)}</p>" for line in prepared.get("refused") or ())
    comment: Row = {"html_body": step.body["html"] + refused, "public": step.verb != NOTE}
    update: Row = {"comment": comment, "metadata": _marked(target)}
    if prepared.get("uploads"):
        comment["uploads"] = prepared["uploads"]
    if step.verb != NOTE:
        comment["author_id"] = number_of(prepared.get("user"))
        # the actor is the API's user even where the author is the customer: Zendesk does not reopen by itself
        # (https://support.zendesk.com/hc/en-us/articles/4408825831962)
        if step.body.get("reopen") or str(prepared.get("status")).lower() in ASLEEP:
            update["status"] = "open"
    if prepared.get("updated_at") and ("status" in update or target.attempt > 1):
        update |= {"safe_update": True, "updated_stamp": prepared["updated_at"]}
    return update


def _marked(target: Target) -> Row:
    return {"bridge": {"d": target.key}}
