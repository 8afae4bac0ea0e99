"""Contacts, agents and the account's own settings in a simulated Freshdesk.

Source: https://developers.freshdesk.com/api/#contacts , #ticket_fields , #automations
"""

import re
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.freshdesk.simulator.checks import CONTACT, MERGE_CONTACTS, Refusal, invalid, paged, read, read_query
from connectors.freshdesk.simulator.site import Site
from connectors.freshdesk.simulator.state import Agent, Contact, Ticket
from connectors.freshdesk.simulator.views import show_agent, show_contact, show_ticket

_UNIQUE = ("email", "twitter_id", "unique_external_id")
_FILTERS = ("email", "mobile", "phone", "company_id", "state", "contact_type", "_updated_since", "unique_external_id")
_TERM = re.compile(r"(\w+):(?:'([^']*)'|([^\s()]+))")
_LAG = timedelta(minutes=3)  # of the search index
_FOUND = 30  # on one page of a search


class People:
    """The part of the API that is not about tickets."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._state = site.state

    def routes(self) -> list[Route]:
        guarded = self._site.guarded
        one = "/api/v2/contacts/{id:int}"
        return [
            Route("/api/v2/agents/me", guarded(self._me)),
            Route("/api/v2/agents", guarded(self._agents)),
            Route("/api/v2/agents/{id:int}", guarded(self._someone)),
            Route("/api/v2/groups", guarded(self._groups)),
            Route("/api/v2/products", guarded(self._products)),
            Route("/api/v2/ticket_fields", guarded(self._fields)),
            Route("/api/v2/surveys", guarded(self._surveys)),
            Route("/api/v2/contacts", guarded(self._list, "contacts"), methods=["GET"]),
            Route("/api/v2/contacts", guarded(self._create), methods=["POST"]),
            Route("/api/v2/contacts/merge", guarded(self._merge), methods=["POST"]),
            Route("/api/v2/contacts/autocomplete", guarded(self._complete)),
            Route(one, guarded(self._one), methods=["GET", "PUT", "DELETE"]),
            Route(f"{one}/restore", guarded(self._restore), methods=["PUT"]),
            Route(f"{one}/hard_delete", guarded(self._erase), methods=["DELETE"]),
            Route("/api/v2/search/tickets", guarded(self._search_tickets)),
            Route("/api/v2/search/contacts", guarded(self._search_contacts)),
            Route("/api/v2/automations/{type:int}/rules", guarded(self._rules), methods=["GET"]),
            Route(
                "/api/v2/automations/{type:int}/rules/{id:int}", guarded(self._rule), methods=["GET", "PUT", "DELETE"]
            ),
            Route("/inline/{id:int}", self._inline),
        ]

    async def _me(self, _request: Request, agent: Agent) -> Response:
        return JSONResponse(show_agent(agent))

    async def _agents(self, request: Request, _agent: Agent) -> Response:
        page, size, _ = read_query(request, "email", "state")
        return paged(request, [show_agent(agent) for agent in self._state.agents.values()], page, size)

    async def _someone(self, request: Request, _agent: Agent) -> Response:
        found = self._state.agents.get(request.path_params["id"])
        return JSONResponse(show_agent(found)) if found is not None else Response(status_code=404)

    async def _groups(self, request: Request, _agent: Agent) -> Response:
        page, size, _ = read_query(request)
        return paged(request, [_named(*entry) for entry in self._state.groups.items()], page, size)

    async def _products(self, request: Request, _agent: Agent) -> Response:
        page, size, _ = read_query(request)
        return paged(request, [_named(*entry) for entry in self._state.products.items()], page, size)

    async def _fields(self, request: Request, _agent: Agent) -> Response:
        page, size, _ = read_query(request, "type")
        choices = {str(number): [name, name] for number, name in self._site.statuses.items()}
        rows: list[dict[str, Any]] = [
            {"id": 1, "name": "requester", "label": "Search a requester", "default": True, "required_for_agents": True},
            {"id": 2, "name": "subject", "label": "Subject", "default": True, "required_for_agents": True},
            {"id": 3, "name": "status", "label": "Status", "default": True, "choices": choices},
            {
                "id": 4,
                "name": "ticket_type",
                "label": "Type",
                "default": True,
                "required_for_agents": "type" in self._site.required,
            },
        ]
        for number, name in enumerate(self._site.custom_fields, 5):
            needed = name in self._site.required
            label = name.removeprefix("cf_").title()
            rows.append({"id": number, "name": name, "label": label, "default": False, "required_for_agents": needed})
        return paged(request, rows, page, size)

    async def _surveys(self, _request: Request, _agent: Agent) -> Response:
        return JSONResponse([{"id": 1, "title": "Default", "active": True, "questions": []}])

    # Contacts

    async def _list(self, request: Request, _agent: Agent) -> Response:
        page, size, query = read_query(request, *_FILTERS)
        deleted = query.pop("state", "") == "deleted"
        rows = [contact for contact in self._state.contacts.values() if contact.deleted == deleted]
        for name in ("email", "mobile", "phone", "unique_external_id"):
            if name in query:
                rows = [contact for contact in rows if contact.fields.get(name) == query[name]]
        return paged(request, [show_contact(contact) for contact in rows], page, size)

    async def _create(self, request: Request, _agent: Agent) -> Response:
        fields = dict((await read(request, CONTACT)).fields)
        if not fields.get("name"):
            raise invalid("name", "missing_field")
        if not any(fields.get(name) for name in ("email", "phone", "mobile", "twitter_id", "unique_external_id")):
            raise invalid("email", "missing_field", "Please fill at least 1 of the identifying fields")
        self._expect_unique(fields)
        contact = self._state.add_contact(fields.pop("name"), fields)
        location = f"{self._site.origin(request)}/api/v2/contacts/{contact.id}"
        return JSONResponse(show_contact(contact), 201, {"location": location})

    def _expect_unique(self, fields: dict[str, Any], but: int = 0) -> None:
        for name in _UNIQUE:
            owner = self._state.owner(name, fields[name]) if fields.get(name) else None
            if owner is not None and owner.id != but:
                status = self._site.duplicate_status
                raise invalid(name, "duplicate_value", "It should be a unique value", status=status, user_id=owner.id)

    async def _one(self, request: Request, _agent: Agent) -> Response:
        contact = self._found(request)
        if request.method == "GET":
            return JSONResponse(show_contact(contact))
        if contact.deleted:
            raise Refusal(405, headers={"allow": "GET"})
        if request.method == "DELETE":
            contact.deleted = True
            return Response(status_code=204)
        fields = dict((await read(request, CONTACT)).fields)
        self._expect_unique(fields, contact.id)
        contact.name = fields.pop("name", contact.name)
        contact.fields |= fields
        contact.updated = self._state.now
        return JSONResponse(show_contact(contact))

    async def _restore(self, request: Request, _agent: Agent) -> Response:
        self._found(request).deleted = False
        return Response(status_code=204)

    async def _erase(self, request: Request, _agent: Agent) -> Response:
        del self._state.contacts[self._found(request).id]
        return Response(status_code=204)

    async def _merge(self, request: Request, _agent: Agent) -> Response:
        fields = (await read(request, MERGE_CONTACTS)).fields
        primary = self._state.contacts.get(fields.get("primary_contact_id", 0))
        others = [self._state.contacts.get(one) for one in fields.get("secondary_contact_ids", ())]
        if primary is None or not others or None in others:
            raise invalid("primary_contact_id", "invalid_value")
        self.merge(primary, [contact for contact in others if contact is not None])
        return Response(status_code=204)

    def merge(self, primary: Contact, others: list[Contact]) -> None:
        """The others vanish, with their external ids; their tickets are the first one's now."""
        for contact in others:
            del self._state.contacts[contact.id]
            for ticket in self._state.tickets.values():
                if ticket.requester == contact.id:
                    ticket.requester = primary.id

    async def _complete(self, request: Request, _agent: Agent) -> Response:
        term = request.query_params.get("term", "").lower()
        rows = [{"id": one.id, "name": one.name} for one in self._state.contacts.values() if term in one.name.lower()]
        return JSONResponse(rows[:100])

    def _found(self, request: Request) -> Contact:
        contact = self._state.contacts.get(request.path_params["id"])
        if contact is None:
            raise Refusal(404)
        return contact

    # Search: an index that lags, 30 on a page, 10 pages

    async def _search_tickets(self, request: Request, _agent: Agent) -> Response:
        before = self._state.now - _LAG
        tickets = [one for one in self._state.tickets.values() if one.updated <= before and not one.archived]
        wanted = _terms(request)
        rows = [one for one in tickets if all(_has(one, name, value) for name, value in wanted)]
        show = [show_ticket(self._state, one, self._site.address, full=False) for one in rows]
        return _results(request, show)

    async def _search_contacts(self, request: Request, _agent: Agent) -> Response:
        before = self._state.now - _LAG
        wanted = _terms(request)
        rows = [
            show_contact(one)
            for one in self._state.contacts.values()
            if one.updated <= before and all(one.fields.get(name) == value for name, value in wanted)
        ]
        return _results(request, rows)

    # Automations

    async def _rules(self, request: Request, _agent: Agent) -> Response:
        page, size, _ = read_query(request)
        rows = list(self._site.rules.rules.values()) if request.path_params["type"] == 4 else []
        return paged(request, rows, page, size)

    async def _rule(self, request: Request, _agent: Agent) -> Response:
        rules, number = self._site.rules.rules, request.path_params["id"]
        if number not in rules:
            raise Refusal(404)
        if request.method == "DELETE":
            del rules[number]
            return Response(status_code=204)
        if request.method == "PUT":
            rules[number] |= (await read(request, {"active": bool, "name": str})).fields
        return JSONResponse(rules[number])

    async def _inline(self, request: Request) -> Response:
        file = self._state.inline.get(request.path_params["id"])
        if file is None or (self._site.inline_needs_login and "authorization" not in request.headers):
            return Response("<html>login</html>", 403 if file else 404, media_type="text/html")
        return Response(file.data, media_type=file.mime)


def _named(number: int, name: str) -> dict[str, Any]:
    times = dict.fromkeys(("created_at", "updated_at"), "2026-01-01T00:00:00Z")
    return {"id": number, "name": name, "description": None, **times}


def _terms(request: Request) -> list[tuple[str, str]]:
    query = request.query_params.get("query", "")
    if len(query) > 514 or not (query.startswith('"') and query.endswith('"')):
        raise invalid("query", "invalid_value", "Given query is invalid")
    for name in request.query_params:
        if name not in {"query", "page"}:
            raise invalid(name, "invalid_field", "Unexpected/invalid field in request")
    return [(name, quoted or bare) for name, quoted, bare in _TERM.findall(query[1:-1])]


def _has(ticket: Ticket, name: str, value: str) -> bool:
    if name == "tag":
        return value in ticket.tags
    known = {"status": ticket.status, "priority": ticket.fields.get("priority", 1), **ticket.custom}
    if name not in known:
        raise invalid(name, "invalid_field", "Unexpected/invalid field in request")
    return str(known[name]) == value


def _results(request: Request, rows: list[dict[str, Any]]) -> Response:
    page = int(request.query_params.get("page", "1"))
    if page > 10:
        raise invalid("page", "invalid_value", "It should be less than or equal to 10")
    return JSONResponse({"total": len(rows), "results": rows[(page - 1) * _FOUND : page * _FOUND]})
