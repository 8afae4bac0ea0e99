"""Tickets, messages and the mail gateway of a simulated RT, with its refusals and its oddities.

As observed at Request Tracker 5.0.3, and as lib/RT/REST2.pm and html/REST/1.0/NoAuth/mail-gateway of it say.
"""

import base64
import json
import re
from collections.abc import Iterable
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from connectors.rt.simulator.lists import Lists
from connectors.rt.simulator.shapes import error, full_ticket
from connectors.rt.simulator.state import STATUSES, Said, State, Ticket
from connectors.rt.simulator.users import Users

_ADDRESS = re.compile(r"<([^<>]+)>")
_NOT_IN_JSON = re.compile(r"[^\x20-\x7e]")
_DENIED = "Permission Denied"

File = tuple[str, str, bytes]


class Rest:
    """The web side of one RT."""

    def __init__(self, state: State, tokens: dict[str, str], queue: str) -> None:
        self._state = state
        self.users = Users(tokens, queue)
        self.lists = Lists(state, self.users)
        guarded = self.users.guarded
        rest = "/REST/2.0"
        self.app = Starlette(
            routes=[
                Route(f"{rest}/ticket", guarded(self._create), methods=["POST"]),
                Route(f"{rest}/ticket/{{id:int}}", guarded(self._ticket), methods=["GET", "PUT"]),
                *self.lists.routes(guarded),
                Route(f"{rest}/ticket/{{id:int}}/{{verb}}", guarded(self._message), methods=["POST"]),
                Route("/REST/1.0/NoAuth/mail-gateway", self._gateway, methods=["POST"]),
            ]
        )
        self.blind = self.users.blind
        self.custom_fields = {"Replies left", "Window closes at"}  # of the queue

    async def _create(self, request: Request, user: str) -> Response:
        fields, files, broken = await _form(request)
        if broken:
            return Response(status_code=500)
        queue = str(fields.get("Queue"))
        if queue not in self._state.queues or not self.users.sees(user, queue) or user in self.users.readers:
            return error(403, f"No permission to create tickets in the queue '{queue}'")
        if "Content" in fields and not fields.get("ContentType"):
            return error(400, "ContentType is a required field for application/json")
        requestors = [self._person(str(one)) for one in _list(fields.get("Requestor"))]
        subject = str(fields.get("Subject") or "").replace("\n", "")
        ticket = self._state.create(queue, subject, user, requestors)
        text, mime = str(fields.get("Content") or ""), str(fields.get("ContentType", "text/plain"))
        self._state.say(ticket, "Create", user, Said(text, mime, files, subject))
        url = f"{request.base_url}REST/2.0/ticket/{ticket.id}"
        body = {"type": "ticket", "id": str(ticket.id), "_url": url}
        return JSONResponse(body, 201, {"location": f"/REST/2.0/ticket/{ticket.id}"})

    def _person(self, value: str) -> str:
        """An unknown address becomes an unprivileged user, with the name that stands before it."""
        found = _ADDRESS.search(value)
        address = (found[1] if found else value).strip().lower()
        if found and not self._state.names.get(address):
            self._state.names[address] = value[: found.start()].strip().strip('"').strip()
        return address

    async def _ticket(self, request: Request, user: str) -> Response:
        ticket = self._state.ticket(request.path_params["id"])
        if ticket is None:
            return error(404, "Not Found")
        if not self.users.sees(user, ticket.queue):
            return error(403, "Forbidden")
        tag = f'"{max(one.id for one in self._state.transactions.values() if one.ticket == ticket.id)}"'
        if request.method == "PUT":
            if request.headers.get("if-match", tag) != tag:
                return error(412, "Precondition Failed")
            if user in self.users.readers:
                return JSONResponse([f"Ticket {ticket.id}: {_DENIED}"])
            fields = await request.json()
            said = []
            if "Status" in fields:
                said.append(f"Ticket {ticket.id}: {self._changed(ticket, str(fields['Status']), user)}")
            for name, value in (fields.get("CustomFields") or {}).items():
                said.append(self._shown(ticket, str(name), str(value)))
            return JSONResponse(said)
        links = () if user in self.users.readers else ("correspond", "comment")
        return JSONResponse(full_ticket(ticket, self._state, links), headers={"etag": tag})

    def _shown(self, ticket: Ticket, name: str, value: str) -> str:
        if name not in self.custom_fields:
            return f"Custom field {name} not found"
        before, ticket.fields[name] = ticket.fields.get(name, ""), value
        return f"{name} {before} changed to {value}" if before else f"{name} {value} added"

    def _changed(self, ticket: Ticket, status: str, user: str) -> str:
        """Refused changes are sentences in a 200, too."""
        if status not in STATUSES:
            return f"Status '{status}' isn't a valid status for this ticket."
        if status == ticket.status:
            return f"You can't change status from '{status}' to '{status}'."
        old = ticket.status
        self._state.set_status(ticket, status, user)
        return f"Status changed from '{old}' to '{status}'"

    async def _message(self, request: Request, user: str) -> Response:
        verb = request.path_params["verb"]
        if verb not in {"correspond", "comment"}:
            return error(404, "Not Found")
        ticket = self._state.ticket(request.path_params["id"])
        if ticket is None or user in self.users.readers or not self.users.sees(user, ticket.queue):
            return error(400, _DENIED)  # a ticket that is not there is refused just like one that may not be written on
        fields, files, broken = await _form(request)
        if broken:
            return Response(status_code=500)
        if "Content" in fields and not fields.get("ContentType"):
            return error(400, "ContentType is a required field for application/json")
        kind = "Comment" if verb == "comment" else "Correspond"
        text, mime = str(fields.get("Content") or ""), str(fields.get("ContentType", "text/plain"))
        said = self._state.say(ticket, kind, user, Said(text, mime, files, str(fields.get("Subject") or "")))
        sentences = ["Comments added" if verb == "comment" else "Correspondence added"]
        if fields.get("Status"):
            sentences.append(self._changed(ticket, str(fields["Status"]), user))
        return JSONResponse(sentences, 201, {"location": f"/REST/2.0/transaction/{said.id}"})

    async def _gateway(self, request: Request) -> Response:
        async with request.form(max_part_size=64 * 2**20) as form:
            message = form.get("message")
            number, queue = str(form.get("ticket", "")), str(form.get("queue", ""))
        if queue not in self._state.queues:
            return PlainTextResponse("temporary failure - operation unsuccessful\n")
        raw = message.encode("utf-8", "surrogateescape") if isinstance(message, str) else b""
        taken = self._state.take_mail(raw, int(number) if number.isdigit() else None, queue)
        return PlainTextResponse("ok\n" if taken else "not ok - operation unsuccessful\n")


async def _form(request: Request) -> tuple[dict[str, Any], list[File], bool]:
    """Fields, files, and whether RT would fall over: a file name outside ASCII in JSON gives a 500."""
    if request.headers.get("content-type", "").startswith("multipart/"):
        async with request.form(max_part_size=64 * 2**20) as form:
            fields = json.loads(str(form.get("JSON", "{}")))
            uploads = [one for one in form.getlist("Attachments") if isinstance(one, UploadFile)]
            files = [(one.filename or "", one.content_type or "", await one.read()) for one in uploads]
        return fields, files, False
    fields = await request.json()
    files = [
        (one["FileName"], one["FileType"], base64.b64decode(one["FileContent"]))
        for one in fields.get("Attachments", ())
    ]
    return fields, files, any(_NOT_IN_JSON.search(name) for name, _, _ in files)


def _list(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else [value] if value else []
