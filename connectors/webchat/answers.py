"""What agents do: answer, note, assign, solve. Each act is on the ticket first, then kept for the engine.

Between the two a record `pending` holds the payload, so that an act whose process died is handed over by the next one.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from bridge.contract import DeliveryState, Media, Persist, Put, Raw, Records, Status
from connectors.webchat.inbound import Again, Answered, Saw, Settled, raw_of
from connectors.webchat.tickets import Entry, Ticket, Tickets, Work
from connectors.webchat.web import Refusal

_SPOKEN = {"message", "note"}
_MOMENT, _LONGEST = 10, 200  # seconds; characters of a message's id


@dataclass(frozen=True, slots=True)
class Written:
    """What an agent wrote. `client` is the browser's own id of it; `files` with what is shown of each."""

    client: str
    text: str
    files: Sequence[tuple[Media, dict[str, Any]]]
    note: bool


class Answers:
    """The acts of one account's agents."""

    def __init__(self, records: Records, tickets: Tickets, persist: Persist) -> None:
        self._records = records
        self._tickets = tickets
        self._persist = persist
        self._recovered = False

    async def write(self, ticket: str, agent: str, written: Written, *, seen: int | None, at: datetime) -> Entry:
        """An answer, or a note for colleagues. With `seen` only if no colleague wrote after that entry.

        Raises Refusal (409) with what came meanwhile, (404) for no ticket.
        """
        client, text, files, note = written.client, written.text, written.files, written.note
        identifier = f"a_{ticket}_{client}"
        entry: Entry = {
            "type": "note" if note else "message",
            "id": identifier,
            "from": {"kind": "agent", "name": agent},
            "text": text,
            "attachments": [shown for _, shown in files],
            "at": at.isoformat(timespec="milliseconds"),
            "client_id": client,
        }
        once = f"answer:{ticket}:{client}"
        payload = Answered(
            ticket=ticket, id=identifier, agent=agent, text=text, files=tuple(m for m, _ in files), note=note, at=at
        )
        raw = raw_of(f"agent:{ticket}:{client}", payload, at)
        while True:
            known = await self._tickets.done(once)
            checked = None if seen is None or known else await self._refuse_stale(ticket, agent, seen)
            try:
                made = await self._tickets.change(ticket, once, _adding(entry, checked), _pending(raw))
            except _Moved:
                continue
            await self._hand_over(raw)
            return {**entry, "seq": made["seq"]}

    async def begin(self, before: Ticket, agent: str, client: str, text: str, at: datetime) -> str:
        """A new ticket for the customer of an earlier one, with the agent's first words. Returns its number."""
        once = f"begin:{before['id']}:{client}"
        ticket = await self._tickets.number(once)
        when = at.isoformat(timespec="milliseconds")
        identifier = f"a_{ticket}_{client}"
        entry: Entry = {
            "type": "message", "id": identifier, "from": {"kind": "agent", "name": agent}, "text": text,
            "attachments": [], "at": when, "client_id": client,
        }  # fmt: skip
        contact = before["contact"]
        whose = str(contact["id"])
        payload = Answered(ticket=ticket, id=identifier, agent=agent, text=text, begun_for=whose, at=at)
        raw = raw_of(f"agent:{ticket}:{client}", payload, at)
        facts: Ticket = {
            "subject": " ".join(text.split())[:120], "contact": contact, "context": {}, "fields": {}, "previous": "",
            "channel": before.get("channel", ""), "assignee": agent, "seen": {agent: 1},
        }  # fmt: skip
        await self._tickets.open(once, facts, [entry], _pending(raw))
        await self._hand_over(raw)
        return ticket

    async def _refuse_stale(self, ticket: str, agent: str, seen: int) -> int:
        """The last entry that was looked at. Raises Refusal when a colleague spoke since `seen`.

        The customer's own next words are no reason: people write on while somebody answers them.
        """
        entries = await self._tickets.entries(ticket, seen)
        newer = [entry for entry in entries if entry["type"] in _SPOKEN and entry["from"]["name"] != agent]
        if any(entry["from"]["kind"] == "agent" for entry in newer):
            raise Refusal(409, "newer_messages", "There are messages you have not seen.", newer=newer)
        return int(entries[-1]["seq"]) if entries else seen

    async def assign(self, ticket: str, agent: str, to: str, at: datetime) -> None:
        """To a colleague, to oneself, or to nobody ("")."""

        def work(found: Ticket) -> list[Entry] | None:
            if found["assignee"] == to:
                return None
            found["assignee"] = to
            return [{"type": "assigned", "by": agent, "to": to, "at": at.isoformat(timespec="milliseconds")}]

        await self._tickets.change(ticket, "", work)

    async def settle(self, ticket: str, agent: str, status: Status, at: datetime) -> None:
        """Solved, or open again."""
        payload = Settled(ticket=ticket, status=status, at=at)
        raw = raw_of(f"status:{ticket}:{uuid4().hex}", payload, at)

        def work(found: Ticket) -> list[Entry] | None:
            if found["status"] == status.value:
                return None
            found["status"] = status.value
            found["waiting"] = ""
            when = at.isoformat(timespec="milliseconds")
            return [{"type": "status", "status": status.value, "by": agent, "at": when}]

        await self._tickets.change(ticket, "", work, _pending(raw))
        if await self._records.get("pending", raw.key) is not None:
            await self._hand_over(raw)

    async def saw(self, ticket: str, agent: str, seq: int, at: datetime) -> None:
        """The agent's screen shows the ticket up to an entry: unread ends, and the customer's words were read."""
        span: list[int] = []

        def work(found: Ticket) -> list[Entry] | None:
            known, last = found["seen"], min(seq, found["head"])
            span[:] = [found.get("read", 0), last]
            if known.get(agent, 0) >= last and span[0] >= last:
                return None
            known[agent] = max(known.get(agent, 0), last)
            found["read"] = max(span[0], last)
            return []

        await self._tickets.change(ticket, "", work)
        before, last = span
        if last <= before:
            return
        entries = await self._tickets.entries(ticket, before)
        read = [
            entry["id"]
            for entry in entries
            if entry["seq"] <= last and entry["type"] == "message" and entry["from"]["kind"] == "customer"
        ]
        if read:
            payload = Saw(conversation=ticket, messages=tuple(read), state=DeliveryState.READ)
            await self._persist([raw_of(f"saw:{ticket}:{read[-1]}", payload, at)])

    async def again(self, ticket: str, message: str, at: datetime) -> None:
        """One message that failed goes once more; pressed twice within a moment it is one wish. Raises Refusal."""
        if not message.startswith(f"a_{ticket}_") or len(message) > _LONGEST:
            raise Refusal(404, "no_message", "There is no such message.")
        payload = Again(ticket=ticket, message=message)
        await self._persist([raw_of(f"again:{ticket}:{message}:{int(at.timestamp()) // _MOMENT}", payload, at)])

    async def recover(self) -> None:
        """Hands over what an earlier process wrote down and did not get to keep."""
        if self._recovered:
            return
        for key, row in await self._records.list("pending", limit=1000):
            at = datetime.fromisoformat(row["at"])
            await self._hand_over(Raw(key=key, payload=json.dumps(row["payload"]).encode(), at=at))
        self._recovered = True

    async def _hand_over(self, raw: Raw) -> None:
        await self._persist([raw])
        await self._records.commit(Put("pending", raw.key, None))


class _Moved(Exception):
    """The ticket went on between looking and writing: look again."""


def _adding(entry: Entry, checked: int | None) -> Work:
    """Adds an answer; whoever answers an unassigned ticket takes it over. Raises _Moved after `checked`."""
    agent = entry["from"]["name"]

    def work(found: Ticket) -> list[Entry]:
        if checked is not None and found["head"] > checked:
            raise _Moved
        taken = entry["type"] == "message" and not found["assignee"]
        before = [{"type": "assigned", "by": agent, "to": agent, "at": entry["at"]}] if taken else []
        if taken:
            found["assignee"] = agent
        found["seen"][agent] = found["head"] + len(before) + 1
        return [*before, entry]

    return work


def _pending(raw: Raw) -> Put:
    assert raw.at is not None
    return Put("pending", raw.key, {"payload": json.loads(raw.payload), "at": raw.at.isoformat()})
