"""What can be read over a simulated RT's REST2, besides single tickets."""

import base64
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.rt.simulator.query import QueryError, parse
from connectors.rt.simulator.shapes import attachment_row, error, page, ref, ticket_row, transaction_row
from connectors.rt.simulator.state import State, Ticket, Transaction
from connectors.rt.simulator.users import Guarded, Users

_TRANSACTION_FIELDS = {"id", "Type", "Creator", "TicketId", "TicketQueue", "TicketCreator", "Created"}
_TICKET_FIELDS = {"id", "Queue", "Status", "Creator", "Requestor.EmailAddress", "Subject"}


class Lists:
    """Searches, histories, transactions, attachments, users and queues."""

    def __init__(self, state: State, users: Users) -> None:
        self._state = state
        self._users = users
        self.page_size = 100

    def routes(self, guarded: Guarded) -> list[Route]:
        rest = "/REST/2.0"
        return [
            Route(f"{rest}/rt", guarded(self._version)),
            Route(f"{rest}/queue/{{queue}}", guarded(self._queue)),
            Route(f"{rest}/user/{{name}}", guarded(self._user)),
            Route(f"{rest}/tickets", guarded(self._tickets)),
            Route(f"{rest}/ticket/{{id:int}}/history", guarded(self._history)),
            Route(f"{rest}/transactions", guarded(self._transactions)),
            Route(f"{rest}/transaction/{{id:int}}", guarded(self._transaction)),
            Route(f"{rest}/transaction/{{id:int}}/attachments", guarded(self._attachments)),
            Route(f"{rest}/attachment/{{id:int}}", guarded(self._attachment)),
        ]

    async def _version(self, _request: Request, _user: str) -> Response:
        return JSONResponse({"Version": "5.0.3"})

    async def _queue(self, request: Request, user: str) -> Response:
        name = request.path_params["queue"]
        by_id = {str(number): queue for queue, number in self._state.queues.items()}
        name = by_id.get(name, name)
        if not self._users.sees(user, name):
            return error(403, "Forbidden")  # also for one that does not exist
        number = self._state.queues[name]
        links = [{"ref": "self", "type": "queue", "id": number, "_url": f"/REST/2.0/queue/{number}"}]
        if user not in self._users.readers:
            links.append({"ref": "create", "type": "ticket", "_url": f"/REST/2.0/ticket?Queue={number}"})
        return JSONResponse({"id": number, "Name": name, "Lifecycle": "default", "Disabled": "0", "_hyperlinks": links})

    async def _user(self, request: Request, _user: str) -> Response:
        name = self._users.numbers.get(request.path_params["name"], request.path_params["name"])
        if name not in self._state.names:
            return error(404, "Not Found")
        return JSONResponse(
            {
                "id": 40 + list(self._state.names).index(name),
                "Name": name,
                "EmailAddress": name if "@" in name else f"{name}@desk.test",
                "RealName": self._state.names[name],
                "Privileged": int(name in self._state.staff),
            }
        )

    async def _tickets(self, request: Request, user: str) -> Response:
        try:
            test = parse(request.query_params.get("query", ""), _TICKET_FIELDS)
        except QueryError as wrong:
            return error(400, str(wrong))
        rows = [
            ticket_row(one, self._state)
            for one in self._state.tickets.values()
            if not one.merged_into and self._users.sees(user, one.queue) and test(_as_ticket(one))
        ]
        return page(request, rows, counted=True, most=self.page_size)

    async def _transactions(self, request: Request, user: str) -> Response:
        try:
            test = parse(request.query_params.get("query", ""), _TRANSACTION_FIELDS)
        except QueryError as wrong:
            return error(400, str(wrong))
        rows = [
            transaction_row(one)
            for one in self._state.transactions.values()
            if self._users.sees(user, self._effective(one).queue) and test(self._as_transaction(one))
        ]
        return page(request, rows, counted=False, most=self.page_size, hidden=self._users.hidden(user))

    async def _history(self, request: Request, user: str) -> Response:
        """Of a merged ticket as of the one it went to. A ticket that is not there has an empty one."""
        ticket = self._state.ticket(request.path_params["id"])
        rows = [
            transaction_row(one)
            for one in self._state.transactions.values()
            if ticket is not None and self._effective(one) is ticket and self._users.sees(user, ticket.queue)
        ]
        return page(request, rows, counted=False, most=self.page_size, hidden=self._users.hidden(user))

    async def _transaction(self, request: Request, user: str) -> Response:
        found = self._state.transactions.get(request.path_params["id"])
        if found is None or found.kind == "AddLink":
            return error(500, "Internal Server Error")
        if not self._users.sees(user, self._effective(found).queue) or found.kind in self._users.hidden(user):
            return error(403, "Forbidden")
        stands = ref("ticket", self._effective(found).id)
        return JSONResponse({**transaction_row(found), "id": found.id, "Object": stands, "_hyperlinks": []})

    async def _attachments(self, request: Request, user: str) -> Response:
        found = self._state.transactions.get(request.path_params["id"])
        if "Parent" in request.query_params.get("fields", "").split(","):
            return Response(status_code=500)
        if found is None or found.kind in self._users.hidden(user):
            return error(404, "Not Found")
        return page(request, [attachment_row(one) for one in found.attachments], counted=False, most=self.page_size)

    async def _attachment(self, request: Request, _user: str) -> Response:
        found = self._state.attachments.get(request.path_params["id"])
        if found is None:
            return error(500, "Internal Server Error")
        content = base64.encodebytes(found.data).decode()
        return JSONResponse(
            {**attachment_row(found), "id": found.id, "Content": content, "TransactionId": found.transaction}
        )

    def _effective(self, transaction: Transaction) -> Ticket:
        ticket = self._state.ticket(transaction.ticket)
        assert ticket is not None
        return ticket

    def _as_transaction(self, one: Transaction) -> dict[str, Any]:
        written_on = self._state.tickets[one.ticket]
        return {
            "id": one.id,
            "Type": one.kind,
            "Creator": one.creator,
            "Created": f"{one.created:%Y-%m-%d %H:%M:%S}",
            "TicketId": one.ticket,
            "TicketQueue": written_on.queue,
            "TicketCreator": written_on.creator,
        }


def _as_ticket(one: Ticket) -> dict[str, Any]:
    return {
        "id": one.id,
        "Queue": one.queue,
        "Status": one.status,
        "Creator": one.creator,
        "Requestor.EmailAddress": one.requestors,
        "Subject": one.subject,
    }
