"""Users, tickets, comments, audits and tags of a simulated Zendesk over REST."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.zendesk.simulator.gate import Gate
from connectors.zendesk.simulator.state import Refuse, Row, State, Ticket, User, invalid, not_found, number
from connectors.zendesk.simulator.tickets import Tickets
from connectors.zendesk.simulator.views import Views, page_of

Handler = Callable[[Request, User], Awaitable[Response]]
_ANONYMOUS = {"id": None, "name": "Anonymous user", "email": "invalid@example.com", "role": "end-user"}
_WRITABLE = {"name", "external_id", "email", "details", "notes", "role", "suspended"}


class Rest:
    """`after` runs when a request may have changed tickets: triggers."""

    def __init__(
        self, state: State, views: Views, gate: Gate, tickets: Tickets, after: Callable[[], Awaitable[None]]
    ) -> None:
        self._state = state
        self._views = views
        self._gate = gate
        self._tickets = tickets
        self._after = after
        self.sees_foreign = True
        self.legacy_ratings = True
        self.hidden: set[int] = set()  # tickets that this user may not see

    def guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """With credentials, within limits, and with the account's headers on every answer."""

        async def serve(request: Request) -> Response:
            headers: dict[str, str] = {}
            try:
                user = self._gate.user(request)
                headers = self._gate.admit(request)
                answer = await handler(request, self._gate.expect_rights(user))
            except Refuse as error:
                answer = JSONResponse(error.body, error.status, error.headers)
            except (json.JSONDecodeError, UnicodeDecodeError):
                answer = JSONResponse({"error": "Unprocessable Entity", "message": "Server could not parse JSON"}, 422)
            answer.headers.update({name: value for name, value in headers.items() if name not in answer.headers})
            await self._after()
            return answer

        return serve

    def routes(self) -> list[Route]:
        api, guarded = "/api/v2", self.guarded
        return [
            Route(f"{api}/users/me", self._me),
            Route(f"{api}/users/search", guarded(self._search_users)),
            Route(f"{api}/users/show_many", guarded(self._show_users)),
            Route(f"{api}/users/create_or_update", guarded(self._upsert), methods=["POST"]),
            Route(f"{api}/users", guarded(self._users), methods=["GET", "POST"]),
            Route(f"{api}/users/{{id:int}}", guarded(self._user), methods=["GET", "PUT", "DELETE"]),
            Route(f"{api}/users/{{id:int}}/merge", guarded(self._merge_users), methods=["PUT"]),
            Route(f"{api}/users/{{id:int}}/identities", guarded(self._identities)),
            Route(f"{api}/tickets", guarded(self._create), methods=["POST"]),
            Route(f"{api}/tickets/{{id:int}}", guarded(self._ticket), methods=["GET", "PUT", "DELETE"]),
            Route(f"{api}/tickets/{{id:int}}/comments", guarded(self._comments)),
            Route(f"{api}/tickets/{{id:int}}/audits", guarded(self._audits)),
            Route(f"{api}/tickets/{{id:int}}/tags", guarded(self._tags), methods=["GET", "PUT", "POST", "DELETE"]),
            Route(f"{api}/tickets/{{id:int}}/satisfaction_rating", guarded(self._rate), methods=["POST"]),
            Route(f"{api}/tickets/{{id:int}}/merge", guarded(self._merge), methods=["POST"]),
            Route(f"{api}/job_statuses/{{id}}", guarded(self._job)),
            Route(f"{api}/requests", guarded(self._request), methods=["POST"]),
            Route(f"{api}/requests/{{id:int}}", guarded(self._request), methods=["PUT"]),
            Route(f"{api}/groups", guarded(self._groups)),
            Route(f"{api}/brands", guarded(self._brands)),
        ]

    # Users

    async def _me(self, request: Request) -> Response:
        """200 with an anonymous user when nobody is logged in."""
        try:
            user = self._gate.user(request)
        except Refuse as error:
            return JSONResponse(error.body, error.status)
        return JSONResponse({"user": self._views.user(user) if user else _ANONYMOUS})

    async def _users(self, request: Request, user: User) -> Response:
        if request.method == "GET":
            rows = [self._views.user(one) for one in self._state.users.values() if one.active]
            return JSONResponse(page_of(rows, "users", request.query_params, str(request.url.replace(query=""))))
        made = self._make_user((await request.json())["user"])
        return self._user_made(made, 201)

    def _make_user(self, fields: Row) -> User:
        if not str(fields.get("name") or "").strip():
            raise invalid("name", "is too short (is 0 characters)", "BlankValue")
        external = fields.get("external_id")
        if external and self._state.by_external_id(external):
            raise invalid("external_id", "has already been taken", "DuplicateValue")
        made = self._state.add_user(str(fields["name"]))
        self._set_user(made, fields)
        return made

    def _set_user(self, user: User, fields: Row) -> None:
        for name in _WRITABLE & set(fields):
            setattr(user, name, fields[name])
        user.updated = self._state.now()

    def _user_made(self, user: User, status: int) -> Response:
        row = self._views.user(user)
        return JSONResponse({"user": row}, status, {"location": row["url"]})

    async def _upsert(self, request: Request, _user: User) -> Response:
        """Matches without case and takes over the case that was sent; overwrites the name."""
        fields = (await request.json())["user"]
        found = self._state.by_external_id(str(fields.get("external_id") or "-"))
        if found is None and fields.get("email"):
            found = next((u for u in self._state.users.values() if u.active and u.email == fields["email"]), None)
        if found is None:
            return self._user_made(self._make_user(fields), 201)
        self._set_user(found, fields)
        return self._user_made(found, 200)

    async def _search_users(self, request: Request, _user: User) -> Response:
        external = request.query_params.get("external_id")
        query = request.query_params.get("query", "")
        rows = [
            self._views.user(one)
            for one in self._state.users.values()
            if one.active and ((one.external_id or "").lower() == external.lower() if external else query in one.name)
        ]
        return JSONResponse({"users": rows, "count": len(rows), "next_page": None, "previous_page": None})

    async def _show_users(self, request: Request, _user: User) -> Response:
        ids = [number(part) for part in request.query_params.get("ids", "").split(",")]
        externals = {part.lower() for part in request.query_params.get("external_ids", "").split(",") if part}
        rows = [
            self._views.user(one)
            for one in self._state.users.values()
            if one.id in ids or (one.external_id or "").lower() in externals
        ]
        return JSONResponse({"users": rows, "count": len(rows), "next_page": None, "previous_page": None})

    async def _user(self, request: Request, _user: User) -> Response:
        found = self._state.users.get(request.path_params["id"])
        if found is None or found.merged_into:
            raise not_found()
        if request.method == "PUT":
            self._set_user(found, (await request.json())["user"])
        elif request.method == "DELETE":
            found.active = False
        return JSONResponse({"user": self._views.user(found)})

    async def _merge_users(self, request: Request, _user: User) -> Response:
        loser = self._state.user(request.path_params["id"])
        winner = self._state.user((await request.json())["user"]["id"])
        if loser is None or winner is None:
            raise not_found()
        self._state.merge_users(loser, winner)
        return JSONResponse({"user": self._views.user(winner)})

    async def _identities(self, request: Request, _user: User) -> Response:
        found = self._state.user(request.path_params["id"])
        if found is None:
            raise not_found()
        rows = [{"id": 1, "user_id": found.id, "type": "email", "value": found.email}] if found.email else []
        return JSONResponse({"identities": rows, "count": len(rows), "next_page": None, "previous_page": None})

    # Tickets

    def _get(self, request: Request) -> Ticket:
        ticket = self._state.ticket(request.path_params["id"])
        if ticket.id in self.hidden:
            raise Refuse(403, {"error": {"title": "Forbidden", "message": "You do not have access to this ticket"}})
        return ticket

    async def _create(self, request: Request, user: User) -> Response:
        body = await request.body()
        key = request.headers.get("idempotency-key", "")
        stored = self._gate.replay(key, body)
        if stored is not None:
            return stored
        ticket, audit = self._tickets.create(json.loads(body)["ticket"], user)
        row = self._views.ticket(ticket, generated=False)
        answer = JSONResponse(
            {"ticket": row, "audit": self._views.audit(audit)}, 201, self._said({"location": row["url"]})
        )
        self._gate.remember(key, body, answer)
        return answer

    def _said(self, headers: dict[str, str]) -> dict[str, str]:
        return headers | ({"x-zendesk-api-warn": self._tickets.warned} if self._tickets.warned else {})

    async def _ticket(self, request: Request, user: User) -> Response:
        ticket = self._get(request)
        if request.method == "DELETE":
            ticket.deleted = True
            self._tickets.touch(ticket)
            return Response(status_code=204)
        if request.method == "GET":
            return JSONResponse({"ticket": self._views.ticket(ticket)})
        headers = self._gate.admit_update(ticket.id, user.id)
        audit = self._tickets.update(ticket, (await request.json())["ticket"], user)
        return JSONResponse(
            {"ticket": self._views.ticket(ticket), "audit": self._views.audit(audit)}, 200, self._said(headers)
        )

    async def _comments(self, request: Request, _user: User) -> Response:
        ticket = self._get(request)
        query = request.query_params
        inline = query.get("include_inline_images") == "true"
        rows = [self._views.comment(comment, inline=inline) for comment in ticket.comments]
        page = page_of(
            _sorted(rows, query), "comments", query, f"{self._views.base}/api/v2/tickets/{ticket.id}/comments.json"
        )
        if "users" in query.get("include", ""):
            people = {comment.author for comment in ticket.comments}
            page["users"] = [self._views.user(self._state.users[one]) for one in people if one in self._state.users]
        return JSONResponse(page)

    async def _audits(self, request: Request, _user: User) -> Response:
        ticket = self._get(request)
        rows = [self._views.audit(audit) for audit in ticket.audits]
        query = request.query_params
        return JSONResponse(
            page_of(_sorted(rows, query), "audits", query, f"{self._views.base}/api/v2/tickets/{ticket.id}/audits.json")
        )

    async def _tags(self, request: Request, user: User) -> Response:
        ticket = self._get(request)
        if request.method != "GET":
            tags = {str(tag).lower() for tag in (await request.json()).get("tags", [])}
            if ticket.status == "closed":
                raise invalid("status", "closed prevents ticket update")
            there = set(ticket.tags)
            changes = {"PUT": there | tags, "POST": tags, "DELETE": there - tags}
            ticket.tags = sorted(changes[request.method])
            self._tickets.touch(ticket)
        return JSONResponse({"tags": ticket.tags})

    async def _rate(self, request: Request, user: User) -> Response:
        """Legacy ratings: by the requester only, once it is solved.
        https://developer.zendesk.com/api-reference/ticketing/ticket-management/satisfaction_ratings/
        """
        ticket = self._get(request)
        given = (await request.json()).get("satisfaction_rating", {})
        if not self.legacy_ratings or user.id != ticket.requester or ticket.status not in {"solved", "closed"}:
            raise Refuse(403, {"error": "Forbidden", "description": "You do not have access to this page."})
        if given.get("score") not in {"good", "bad"}:
            raise invalid("score", "is invalid")
        ticket.rating = {"id": ticket.id + 1, "score": given["score"], "comment": given.get("comment")}
        return JSONResponse({"satisfaction_rating": {**ticket.rating, "ticket_id": ticket.id}})

    async def _merge(self, request: Request, user: User) -> Response:
        target = self._get(request)
        wanted = await request.json()
        for source in wanted.get("ids", []):
            self._tickets.merge(self._state.ticket(source), target, user)
        job = {"id": "job1", "status": "completed", "results": [], "total": len(wanted.get("ids", []))}
        return JSONResponse({"job_status": job})

    async def _job(self, request: Request, _user: User) -> Response:
        return JSONResponse({"job_status": {"id": request.path_params["id"], "status": "completed", "results": []}})

    async def _request(self, request: Request, user: User) -> Response:
        """As the end user: a comment made so reopens a solved ticket."""
        if user.role != "end-user":
            raise Refuse(403, {"error": {"title": "Forbidden", "message": "Only end users may use requests"}})
        fields = (await request.json())["request"]
        comment = {**(fields.get("comment") or {}), "public": True, "author_id": user.id}
        if request.method == "POST":
            ticket, _ = self._tickets.create({**fields, "comment": comment, "requester_id": user.id}, user)
        else:
            ticket = self._get(request)
            status = {"status": "open"} if ticket.status in {"pending", "hold", "solved"} else {}
            self._tickets.update(ticket, {"comment": comment, **status}, user)
        return JSONResponse({"request": {"id": ticket.id, "status": ticket.status}}, 201)

    async def _groups(self, request: Request, _user: User) -> Response:
        rows = [{"id": key, "name": name} for key, name in self._state.groups.items()]
        return JSONResponse(page_of(rows, "groups", request.query_params, f"{self._views.base}/api/v2/groups.json"))

    async def _brands(self, request: Request, _user: User) -> Response:
        rows = [{"id": key, "name": name} for key, name in self._state.brands.items()]
        return JSONResponse(page_of(rows, "brands", request.query_params, f"{self._views.base}/api/v2/brands.json"))


def _sorted(rows: list[Row], query: Any) -> list[Row]:
    """A sort of the other paging style is ignored without a word."""
    cursor = "page[size]" in query or "page[after]" in query
    descending = query.get("sort") == "-created_at" if cursor else query.get("sort_order") == "desc"
    return rows[::-1] if descending else rows
