"""Tickets as they are now: which are ours, what was said there, and where a merged one went."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bridge.contract import Account, AuthFailed, ConnectorError, Gone, Put, Rejected, Retryable
from connectors.zendesk.api import Api, Row, id_of, number_of, path_id, rows_of
from connectors.zendesk.errors import Forbidden, Unserved
from connectors.zendesk.merges import merged_into
from connectors.zendesk.settings import Settings

FOLLOWED = "followed"  # kind of record: tickets of others that one of ours was merged into
_PAGES = 50  # 5,000 comments, the most a ticket can hold
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Said:
    """Comments, newest first, and what is known of their authors by id."""

    comments: list[Row] = field(default_factory=list)
    users: dict[str, Row] = field(default_factory=dict)


class Tickets:
    """The tickets of one account."""

    def __init__(self, config: Settings, account: Account, api: Api) -> None:
        self._config = config
        self._account = account
        self._api = api

    @property
    def prefix(self) -> str:
        """What the external ids of our tickets begin with."""
        return f"bridge:{self._account.name}:"

    async def get(self, ticket: str) -> Row:
        """The ticket. Raises Gone for one that is not there or may not be seen."""
        try:
            found = await self._api.get(f"/tickets/{path_id(ticket)}")
        except Forbidden as error:
            if not await self._api.may_read_tickets():
                raise
            raise Gone(f"ticket {ticket} may not be seen; it was moved to another group", code=error.code) from None
        row = found.get("ticket")
        if not isinstance(row, dict) or not id_of(row.get("id")):
            raise Retryable(f"ticket {ticket} is not in the answer", code="no ticket")
        return row

    async def said(self, ticket: str, since: datetime) -> Said:
        """The newest comments: a page, and older ones as far back as `since`."""
        said = Said()
        params = {"sort": "-created_at", "include": "users", "include_inline_images": "true"}
        async for found in self._newest(f"/tickets/{path_id(ticket)}/comments", "comments", since, **params):
            said.comments += rows_of(found, "comments")
            said.users |= {id_of(user.get("id")): user for user in rows_of(found, "users")}
        said.comments.sort(key=place, reverse=True)
        return said

    async def audits(self, ticket: str, since: datetime) -> list[Row]:
        """The newest audits: a page, and older ones as far back as `since`. Newest first."""
        path = f"/tickets/{path_id(ticket)}/audits"
        audits: list[Row] = []
        async for found in self._newest(path, "audits", since, sort="-created_at"):
            audits += rows_of(found, "audits")
        return sorted(audits, key=place, reverse=True)

    async def _newest(self, path: str, name: str, since: datetime, **params: Any) -> Any:
        """Pages of a list that is asked for newest first, until one ends before `since`.

        Zendesk ignores a sort that does not fit the style of paging: then all pages are read.
        """
        count = 0
        async for found in self._api.pages(path, name, **params):
            yield found
            rows = rows_of(found, name)
            count += 1
            descending = len(rows) > 1 and place(rows[0]) > place(rows[-1])
            if count >= _PAGES or (descending and moment(rows[-1].get("created_at")) < since):
                return

    # Ours

    async def followed(self) -> dict[str, Row]:
        """Tickets of others that ours were merged into: id → since when they concern us."""
        found: dict[str, Row] = {}
        after = ""
        while True:
            rows = await self._account.records.list(FOLLOWED, after=after, limit=500)
            found |= dict(rows)
            if len(rows) < 500:
                return found
            after = rows[-1][0]

    async def is_followed(self, ticket: str) -> bool:
        """Whether a ticket of ours was merged into this one, which was not made here."""
        return await self._account.records.get(FOLLOWED, ticket) is not None

    def is_ours(self, ticket: Mapping[str, Any], followed: Mapping[str, Any]) -> bool:
        """By our tag, which triggers go by, or our external id, which agents cannot take away."""
        tags = ticket.get("tags")
        ours = {self._config.tag, self._config.start_tag} - {""}
        tagged = isinstance(tags, list) and not ours.isdisjoint(map(str, tags))
        return tagged or self.is_made_here(ticket) or id_of(ticket.get("id")) in followed

    def is_begun(self, ticket: Mapping[str, Any]) -> bool:
        """Whether an agent opened it to write to a customer first."""
        tags = ticket.get("tags")
        starts = self._config.start_tag or self._config.tag
        return isinstance(tags, list) and starts in tags and not self.is_made_here(ticket)

    def is_made_here(self, ticket: Mapping[str, Any]) -> bool:
        """Whether the bridge opened this ticket: then all of it concerns us."""
        return str(ticket.get("external_id") or "").startswith(self.prefix)

    # Merges

    async def moved_to(self, ticket: Row) -> str:
        """Where a closed ticket went; "" when it was merely closed."""
        identifier = id_of(ticket.get("id"))
        return await self.follow(ticket, await self.said(identifier, self._account.now()))

    async def follow(self, ticket: Row, said: Said) -> str:
        """Where a closed ticket went. The other one is tagged, so that the triggers see it, and remembered with the
        moment from which on it concerns us: what was said there before was meant for somebody else.
        """
        identifier = id_of(ticket.get("id"))
        if str(ticket.get("status")).lower() != "closed":
            return ""
        into = merged_into(ticket, said.comments)
        if not into:
            return ""
        try:
            other = await self.get(into)
        except Gone:
            return ""
        if not self.is_made_here(other) and await self._account.records.get(FOLLOWED, into) is None:
            closing = said.comments[0] if said.comments else {"created_at": ticket.get("updated_at")}
            value = {"created_at": closing.get("created_at"), "id": id_of(closing.get("id")), "from": identifier}
            await self._account.records.commit(Put(FOLLOWED, into, value))
        if not self.is_ours(other, {}):
            with suppress(Gone, Rejected, Forbidden):  # one that was closed meanwhile takes no tags and needs none
                await self.change_tags(into, add=[self._config.tag])
        return into

    # Changes that are no comment

    async def change_tags(self, ticket: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        """Adds and takes away single tags. Sending the whole set would lose what others added meanwhile."""
        path = f"/tickets/{path_id(ticket)}/tags"
        for method, tags in (("PUT", add), ("DELETE", remove)):
            if tags:
                await self._api.send(method, path, body={"tags": list(tags)}, repeatable=True)

    async def set_fields(self, ticket: str, fields: Sequence[Row], *, priority: str = "") -> None:
        """Sets custom fields, {id, value} each, a priority, and nothing else."""
        changes = {"custom_fields": list(fields), "priority": priority}
        if wanted := {name: value for name, value in changes.items() if value}:
            body = {"ticket": wanted}
            await self._api.send("PUT", f"/tickets/{path_id(ticket)}", body=body, repeatable=True)

    async def rate(self, ticket: str, score: int, requester: str) -> str:
        """Keeps what the customer thinks as the ticket's own rating: 4 and 5 are good. Says why where it cannot.

        Only the requester may, so the call is made in their name: that needs the scope `impersonate`, and an account
        with legacy ratings (developer.zendesk.com, "Satisfaction ratings").
        """
        rating = {"satisfaction_rating": {"score": "good" if score >= 4 else "bad"}}
        path = f"/tickets/{path_id(ticket)}/satisfaction_rating"
        behalf = {"x-on-behalf-of": requester}
        try:
            await self._api.send("POST", path, body=rating, headers=behalf, repeatable=True)
        except (AuthFailed, Gone, Rejected) as error:
            return f"no rating: {error.message}"
        return ""


def place(row: Mapping[str, Any]) -> tuple[datetime, int]:
    """Where a comment or an audit stands in its ticket."""
    return moment(row.get("created_at")), number_of(row.get("id"))


def moment(value: Any) -> datetime:
    """A time of Zendesk's; the beginning of time for what is none."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else _EPOCH
    except ValueError:
        return _EPOCH
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def is_trouble_of_one(error: ConnectorError) -> bool:
    """Whether only this list is out of reach, not Zendesk or the account."""
    return isinstance(error, Gone | Rejected | Forbidden | Unserved)
