"""Writing: tickets, notes as the customer, remarks for agents, and looking up whether a write took effect.

There is no idempotency key. A ticket is known again by the reference in its tags, a note by the one at its end.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from bridge.contract import (
    Account,
    Audience,
    AuthFailed,
    Contact,
    Gone,
    Receipt,
    Rejected,
    Retryable,
    Scope,
    Step,
    Target,
    file_name,
    read_files,
)
from connectors.freshdesk import labels
from connectors.freshdesk.api import Api, Upload, blocked, elsewhere, id_of
from connectors.freshdesk.body import escape
from connectors.freshdesk.errors import Refused
from connectors.freshdesk.inbound import CLOSED, OPEN, PENDING, RESOLVED
from connectors.freshdesk.labels import tags_after
from connectors.freshdesk.marks import external_id, line_of, reference, tag_of
from connectors.freshdesk.outbound import LABELS, REMARK, links_to, priority_of, tags_of
from connectors.freshdesk.people import People, present
from connectors.freshdesk.settings import Settings
from connectors.freshdesk.threads import Found, Threads, is_note, status_of

_HOPELESS = timedelta(minutes=15)  # after that a ticket that is nowhere is given up
_SLEEPING = {PENDING, RESOLVED, CLOSED}
_LOOKED_AT = 3  # pages of tickets, newest first
_TOO_LARGE = 413


class Writer:
    """The writing side of one account."""

    def __init__(self, config: Settings, account: Account, api: Api, threads: Threads) -> None:
        self._config = config
        self._account = account
        self._api = api
        self._threads = threads
        self._people = People(account, api)

    async def prepare(self, step: Step, target: Target) -> dict[str, Any]:
        """For a new ticket who asks and which group; for a note where the ticket is now, and as whom to write."""
        if target.conversation is None:
            _expect_ticket(step)
            return await self._new(target)
        ticket = await self._threads.ticket(target.conversation)
        if step.verb == LABELS:
            tags = tags_after(step, ticket.get("tags"))
            present = ticket.get("priority")
            raised = step.body.get("priority", 0)
            higher = raised if isinstance(present, int) and raised > present else 0
            shown = tags == ticket.get("tags") and not (step.body["fields"] or higher or step.body.get("rating"))
            return {"tags": tags, "shown": shown, "priority": higher}
        if await self._threads.since(ticket) is None:
            await self._threads.remember(target.conversation, str(ticket.get("created_at") or ""))
        if step.verb == REMARK:
            return {}
        return {"user_id": await self._people.author(ticket, target.peer), "status": status_of(ticket)}

    async def deliver(self, step: Step, target: Target) -> Receipt:
        """One write."""
        if target.conversation is None:
            _expect_ticket(step)
        if step.verb == LABELS and target.conversation is not None:
            if target.prepared.get("shown"):
                return self._receipt(target.conversation)
            tags = target.prepared.get("tags", step.body["tags"])
            return await labels.write(self._api, target.conversation, step, tags, target.prepared.get("priority", 0))
        found, missing = await read_files(self._account.media, step.media)
        files = [(file_name(media), data, media.mime or "application/octet-stream") for media, data in found]
        if missing:
            links = links_to(step.model_copy(update={"media": tuple(missing)}), "missing")
            html = step.body["html"].replace("</div>", f"{links}</div>", 1)
            body = {**step.body, "html": html}
            step = step.model_copy(update={"media": tuple(media for media, _ in found), "body": body})
        if target.conversation is None:
            return await self._open(step, target, files)
        private = step.verb == REMARK
        fields: dict[str, Any] = {"body": f"{step.body['html']}\n{_signed(target.key)}", "private": private}
        if not private:
            fields["incoming"] = True
            if target.prepared.get("user_id") is not None:
                fields["user_id"] = target.prepared["user_id"]
        made = await self._note(f"/tickets/{target.conversation}/notes", fields, files, step)
        if not private:
            await self._wake(target.conversation)
        return self._receipt(target.conversation, id_of(made))

    async def lookup(self, step: Step, target: Target) -> Receipt | None:
        """Whether the write is there. A ticket that cannot be read says nothing about it."""
        if step.verb == LABELS:
            return None  # doing it twice changes nothing
        if target.conversation is None:
            return await self._find_opened(target)
        for item in await self._conversations(target):
            if is_note(item) and line_of(target.key) in f"{item.get('body') or ''}{item.get('body_text') or ''}":
                if step.verb != REMARK:
                    await self._wake(target.conversation)
                return self._receipt(target.conversation, id_of(item))
        return None

    # A new ticket

    async def _new(self, target: Target) -> dict[str, Any]:
        group, product = target.fields.get("group"), target.fields.get("product") or target.fields.get("brand")
        prepared = {
            "requester_id": await self._people.known(target.peer),
            "group_id": await self._people.named("groups", group),
            "product_id": await self._people.named("products", product),
            "responder_id": await present(self._api, str(target.fields.get("last_agent") or "")),
        }
        unknown = [
            f"{what} {name}"
            for what, name, at in (("group", group, "group_id"), ("product", product, "product_id"))
            if name and not prepared[at]
        ]
        return {**prepared, "unknown": unknown}

    async def _open(self, step: Step, target: Target, files: Sequence[Upload]) -> Receipt:
        fields = self._ticket(step, target)
        try:
            made = await self._note("/tickets", fields, files, step, text="description")
        except Gone as error:
            raise blocked(error) if error.code == "http 405" else elsewhere(error) from None
        except Refused as error:
            requester = await self._people.owner(error, fields)
            if requester is None:
                raise
            fields = {name: value for name, value in fields.items() if name not in {"unique_external_id", "name"}}
            made = await self._note("/tickets", {**fields, "requester_id": requester}, files, step, text="description")
        unknown = tuple(target.prepared.get("unknown") or ())
        detail = f"there is no {', '.join(unknown)}" if unknown else ""
        return (await self._opened(made, detail)).model_copy(update={"left_out": unknown})

    def _ticket(self, step: Step, target: Target) -> Found:
        """Nothing but documented fields: an unknown one is an error."""
        config, route, prepared = self._config, target.fields, target.prepared
        fields: Found = {
            "subject": step.body["subject"],
            "description": f"{step.body['html']}\n{_signed(target.key)}",
            "status": OPEN,
            "priority": priority_of(route.get("priority")),
            "source": config.source,
            "tags": tags_of(
                config.tag, *(() if config.marker_field else (tag_of(target.key),)), *(route.get("tags") or ())
            ),
        }
        if prepared.get("requester_id") is not None:
            fields["requester_id"] = prepared["requester_id"]
        else:
            fields["unique_external_id"] = external_id(self._account.name, target.contact.id)
            fields["name"] = _name(target.contact)
        for name in ("group_id", "product_id", "responder_id"):
            if prepared.get(name) is not None:
                fields[name] = prepared[name]
        if kind := route.get("type") or config.type:
            fields["type"] = str(kind)
        given = route.get("custom_fields")
        custom = {**config.custom_fields, **(given if isinstance(given, dict) else {})}
        if config.marker_field:
            custom[config.marker_field] = reference(target.key)
        if custom:
            fields["custom_fields"] = custom
        return fields

    async def _opened(self, ticket: Mapping[str, Any], detail: str = "") -> Receipt:
        number = id_of(ticket)
        requester = id_of(ticket, "requester_id")
        await self._threads.remember(number, str(ticket.get("created_at") or ""), requester)
        return self._receipt(number, f"ticket:{number}", peer=requester, detail=detail)

    async def _find_opened(self, target: Target) -> Receipt | None:
        """Over the list, which is current; the search index lags by minutes. By no clock: theirs may differ."""
        who = {"unique_external_id": external_id(self._account.name, target.contact.id)}
        if target.peer:
            who = {"requester_id": target.peer}
        try:
            found = await self._search(target.key, include="description", **who)
        except Rejected:
            found = None  # no such contact, or no such way to ask
        found = found or await self._search(target.key)
        return await self._opened(found) if found is not None else None

    async def _search(self, key: str, **query: str) -> Found | None:
        for page in range(1, _LOOKED_AT + 1):
            rows, follows = await self._api.rows(
                "/tickets", page=page, order_by="created_at", order_type="desc", **query
            )
            for row in rows:
                if self._carries(row, key):
                    return row
            if not follows:
                break
        return None

    def _carries(self, ticket: Mapping[str, Any], key: str) -> bool:
        """By the tag, the field, or the description where a list shows it: agents may change tags."""
        tags, custom = ticket.get("tags"), ticket.get("custom_fields")
        in_field = isinstance(custom, dict) and custom.get(self._config.marker_field) == reference(key)
        in_tags = isinstance(tags, list) and tag_of(key) in tags
        text = f"{ticket.get('description') or ''}{ticket.get('description_text') or ''}"
        return in_field or in_tags or line_of(key) in text

    # A note

    async def _note(
        self, path: str, fields: Found, files: Sequence[Upload], step: Step, *, text: str = "body"
    ) -> Found:
        """Writes; where the ticket has no room for files, or the author is gone, it says the same without."""
        try:
            return await self._api.make(path, fields, files)
        except Refused as error:
            if files and (error.status == _TOO_LARGE or error.concerns("attachments")):
                body = fields[text].replace("</div>", f"{links_to(step)}</div>", 1)
                return await self._note(path, {**fields, text: body}, (), step, text=text)
            if "user_id" in fields and error.concerns("user_id"):
                rest = {name: value for name, value in fields.items() if name != "user_id"}
                return await self._note(path, rest, files, step, text=text)
            raise

    async def _wake(self, number: str) -> None:
        """Opens a ticket that slept while the customer wrote, or was put to sleep between our look and our write: the
        answer to a note does not tell. Freshdesk opens it only if the account has such a rule.

        A failure leaves the whole write unknown: the look-up finds the note, and comes here again. A ticket that does
        not open any more is Gone: the words are said on the next one.
        """
        try:
            if status_of(await self._api.get(f"/tickets/{number}")) in _SLEEPING:
                await self._api.change(f"/tickets/{number}", {"status": OPEN})
        except (Retryable, AuthFailed) as error:
            raise Retryable(f"noted, but not reopened: {error.message}", code=error.code, certain=False) from None
        except (Rejected, Gone) as error:
            raise Gone(f"noted, but not reopened: {error.message}", code=error.code) from None

    async def _conversations(self, target: Target) -> list[Found]:
        number = target.conversation or ""
        try:
            return (await self._threads.read(number)).items
        except Gone:
            pass
        try:
            return (await self._threads.read(number, archived=True)).items
        except Gone as error:
            tried = target.tried_at or self._account.now()
            if self._account.now() - tried > _HOPELESS:
                raise Gone(f"ticket {number} is not there any more", code=error.code) from None
            raise Retryable(
                f"ticket {number} cannot be read, so nobody knows", code=error.code, scope=Scope.CONVERSATION
            ) from None

    def _receipt(self, number: str, *ids: str, peer: str = "", detail: str = "") -> Receipt:
        return Receipt(
            ids=tuple(filter(None, ids)),
            conversation=number,
            peer=peer,
            url=f"{self._config.web}/a/tickets/{number}",
            detail=detail,
        )


def _expect_ticket(step: Step) -> None:
    """Raises Rejected for a note on no ticket: as the first thing said it would be its public description."""
    if step.audience is Audience.AGENTS:
        raise Rejected("there is no ticket yet to write on", code="no ticket")


def _signed(key: str) -> str:
    return f'<div style="color:#888">{escape(line_of(key))}</div>'


def _name(contact: Contact) -> str:
    return " ".join((contact.name or contact.called).split())[:200] or "Customer"
