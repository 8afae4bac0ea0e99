"""What agents' browsers call: `/desk/{account}/…`."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bridge.contract import Persist, Status
from connectors.webchat import pages
from connectors.webchat.agents import Session
from connectors.webchat.answers import Answers, Written
from connectors.webchat.files import take_upload
from connectors.webchat.gate import Gate
from connectors.webchat.hub import head_of
from connectors.webchat.office import Office
from connectors.webchat.streams import Listener, Position, check_position, open_stream, position
from connectors.webchat.talk import CLIENT_ID, MAX_FILES
from connectors.webchat.text import clean, clean_line
from connectors.webchat.tickets import NEWS, Ticket
from connectors.webchat.visitors import PREFIX
from connectors.webchat.web import Handler, Refusal, answering, caller, number, read_json

_MAX_ANSWER = 20_000  # characters
_EPOCH = "d"
_SHOWN = 200  # entries of a timeline at once


class Desk:
    """The agents' side of one account. Everything but the sign-in page needs a session."""

    def __init__(self, office: Office, persist: Persist) -> None:
        self._office = office
        self._account = office.account
        self._tickets = office.tickets
        self._files = office.files
        self._answers = Answers(office.account.records, office.tickets, persist)
        self._gate = Gate(office, self._answers.recover)
        self._news = 0

    def routes(self) -> Sequence[BaseRoute]:
        """All routes, with their full paths."""
        base = f"/desk/{self._account.name}"
        one = "/v1/tickets/{ticket}"
        signed = self._gate.signed
        table: tuple[tuple[str, str, Handler], ...] = (
            ("POST", "/v1/sign-in", self._gate.sign_in),
            ("POST", "/v1/sign-out", signed(self._gate.sign_out)),
            ("GET", "/v1/sessions", signed(self._gate.sessions)),
            ("POST", "/v1/sessions/end", signed(self._gate.end_sessions)),
            ("GET", "/v1/me", signed(self.me)),
            ("GET", "/v1/events", signed(self.events)),
            ("GET", "/v1/tickets", signed(self.tickets)),
            ("POST", "/v1/tickets", signed(self.begin)),
            ("GET", "/v1/search", signed(self.search)),
            ("POST", "/v1/uploads", signed(self.upload)),
            ("GET", one, signed(self.ticket)),
            ("GET", one + "/entries", signed(self.entries)),
            ("POST", one + "/messages", signed(self.answer)),
            ("POST", one + "/messages/{message}/again", signed(self.again)),
            ("POST", one + "/notes", signed(self.note)),
            ("POST", one + "/assignee", signed(self.assign)),
            ("POST", one + "/status", signed(self.settle)),
            ("POST", one + "/seen", signed(self.seen)),
            ("POST", one + "/typing", signed(self.typing)),
        )
        return [
            *(
                Route(base + path, answering(handler, self._gate.own), methods=[method])
                for method, path, handler in table
            ),
            Route(base + "/static/{name}", self.static, methods=["GET"]),
            Route(base + "/", self.page, methods=["GET"]),
            Route(base, self.slash, methods=["GET"]),
        ]

    # pages

    async def page(self, request: Request) -> Response:
        """The desk; it shows the sign-in by itself."""
        config = {
            "account": self._account.name,
            "title": self._office.config.title,
            "language": self._account.language,
            "file": self._office.config.max_file,
        }
        return pages.page(request, "desk.html", {"config": config}, frame_ancestors="'none'")

    async def slash(self, request: Request) -> Response:
        """Addresses on the page are relative, so it must end with a slash."""
        return RedirectResponse(f"/desk/{self._account.name}/")

    async def static(self, request: Request) -> Response:
        """Scripts and styles."""
        return pages.asset(request, request.path_params["name"])

    # reading

    async def me(self, request: Request, session: Session, _: str) -> Response:
        """Who is signed in, who else could be, and where the news begin."""
        self._news = await head_of(self._account.records, NEWS, self._news)
        agents = await self._gate.agents.names()
        return JSONResponse({"name": session.agent, "agents": agents, "cursor": f"{_EPOCH}.{self._news}"})

    async def tickets(self, request: Request, session: Session, _: str) -> Response:
        """Summaries of open or solved tickets."""
        status = "solved" if request.query_params.get("status") == "solved" else "open"
        after = clean_line(request.query_params.get("after"), 40)
        found, more = await self._tickets.listed(status, after=after, limit=500 if status == "open" else 60)
        return JSONResponse({"tickets": [_summary(ticket, session.agent) for ticket in found], "after": more})

    async def ticket(self, request: Request, session: Session, ticket: str) -> Response:
        """Everything about one: its latest entries, the customer, their other tickets."""
        found = await self._found(ticket)
        first = max(0, found["head"] - _SHOWN)
        others = await self._tickets.of_person(str(found["contact"].get("id", "")))
        return JSONResponse(
            {
                "ticket": _summary(found, session.agent) | _details(found),
                "entries": await self._entries(ticket, first, _SHOWN),
                "more": first > 0,
                "others": [_summary(other, session.agent) for other in others if other["id"] != ticket][:20],
            }
        )

    async def entries(self, request: Request, session: Session, ticket: str) -> Response:
        """Entries after a number, or the page before one."""
        head = (await self._found(ticket))["head"]
        before = min(number(request.query_params.get("before")), head + 1)
        first = max(0, before - 1 - _SHOWN) if before else number(request.query_params.get("after"))
        count = before - 1 - first if before else 500
        found = await self._entries(ticket, first, count) if count > 0 else []
        return JSONResponse({"entries": found, "more": bool(before) and first > 0})

    async def search(self, request: Request, session: Session, _: str) -> Response:
        """Conversations, open or past, in which the words were said or whose customer is called so."""
        words = clean_line(request.query_params.get("q"), 100)
        hits = await self._tickets.search(words) if words else []
        found = [_summary(ticket, session.agent) | {"hit": _around(text, words)} for ticket, text in hits]
        return JSONResponse({"tickets": found})

    async def events(self, request: Request, session: Session, _: str) -> Response:
        """A stream of tickets that changed, and of who types."""
        given = request.headers.get("last-event-id") or request.query_params.get("since", "")
        after = position(given, _EPOCH)
        await check_position(self._account.records, NEWS, after)
        hub, address = self._office.agents, caller(request)
        if hub.full or hub.crowded(address):
            raise Refusal(503, "no_stream", "Too many open streams.", wait=5)

        async def shape(entries: Sequence[tuple[int, dict[str, Any]]]) -> list[tuple[int, str, dict[str, Any]]]:
            latest = {entry["t"]: seq for seq, entry in entries}
            tickets = {ticket["id"]: ticket for ticket in await self._tickets.many(list(latest))}
            return [
                (seq, "ticket", _summary(tickets[name], session.agent))
                for name, seq in sorted(latest.items(), key=lambda pair: pair[1])
                if name in tickets
            ]

        time = self._tickets.time()
        records = self._account.records
        return open_stream(records, Position(NEWS, _EPOCH, after), Listener(hub, session.agent, address), shape, time)

    async def _found(self, ticket: str) -> Ticket:
        found = await self._tickets.get(ticket)
        if found is None:
            raise Refusal(404, "no_ticket", "There is no such ticket.")
        return found[0]

    async def _entries(self, ticket: str, after: int, limit: int) -> list[dict[str, Any]]:
        return [self._files.linked(entry) for entry in await self._tickets.entries(ticket, after, limit)]

    # acting

    async def answer(self, request: Request, session: Session, ticket: str) -> Response:
        """An answer to the customer."""
        return await self._write(request, session, ticket, note=False)

    async def note(self, request: Request, session: Session, ticket: str) -> Response:
        """A note that only colleagues see."""
        return await self._write(request, session, ticket, note=True)

    async def _write(self, request: Request, session: Session, ticket: str, *, note: bool) -> Response:
        body = await read_json(request, 128 * 1024)
        found = await self._found(ticket)
        client, names = body.get("client_id"), body.get("attachments") or []
        if not isinstance(client, str) or CLIENT_ID.fullmatch(client) is None:
            raise Refusal(400, "bad_client_id", "client_id must have 8 to 64 letters, digits, - or _.")
        if not isinstance(names, list) or len(names) > MAX_FILES or not all(isinstance(name, str) for name in names):
            raise Refusal(400, "bad_attachments", f"attachments must be a list of at most {MAX_FILES} uploads.")
        if isinstance(body.get("text"), str) and len(body["text"]) > _MAX_ANSWER:
            raise Refusal(413, "text_too_long", f"At most {_MAX_ANSWER} characters.", limit=_MAX_ANSWER)
        text = clean(body.get("text"), _MAX_ANSWER)
        files = await self._files.media(names, f"agent:{session.agent}")
        if files is None:
            raise Refusal(404, "no_file", "One of the files is not yours, or not here any more.")
        if not text and not files:
            raise Refusal(400, "empty", "There is nothing in this message.")
        # nobody has seen what is not there yet
        seen = min(number(body.get("seen_seq")), found["head"]) if "seen_seq" in body and not note else None
        entry = await self._answers.write(
            ticket, session.agent, Written(client, text, files, note=note), seen=seen, at=self._account.now()
        )
        return JSONResponse({"entry": self._files.linked(entry)}, 201)

    async def begin(self, request: Request, session: Session, _: str) -> Response:
        """A new conversation with the customer of an earlier one (`of`)."""
        body = await read_json(request, 128 * 1024)
        client, text = body.get("client_id"), clean(body.get("text"), _MAX_ANSWER)
        if not isinstance(client, str) or CLIENT_ID.fullmatch(client) is None:
            raise Refusal(400, "bad_client_id", "client_id must have 8 to 64 letters, digits, - or _.")
        if not text:
            raise Refusal(400, "empty", "There is nothing in this message.")
        before = await self._found(str(body.get("of") or ""))
        made = await self._answers.begin(before, session.agent, client, text, self._account.now())
        return JSONResponse({"ticket": made}, 201)

    async def upload(self, request: Request, session: Session, _: str) -> Response:
        """One file, raw."""
        shown = await take_upload(self._account, request, f"agent:{session.agent}", self._office.config.max_file)
        return JSONResponse(shown | {"url": self._files.url(shown["id"])}, 201)

    async def again(self, request: Request, session: Session, ticket: str) -> Response:
        """One answer that failed is sent once more."""
        await self._found(ticket)
        await self._answers.again(ticket, request.path_params["message"], self._account.now())
        return Response(status_code=204)

    async def assign(self, request: Request, session: Session, ticket: str) -> Response:
        """To a colleague, to oneself, or to nobody."""
        to = clean_line((await read_json(request)).get("to"), 60)
        if to and to not in await self._gate.agents.names():
            raise Refusal(400, "no_agent", "There is no such colleague.")
        await self._answers.assign(ticket, session.agent, to, self._account.now())
        return Response(status_code=204)

    async def settle(self, request: Request, session: Session, ticket: str) -> Response:
        """Solved, or open again."""
        status = (await read_json(request)).get("status")
        if not isinstance(status, str) or status not in {"open", "solved"}:
            raise Refusal(400, "bad_status", "status must be open or solved.")
        await self._answers.settle(ticket, session.agent, Status(status), self._account.now())
        return Response(status_code=204)

    async def seen(self, request: Request, session: Session, ticket: str) -> Response:
        """The agent's screen shows the ticket up to here."""
        seq = number((await read_json(request)).get("seq"))
        await self._answers.saw(ticket, session.agent, seq, self._account.now())
        return Response(status_code=204)

    async def typing(self, request: Request, session: Session, ticket: str) -> Response:
        """To colleagues, and to the customer, wherever they write."""
        on = (await read_json(request)).get("on") is True
        contact = str((await self._found(ticket))["contact"].get("id", ""))
        self._office.agents.tell_all("typing", {"t": ticket, "name": session.agent, "on": on})
        if contact.startswith(PREFIX):
            self._office.hub.tell(contact, "typing", {"name": session.agent, "on": on})
        else:
            self._office.account.typing(ticket, on)
        return Response(status_code=204)


def _summary(ticket: Ticket, agent: str) -> dict[str, Any]:
    """A ticket as the list shows it."""
    contact = ticket["contact"]
    return {
        "id": ticket["id"],
        "subject": ticket.get("subject", ""),
        "status": ticket["status"],
        "assignee": ticket["assignee"],
        "waiting": ticket["waiting"],
        "updated": ticket["updated"],
        "last": ticket["last"],
        "name": contact.get("name") or contact.get("called", ""),
        "contact": contact.get("id", ""),
        "head": ticket["head"],
        "unread": ticket["said"] > ticket["seen"].get(agent, 0),
        "tags": list(ticket.get("fields", {}).get("tags") or ()),
        "channel": ticket.get("channel", ""),
        "marks": sorted(set(ticket.get("marks", {}).values())),
    }


def _details(ticket: Ticket) -> dict[str, Any]:
    return {
        "created": ticket["created"],
        "profile": ticket["contact"],
        "context": ticket.get("context", {}),
        "fields": ticket.get("fields", {}),
        "previous": ticket.get("previous", ""),
        "seen": ticket["seen"],
    }


def _around(text: str, words: str) -> str:
    place = max(0, text.casefold().find(words.casefold()) - 40)
    return ("…" if place else "") + " ".join(text[place : place + 140].split())
