"""Tickets and conversations of a simulated Freshdesk, with its refusals.

Source: https://developers.freshdesk.com/api/#tickets , #conversations
"""

from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.freshdesk.simulator.checks import (
    MERGE,
    TICKET,
    invalid,
    paged,
    read,
    read_query,
)
from connectors.freshdesk.simulator.rules import AGENT, REQUESTER, Happening
from connectors.freshdesk.simulator.site import Site
from connectors.freshdesk.simulator.state import Agent, Contact, Ticket, sanitised
from connectors.freshdesk.simulator.views import show_ticket

_FILTERS = ("filter", "requester_id", "email", "unique_external_id", "company_id", "updated_since")
_LIST = (*_FILTERS, "order_by", "order_type", "include")
_WAYS = ("requester_id", "email", "phone", "facebook_id", "twitter_id", "unique_external_id")


class Tickets:
    """The part of the API that is about tickets."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._state = site.state

    def routes(self) -> list[Route]:
        guarded = self._site.guarded
        one = "/api/v2/tickets/{id:int}"
        return [
            Route("/api/v2/tickets", guarded(self._list, "list"), methods=["GET"]),
            Route("/api/v2/tickets", guarded(self._create, "create"), methods=["POST"]),
            Route("/api/v2/tickets/merge", guarded(self._merge, "update"), methods=["PUT"]),
            Route("/api/v2/tickets/archived/{id:int}", guarded(self._archived), methods=["GET"]),
            Route(one, guarded(self._view), methods=["GET"]),
            Route(one, guarded(self._update, "update"), methods=["PUT"]),
            Route(one, guarded(self._delete, "update"), methods=["DELETE"]),
            Route(f"{one}/restore", guarded(self._restore, "update"), methods=["PUT"]),
        ]

    # Tickets

    async def _list(self, request: Request, _agent: Agent) -> Response:
        page, size, query = read_query(request, *_LIST)
        tickets = [ticket for ticket in self._state.tickets.values() if not ticket.archived]
        trash = query.get("filter") in {"deleted", "spam"}
        tickets = [ticket for ticket in tickets if (ticket.deleted or ticket.spam) == trash]
        who = self._requester_in(query)
        if who is not None:
            tickets = [ticket for ticket in tickets if ticket.requester == who]
        if "updated_since" in query:
            since = _time(query["updated_since"])
            tickets = [ticket for ticket in tickets if ticket.updated >= since]
        else:
            month = self._state.now - timedelta(days=30)
            tickets = [ticket for ticket in tickets if ticket.created >= month]
        order = query.get("order_by", "created_at")
        if order not in {"created_at", "due_by", "updated_at", "status"}:
            raise invalid("order_by", "invalid_value")
        values = {"updated_at": lambda one: one.updated, "status": lambda one: one.status}
        tickets.sort(key=lambda one: (values.get(order, lambda each: each.created)(one), one.id))
        if query.get("order_type", "desc") != "asc":
            tickets.reverse()
        include = query.get("include", "")
        if not set(filter(None, include.split(","))) <= {"stats", "requester", "description", "company"}:
            raise invalid("include", "invalid_value")
        address = self._site.address
        rows = [show_ticket(self._state, one, address, full=False, include=include) for one in tickets]
        return paged(request, rows, page, size)

    def _requester_in(self, query: dict[str, str]) -> int | None:
        """Whom a list is about; a filter for somebody unknown is refused, or gives nothing."""
        for name in ("requester_id", "email", "unique_external_id"):
            if name not in query:
                continue
            value = query[name]
            if name == "requester_id":
                found = self._state.contacts.get(int(value)) if value.isdigit() else None
            else:
                found = self._state.owner(name, value)
            if found is not None:
                return found.id
            if self._site.unknown_filter_is_empty:
                return -1
            raise invalid(name, "invalid_value", f"There is no contact matching the given {name}")
        return None

    async def _create(self, request: Request, agent: Agent) -> Response:
        form = await read(request, TICKET)
        fields = form.fields
        if not any(fields.get(name) for name in _WAYS):
            raise invalid("requester_id", "missing_field", "One of the following: " + ", ".join(_WAYS))
        for name in ("subject", "description"):
            if not fields.get(name):
                raise invalid(name, "missing_field", "It should be a String")
        self._check_values(fields, new=True)
        self._site.check_room(form, 0)
        contact = self._requester(fields)
        ticket = self._state.add_ticket(contact.id, fields["subject"], fields["description"])
        ticket.files = self._state.keep(form.files)
        self._apply(ticket, fields)
        performer = REQUESTER if fields.get("source") == 7 else AGENT
        self._site.happened(Happening(ticket, "created", performer, "{ticket_action:created}"), agent)
        shown = show_ticket(self._state, ticket, self._site.address, full=True)
        return JSONResponse(shown, 201, {"location": f"{self._site.origin(request)}/api/v2/tickets/{ticket.id}"})

    def _requester(self, fields: dict[str, Any]) -> Contact:
        """Known ones are taken, unknown ones made. A deleted contact still owns its external id."""
        if "requester_id" in fields:
            contact = self._state.contacts.get(fields["requester_id"])
            if contact is None or contact.deleted:
                raise invalid("requester_id", "invalid_value", "There is no contact matching the given requester_id")
            return contact
        way = next(name for name in _WAYS if fields.get(name))
        if way == "phone" and not fields.get("name"):
            raise invalid("name", "missing_field")
        contact = self._state.owner(way, fields[way])
        if contact is not None and contact.deleted:
            raise invalid(way, "duplicate_value", status=self._site.duplicate_status, user_id=contact.id)
        return contact or self._state.add_contact(fields.get("name") or str(fields[way]), {way: fields[way]})

    def _check_values(self, fields: dict[str, Any], *, new: bool) -> None:
        if fields.get("status", 2) not in self._site.statuses:
            raise invalid("status", "invalid_value", "It should be one of these values: '2,3,4,5'")
        if fields.get("priority", 1) not in {1, 2, 3, 4}:
            raise invalid("priority", "invalid_value", "It should be one of these values: '1,2,3,4'")
        known = (("group_id", self._state.groups), ("product_id", self._state.products))
        for name, ids in known:
            if fields.get(name) is not None and fields[name] not in ids:
                raise invalid(name, "invalid_value", f"There is no {name} matching the given one")
        for name, value in fields.get("custom_fields", {}).items():
            if name not in self._site.custom_fields:
                raise invalid(f"custom_fields.{name}", "invalid_field", "Unexpected/invalid field in request")
            if name in self._site.numbers and value is not None and not isinstance(value, int):
                raise invalid(f"custom_fields.{name}", "datatype_mismatch", "It should be a/an Positive Integer")
        if new:
            for name in self._site.required:
                if not fields.get("custom_fields", {}).get(name) and not fields.get(name):
                    raise invalid(name, "missing_field", "It should be a String")

    def _apply(self, ticket: Ticket, fields: dict[str, Any]) -> None:
        ticket.status = fields.get("status", ticket.status)
        ticket.subject = fields.get("subject", ticket.subject)
        ticket.description = sanitised(fields.get("description", ticket.description))
        if "tags" in fields:
            ticket.tags = list(dict.fromkeys(fields["tags"]))
        ticket.custom |= fields.get("custom_fields", {})
        if fields.get("requester_id") in self._state.contacts:
            ticket.requester = fields["requester_id"]
        kept = ("priority", "source", "group_id", "product_id", "responder_id", "type", "company_id", "email_config_id")
        ticket.fields |= {name: fields[name] for name in kept if name in fields}

    async def _view(self, request: Request, _agent: Agent) -> Response:
        ticket = self._site.found(request)
        include = request.query_params.get("include", "")
        return JSONResponse(show_ticket(self._state, ticket, self._site.address, full=True, include=include))

    async def _update(self, request: Request, agent: Agent) -> Response:
        ticket = self._site.writable(request)
        form = await read(request, TICKET)
        self._check_values(form.fields, new=False)
        self._site.check_room(form, ticket.size)
        before = ticket.status
        self._apply(ticket, form.fields)
        ticket.updated = self._state.now
        if ticket.status != before:
            self._site.status_changed(ticket, before, agent, AGENT)
        return JSONResponse(show_ticket(self._state, ticket, self._site.address, full=True))

    async def _delete(self, request: Request, _agent: Agent) -> Response:
        self._site.writable(request).deleted = True
        return Response(status_code=204)

    async def _restore(self, request: Request, _agent: Agent) -> Response:
        self._site.found(request).deleted = False
        return Response(status_code=204)

    async def _merge(self, request: Request, agent: Agent) -> Response:
        form = await read(request, MERGE)
        ids = [form.fields.get("primary_id"), *form.fields.get("ticket_ids", ())]
        found = [self._state.tickets[one] for one in ids if one in self._state.tickets]
        if len(found) != len(ids) or len(ids) < 2:
            raise invalid("ticket_ids", "invalid_value")
        self._site.merge(found[0], found[1:], agent)
        return Response(status_code=204)

    async def _archived(self, request: Request, _agent: Agent) -> Response:
        return JSONResponse(show_ticket(self._state, self._site.in_archive(request), self._site.address, full=True))


def _time(value: str) -> datetime:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise invalid("updated_since", "invalid_value", "It should be in the combined date and time format") from None
    if found.tzinfo is None:
        raise invalid("updated_since", "invalid_value", "It should be in the combined date and time format")
    return found
