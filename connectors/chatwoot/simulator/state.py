"""What the simulated installation remembers: inbox, contacts, conversations, messages, files.

Source: https://github.com/chatwoot/chatwoot (app/models, app/builders).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Clock = Callable[[], datetime]
INCOMING, OUTGOING, ACTIVITY, TEMPLATE = range(4)
WORDS = ("incoming", "outgoing", "activity", "template")


class Refused(Exception):
    """A status and what stands in the answer."""

    def __init__(self, status: int, said: str = "") -> None:
        super().__init__(status, said)
        self.status = status
        self.said = said


@dataclass(slots=True)
class File:
    id: int
    name: str
    mime: str
    data: bytes


@dataclass(slots=True)
class Message:
    id: int
    content: str | None
    message_type: int
    private: bool
    sender: dict[str, Any] | None
    at: datetime
    source_id: str | None = None
    status: str = "sent"
    error: str = ""
    deleted: bool = False
    files: list[File] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Conversation:
    id: int
    inbox_id: int
    contact_id: int
    source_id: str
    status: str
    active: datetime
    additional: dict[str, Any] = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
    priority: str | None = None
    team: int | None = None
    assignee: int | None = None
    messages: list[Message] = field(default_factory=list)


@dataclass(slots=True)
class Inbox:
    id: int
    name: str
    webhook_url: str = ""
    secret: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


class Books:
    """One account of the installation."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.inboxes: dict[int, Inbox] = {}
        self.contacts: dict[int, dict[str, Any]] = {}
        self.places: dict[tuple[int, str], int] = {}  # (inbox, source_id) → contact
        self.conversations: dict[int, Conversation] = {}
        self.teams = {7: "Support"}
        self.titles = ["vip"]  # labels of the account
        self.agents: dict[int, str] = {}  # their availability
        self.typed: list[tuple[int, str]] = []
        self._next = 100

    def number(self) -> int:
        self._next += 1
        return self._next

    def conversation(self, number: int) -> Conversation:
        if number not in self.conversations:
            raise Refused(404, "Resource could not be found")
        return self.conversations[number]

    def contact(self, number: int) -> dict[str, Any]:
        if number not in self.contacts:
            raise Refused(404, "Resource could not be found")
        return self.contacts[number]

    def add(self, conversation: Conversation, message: Message) -> None:
        """A customer's message opens what was resolved or snoozed."""
        conversation.messages.append(message)
        conversation.active = message.at
        if message.message_type == INCOMING and conversation.status in {"resolved", "snoozed"}:
            conversation.status = "open"

    def show_contact(self, number: int) -> dict[str, Any]:
        places = [
            {"source_id": source, "inbox": {"id": inbox, "name": self.inboxes[inbox].name}}
            for (inbox, source), owner in self.places.items()
            if owner == number
        ]
        return {**self.contacts[number], "id": number, "contact_inboxes": places}

    def show(self, conversation: Conversation) -> dict[str, Any]:
        stamp = int(conversation.active.timestamp())
        return {
            "id": conversation.id,
            "account_id": 1,
            "inbox_id": conversation.inbox_id,
            "status": conversation.status,
            "labels": list(conversation.labels),
            "priority": conversation.priority,
            "additional_attributes": conversation.additional,
            "custom_attributes": conversation.custom,
            "contact_inbox": {"contact_id": conversation.contact_id, "source_id": conversation.source_id},
            "meta": {"sender": {"id": conversation.contact_id}, "channel": "Channel::Api"},
            "can_reply": True,
            "last_activity_at": stamp,
            "timestamp": stamp,
            "updated_at": conversation.active.timestamp(),
        }


def show_message(conversation: Conversation, message: Message, home: str) -> dict[str, Any]:
    """As lists give it: numbers for types, seconds for times."""
    shown: dict[str, Any] = {
        "id": message.id,
        "content": "This message was deleted" if message.deleted else message.content,
        "content_type": "text",
        "content_attributes": {**message.attributes, **({"deleted": True} if message.deleted else {})},
        "message_type": message.message_type,
        "private": message.private,
        "source_id": message.source_id,
        "status": message.status,
        "created_at": int(message.at.timestamp()),
        "conversation_id": conversation.id,
        "inbox_id": conversation.inbox_id,
        "sender": message.sender,
    }
    if message.files and not message.deleted:
        shown["attachments"] = [
            {
                "id": file.id,
                "message_id": message.id,
                "file_type": file.mime.partition("/")[0] if file.mime[:5] in {"image", "audio", "video"} else "file",
                "file_size": len(file.data),
                "extension": file.name.rpartition(".")[2],
                "data_url": f"{home}/rails/active_storage/{file.id}/{file.name}",
            }
            for file in message.files
        ]
    return shown
