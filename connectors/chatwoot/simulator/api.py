"""The simulated installation's application API.

Sources: https://developers.chatwoot.com/api-reference, https://github.com/chatwoot/chatwoot (app/controllers/api/v1).
"""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.chatwoot.simulator.messages import Messages
from connectors.chatwoot.simulator.state import (
    Books,
    Conversation,
    Inbox,
    Message,
    Refused,
)

Handler = Callable[[Request], Awaitable[Any]]


class Site:
    """One account, seen with the tokens of its people."""

    def __init__(self, books: Books, account_id: int, home: Callable[[], str]) -> None:
        self.books = books
        self.account_id = account_id
        self.home = home
        self.tokens: dict[str, dict[str, Any]] = {}
        self.members: set[int] = set()  # agents who may see the inbox
        self.signs = True
        self.flood = 100  # messages of one conversation in a minute
        self.webhooks: Callable[[str, Conversation, Message | None], Awaitable[None]]
        messages = Messages(self)
        paths: list[tuple[str, str, Handler]] = [
            ("GET", "/inboxes", self._inboxes),
            ("POST", "/inboxes", self._make_inbox),
            ("PATCH", "/inboxes/{id:int}", self._change_inbox),
            ("GET", "/teams", self._teams),
            ("GET", "/agents", self._agents),
            ("GET", "/labels", self._titles),
            ("POST", "/contacts", self._make_contact),
            ("GET", "/contacts/search", self._search),
            ("GET", "/contacts/{id:int}", self._contact),
            ("GET", "/contacts/{id:int}/conversations", self._contacts_conversations),
            ("POST", "/contacts/{id:int}/contact_inboxes", self._make_place),
            ("GET", "/conversations", self._conversations),
            ("POST", "/conversations", self._make_conversation),
            ("GET", "/conversations/{id:int}", self._conversation),
            ("POST", "/conversations/{id:int}/toggle_status", self._toggle_status),
            ("POST", "/conversations/{id:int}/toggle_priority", self._toggle_priority),
            ("POST", "/conversations/{id:int}/toggle_typing_status", self._typing),
            ("POST", "/conversations/{id:int}/assignments", self._assign),
            ("POST", "/conversations/{id:int}/custom_attributes", self._attributes),
            ("GET", "/conversations/{id:int}/labels", self._labels),
            ("POST", "/conversations/{id:int}/labels", self._set_labels),
            ("GET", "/conversations/{id:int}/messages", messages.read),
            ("POST", "/conversations/{id:int}/messages", messages.make),
            ("PATCH", "/conversations/{id:int}/messages/{message:int}", messages.change),
        ]
        root = f"/api/v1/accounts/{account_id}"
        routes = [Route(root + path, self._endpoint(handler), methods=[method]) for method, path, handler in paths]
        routes += [
            Route("/api", self._version, methods=["GET"]),
            Route("/api/v1/profile", self._endpoint(self._profile), methods=["GET"]),
            Route("/rails/active_storage/{id:int}/{name}", self._file, methods=["GET"]),
        ]
        self.app = Starlette(routes=routes)

    def _endpoint(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            try:
                self._check(request)
                found = await handler(request)
            except Refused as refused:
                if refused.status == 429:
                    return Response(status_code=429)
                return JSONResponse({"message": refused.said, "error": refused.said}, refused.status)
            return JSONResponse(found)

        return serve

    def _check(self, request: Request) -> None:
        person = self.tokens.get(request.headers.get("api_access_token", ""))
        if person is None:
            raise Refused(401, "Invalid Access Token")
        path = request.url.path
        member = person["role"] == "administrator" or person["id"] in self.members
        if "/conversations" in path and not member:
            raise Refused(403, "You are not authorized to do this action")
        if "/inboxes" in path and request.method != "GET" and person["role"] != "administrator":
            raise Refused(403, "You are not authorized to do this action")
        request.state.person = person

    async def _version(self, request: Request) -> Response:
        return JSONResponse({"version": "4.12.0", "queue_services": "ok", "data_services": "ok"})

    async def _profile(self, request: Request) -> Any:
        return request.state.person

    # Inboxes

    def _show_inbox(self, inbox: Inbox, *, whole: bool) -> dict[str, Any]:
        shown = {"id": inbox.id, "name": inbox.name, "channel_type": "Channel::Api", **inbox.settings}
        return {**shown, "webhook_url": inbox.webhook_url, "secret": inbox.secret} if whole else shown

    async def _inboxes(self, request: Request) -> Any:
        person = request.state.person
        whole = person["role"] == "administrator"
        seen = self.books.inboxes.values() if whole or person["id"] in self.members else ()
        return {"payload": [self._show_inbox(inbox, whole=whole) for inbox in seen]}

    async def _make_inbox(self, request: Request) -> Any:
        fields = await request.json()
        channel = fields.get("channel") or {}
        if channel.get("type") != "api":
            raise Refused(422, "only API inboxes are simulated")
        number = self.books.number()
        secret = secrets.token_urlsafe(24) if self.signs else ""
        inbox = Inbox(number, str(fields["name"]), str(channel.get("webhook_url") or ""), secret)
        self.books.inboxes[number] = inbox
        return self._show_inbox(inbox, whole=True)

    async def _change_inbox(self, request: Request) -> Any:
        inbox = self.books.inboxes.get(request.path_params["id"])
        if inbox is None:
            raise Refused(404, "Resource could not be found")
        fields = await request.json()
        channel = fields.pop("channel", {})
        if "webhook_url" in channel:
            inbox.webhook_url = str(channel["webhook_url"])
        inbox.settings |= fields
        return self._show_inbox(inbox, whole=True)

    async def _titles(self, request: Request) -> Any:
        return {"payload": [{"id": place, "title": title} for place, title in enumerate(self.books.titles, 1)]}

    async def _agents(self, request: Request) -> Any:
        return [
            {"id": number, "name": f"Agent {number}", "role": "agent", "availability_status": status}
            for number, status in self.books.agents.items()
        ]

    async def _teams(self, request: Request) -> Any:
        return [{"id": number, "name": name.lower()} for number, name in self.books.teams.items()]

    # Contacts

    async def _make_contact(self, request: Request) -> Any:
        fields = await request.json()
        identifier = fields.get("identifier")
        if identifier and any(one.get("identifier") == identifier for one in self.books.contacts.values()):
            raise Refused(422, "Identifier has already been taken")
        number = self.books.number()
        self.books.contacts[number] = {"name": fields.get("name"), "identifier": identifier}
        return {"payload": {"contact": self.books.show_contact(number)}}

    async def _search(self, request: Request) -> Any:
        wanted = request.query_params.get("q", "")
        found = [number for number, one in self.books.contacts.items() if wanted and wanted in str(one["identifier"])]
        return {"payload": [self.books.show_contact(number) for number in found][:15]}

    async def _contact(self, request: Request) -> Any:
        self.books.contact(request.path_params["id"])
        return {"payload": self.books.show_contact(request.path_params["id"])}

    async def _make_place(self, request: Request) -> Any:
        fields = await request.json()
        number, inbox = request.path_params["id"], int(fields.get("inbox_id", 0))
        self.books.contact(number)
        if inbox not in self.books.inboxes:
            raise Refused(404, "Resource could not be found")
        source = str(fields.get("source_id") or secrets.token_hex(16))
        if self.books.places.get((inbox, source), number) != number:
            raise Refused(422, "Source has already been taken")
        self.books.places[inbox, source] = number
        return {"source_id": source, "inbox": {"id": inbox}}

    async def _contacts_conversations(self, request: Request) -> Any:
        self.books.contact(request.path_params["id"])
        found = [one for one in self.books.conversations.values() if one.contact_id == request.path_params["id"]]
        return {"payload": [self.books.show(one) for one in found]}

    # Conversations

    async def _conversations(self, request: Request) -> Any:
        query = request.query_params
        inbox, status = query.get("inbox_id"), query.get("status", "open")
        found = [
            one
            for one in self.books.conversations.values()
            if (not inbox or one.inbox_id == int(inbox)) and status in {"all", one.status}
        ]
        found.sort(key=lambda one: one.active, reverse=True)
        start = (int(query.get("page", "1")) - 1) * 25
        shown = [self.books.show(one) for one in found[start : start + 25]]
        return {"data": {"meta": {"all_count": len(found)}, "payload": shown}}

    async def _make_conversation(self, request: Request) -> Any:
        fields = await request.json()
        inbox, source = int(fields.get("inbox_id", 0)), str(fields.get("source_id") or "")
        if inbox not in self.books.inboxes:
            raise Refused(404, "Resource could not be found")
        contact = self.books.places.get((inbox, source))
        if contact is None:
            raise Refused(404, "Resource could not be found")
        number = self.books.number()
        made = Conversation(
            number, inbox, contact, source, str(fields.get("status") or "open"), self.books.clock(),
            dict(fields.get("additional_attributes") or {}), dict(fields.get("custom_attributes") or {}),
        )  # fmt: skip
        self.books.conversations[number] = made
        return self.books.show(made)

    def _found(self, request: Request) -> Conversation:
        return self.books.conversation(request.path_params["id"])

    async def _conversation(self, request: Request) -> Any:
        return self.books.show(self._found(request))

    async def _toggle_status(self, request: Request) -> Any:
        conversation, fields = self._found(request), await request.json()
        wanted = fields.get("status") or ("resolved" if conversation.status == "open" else "open")
        if wanted not in {"open", "resolved", "pending", "snoozed"}:
            raise Refused(422, "invalid status")
        conversation.status = wanted
        await self.webhooks("conversation_status_changed", conversation, None)
        return {"payload": {"success": True, "current_status": wanted, "conversation_id": conversation.id}}

    async def _toggle_priority(self, request: Request) -> Any:
        wanted = (await request.json()).get("priority")
        if wanted not in {"low", "medium", "high", "urgent", None}:
            raise Refused(422, "invalid priority")
        self._found(request).priority = wanted
        return {}

    async def _typing(self, request: Request) -> Any:
        self.books.typed.append((self._found(request).id, str((await request.json()).get("typing_status"))))
        return {}

    async def _assign(self, request: Request) -> Any:
        wanted = await request.json()
        if "assignee_id" in wanted:
            if wanted["assignee_id"] not in self.books.agents:
                raise Refused(404, "Resource could not be found")
            self._found(request).assignee = wanted["assignee_id"]
            return {"id": wanted["assignee_id"]}
        team = wanted.get("team_id")
        if team not in self.books.teams:
            raise Refused(404, "Resource could not be found")
        self._found(request).team = team
        return {"id": team}

    async def _attributes(self, request: Request) -> Any:
        conversation = self._found(request)
        conversation.custom |= (await request.json()).get("custom_attributes") or {}
        return {"custom_attributes": conversation.custom}

    async def _labels(self, request: Request) -> Any:
        return {"payload": list(self._found(request).labels)}

    async def _set_labels(self, request: Request) -> Any:
        conversation = self._found(request)
        conversation.labels = [str(one) for one in (await request.json()).get("labels") or ()]
        return {"payload": list(conversation.labels)}

    async def _file(self, request: Request) -> Response:
        wanted = request.path_params["id"]
        for conversation in self.books.conversations.values():
            for message in conversation.messages:
                for file in message.files:
                    if file.id == wanted:
                        return Response(file.data, media_type=file.mime)
        return Response(status_code=404)
