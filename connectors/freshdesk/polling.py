"""Reading what happened: by a nudge for one ticket, or everything since the last look.

Both ways make the same raws with the same keys. A raw holds all that `normalise` needs, and no address of a file.
"""

import json
import re
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.contract import Account, Gone, Malformed, Page, Raw
from connectors.freshdesk.api import LAST_PAGE, PAGE, Api, id_of
from connectors.freshdesk.inbound import CLOSED, REPLY, moment
from connectors.freshdesk.people import People
from connectors.freshdesk.threads import DESCRIPTION, Found, Thread, Threads, is_answer, status_of

_CURSOR = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)~?(?:\+(\d{1,3}))?")
_OVERLAP = timedelta(minutes=2)
_EMPTY = timedelta(days=30)  # how far back an account without tickets is read from: there is no history in it
_SECOND = timedelta(seconds=1)  # the precision of `updated_at`
_SETTLED = timedelta(seconds=5)  # what was touched this moment may change again within the same second
_MARGIN = timedelta(hours=1)  # conversations older than that were read earlier
_REMEMBERED = 2000
_SKIPS = 4  # how often a ticket that looks unchanged is believed to be, before it is read again in any case
_OUTBOUND = 10  # "source": a mail that an agent sent (https://developers.freshdesk.com/api/#ticket_attributes)
_TICKET = ("id", "requester_id", "responder_id", "status", "updated_at", "subject")


class Poll:
    """The poller's side of one account.

    The cursor is the `updated_at` of the last ticket read, so that nobody's clock but the vendor's matters. Pages
    shift while tickets change, so a full page is followed by a new list from its last time on; "+n" marks such a
    continuation, which needs no overlap. "~" only makes a cursor differ from the one before.
    """

    def __init__(self, account: Account, api: Api, threads: Threads) -> None:
        self._account = account
        self._api = api
        self._threads = threads
        self._people = People(account, api)
        # tickets read in the state they are in, so that the overlap costs no calls; believed once it was committed
        self._done: OrderedDict[str, tuple[str, int]] = OrderedDict()
        self._offered: tuple[str, dict[str, str]] = ("", {})

    async def since(self, cursor: str | None) -> Page:
        """The tickets that changed after the cursor. The very first time only finds out where the present is."""
        if cursor is None:
            return Page(cursor=_stamp(await self._present()))
        self._confirm(cursor)
        start, page = _position(cursor)
        since = start - (_SECOND if page else _OVERLAP)
        rows, _ = await self._api.rows(
            "/tickets", page=max(1, page), updated_since=_stamp(since), order_by="updated_at", order_type="asc"
        )
        rows.sort(key=_touched)
        raws: list[Raw] = []
        read: dict[str, str] = {}
        last = start
        for row in rows:
            if not self._is_known(row):
                spare = self._api.spare()
                if spare is not None:
                    if not raws and last == start:
                        raise spare
                    return self._page(cursor, raws, read, _stamp(last))
                raws += await self._ticket(row, since - _MARGIN)
                if self._api.now - _touched(row) > _SETTLED:
                    read[id_of(row)] = str(row.get("updated_at"))
            last = max(last, _touched(row))
        if len(rows) < PAGE:
            return self._page(cursor, raws, read, _stamp(last))
        if last <= start and page < LAST_PAGE:  # a whole page was touched within one second
            return self._page(cursor, raws, read, f"{_stamp(start)}+{max(1, page) + 1}", more=True)
        return self._page(cursor, raws, read, f"{_stamp(max(last, start + _SECOND))}+1", more=True)

    async def _present(self) -> datetime:
        """When the newest ticket was touched, by the vendor's own clock."""
        rows, _ = await self._api.rows("/tickets", order_by="updated_at", order_type="desc")
        return max(map(_touched, rows)) if rows else self._api.now - _EMPTY

    def _is_known(self, row: Found) -> bool:
        """Whether a ticket was read in the state it is in."""
        state, skips = self._done.get(id_of(row), ("", 0))
        if state != str(row.get("updated_at")) or skips >= _SKIPS:
            return False
        self._done[id_of(row)] = (state, skips + 1)
        return True

    async def ticket(self, number: str) -> Page:
        """What one ticket says now, if it is the bridge's."""
        if not number.isdecimal():
            return Page()
        try:
            row = await self._api.get(f"/tickets/{number}")
        except Gone:
            return Page()
        return Page(await self._ticket(row, None))

    async def _ticket(self, row: Found, after: datetime | None) -> list[Raw]:
        """The raws of one ticket: its conversations, then its state."""
        ours = await self._threads.since(row)
        number = id_of(row)
        if ours is None or not number:
            return []
        try:
            thread = await self._threads.read(number)
        except Gone:
            thread = Thread([], [])
        begin = max(filter(None, (after, moment(ours))), default=None)
        ticket = {name: row.get(name) for name in _TICKET}
        first: list[Found] = []
        if await self._threads.is_begun(row):
            ticket["begun"] = True
            first = await self._written_first(row)
        merged = await self._owned(ticket, number)
        raws = merged + [raw for item in [*first, *thread.items] for raw in _conversation(item, ticket, begin)]
        raws += [
            _raw(f"conversation:{gone}:deleted", ticket=ticket, changed=str(gone), change="deleted")
            for gone in thread.gone
        ]
        return [*raws, await self._state(row, ticket, thread.items)]

    async def _written_first(self, row: Found) -> list[Found]:
        """The description of a mail that an agent sent to a customer; any other description is the customer's."""
        if row.get("source") != _OUTBOUND:
            return []
        full = row if "description" in row else await self._api.get(f"/tickets/{id_of(row)}")
        said = {name: full.get(name) for name in ("created_at", "attachments")}
        words = {"body": full.get("description"), "body_text": full.get("description_text")}
        who = {"user_id": row.get("responder_id") or "agent", "private": False, "incoming": False, "source": REPLY}
        return [{"id": f"{DESCRIPTION}{id_of(row)}", **said, **words, **who}]

    async def _owned(self, ticket: Found, number: str) -> list[Raw]:
        """Notes down whose the ticket is now, where it is known whose it was. Where that contact was merged into the
        one that asks now, it is the same customer: what says so comes first.
        """
        requester, before = id_of(ticket, "requester_id"), await self._threads.customer(number)
        if not before or not requester:
            return []
        ticket["owner"] = requester
        if before == requester or await self._people.known(before) is not None:
            return []
        await self._threads.remember(number, "", requester)
        merge = {"contact": before, "merged_into": requester}
        return [_raw(f"contact:{before}:merged:{requester}", ticket=ticket, merge=merge)]

    async def _state(self, row: Found, ticket: Found, items: list[Found]) -> Raw:
        status = status_of(row)
        key = f"ticket:{ticket['id']}:status:{status}:{row.get('updated_at')}"
        if row.get("deleted") or row.get("spam"):
            return _raw(f"{key}:trashed", ticket=ticket, finished=True)
        into = await self._threads.merge_of(row, items) if status == CLOSED else None
        if into is None:
            return _raw(key, ticket=ticket)
        return _raw(f"{key}:merged:{into}", ticket=ticket, moved_to=into, finished=True)

    def _page(self, cursor: str, raws: Sequence[Raw], read: dict[str, str], end: str, *, more: bool = False) -> Page:
        """A cursor that comes back unchanged would not prove that the page was kept."""
        if end in {cursor, cursor.replace("~", "")}:
            end = cursor if not raws else end if "~" in cursor else f"{end}~"
        self._offered = (end, read) if end != cursor else ("", {})
        return Page(raws, end, more=more)

    def _confirm(self, cursor: str) -> None:
        """The last page was committed if its cursor comes back."""
        offered, read = self._offered
        if offered and offered == cursor:
            self._offered = ("", {})
            self._done.update({number: (state, 0) for number, state in read.items()})
            while len(self._done) > _REMEMBERED:
                self._done.popitem(last=False)


def _conversation(item: Found, ticket: Found, begin: datetime | None) -> list[Raw]:
    number = id_of(item)
    made, edited = moment(item.get("created_at")), item.get("last_edited_at")
    raws = []
    if number and (begin is None or made is None or made >= begin.replace(microsecond=0)):
        raws.append(_raw(f"conversation:{number}", ticket=ticket, conversation=_without_addresses(item)))
    changed = moment(edited)
    if number and is_answer(item) and changed is not None and (begin is None or changed >= begin):
        raws.append(_raw(f"conversation:{number}:edited:{edited}", ticket=ticket, changed=number, change="edited"))
    return raws


def _raw(key: str, **payload: Any) -> Raw:
    return Raw(key, json.dumps(payload, ensure_ascii=False).encode())


def _without_addresses(item: Found) -> Found:
    """Addresses of files open them for whoever has one, and expire: they are read anew when the file is fetched."""
    attachments = item.get("attachments")
    if not isinstance(attachments, list):
        return item
    kept = [
        {name: value for name, value in entry.items() if not name.endswith("url")}
        for entry in attachments
        if isinstance(entry, dict)
    ]
    return {**item, "attachments": kept}


def _position(cursor: str) -> tuple[datetime, int]:
    found = _CURSOR.fullmatch(cursor)
    start = moment(found[1]) if found else None
    if found is None or start is None:
        raise Malformed("the stored position is none of this connector's")
    return start, int(found[2] or 0)


def _touched(row: Found) -> datetime:
    return moment(row.get("updated_at")) or datetime.fromtimestamp(0, UTC)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
