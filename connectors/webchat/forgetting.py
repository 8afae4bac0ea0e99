"""What the records hold about somebody, as a visitor of the chat and as the customer of tickets; and taking it away."""

from collections.abc import Sequence
from typing import Any

from bridge.contract import Append, Drop, Put, Records, Said, Subject
from connectors.webchat.office import Office
from connectors.webchat.quotas import KIND as QUOTA
from connectors.webchat.signatures import hashed
from connectors.webchat.tickets import Ticket, timeline
from connectors.webchat.visitors import PREFIX, events_of

_MOST = 10_000  # rows of one kind that name somebody
_BITE = 500


class Forgetting:
    """Of one account, in both its roles."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._records: Records = office.account.records

    async def records_of(self, subject: Subject) -> dict[str, Any]:
        """Visitors with what they saw, tickets with their timelines, and files."""
        visitors, tickets = self._visitors(subject), await self._tickets(subject)
        found: dict[str, Any] = {"visitors": [], "tickets": [], "files": []}
        for visitor in visitors:
            record = await self._office.visitors.get(visitor)
            entries = await self._entries(events_of(visitor))
            if record is not None or entries:
                found["visitors"].append({"visitor": record, "events": entries})
        for ticket in tickets:
            entry = {"ticket": ticket, "entries": await self._entries(timeline(ticket["id"]))}
            found["tickets"].append(entry)
        for name in await self._files(visitors, [ticket["id"] for ticket in tickets]):
            row = await self._records.get("file", name)
            if row is not None:
                found["files"].append(row[0])
        return found

    async def forget(self, subject: Subject) -> Sequence[Said]:
        """Everything of that. There is no vendor, so nothing is left to do."""
        visitors, tickets = self._visitors(subject), await self._tickets(subject)
        names = sorted({*(ticket["id"] for ticket in tickets), *subject.tickets})
        await self._remove("file", await self._files(visitors, names))
        await self._remove("done", subject.keys)
        for visitor in visitors:
            await self._forget_visitor(visitor)
        for name in names:
            await self._forget_ticket(name)
        return ()

    async def _forget_visitor(self, visitor: str) -> None:
        record = await self._office.visitors.get(visitor)
        changes: list[Put | Append | Drop] = [Put("visitor", visitor, None), Drop(events_of(visitor))]
        changes.append(Put(QUOTA, self._office.quotas.key("visitor", visitor), None))
        if record is not None and record.get("external"):
            place = hashed(str(record["external"]))
            known = await self._records.get("external", place)
            if known is not None and known[0].get("v") == visitor:
                changes.append(Put("external", place, None))
        for kind in ("token", "done"):
            await self._remove(kind, await self._naming(kind, visitor, "v"))
        await self._records.commit(*changes)
        self._office.hub.drop(visitor)

    async def _forget_ticket(self, name: str) -> None:
        found = await self._office.tickets.get(name)
        ticket: Ticket = found[0] if found is not None else {}
        await self._remove("done", await self._naming("done", name, "t"))
        pending = await self._records.search("pending", name, limit=_MOST)
        await self._remove("pending", [key for key, row in pending if row["payload"].get("ticket") == name])
        while rows := await self._records.list("words", prefix=f"{name}:", limit=_BITE):
            await self._remove("words", [key for key, _ in rows])
        person = f"{hashed(str(ticket.get('contact', {}).get('id', '')))[:32]}:{name}"
        places = [Put("open", name.zfill(10), None), Put("person", person, None), Put("ticket", name, None)]
        if ticket.get("solved"):
            places.append(Put("solved", ticket["solved"], None))
        await self._records.commit(*places, Drop(timeline(name)))

    def _visitors(self, subject: Subject) -> list[str]:
        """Those that are visitors of this chat. A desk's customers may be another account's."""
        named = [*subject.conversations, *(contact.id for contact in subject.contacts)]
        return sorted({name for name in named if name.startswith(PREFIX)})

    async def _tickets(self, subject: Subject) -> list[Ticket]:
        found = {ticket["id"]: ticket for ticket in await self._office.tickets.many(subject.tickets)}
        for contact in subject.contacts:
            for ticket in await self._office.tickets.of_person(contact.id):
                found.setdefault(ticket["id"], ticket)
        return list(found.values())

    async def _entries(self, stream: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after = 0
        while rows := await self._records.read(stream, after=after, limit=_BITE):
            found += [value for _, value in rows]
            after = rows[-1][0]
        return found

    async def _files(self, visitors: Sequence[str], tickets: Sequence[str]) -> list[str]:
        """The names of files that they sent or were sent."""
        names: set[str] = set()
        for stream in [*map(events_of, visitors), *map(timeline, tickets)]:
            for entry in await self._entries(stream):
                names.update(file["id"] for file in entry.get("attachments", ()))
                names.update(card["thumb"] for card in entry.get("cards", ()) if card.get("thumb"))
        for visitor in visitors:
            names.update(await self._naming("file", visitor, "owner"))
        return sorted(names)

    async def _naming(self, kind: str, name: str, field: str) -> list[str]:
        rows = await self._records.search(kind, name, limit=_MOST)
        return [key for key, row in rows if row.get(field) == name]

    async def _remove(self, kind: str, keys: Sequence[str]) -> None:
        for place in range(0, len(keys), _BITE):
            await self._records.commit(*(Put(kind, key, None) for key in keys[place : place + _BITE]))
