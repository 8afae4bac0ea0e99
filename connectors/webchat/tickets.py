"""Tickets of the web desk, in the account's records.

A ticket is one record (`ticket`) and one stream (`ticket:{id}`) that holds its timeline. Both change in one commit that
expects the record's version, so the record's `head` is always the number of the timeline's last entry. Every commit
adds to the stream `desk`, by which open screens learn that something changed. `done` remembers the keys of steps.
"""

import copy
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from bridge.contract import Append, Conflict, Contact, Gone, Put, Records, Retryable, Scope
from connectors.webchat.signatures import hashed

Ticket = dict[str, Any]
Entry = dict[str, Any]
Work = Callable[[Ticket], list[Entry] | None]  # None: there is nothing to change

NEWS = "desk"
_FIRST = 1000  # numbers begin above it, so that the first ticket does not look like the first
_TRIES = 60
_MARKED = {"held", "failed", "unconfirmed"}
_MARKS = 50  # answers of one ticket that are remembered as waiting or lost
_END = 10**11  # seconds; keys of solved tickets count down, so that the newest come first


def timeline(ticket: str) -> str:
    """The stream of a ticket's entries."""
    return f"ticket:{ticket}"


class Tickets:
    """Reading and changing tickets. Every change is idempotent by its `once`."""

    def __init__(self, records: Records, now: Callable[[], datetime]) -> None:
        self._records = records
        self._now = now

    async def get(self, ticket: str) -> tuple[Ticket, int] | None:
        """A ticket and its version."""
        return await self._records.get("ticket", ticket) if ticket.isascii() and ticket.isdigit() else None

    async def done(self, once: str) -> dict[str, Any] | None:
        """What a change of this key led to, if it was made."""
        found = await self._records.get("done", once)
        return found[0] if found is not None else None

    async def number(self, once: str) -> str:
        """The number of the ticket that is opened under a key; the same one each time."""
        (number,) = await self._records.commit(Append("tickets", {"once": once}, once=once))
        return str(_FIRST + number)

    async def open(self, once: str, facts: Ticket, entries: Sequence[Entry], *others: Put | Append) -> dict[str, Any]:
        """A new ticket with its first entries."""
        name = await self.number(once)
        ticket: Ticket = {
            "id": name,
            "status": "open",
            "created": self.time(),
            "assignee": "",
            "waiting": "",
            "head": 0,
            "said": 0,
            "seen": {},
            "last": {},
            **facts,
        }
        person = hashed(str(ticket["contact"]["id"]))[:32]
        index = [Put("person", f"{person}:{name}", {"t": name}), _words(name, 0, _profile(ticket), self.time())]
        for _ in range(_TRIES):
            if (made := await self.done(once)) is not None:
                return made
            fresh = copy.deepcopy(ticket)
            try:
                return await self._commit(fresh, 0, once, entries, [*index, *others])
            except Conflict:
                continue
        raise Retryable("the ticket changes too often", code="busy", scope=Scope.CONVERSATION)

    async def change(self, ticket: str, once: str, work: Work, *others: Put | Append) -> dict[str, Any]:
        """Lets `work` alter the ticket and return entries for its timeline. Raises Gone for one that never was."""
        for _ in range(_TRIES):
            if once and (made := await self.done(once)) is not None:
                return made
            found = await self.get(ticket)
            if found is None:
                raise Gone(f"there is no ticket {ticket}", code="no ticket")
            fresh = found[0]
            entries = work(fresh)
            if entries is None:
                return {"t": ticket, "seq": fresh["head"]}
            try:
                return await self._commit(fresh, found[1], once, entries, others)
            except Conflict:
                continue
        raise Retryable("the ticket changes too often", code="busy", scope=Scope.CONVERSATION)

    async def _commit(
        self, ticket: Ticket, version: int, once: str, entries: Sequence[Entry], others: Sequence[Put | Append]
    ) -> dict[str, Any]:
        name = ticket["id"]
        first = ticket["head"] + 1
        changes: list[Put | Append] = list(others)
        for number, entry in enumerate(entries, first):
            changes.append(Append(timeline(name), entry))
            _take_in(ticket, entry, number)
            if entry.get("text"):
                changes.append(_words(name, number, entry["text"], entry["at"]))
        ticket["head"] += len(entries)
        ticket["updated"] = self.time()
        changes += self._places(ticket)
        changes += [Put("ticket", name, ticket, expect=version), Append(NEWS, {"t": name})]
        made = {"t": name, "seq": ticket["head"]}
        if once:
            changes.append(Put("done", once, made, expect=0))
        await self._records.commit(*changes)
        return made

    def _places(self, ticket: Ticket) -> list[Put]:
        """The ticket's place in the lists of open and solved ones."""
        name, solved = ticket["id"], ticket.get("solved", "")
        if ticket["status"] == "open":
            ticket["solved"] = ""
            gone = [Put("solved", solved, None)] if solved else []
            return [*gone, Put("open", name.zfill(10), {"t": name})]
        if solved:
            return []
        ticket["solved"] = f"{_END - int(self._now().timestamp()):011d}:{name}"
        return [Put("open", name.zfill(10), None), Put("solved", ticket["solved"], {"t": name})]

    async def listed(self, status: str, *, after: str = "", limit: int = 500) -> tuple[list[Ticket], str]:
        """Tickets that are open or solved, and where to go on; "" at the end."""
        rows = await self._records.list(status, after=after, limit=limit)
        tickets = await self.many([row["t"] for _, row in rows])
        return tickets, rows[-1][0] if len(rows) >= limit else ""

    async def many(self, names: Sequence[str]) -> list[Ticket]:
        """The tickets of these ids that exist."""
        found = [await self.get(name) for name in names]
        return [entry[0] for entry in found if entry is not None]

    async def of_person(self, contact: str) -> list[Ticket]:
        """All tickets of one customer, newest first."""
        rows = await self._records.list("person", prefix=f"{hashed(contact)[:32]}:", limit=200)
        tickets = await self.many([row["t"] for _, row in rows])
        return sorted(tickets, key=lambda ticket: int(ticket["id"]), reverse=True)

    async def search(self, words: str, limit: int = 40) -> list[tuple[Ticket, str]]:
        """Tickets whose timeline or customer contains the words, and the text that does."""
        hits: dict[str, str] = {}
        for _, row in await self._records.search("words", words, limit=200):
            if words.casefold() in row["x"].casefold():
                hits.setdefault(row["t"], row["x"])
        tickets = await self.many(list(hits)[:limit])
        return [(ticket, hits[ticket["id"]]) for ticket in tickets]

    async def entries(self, ticket: str, after: int, limit: int = 500) -> list[Entry]:
        """Timeline entries numbered above `after`, each with its number as `seq`."""
        rows = await self._records.read(timeline(ticket), after=after, limit=limit)
        return [{"seq": number, **value} for number, value in rows]

    def time(self) -> str:
        """Now, as it is stored."""
        return self._now().astimezone(UTC).isoformat(timespec="milliseconds")


def set_contact(ticket: Ticket, contact: Contact, context: dict[str, str]) -> None:
    """What is known of the customer now, which may be more than when the ticket was opened."""
    ticket["contact"] = {**ticket.get("contact", {}), **contact.model_dump(mode="json", exclude_defaults=True)}
    ticket["context"] = {**ticket.get("context", {}), **context}


def _hold(ticket: Ticket, entry: Entry) -> None:
    """Which answers wait for the customer, or did not arrive: their row in the list says so."""
    marks = {of: state for of, state in ticket.get("marks", {}).items() if of != entry["of"]}
    if entry["state"] in _MARKED:
        marks[entry["of"]] = entry["state"]
    ticket["marks"] = dict(list(marks.items())[-_MARKS:])


def _take_in(ticket: Ticket, entry: Entry, number: int) -> None:
    """What the list shows of a new entry: the last words, who waits since when."""
    if entry["type"] == "state":
        _hold(ticket, entry)
    if entry["type"] not in {"message", "note"}:
        return
    speaker = entry["from"]["kind"]
    if entry["type"] == "message":
        ticket["last"] = {"kind": speaker, "name": entry["from"]["name"], "text": _gist(entry), "at": entry["at"]}
    if entry["type"] == "message" and speaker == "customer":
        ticket["said"] = number
        ticket["waiting"] = ticket["waiting"] or entry["at"]
        ticket["status"] = "open"
    elif entry["type"] == "message" and speaker == "agent":
        ticket["waiting"] = ""


def _gist(entry: Entry) -> str:
    text = " ".join(str(entry.get("text", "")).split())[:140]
    if text:
        return text
    names = [f"[{file['name'] or file['kind']}]" for file in entry.get("attachments", ())]
    return " ".join(names + [f"[{card.get('title', '')}]" for card in entry.get("cards", ())])[:140]


def _profile(ticket: Ticket) -> str:
    contact = ticket["contact"]
    parts = [ticket.get("subject", ""), *(contact.get(key, "") for key in ("name", "email", "phone", "id"))]
    return " ".join(filter(None, map(str, parts)))


def _words(ticket: str, number: int, text: str, at: str) -> Put:
    return Put("words", f"{ticket}:{number:08d}", {"t": ticket, "x": text[:8000], "at": at})
