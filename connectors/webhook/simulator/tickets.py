"""What a program that is a desk remembers, and how it says things: each request once, by its `webhook-id`."""

from base64 import b64decode
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Entry:
    """One thing on a ticket. `author` is `customer`, `agent`, `bot` or `system`."""

    id: str
    text: str
    author: str
    private: bool = False
    files: list[bytes] = field(default_factory=list)
    links: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Ticket:
    id: str
    status: str = "open"
    entries: list[Entry] = field(default_factory=list)
    customer: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)  # answer → how far it came


class Tickets:
    """A program's books."""

    def __init__(self) -> None:
        self.tickets: dict[str, Ticket] = {}
        self._answered: dict[str, dict[str, Any]] = {}  # webhook-id → what was answered
        self._next = 0

    def number(self) -> str:
        self._next += 1
        return f"e-{self._next}"

    def open_ticket(self) -> str:
        name = f"t-{len(self.tickets) + 1}"
        self.tickets[name] = Ticket(name)
        return name

    def take(self, identifier: str, given: dict[str, Any]) -> dict[str, Any]:
        """Does what a request says; a repeat is answered as the first time."""
        if identifier not in self._answered:
            self._answered[identifier] = self._do(given)
        return self._answered[identifier]

    def _do(self, given: dict[str, Any]) -> dict[str, Any]:
        ticket = self.tickets.setdefault(given["ticket"], Ticket(given["ticket"]))
        ticket.customer = given["customer"] or ticket.customer
        match given["type"]:
            case "message" | "note":
                private = given["type"] == "note"
                files = [b64decode(file["data"]) for file in given["files"] if "data" in file]
                links = [file["url"] for file in given["files"]]
                entry = Entry(self.number(), given["text"], given["from"], private, files, links)
                ticket.entries.append(entry)
                if not private and given["from"] == "customer":
                    ticket.status = "open"
                return {"id": entry.id, "url": f"https://crm.example.com/tickets/{ticket.id}"}
            case "progress":
                ticket.states[given["of"]] = given["state"]
            case "labels":
                kept = [tag for tag in ticket.tags if not tag.startswith(given["prefix"])]
                ticket.tags = list(dict.fromkeys([*kept, *given["tags"]]))
            case _:
                pass
        return {}
