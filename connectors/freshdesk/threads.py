"""Reading tickets and their conversations, and remembering which tickets are the bridge's."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from bridge.contract import Account, Gone, Put
from connectors.freshdesk.api import Api, id_of
from connectors.freshdesk.body import merged_into
from connectors.freshdesk.inbound import CLOSED, NOTE
from connectors.freshdesk.marks import is_mark
from connectors.freshdesk.settings import Settings

OURS = "ticket"  # records: tickets that are the bridge's although their tag may not say so
DESCRIPTION = "description-"  # how the id of a ticket's own words begins, where an agent wrote them
_REMEMBERED = 1000  # tickets
_DEEPEST = 100  # pages of one ticket's conversations

Found = dict[str, Any]


@dataclass(slots=True)
class _Memory:
    """What an earlier reading of a ticket found: how many pages, and which public answers of agents."""

    pages: int = 1
    answers: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Thread:
    """The newest conversations of a ticket, oldest first; `gone` are public answers that are not there any more."""

    items: list[Found]
    gone: list[int]


class Threads:
    """One account's tickets."""

    def __init__(self, config: Settings, account: Account, api: Api) -> None:
        self._tags = {config.tag, config.start_tag} - {""}
        self._starts = config.start_tag or config.tag
        self._marker = config.marker_field
        self._records = account.records
        self._api = api
        self._memory: OrderedDict[str, _Memory] = OrderedDict()

    async def ticket(self, number: str) -> Found:
        """A ticket that takes messages. Raises Gone for any other, with the ticket it was merged into."""
        try:
            found = await self._api.get(f"/tickets/{number}")
        except Gone as error:
            where = "archived" if await self.is_archived(number) else "not there"
            raise Gone(f"ticket {number} is {where}", code=error.code) from None
        if found.get("deleted") or found.get("spam"):
            raise Gone(f"ticket {number} is in the trash or spam", code="trashed")
        if status_of(found) == CLOSED:
            into = await self.merge_of(found, (await self.read(number)).items)
            if into is not None:
                raise Gone(f"ticket {number} was merged", code="merged", moved_to=into or None)
        return found

    async def is_archived(self, number: str) -> bool:
        try:
            await self._api.get(f"/tickets/archived/{number}")
        except Gone:
            return False
        return True

    async def merge_of(self, ticket: Found, items: list[Found]) -> str | None:
        """Where a closed ticket went: None when it was not merged, "" when it went to another person's ticket.

        The closing note is the only trace that a merge leaves. It is followed only to a ticket of the same person:
        a customer's words must never land with somebody else.
        """
        into = next((into for item in reversed(items[-10:]) if (into := merged_into(item))), "")
        if not into or into == id_of(ticket):
            return None
        try:
            primary = await self._api.get(f"/tickets/{into}")
        except Gone:
            return ""
        if id_of(primary, "requester_id") != id_of(ticket, "requester_id"):
            return ""
        await self.remember(into, str(ticket.get("updated_at") or ""))
        return into

    async def read(self, number: str, *, archived: bool = False) -> Thread:
        """The newest conversations. There is no way to ask for those only: the last pages are read, as far as known.

        A first reading goes through all pages. Raises Gone when the ticket has none any more.
        """
        path = f"/tickets/archived/{number}/conversations" if archived else f"/tickets/{number}/conversations"
        memory = self._memory.get(number) or _Memory()
        page = max(1, memory.pages - 1)
        items, follows = await self._api.rows(path, page=page)
        while not items and page > 1:  # deletions shorten a list
            page -= 1
            items, follows = await self._api.rows(path, page=page)
        first = page
        while follows and page < _DEEPEST:
            page += 1
            more, follows = await self._api.rows(path, page=page)
            items += more
            page -= not more
        items.sort(key=_order)
        lowest = 0 if first == 1 else min(map(_order, items), default=0)
        answers = {_order(item) for item in items if is_answer(item)}
        gone = sorted(number for number in memory.answers - set(map(_order, items)) if number >= lowest)
        self._memory[number] = _Memory(page, memory.answers | answers)
        self._memory.move_to_end(number)
        while len(self._memory) > _REMEMBERED:
            self._memory.popitem(last=False)
        return Thread(items, gone)

    async def find(self, number: str, conversation: str) -> Found | None:
        """One conversation of a ticket: there is no address for a single one."""
        if conversation.startswith(DESCRIPTION):
            found = await self._api.get(f"/tickets/{number}")
            return {**found, "body": found.get("description")}
        for again in (False, True):
            if again:
                self._memory.pop(number, None)  # it is older than the last pages
            for item in (await self.read(number)).items:
                if id_of(item) == conversation:
                    return item
        return None

    async def since(self, ticket: Found) -> str | None:
        """From when on a ticket is the bridge's: "" from its beginning, None: it is not."""
        tags = ticket.get("tags")
        if isinstance(tags, list) and not self._tags.isdisjoint(map(str, tags)):
            return ""
        known = await self._records.get(OURS, id_of(ticket))
        return str(known[0].get("since", "")) if known is not None else None

    async def is_begun(self, ticket: Found) -> bool:
        """Whether an agent opened it to write to a customer first: it has the tag, and no mark of the bridge's."""
        tags, custom = ticket.get("tags"), ticket.get("custom_fields")
        if not isinstance(tags, list) or self._starts not in tags or any(map(is_mark, tags)):
            return False
        marked = isinstance(custom, dict) and bool(self._marker and custom.get(self._marker))
        return not marked and await self._records.get(OURS, id_of(ticket)) is None

    async def remember(self, number: str, since: str, who: str = "") -> None:
        """Tags get lost when somebody writes a ticket's tags anew; this does not. `who`: its customer's contact."""
        known = await self._records.get(OURS, number)
        value = {**known[0]} if known is not None else {"since": since}
        if who:
            value["who"] = who
        if known is None or value != known[0]:
            await self._records.commit(Put(OURS, number, value))

    async def customer(self, number: str) -> str:
        """The contact whose ticket it was when the bridge wrote there; "" where that is not known."""
        known = await self._records.get(OURS, number)
        return str(known[0].get("who", "")) if known is not None else ""


def is_answer(item: Found) -> bool:
    """Something that may have gone to a customer."""
    return item.get("private") is False and not item.get("incoming")


def is_note(item: Found) -> bool:
    """Whether an entry of a conversation is a note; one that does not say what it is counts as one."""
    return item.get("source", NOTE) in {NOTE, None}


def status_of(ticket: Found) -> int:
    """The number of a ticket's status; 0 where there is none."""
    value = ticket.get("status")
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 9 else 0


def _order(item: Found) -> int:
    value = id_of(item)
    return int(value) if value.isdecimal() and len(value) < 20 else 0
