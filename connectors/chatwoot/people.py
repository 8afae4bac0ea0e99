"""Who the customer is there: a contact with a stable identifier, and a place in our inbox with a stable `source_id`."""

import hashlib
from typing import Any

from bridge.contract import Account, Contact, Gone, Rejected, Target
from connectors.chatwoot.api import Api, Found, id_of, rows
from connectors.chatwoot.settings import Settings

_TAKEN = "http 422"


class People:
    """Contacts of one account. Looked up by what we know, because searching is limited to a hundred a minute."""

    def __init__(self, config: Settings, account: Account, api: Api) -> None:
        self._config = config
        self._account = account
        self._api = api

    async def contact(self, target: Target) -> tuple[str, str]:
        """The contact's number and its `source_id` in our inbox; made where there is none."""
        identifier = identifier_of(self._account, target.contact)
        if target.peer:
            try:
                return target.peer, await self._place(target.peer, identifier)
            except Gone:  # deleted, or merged into another contact: who has our identifier now is the customer
                if (found := await self._search(identifier)) and found != target.peer:
                    return found, await self._place(found, identifier)
        try:
            made = await self._api.post("/contacts", {**_profile(target.contact), "identifier": identifier})
        except Rejected as error:
            if error.code != _TAKEN:
                raise
            found = await self._search(identifier)
            if not found:
                raise
            return found, await self._place(found, identifier)
        inside = made.get("payload")
        contact = inside.get("contact") if isinstance(inside, dict) else made
        number = id_of(contact)
        if not number:
            raise Rejected("contacts: no number in the answer", code="unexpected answer")
        return number, await self._place(number, identifier)

    async def is_there(self, number: str) -> bool:
        return await is_there(self._api, number)

    async def _search(self, identifier: str) -> str:
        found = await self._api.get("/contacts/search", q=identifier)
        return next((id_of(row) for row in rows(found) if row.get("identifier") == identifier), "")

    async def _place(self, number: str, identifier: str) -> str:
        """The contact's `source_id` in our inbox. Making one that is there says so with 422 and changes nothing."""
        found = await self._api.get(f"/contacts/{number}")
        inside = found.get("payload")
        contact: Any = inside if isinstance(inside, dict) else found
        for entry in contact.get("contact_inboxes") or ():
            inbox = entry.get("inbox") if isinstance(entry, dict) else None
            if id_of(inbox) == str(self._config.inbox_id) and entry.get("source_id"):
                return str(entry["source_id"])
        body = {"inbox_id": self._config.inbox_id, "source_id": identifier}
        made: Found = await self._api.post(f"/contacts/{number}/contact_inboxes", body, repeatable=True)
        return str(made.get("source_id") or identifier)


async def is_there(api: Api, number: str) -> bool:
    """Whether there is such a contact: one that was merged into another is not."""
    try:
        await api.get(f"/contacts/{number}")
    except Gone:
        return False
    return True


def identifier_of(account: Account, contact: Contact) -> str:
    """Keyed, so that nobody can guess it from the customer's id."""
    return "bridge-" + hashlib.blake2b(contact.id.encode(), key=account.secret[:64], digest_size=16).hexdigest()


def _profile(contact: Contact) -> Found:
    """No address of mail: the desk would write to it by itself."""
    profile: Found = {"name": " ".join((contact.name or contact.called).split())[:200] or "Customer"}
    if contact.avatar.startswith("https://"):
        profile["avatar_url"] = contact.avatar
    return profile
