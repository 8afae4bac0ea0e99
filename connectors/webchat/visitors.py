"""Visitors and what they see, in the account's records.

A visitor is one record (`visitor`) and one stream (`visitor:{id}`) of gap-free events. `token` maps the hash of what
their browser keeps to the visitor; `external` maps the site's own customer id to the visitor who proved it.
"""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bridge.contract import Append, Conflict, Contact, Put, Records, Rejected, Retryable, Scope
from connectors.webchat.identity import Identity
from connectors.webchat.signatures import hashed

Visitor = dict[str, Any]
PREFIX = "v_"
_TRIES = 40


def events_of(visitor: str) -> str:
    """The stream of what a visitor sees."""
    return f"visitor:{visitor}"


def epoch_of(visitor: Visitor) -> str:
    """What stands before event numbers: another visitor's numbers are never taken for this one's."""
    return str(visitor["id"])[2:8]


def turn_of(visitor: Visitor) -> int:
    """Which tokens and keys of a visitor are good: it is counted up when they sign in for the first time."""
    return int(visitor.get("turn", 0))


class Visitors:
    """Reading and changing visitors."""

    def __init__(self, records: Records, now: Callable[[], datetime]) -> None:
        self._records = records
        self._now = now

    async def get(self, visitor: str) -> Visitor | None:
        """A visitor by id."""
        found = await self._records.get("visitor", visitor) if visitor.startswith(PREFIX) else None
        return found[0] if found is not None else None

    async def by_token(self, token: str) -> Visitor | None:
        """A visitor by what their browser kept; None when it is unknown, or was given back."""
        if not 20 <= len(token) <= 100:
            return None
        found = await self._records.get("token", hashed(token))
        visitor = await self.get(found[0]["v"]) if found is not None else None
        return visitor if found and visitor and found[0].get("g", 0) == turn_of(visitor) else None

    async def make(self, facts: Visitor) -> tuple[Visitor, str]:
        """A new visitor and the token for their browser (160 bits, stored as a hash)."""
        visitor: Visitor = {"id": PREFIX + secrets.token_hex(8), "created": self.time(), "read": 0, "delivered": 0}
        visitor |= facts
        token = secrets.token_urlsafe(20)
        await self._records.commit(
            Put("visitor", visitor["id"], visitor, expect=0), Put("token", hashed(token), {"v": visitor["id"]})
        )
        return visitor, token

    async def lend_token(self, visitor: Visitor) -> str:
        """Another token for the same visitor: for their second browser, or after they signed in."""
        token = secrets.token_urlsafe(20)
        await self._records.commit(Put("token", hashed(token), {"v": visitor["id"], "g": turn_of(visitor)}))
        return token

    async def forget_token(self, token: str) -> None:
        """The token opens nothing any more: somebody signed out at a shared computer."""
        await self._records.commit(Put("token", hashed(token), None))

    async def change(self, visitor: str, work: Callable[[Visitor], None], *others: Put | Append) -> Visitor:
        """Lets `work` alter the record, together with other changes. Raises Rejected for one who never was."""
        for _ in range(_TRIES):
            found = await self._records.get("visitor", visitor) if visitor.startswith(PREFIX) else None
            if found is None:
                raise Rejected("there is no such visitor", code="no visitor", reason=_NOBODY)
            value, version = found
            work(value)
            try:
                await self._records.commit(Put("visitor", visitor, value, expect=version), *others)
            except Conflict:
                continue
            return value
        raise Retryable("the visitor's record changes too often", code="busy", scope=Scope.CONVERSATION)

    async def identify(self, visitor: Visitor, identity: Identity) -> Visitor:
        """The visitor who is this person from now on: the same, if they were nobody yet; else the one known as it.

        Two persons are never mixed: who was somebody else before keeps their conversation for themselves.
        """
        place = hashed(identity.id)
        for _ in range(_TRIES):
            known = await self._records.get("external", place)
            if known is not None:
                return await self.change(known[0]["v"], lambda value: _adopt(value, identity))
            if visitor.get("external"):
                visitor, _ = await self.make(
                    {key: visitor.get(key, "") for key in ("lang", "tz", "page", "title", "ref")}
                )
            claim = Put("external", place, {"v": visitor["id"]}, expect=0)
            try:
                return await self._claim(visitor["id"], identity, claim)
            except Conflict:
                continue
        raise Retryable("the visitor's record changes too often", code="busy", scope=Scope.CONVERSATION)

    async def _claim(self, visitor: str, identity: Identity, claim: Put) -> Visitor:
        found = await self._records.get("visitor", visitor)
        if found is None:
            raise Rejected("there is no such visitor", code="no visitor", reason=_NOBODY)
        value, version = found
        _adopt(value, identity)
        # whoever held a token while this was nobody reads no further now that it is somebody
        value["turn"] = turn_of(value) + 1
        await self._records.commit(Put("visitor", visitor, value, expect=version), claim)
        return value

    def time(self) -> str:
        """Now, as it is stored."""
        return self._now().astimezone(UTC).isoformat(timespec="milliseconds")


_NOBODY = {"en": "the visitor is not known here any more", "zh": "该访客已不存在"}


def _adopt(visitor: Visitor, identity: Identity) -> None:
    visitor["external"] = identity.id
    visitor["proven"] = {"name": identity.name, "email": identity.email, "phone": identity.phone}


def contact_of(visitor: Visitor) -> Contact:
    """What agents see. Only what the site signed is a fact; what a visitor typed about themselves says so."""
    proven: dict[str, str] = visitor.get("proven", {})
    extra = {"customer_id": visitor["external"]} if visitor.get("external") else {}
    for key in ("email", "phone"):
        if visitor.get(key) and not proven.get(key):
            extra[f"{key} (not verified)"] = visitor[key]
    if visitor.get("tz"):
        extra["time zone"] = visitor["tz"]
    return Contact(
        id=visitor["id"],
        verified_customer_id=visitor.get("external") or "",
        name=proven.get("name") or visitor.get("name") or "",
        email=proven.get("email", ""),
        phone=proven.get("phone", ""),
        locale=visitor.get("lang", ""),
        extra=extra,
    )


def context_of(visitor: Visitor) -> dict[str, str]:
    """Where the visitor is on the site, for routing and for agents."""
    found = {"page": visitor.get("page"), "title": visitor.get("title"), "referrer": visitor.get("ref")}
    return {key: str(value) for key, value in found.items() if value}
