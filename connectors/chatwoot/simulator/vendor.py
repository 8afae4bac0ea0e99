"""A Chatwoot installation and its agents, on loopback."""

import asyncio
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from bridge.contract import ConnectorError, Http
from bridge.testing.clock import system_clock
from bridge.testing.simulator import Simulator as BaseSimulator
from connectors.chatwoot.simulator.api import Site
from connectors.chatwoot.simulator.state import (
    OUTGOING,
    WORDS,
    Books,
    Conversation,
    File,
    Inbox,
    Message,
    show_message,
)

TOKEN = "simulated-token-of-the-bridge"  # noqa: S105 # a simulator's
ADMIN = "simulated-token-of-an-administrator"
AGENT = {"id": 2, "name": "Mei", "available_name": "Mei", "type": "user"}


def _person(number: int, name: str, role: str) -> dict[str, Any]:
    email = f"{name}@example.com"
    return {"id": number, "name": name, "email": email, "role": role, "account_id": 1, "type": "user"}


class Simulator(BaseSimulator):
    """One account with one API inbox. Set `hook_url`, then let agents act: `agent_says`, `notes`, `resolves` …

    Webhooks are sent once. `signs` says whether the version signs them; those that do not are given the address that
    set-up makes. `doubles` sends every webhook twice, as an account webhook beside the inbox's own does.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = system_clock,
        hook_url: str = "",
        signs: bool = True,
        doubles: bool = False,
        timeout: float = 5.0,
    ) -> None:
        super().__init__(clock=clock)
        self.books = Books(clock)
        self.site = Site(self.books, 1, lambda: self.origin)
        self.site.signs = signs
        self.site.webhooks = self._send
        self.site.tokens = {
            TOKEN: _person(1, "bridge", "agent"),
            ADMIN: _person(9, "admin", "administrator"),
        }
        self.site.members.add(1)
        self.app = self.site.app
        self._first = Inbox(17, "bridge", hook_url, "simulated-secret-of-the-inbox" if signs else "")
        self.books.inboxes[17] = self._first
        self.doubles = doubles
        self.silent = False  # webhooks are lost
        self.deliveries: list[int] = []
        self._http = Http(timeout=timeout, max_concurrency=32)
        self._sending: set[asyncio.Task[None]] = set()

    @property
    def inbox(self) -> Inbox:
        """The API inbox: the first one, or what set-up made in its place."""
        return next(reversed(self.books.inboxes.values()), self._first)

    @property
    def hook_url(self) -> str:
        return self.inbox.webhook_url

    @hook_url.setter
    def hook_url(self, value: str) -> None:
        self.inbox.webhook_url = value

    def settings(self) -> dict[str, Any]:
        return {
            "kind": "chatwoot",
            "api_base": self.base,
            "account_id": 1,
            "token": TOKEN,
            "inbox_id": self.inbox.id,
            "hook_secret": self.inbox.secret,
        }

    async def stop(self) -> None:
        await asyncio.gather(*self._sending, return_exceptions=True)
        await self._http.close()
        self._http = Http(timeout=5.0, max_concurrency=32)
        await super().stop()

    # What agents do

    async def agent_says(self, number: str, text: str, files: tuple[tuple[str, str, bytes], ...] = ()) -> str:
        """A public answer. Returns its id."""
        kept = [File(self.books.number(), name, mime, data) for name, mime, data in files]
        return await self._write(number, text, private=False, files=kept)

    async def notes(self, number: str, text: str) -> str:
        return await self._write(number, text, private=True, files=[])

    async def types(self, number: str, *, on: bool = True, private: bool = False) -> None:
        """An agent types an answer, or a note: `conversation_typing_on`, `…_off`."""
        conversation = self.books.conversation(int(number))
        shown = {"conversation": self.books.show(conversation), "user": dict(AGENT), "is_private": private}
        body = json.dumps({"event": f"conversation_typing_{'on' if on else 'off'}", **shown}, ensure_ascii=False)
        self._queue(body.encode())

    async def resolves(self, number: str) -> None:
        conversation = self.books.conversation(int(number))
        conversation.status = "resolved"
        conversation.active = self.clock()
        await self._send("conversation_status_changed", conversation, None)

    def gives(self, number: str, name: str = "Another customer", *, marked: bool = False) -> None:
        """Another contact's, as after a restored backup: the number is used anew, or (`marked`) keeps what it had."""
        contact = self.books.number()
        self.books.contacts[contact] = {"name": name, "identifier": f"somebody-{contact}"}
        conversation = self.books.conversation(int(number))
        conversation.contact_id = contact
        conversation.additional = conversation.additional if marked else {}

    def merges_contacts(self, loser: int, winner: int) -> None:
        """Conversations, places and the identifier go along; the loser is not there any more.
        https://github.com/chatwoot/chatwoot (app/actions/contact_merge_action.rb)
        """
        gone = self.books.contacts.pop(loser)
        self.books.contacts[winner].setdefault("identifier", gone.get("identifier"))
        for conversation in self.books.conversations.values():
            if conversation.contact_id == loser:
                conversation.contact_id = winner
        for place, owner in list(self.books.places.items()):
            if owner == loser:
                self.books.places[place] = winner

    async def deletes(self, number: str, message: str) -> None:
        conversation = self.books.conversation(int(number))
        found = next(one for one in conversation.messages if one.id == int(message))
        found.deleted = True
        await self._send("message_updated", conversation, found)

    async def retries(self, number: str, message: str, *, event: str = "message_created") -> None:
        """The agent presses retry on a failed message: the same id again. Versions differ in the event."""
        conversation = self.books.conversation(int(number))
        found = next(one for one in conversation.messages if one.id == int(message))
        found.status = "sent"
        await self._send(event, conversation, found)

    def open_conversation(self, name: str = "A customer") -> str:
        """A conversation of ours that nobody wrote in yet."""
        contact, number = self.books.number(), self.books.number()
        self.books.contacts[contact] = {"name": name, "identifier": f"somebody-{contact}"}
        self.books.places[self.inbox.id, f"place-{contact}"] = contact
        self.books.conversations[number] = Conversation(
            number, self.inbox.id, contact, f"place-{contact}", "open", self.clock(), {"bridge_link": "by hand"}
        )
        return str(number)

    def seen(self, number: str) -> list[Message]:
        """All that stands in a conversation."""
        return list(self.books.conversation(int(number)).messages)

    async def _write(self, number: str, text: str, *, private: bool, files: list[File]) -> str:
        conversation = self.books.conversation(int(number))
        message = Message(self.books.number(), text or None, OUTGOING, private, dict(AGENT), self.clock(), files=files)
        self.books.add(conversation, message)
        await self._send("message_created", conversation, message)
        return str(message.id)

    # Webhooks

    async def _send(self, event: str, conversation: Conversation, message: Message | None) -> None:
        """In the background, as the installation's own queue does: nobody waits for us."""
        if self.silent or not self.inbox.webhook_url:
            return
        self._queue(self.webhook(event, conversation, message))

    def _queue(self, body: bytes) -> None:
        for _ in range(2 if self.doubles else 1):
            task = asyncio.create_task(self._deliver(body))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    def webhook(self, event: str, conversation: Conversation, message: Message | None) -> bytes:
        """The body of a callback: words for types, ISO 8601 for times."""
        shown = self.books.show(conversation)
        if message is None:
            fields: dict[str, Any] = {**shown, "event": event}
        else:
            fields = show_message(conversation, message, self.origin) | {
                "event": event,
                "message_type": WORDS[message.message_type],
                "created_at": message.at.isoformat().replace("+00:00", "Z"),
                "inbox": {"id": conversation.inbox_id, "name": self.inbox.name},
                "account": {"id": 1, "name": "Shop"},
                "conversation": shown,
            }
        return json.dumps(fields, ensure_ascii=False).encode()

    def signed(self, body: bytes, *, secret: str = "", stamp: int | None = None) -> dict[str, str]:
        """Headers of a callback."""
        headers = {"content-type": "application/json", "x-chatwoot-delivery": str(uuid.uuid4())}
        key = secret or self.inbox.secret
        if not key:
            return headers
        at = str(int(self.clock().timestamp()) if stamp is None else stamp)
        mac = hmac.new(key.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
        return headers | {"x-chatwoot-timestamp": at, "x-chatwoot-signature": f"sha256={mac}"}

    async def _deliver(self, body: bytes) -> None:
        try:
            answer = await self._http.request("POST", self.inbox.webhook_url, content=body, headers=self.signed(body))
            self.deliveries.append(answer.status)
        except ConnectorError:
            self.deliveries.append(0)  # never again
