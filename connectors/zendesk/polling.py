"""What happened in the whole account since the last look.

The incremental export of *tickets* by cursor is used, not that of ticket events: it names every ticket that changed,
deleted ones included, and lets the poller read only those of the bridge, with the code that a nudge uses. The event
stream would bring the words of every other customer of the helpdesk here, without HTML that can be trusted to be
current. The export leaves out the last minute and is for admins; the newest page of the ordinary list, which every
agent may read, closes that gap and stands in where the export is refused.

Source: https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/
"""

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.contract import Account, ConnectorError, Gone, Page, Raw, Rejected
from connectors.zendesk.api import Api, Row, id_of, rows_of
from connectors.zendesk.errors import Elsewhere, Forbidden, Unserved
from connectors.zendesk.reading import Reading
from connectors.zendesk.tickets import Tickets, is_trouble_of_one, moment

_OVERLAP = timedelta(minutes=2)
_YOUNGEST = timedelta(seconds=61)  # a start that is less than a minute ago is refused
_NUDGED = timedelta(days=1)
_FRESH = timedelta(minutes=3)  # what the export may not show yet
_EXPORTS = 9  # within a minute; Zendesk allows 10
_LISTED = 20  # pages of the ordinary list where the export is refused
_REMEMBERED = 5000


class Poll:
    """The poller's side of one account."""

    def __init__(self, account: Account, api: Api, tickets: Tickets, reading: Reading) -> None:
        self._account = account
        self._api = api
        self._tickets = tickets
        self._reading = reading
        self._exports: deque[datetime] = deque()
        # ticket → its stamp and how often it was read so; only what the engine has committed counts
        self._done: dict[str, tuple[str, int]] = {}
        self._offered: tuple[str, dict[str, str]] = ("", {})
        self.is_admin = True

    async def ticket(self, ticket: str) -> Page:
        """What a nudge points at."""
        if not (ticket.isascii() and ticket.isdigit()):
            return Page()
        return Page(await self._reading.ticket(ticket, self._account.now() - _NUDGED))

    async def since(self, cursor: str | None) -> Page:
        """What changed after the cursor, oldest first."""
        now = self._account.now()
        if cursor is None:
            return Page(cursor=_time_cursor(now))
        self._confirm(cursor)
        begin, round_began, after = _read_cursor(cursor, now)
        if not self._may_export(now):
            return await self._page(await self._fresh(), cursor, begin, more=False)
        try:
            found = await self._export(begin, after, now)
        except (Forbidden, Elsewhere, Gone, Rejected, Unserved):
            self.is_admin = False
            rows = await self._listed(begin)
            return await self._page(rows, _time_cursor(now), begin, more=False)
        self.is_admin = True
        rows = rows_of(found, "tickets")
        following = found.get("after_cursor")
        if found.get("end_of_stream") is not False or not isinstance(following, str) or following in {"", after}:
            return await self._page([*rows, *await self._fresh()], _time_cursor(round_began), begin, more=False)
        cursor = f"p:{int(begin.timestamp())}:{int(round_began.timestamp())}:{following}"
        return await self._page(rows, cursor, begin, more=True)

    async def _export(self, begin: datetime, after: str, now: datetime) -> Row:
        start = min(begin - _OVERLAP, now - _YOUNGEST)
        params: dict[str, Any] = {"cursor": after} if after else {"start_time": int(start.timestamp())}
        return await self._api.get("/incremental/tickets/cursor", **params)

    def _may_export(self, now: datetime) -> bool:
        """Keeps to the export's own limit when the engine asks more often."""
        while self._exports and now - self._exports[0] >= timedelta(minutes=1):
            self._exports.popleft()
        if len(self._exports) >= _EXPORTS:
            return False
        self._exports.append(now)
        return True

    async def _fresh(self) -> list[Row]:
        """Tickets that changed in these minutes, by Zendesk's clock. A list that cannot be had costs a minute."""
        try:
            rows = rows_of(await self._api.get("/tickets", **{"sort": "-updated_at", "page[size]": 100}), "tickets")
        except ConnectorError as error:
            if not is_trouble_of_one(error) and not isinstance(error, Elsewhere):
                raise
            return []
        newest = max((moment(row.get("updated_at")) for row in rows), default=None)
        return [row for row in rows if newest is not None and newest - moment(row.get("updated_at")) <= _FRESH]

    async def _listed(self, begin: datetime) -> list[Row]:
        """The same from the ordinary list, for agents who may not export."""
        rows: list[Row] = []
        count = 0
        async for found in self._api.pages("/tickets", "tickets", sort="-updated_at"):
            page = rows_of(found, "tickets")
            rows += [row for row in page if moment(row.get("updated_at")) >= begin - _OVERLAP]
            count += 1
            descending = len(page) > 1 and moment(page[0].get("updated_at")) > moment(page[-1].get("updated_at"))
            if count >= _LISTED or (descending and moment(page[-1].get("updated_at")) < begin - _OVERLAP):
                break
        return rows

    async def _page(self, rows: Sequence[Row], cursor: str, begin: datetime, *, more: bool) -> Page:
        followed = await self._tickets.followed()
        wanted = {id_of(row.get("id")): row for row in rows if self._tickets.is_ours(row, followed)}
        raws: dict[str, Raw] = {}
        stamps: dict[str, str] = {}
        for ticket, row in sorted(wanted.items(), key=lambda entry: str(entry[1].get("updated_at"))):
            stamp = _stamp(row)
            done, times = self._done.get(ticket, ("", 0))
            if done == stamp and times >= 2:
                continue
            stamps[ticket] = stamp
            for raw in await self._reading.ticket(ticket, begin - _OVERLAP):
                raws.setdefault(raw.key, raw)
        self._offered = (cursor, stamps)
        return Page(list(raws.values()), cursor, more=more)

    def _confirm(self, cursor: str) -> None:
        """The last page was committed when its cursor comes back.

        A ticket is skipped once it was read twice with the same stamp: stamps are whole seconds, and something may
        have been said in the same second after the first reading.
        """
        offered, stamps = self._offered
        if offered != cursor:
            return
        for ticket, stamp in stamps.items():
            before, times = self._done.pop(ticket, ("", 0))
            self._done[ticket] = (stamp, times + 1 if before == stamp else 1)
        while len(self._done) > _REMEMBERED:
            del self._done[next(iter(self._done))]
        self._offered = ("", {})


def _stamp(row: Mapping[str, Any]) -> str:
    return f"{row.get('updated_at')}/{row.get('status')}"


def _time_cursor(at: datetime) -> str:
    return f"t:{int(at.timestamp())}"


def _read_cursor(cursor: str, now: datetime) -> tuple[datetime, datetime, str]:
    """From when on, when this round began, and Zendesk's own cursor inside a round."""
    kind, _, rest = cursor.partition(":")
    try:
        if kind == "t":
            return datetime.fromtimestamp(int(rest), UTC), now, ""
        begin, began, after = rest.split(":", 2)
        return datetime.fromtimestamp(int(begin), UTC), datetime.fromtimestamp(int(began), UTC), after
    except (ValueError, OverflowError, OSError):
        return now - _NUDGED, now, ""
