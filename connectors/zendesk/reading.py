"""One ticket as raws: what was said there, what was done to it, and where it went.

A nudge and the poll read alike, so that both make the same raws with the same keys.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bridge.contract import Account, ConnectorError, Gone, Raw
from connectors.zendesk.api import Api, Row, dumps, id_of, path_id, rows_of, unique
from connectors.zendesk.merges import followed_up
from connectors.zendesk.tickets import Tickets, is_trouble_of_one, place

_ROLES_KEPT = timedelta(minutes=10)
_MOST_PEOPLE = 2000
_REDACTED = "▇▇"  # what Zendesk writes over redacted words
_ENDED = frozenset({"solved", "closed"})


class Reading:
    """Reads tickets of one account."""

    def __init__(self, account: Account, api: Api, tickets: Tickets) -> None:
        self._account = account
        self._api = api
        self._tickets = tickets
        self._people: dict[str, tuple[datetime, Row]] = {}

    async def ticket(self, ticket: str, since: datetime, *, hops: int = 3) -> list[Raw]:
        """Everything on one of our tickets back to `since` at least, oldest first; nothing for a foreign one."""
        try:
            row = await self._tickets.get(ticket)
        except Gone:
            return [_status(ticket, "deleted", "deleted")]
        followed = await self._tickets.followed()
        if str(row.get("status")).lower() == "deleted":
            return [_status(ticket, "deleted", "deleted")]
        if not self._tickets.is_ours(row, followed):
            return []
        said = await self._tickets.said(ticket, since)
        audits = await self._audits(ticket, since)
        # what was said on another ticket before ours was merged into it was meant for somebody else
        begin = place(followed[ticket]) if ticket in followed else None
        parent = followed_up(row)
        begun = self._tickets.is_begun(row) and not (parent or ticket in followed)
        facts = {name: row.get(name) for name in ("id", "status", "requester_id")} | ({"begun": True} if begun else {})
        facts["updated_at"] = row.get("updated_at")
        audits = _after(audits, begin)
        raws = await self._raws(facts, _after(said.comments, begin), said.users, audits, await self._given(audits))
        if parent and not self._tickets.is_made_here(row):
            # an agent answers a closed ticket by a follow-up of their own: the conversation goes on there
            raws.insert(0, _status(parent, "open", f"moved:{ticket}", moved_to=ticket))
        into = await self._tickets.follow(row, said)
        if into:
            raws.append(_status(ticket, "open", f"moved:{into}", moved_to=into))
            if hops:
                raws += await self.ticket(into, since, hops=hops - 1)
        return raws

    async def _audits(self, ticket: str, since: datetime) -> list[Row]:
        try:
            return await self._tickets.audits(ticket, since)
        except ConnectorError as error:
            if not is_trouble_of_one(error):
                raise
            return []

    async def _given(self, audits: Sequence[Row]) -> list[tuple[tuple[datetime, int], Raw]]:
        """Who the ticket was given to, with its place. A former user who is no more was merged into the new one."""
        found = []
        for audit in audits:
            for event in _events(audit):
                if event.get("type") != "Change" or event.get("field_name") != "requester_id":
                    continue
                before, after = id_of(event.get("previous_value")), id_of(event.get("value"))
                if after and before != after:
                    found.append((place(audit), await self._given_to(audit, before, after)))
        return found

    async def _given_to(self, audit: Row, before: str, after: str) -> Raw:
        user = await self._fetch_person(before) if before else {}
        if before and (not user or user.get("active") is False):
            return Raw(f"user:{before}:merged:{after}", dumps({"what": "user", "user": before, "merged_into": after}))
        ticket = id_of(audit.get("ticket_id"))
        return Raw(
            f"ticket:{ticket}:requester:{id_of(audit.get('id'))}",
            dumps({"what": "requester", "ticket": ticket, "requester": after}),
        )

    async def _raws(
        self,
        ticket: Row,
        comments: Sequence[Row],
        users: Mapping[str, Row],
        audits: Sequence[Row],
        given: Sequence[tuple[tuple[datetime, int], Raw]],
    ) -> list[Raw]:
        identifier = id_of(ticket.get("id"))
        authors = await self._authors(comments, users)
        by_audit = {id_of(audit.get("id")): audit for audit in audits}
        found: list[tuple[tuple[datetime, int], Raw]] = list(given)
        for comment in comments:
            author = authors.get(id_of(comment.get("author_id")), {})
            payload = {
                "what": "comment",
                "comment": _with_metadata(comment, by_audit),
                "ticket": {name: value for name, value in ticket.items() if name != "updated_at"},
                "author": {name: author.get(name) for name in ("id", "name", "role")},
            }
            found.append((place(comment), Raw(f"comment:{id_of(comment.get('id'))}", dumps(payload))))
        for audit in audits:
            found += [(place(audit), raw) for raw in _status_changes(identifier, audit)]
        found.sort(key=lambda entry: entry[0])
        raws = [raw for _, raw in found]
        status = str(ticket.get("status")).lower()
        if status in _ENDED and not any(raw.key.startswith("ticket:") for raw in raws):
            raws.append(_status(identifier, status, f"status:{status}:{ticket.get('updated_at')}"))
        return [*raws, *_changes(identifier, comments, audits)]

    async def _authors(self, comments: Sequence[Row], users: Mapping[str, Row]) -> dict[str, Row]:
        """Who wrote: the role is not in a comment. Those who came along with the list need no further call."""
        now = self._account.now()
        wanted = unique([id_of(comment.get("author_id")) for comment in comments])
        known = {who: user for who, (until, user) in self._people.items() if until > now} | dict(users)
        missing = [who for who in wanted if who not in known and who.isascii() and who.isdigit()]
        if missing:
            fetched = await self._fetch_people(missing[:100])
            known |= fetched
            users = {**users, **{who: fetched.get(who, {}) for who in missing[:100]}}
        if len(self._people) > _MOST_PEOPLE:
            self._people.clear()
        self._people |= {who: (now + _ROLES_KEPT, user) for who, user in users.items()}
        return {who: known.get(who, {}) for who in wanted}

    async def _fetch_people(self, ids: Sequence[str]) -> dict[str, Row]:
        try:
            found = await self._api.get("/users/show_many", ids=",".join(ids))
        except ConnectorError as error:
            if not is_trouble_of_one(error):
                raise
            return {who: await self._fetch_person(who) for who in ids}
        return {id_of(user.get("id")): user for user in rows_of(found, "users")}

    async def _fetch_person(self, who: str) -> Row:
        try:
            user = (await self._api.get(f"/users/{path_id(who)}")).get("user")
        except ConnectorError as error:
            if not is_trouble_of_one(error):
                raise
            return {}
        return user if isinstance(user, dict) else {}


def _after(rows: Sequence[Row], begin: tuple[datetime, int] | None) -> list[Row]:
    return [row for row in rows if begin is None or place(row) > begin]


def _with_metadata(comment: Row, audits: Mapping[str, Row]) -> Row:
    """Our key stands in the audit's metadata; most lists repeat it at the comment."""
    audit = audits.get(id_of(comment.get("audit_id")))
    if audit is None or comment.get("metadata"):
        return comment
    return {**comment, "metadata": audit.get("metadata")}


def _events(audit: Mapping[str, Any]) -> Iterator[Row]:
    return iter(rows_of(audit, "events"))


def _status_changes(ticket: str, audit: Mapping[str, Any]) -> list[Raw]:
    return [
        _status(ticket, str(event.get("value")), f"status:{id_of(audit.get('id'))}")
        for event in _events(audit)
        if event.get("type") == "Change" and event.get("field_name") == "status"
    ]


def _changes(ticket: str, comments: Sequence[Row], audits: Sequence[Row]) -> list[Raw]:
    """Comments that were redacted or made private after they had been public."""
    changed: dict[tuple[str, str], None] = {}
    was_public = set()
    for audit in audits:
        for event in _events(audit):
            kind = str(event.get("type"))
            comment = id_of(event.get("comment_id"))
            if "Redact" in kind and comment:
                changed[comment, "redacted"] = None
            elif "Privacy" in kind and comment and event.get("public") is not True:
                changed[comment, "hidden"] = None
            elif kind == "Comment" and event.get("public") is True:
                was_public.add(id_of(event.get("id")))
    for row in comments:
        identifier = id_of(row.get("id"))
        if row.get("public") is False and identifier in was_public:
            changed[identifier, "hidden"] = None
        if _REDACTED in str(row.get("html_body") or row.get("body") or ""):
            changed[identifier, "redacted"] = None
    return [
        Raw(
            f"comment:{comment}:{change}",
            dumps({"what": "changed", "ticket": ticket, "comment": comment, "change": change}),
        )
        for comment, change in changed
    ]


def _status(ticket: str, status: str, name: str, *, moved_to: str = "") -> Raw:
    found = {"what": "status", "ticket": ticket, "status": status, "moved_to": moved_to}
    return Raw(f"ticket:{ticket}:{name}", dumps(found))
