"""Conversations of a simulated Freshdesk: replies, notes, ratings.

Source: https://developers.freshdesk.com/api/#conversations
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge.contract import Format, to_plain
from connectors.freshdesk.simulator.checks import (
    NOTE,
    RATING,
    REPLY,
    Form,
    Refusal,
    denied,
    invalid,
    paged,
    read,
    read_query,
)
from connectors.freshdesk.simulator.site import Site
from connectors.freshdesk.simulator.state import Agent, Conversation, Ticket
from connectors.freshdesk.simulator.views import show_conversation


class Conversations:
    """The part of the API that is about what is said on tickets."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._state = site.state

    def routes(self) -> list[Route]:
        guarded = self._site.guarded
        one = "/api/v2/tickets/{id:int}"
        return [
            Route("/api/v2/tickets/archived/{id:int}/conversations", guarded(self._archived_said), methods=["GET"]),
            Route(f"{one}/conversations", guarded(self._conversations), methods=["GET"]),
            Route(f"{one}/reply", guarded(self._reply, "update"), methods=["POST"]),
            Route(f"{one}/notes", guarded(self._note, "update"), methods=["POST"]),
            Route("/api/v2/surveys", guarded(self._surveys), methods=["GET"]),
            Route(f"{one}/satisfaction_ratings", guarded(self._rate), methods=["GET", "POST"]),
            Route("/api/v2/conversations/{id:int}", guarded(self._edit, "update"), methods=["PUT", "DELETE"]),
        ]

    async def _conversations(self, request: Request, _agent: Agent) -> Response:
        ticket = self._site.found(request)
        if ticket.deleted:
            raise Refusal(404)
        return self._said(request, ticket)

    async def _archived_said(self, request: Request, _agent: Agent) -> Response:
        return self._said(request, self._site.in_archive(request))

    def _said(self, request: Request, ticket: Ticket) -> Response:
        page, size, _ = read_query(request)
        rows = [show_conversation(ticket, said, self._site.address) for said in ticket.conversations]
        return paged(request, rows, page, size)

    async def _reply(self, request: Request, agent: Agent) -> Response:
        ticket = self._site.writable(request)
        form = await read(request, REPLY)
        _expect_body(form)
        self._site.check_room(form, ticket.size)
        user = form.fields.get("user_id", agent.id)
        if user not in self._state.agents:
            raise invalid("user_id", "invalid_value", "There is no agent matching the given user_id")
        said = self._site.reply(ticket, self._state.agents[user], form.fields, form.files)
        return self._made(ticket, said, replied_to=[])

    async def _note(self, request: Request, agent: Agent) -> Response:
        ticket = self._site.writable(request)
        form = await read(request, NOTE)
        _expect_body(form)
        self._site.check_room(form, ticket.size)
        user = form.fields.get("user_id", agent.id)
        contact = self._state.contacts.get(user)
        if user not in self._state.agents and (contact is None or contact.deleted):
            raise invalid("user_id", "invalid_value", "There is no contact matching the given user_id")
        said = self._site.note(ticket, user, form.fields, form.files)
        return self._made(ticket, said, notified_to=[])

    async def _edit(self, request: Request, agent: Agent) -> Response:
        number = request.path_params["id"]
        for ticket in self._state.tickets.values():
            for said in ticket.conversations:
                if said.id == number:
                    return await self._edited(request, ticket, said, agent)
        raise Refusal(404)

    async def _edited(self, request: Request, ticket: Ticket, said: Conversation, agent: Agent) -> Response:
        if request.method == "DELETE":
            self._site.unsay(ticket, said)
            return Response(status_code=204)
        if said.source != 2:
            raise Refusal(405, headers={"allow": "DELETE"})
        form = await read(request, {"body": str})
        self._site.edit(ticket, said, form.fields.get("body", said.body), agent)
        return JSONResponse(show_conversation(ticket, said, self._site.address))

    async def _surveys(self, request: Request, _agent: Agent) -> Response:
        """The active one, if there is any: https://developers.freshdesk.com/api/#surveys"""
        page, size, _ = read_query(request, "state")
        question = {"id": "default_question", "accepted_ratings": list(self._site.scale), "default": True}
        survey = {"id": 1, "title": "Customer Satisfaction Survey", "active": True, "questions": [question]}
        return paged(request, [survey] if self._site.scale else [], page, size)

    async def _rate(self, request: Request, _agent: Agent) -> Response:
        ticket = self._site.found(request)
        if request.method == "GET":
            return JSONResponse(ticket.ratings)
        form = await read(request, RATING)
        if not self._site.scale:
            raise denied(403, "require_feature")
        given = form.fields.get("ratings", {}).get("default_question")
        if given not in self._site.scale:
            raise invalid("ratings", "invalid_value", f"It should be one of these values: {self._site.scale}")
        rating = {"id": len(ticket.ratings) + 1, "ticket_id": ticket.id, "user_id": ticket.requester, **form.fields}
        ticket.ratings.append(rating)
        return JSONResponse(rating, 201)

    def _made(self, ticket: Ticket, said: Conversation, **more: Any) -> Response:
        return JSONResponse({**show_conversation(ticket, said, self._site.address), **more}, 201)


def _expect_body(form: Form) -> None:
    # blank is what shows nothing: a picture alone is no blank body
    shown = to_plain(str(form.fields.get("body", "")), Format.HTML).strip()
    if not shown and "structured_body" not in form.fields and not form.files:
        raise invalid("body", "missing_field", "It should be a String")
