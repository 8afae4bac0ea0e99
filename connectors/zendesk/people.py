"""Which Zendesk user a customer is.

A user has no e-mail unless somebody at Zendesk adds one: an invented address bounces or reaches a stranger, and one
that a customer merely claims could be an agent's.
Source: https://developer.zendesk.com/api-reference/ticketing/users/users/#create-or-update-user
"""

import contextlib
import hashlib
from datetime import datetime, timedelta
from typing import Any

from bridge.contract import Account, Contact, Gone, Put, Rejected, Retryable
from connectors.zendesk.api import Api, Row, id_of, path_id, rows_of
from connectors.zendesk.body import one_line
from connectors.zendesk.errors import Unserved

USER = "user"  # kind of record: external id → user id and the profile that was sent
_TRUSTED = timedelta(minutes=30)
_LONGEST_ID = 90  # bytes of a customer's id that are spelled out
_PROFILE = 2000  # characters of a user's details
_MOST = 5000


class People:
    """Finds, makes and follows the users that stand for customers."""

    def __init__(self, account: Account, api: Api) -> None:
        self._account = account
        self._api = api
        self._fresh: dict[str, datetime] = {}  # users that were seen alive, and until when that is believed

    async def resolve(self, contact: Contact, peer: str, *, requester: str = "") -> str:
        """The id of the customer's user. `requester` is who the ticket says asked: after a merge of two users it is
        the one that is left. Raises Gone where an agent gave the ticket to somebody else.
        """
        external = external_id(self._account.name, contact.id)
        stored = await self._account.records.get(USER, external)
        record = stored[0] if stored else {}
        known = peer or id_of(record.get("id"))
        if known and requester == known and self._is_fresh(known):
            return await self._in_step(known, contact, external, record)
        found = await self._alive(known) if known else None
        if found is None:
            found = await self._find(external)
        if found is not None and requester and requester != id_of(found.get("id")):
            raise Gone("the ticket was given to another customer", code="another customer")
        if found is None and known and requester and requester != known:
            found = await self._heir(requester, external)
        if found is None:
            found = await self._make(contact, external)
            record = {"id": id_of(found.get("id")), **_profile(contact)}
            await self._account.records.commit(Put(USER, external, record))
        identifier = id_of(found.get("id"))
        self._trust(identifier)
        return await self._in_step(identifier, contact, external, record)

    def doubt(self, user: str) -> None:
        """Zendesk refused this user: look again before the next use."""
        self._fresh.pop(user, None)

    async def _in_step(self, user: str, contact: Contact, external: str, record: Row) -> str:
        """Sends a profile that changed at the channel since it was last sent, and nothing else: an agent's correction
        of a name stays. Users may be changed five times a minute, so it is not sent with every message.
        """
        profile = _profile(contact)
        sent = {name: record.get(name, "") for name in profile}
        if record and record.get("id") == user and sent == profile:
            return user
        changed = {name: value for name, value in profile.items() if value and value != sent[name]}
        if record and changed:
            with contextlib.suppress(Rejected, Gone):  # a profile is worth less than the message that waits for it
                await self._api.send("PUT", f"/users/{path_id(user)}", body={"user": changed}, repeatable=True)
        await self._account.records.commit(Put(USER, external, {"id": user, **profile}))
        return user

    async def _alive(self, user: str) -> Row | None:
        """The user, unless it was deleted or merged into another one."""
        try:
            found = (await self._api.get(f"/users/{path_id(user)}")).get("user")
        except Gone:
            return None
        except Unserved:
            return {"id": user}  # nothing says that it is gone
        if not isinstance(found, dict) or found.get("active") is False or not id_of(found.get("id")):
            return None
        return found

    async def _find(self, external: str) -> Row | None:
        found = await self._api.get("/users/search", external_id=external)
        for user in rows_of(found, "users"):
            # Zendesk compares without case
            if str(user.get("external_id") or "").lower() == external and user.get("active") is not False:
                return user
        return None

    async def _heir(self, requester: str, external: str) -> Row | None:
        """Who the customer's user was merged into. It takes over the external id, where it has none of its own."""
        found = await self._alive(requester)
        if found is None or found.get("role") not in {None, "end-user"}:
            return None
        if not found.get("external_id"):
            body = {"user": {"external_id": external}}
            try:
                await self._api.send("PUT", f"/users/{path_id(requester)}", body=body, repeatable=True)
            except Rejected:
                return found
        return found

    async def _make(self, contact: Contact, external: str) -> Row:
        """Repeatable: the external id finds the user that an earlier attempt made."""
        profile = _profile(contact)
        user: dict[str, Any] = {
            "name": profile["name"]
            or one_line(contact.called, 200)
            or f"Customer {hashlib.sha256(external.encode()).hexdigest()[:6]}",
            "external_id": external,
            "role": "end-user",
            "skip_verify_email": True,
            **({"details": profile["details"]} if profile["details"] else {}),
        }
        try:
            answer = await self._api.send("POST", "/users/create_or_update", body={"user": user}, repeatable=True)
        except (Rejected, Retryable) as error:
            if isinstance(error, Retryable) and not error.code.endswith("Conflict") and error.code != "http 409":
                raise
            found = await self._find(external)  # somebody else made it in the same moment
            if found is None:
                raise
            return found
        made = self._api.object(answer).get("user")
        if not isinstance(made, dict) or not id_of(made.get("id")):
            raise Retryable(f"{answer.where}: no user in the answer", code="no user")
        return made

    def _is_fresh(self, user: str) -> bool:
        return user in self._fresh and self._fresh[user] > self._account.now()

    def _trust(self, user: str) -> None:
        if len(self._fresh) > _MOST:
            self._fresh.clear()
        self._fresh[user] = self._account.now() + _TRUSTED


def external_id(account: str, customer: str) -> str:
    """What a customer's user is known by. Zendesk folds case, customers' ids do not: hence hexadecimal."""
    raw = customer.encode("utf-8", "replace")
    spelled = raw.hex() if len(raw) <= _LONGEST_ID else hashlib.sha256(raw).hexdigest()
    return f"bridge:{account.lower()}:{spelled}"


def _profile(contact: Contact) -> dict[str, str]:
    facts = {
        "e-mail": contact.email,
        "phone": contact.phone,
        "language": contact.locale,
        **contact.profile,
        **contact.extra,
    }
    lines = [f"{name}: {one_line(str(value), 300)}" for name, value in facts.items() if value]
    return {"name": one_line(contact.name, 200), "details": "\n".join(lines)[:_PROFILE]}
