"""What is asked of a whole simulated account: tickets, search, incremental exports, who is there."""

import base64
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.zendesk.simulator.rest import Rest
from connectors.zendesk.simulator.state import Refuse, Row, State, Ticket, User, not_found
from connectors.zendesk.simulator.views import Views, page_of

_TERM = re.compile(r"(\w+):(\S+)")


class Lists:
    """`per_page` of the cursor export, and whether this user may export at all."""

    def __init__(self, state: State, views: Views) -> None:
        self._state = state
        self._views = views
        self.may_export = True
        self.per_page = 1000
        self.repeats = False  # the export names a ticket twice

    def routes(self, rest: Rest) -> list[Route]:
        api, guarded = "/api/v2", rest.guarded
        return [
            Route(f"{api}/tickets", guarded(self._tickets)),
            Route(f"{api}/agent_availabilities/{{id:int}}", guarded(self._availability)),
            Route(f"{api}/tickets/count", guarded(self._count)),
            Route(f"{api}/search", guarded(self._search)),
            Route(f"{api}/incremental/tickets/cursor", guarded(self._cursor)),
            Route(f"{api}/incremental/tickets", guarded(self._timed)),
            Route(f"{api}/incremental/ticket_events", guarded(self._events)),
        ]

    async def _availability(self, request: Request, _user: User) -> Response:
        """JSON:API; only where omnichannel routing is on.

        https://developer.zendesk.com/api-reference/agent-availability/agent-availability-api/agent_availabilities/
        """
        agent = self._state.user(request.path_params["id"])
        if not self._state.omnichannel or agent is None or agent.role == "end-user":
            raise not_found()
        status = {"id": 1, "name": agent.status, "reason": "UNKNOWN", "updated_at": self._state.now()}
        facts = {"agent_id": agent.id, "agent_status": status, "group_ids": list(self._state.groups), "version": 1}
        data = {"id": f"agent_availabilities|{agent.id}", "type": "agent_availabilities", "attributes": facts}
        return JSONResponse({"data": data, "included": []})

    def _living(self) -> list[Ticket]:
        return [ticket for ticket in self._state.tickets.values() if not ticket.deleted]

    async def _tickets(self, request: Request, _user: User) -> Response:
        query = request.query_params
        found = self._living()
        if "external_id" in query:
            found = [ticket for ticket in found if ticket.external_id == query["external_id"]]
        cursor = "page[size]" in query or "page[after]" in query
        if (query.get("sort") == "-updated_at") if cursor else (query.get("sort_by") == "updated_at"):
            found.sort(key=lambda ticket: ticket.updated, reverse=True)
        rows = [self._views.ticket(ticket) for ticket in found]
        return JSONResponse(page_of(rows, "tickets", query, f"{self._views.base}/api/v2/tickets.json"))

    async def _count(self, _request: Request, _user: User) -> Response:
        return JSONResponse({"count": {"value": len(self._living()), "refreshed_at": self._state.now()}})

    async def _search(self, request: Request, _user: User) -> Response:
        query = unquote(request.query_params.get("query", ""))  # some clients encode twice
        terms = {name: value.strip('"') for name, value in _TERM.findall(query)}
        rows: list[Row] = []
        if terms.get("type", "ticket") == "ticket":
            rows = [
                {**self._views.ticket(ticket), "result_type": "ticket"}
                for ticket in self._living()
                if all(_matches(ticket, name, value) for name, value in terms.items())
            ]
        return JSONResponse(
            {"results": rows, "count": len(rows), "next_page": None, "previous_page": None, "facets": None}
        )

    def _expect_export(self, start: str | None) -> float:
        if not self.may_export:
            raise Refuse(403, {"error": {"title": "Forbidden", "message": "Admins only"}})
        try:
            begin = float(start or "")
        except ValueError:
            raise Refuse(400, {"error": "StartTimeMissing", "description": "start_time is missing"}) from None
        if begin > self._state.clock().timestamp() - 60:
            raise Refuse(
                422,
                {
                    "error": "InvalidValue",
                    "description": "Too recent start_time. Use a start_time older than 60 seconds",
                },
            )
        return begin

    def _exported(self, begin: float) -> list[Ticket]:
        """By when the system changed them, deleted ones included, without the last minute."""
        end = self._state.clock().timestamp() - 60
        found = [ticket for ticket in self._state.tickets.values() if begin <= ticket.generated <= end]
        return sorted(found, key=lambda ticket: (ticket.generated, ticket.id))

    async def _cursor(self, request: Request, _user: User) -> Response:
        query = request.query_params
        if "cursor" in query:
            if not self.may_export:
                raise Refuse(403, {"error": {"title": "Forbidden", "message": "Admins only"}})
            begin, _, skip = base64.b64decode(query["cursor"]).decode().partition("|")
            start, offset = float(begin), int(skip)
        else:
            start, offset = self._expect_export(query.get("start_time")), 0
        found = self._exported(start)
        size = min(int(query.get("per_page") or self.per_page), self.per_page)
        cut = found[offset : offset + size]
        rows = [self._views.ticket(ticket) for ticket in cut]
        after = base64.b64encode(f"{start}|{offset + len(cut)}".encode()).decode()
        return JSONResponse(
            {
                "tickets": rows + (rows if self.repeats else []),
                "after_cursor": after,
                "after_url": f"{self._views.base}/api/v2/incremental/tickets/cursor.json?cursor={after}",
                "before_cursor": None,
                "before_url": None,
                "end_of_stream": offset + size >= len(found),
            }
        )

    async def _timed(self, request: Request, _user: User) -> Response:
        found = self._exported(self._expect_export(request.query_params.get("start_time")))
        rows = [self._views.ticket(ticket) for ticket in found]
        return JSONResponse({"tickets": rows, **self._end(found)})

    async def _events(self, request: Request, _user: User) -> Response:
        begin = self._expect_export(request.query_params.get("start_time"))
        end = self._state.clock().timestamp() - 60
        rows = []
        for ticket in self._state.tickets.values():
            for audit in ticket.audits:
                at = datetime.fromisoformat(audit.created).replace(tzinfo=UTC).timestamp()
                if begin <= at <= end:
                    rows.append(self._event(ticket, audit, request.query_params.get("include", ""), at))
        return JSONResponse({"ticket_events": sorted(rows, key=lambda row: row["timestamp"]), **self._end(None)})

    def _event(self, ticket: Ticket, audit: Any, include: str, at: float) -> Row:
        children = [
            {**event, "event_type": event["type"]}
            for event in audit.events
            if event["type"] != "Comment" or "comment_events" in include
        ]
        return {
            "id": audit.id,
            "ticket_id": ticket.id,
            "timestamp": int(at),
            "created_at": audit.created,
            "updater_id": audit.author,
            "event_type": "Audit",
            "child_events": children,
        }

    def _end(self, found: list[Ticket] | None) -> Row:
        now = int(self._state.clock().timestamp() - 60)
        return {"end_time": now, "next_page": None, "count": len(found or ()), "end_of_stream": True}


def _matches(ticket: Ticket, name: str, value: str) -> bool:
    match name:
        case "tags":
            return value in ticket.tags
        case "status":
            return ticket.status == value
        case "external_id":
            return ticket.external_id == value
        case _:
            return True
