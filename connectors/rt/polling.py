"""Reading what happened in RT: by a nudge for one ticket, or since the last transaction seen.

Both ways make the same raws with the same keys.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from bridge.contract import Page, Rejected
from connectors.rt.api import Api, Row, id_of, number_of
from connectors.rt.inbound import moment
from connectors.rt.reading import Reading
from connectors.rt.settings import Settings

_WATCHERS = "Type = 'AddWatcher' OR Type = 'DelWatcher' OR Type = 'SetWatcher'"
_SAID = f"Type = 'Correspond' OR Type = 'Status' OR Type = 'AddLink' OR Type = 'Create' OR {_WATCHERS}"
_WANTED = f"({_SAID} OR Type = 'Comment')"
_FIELDS = "Type,Creator,Data,Field,OldValue,NewValue,Created,ObjectId,ObjectType"
_OVERLAP = 50  # transactions below the cursor that are looked at again: one may become visible after a later one
_NUDGED = 500  # the same for a nudge, which comes from a ticket that has just changed
_STRAYS = 40  # tickets that agents moved to other queues and that are still followed
_REMEMBERED = 1000
_VISIBLE = timedelta(minutes=10)  # how long it may take until what was written is seen


class Poll:
    """The poller's side of one account."""

    def __init__(self, config: Settings, api: Api, now: Callable[[], datetime]) -> None:
        self._config = config
        self._api = api
        self._now = now
        self._reading = Reading(config, api)
        self._position = 0  # the highest cursor the engine came back with
        self._sees_comments = False
        # transactions whose raws are durable, so that the overlap does not offer them again
        self._done: dict[str, None] = {}
        self._offered: tuple[str, list[str]] = ("", [])

    async def since(self, cursor: str | None) -> Page:
        """What happened after the cursor, oldest first.

        A cursor is the highest transaction id seen, and a "+" and a number when something was found below it: only a
        cursor that differs from the last one proves, when it comes back, that its page was stored.
        """
        if cursor is None:
            return Page(cursor=str(await self._newest()))
        self._confirm(cursor)
        number, _, times = cursor.partition("+")
        seen = int(number)
        self._position = max(self._position, seen)
        rows = await self._rows(seen)
        fresh = [row for row in rows if row.get("Type") != "Create" or self._is_new(row, seen)]
        wanted = [row for row in fresh if number_of(row) > seen or id_of(row) not in self._done]
        raws = [raw for row in wanted for raw in await self._reading.raws(row)]
        last = max([seen, *map(number_of, rows)])
        following = str(last) if last > seen else f"{seen}+{int(times or 0) + 1}" if raws else cursor
        if following != cursor:
            self._offered = (following, [id_of(row) for row in rows])
        return Page(raws, following, more=last > seen)

    async def ticket(self, ticket: str) -> Page:
        """The newest that happened on one ticket. What a poll has passed long ago is not read again."""
        if not (ticket.isascii() and ticket.isdigit()):
            return Page()
        start = max(0, self._position - _NUDGED)
        query = f"TicketId = {ticket} AND id > {start} AND {_WANTED}"
        rows, _ = await self._api.rows("/transactions", query, _FIELDS, newest=True)
        fresh = [row for row in reversed(rows) if row.get("Type") != "Create" or self._is_new(row, self._position)]
        wanted = [row for row in fresh if id_of(row) not in self._done]
        return Page([raw for row in wanted for raw in await self._reading.raws(row, ticket)])

    def _is_new(self, row: Row, seen: int) -> bool:
        """Whether a ticket was made since the last look: an agent's begins a conversation, an old one must not."""
        made = moment(row.get("Created"))
        return number_of(row) > seen or (made is not None and self._now() - made < _VISIBLE)

    async def _rows(self, seen: int) -> Sequence[Row]:
        """A page with something new on it, if there is something new, and the overlap."""
        place = await self._place()
        start = max(0, seen - _OVERLAP)
        rows, full = await self._api.rows("/transactions", f"{place} AND {_WANTED} AND id > {start}", _FIELDS)
        self._sees_comments |= any(row.get("Type") == "Comment" for row in rows)
        if not _beyond(rows, seen) and full:
            more, _ = await self._api.rows("/transactions", f"{place} AND {_WANTED} AND id > {seen}", _FIELDS)
            rows = [*rows, *more]
        if not _beyond(rows, seen) and not self._sees_comments:
            # a page full of comments that this user may not see is empty, and hides what follows
            more, _ = await self._api.rows("/transactions", f"{place} AND ({_SAID}) AND id > {seen}", _FIELDS)
            rows = [*rows, *more]
        return rows

    async def _place(self) -> str:
        """Our queue, and the tickets that agents moved out of it."""
        query = (
            f"Queue != '{self._config.queue}' AND Status != 'deleted'"
            f" AND Requestor.EmailAddress LIKE '@{self._config.requestor_domain}'"
        )
        try:
            rows, _ = await self._api.rows("/tickets", query, "Queue", newest=True)
        except Rejected:
            rows = []
        places = [f"TicketQueue = '{self._config.queue}'", *(f"TicketId = {id_of(row)}" for row in rows[:_STRAYS])]
        return f"({' OR '.join(places)})"

    def _confirm(self, cursor: str) -> None:
        """The last page was committed when its cursor comes back."""
        offered, ids = self._offered
        if offered == cursor:
            self._done |= dict.fromkeys(ids)
        while len(self._done) > _REMEMBERED:
            del self._done[next(iter(self._done))]

    async def _newest(self) -> int:
        newest = 0
        for wanted in (_WANTED, f"({_SAID})"):
            query = f"TicketQueue = '{self._config.queue}' AND {wanted}"
            rows, _ = await self._api.rows("/transactions", query, "Type", newest=True)
            newest = max([newest, *map(number_of, rows)])
            if newest:
                break
        return newest


def _beyond(rows: Sequence[Row], seen: int) -> bool:
    return any(number_of(row) > seen for row in rows)
