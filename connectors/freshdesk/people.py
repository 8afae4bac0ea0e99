"""Who writes, and where a ticket belongs: contacts, groups, products."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bridge.contract import Account, AuthFailed, ConnectorError, Gone, Rejected
from connectors.freshdesk.api import Api, id_of, number_of
from connectors.freshdesk.errors import Refused

_NAMES_KEPT = timedelta(minutes=10)


class People:
    """One account's contacts and names."""

    def __init__(self, account: Account, api: Api) -> None:
        self._account = account
        self._api = api
        self._names: dict[str, tuple[datetime, dict[str, int]]] = {}

    async def author(self, ticket: Mapping[str, Any], peer: str) -> int | None:
        """The customer's contact, if it still is one. Agents merge contacts: then the ticket's requester is it. Raises
        Gone where the ticket was given to another customer.
        """
        requester = number_of(id_of(ticket, "requester_id"))
        if not peer or number_of(peer) == requester:
            return requester
        if await self.known(peer) is not None:
            raise Gone("the ticket was given to another customer", code="another customer")
        return requester

    async def known(self, peer: str) -> int | None:
        """A contact that can be written as: there, neither deleted nor blocked."""
        number = number_of(peer)
        if number is None:
            return None
        try:
            contact = await self._api.get(f"/contacts/{number}")
        except (Gone, AuthFailed):
            return None
        return None if contact.get("deleted") or contact.get("blocked") else number

    async def owner(self, error: Refused, fields: Mapping[str, Any]) -> int | None:
        """Who owns an external id that is said to be taken; brought back if they were deleted."""
        who = fields.get("unique_external_id")
        if who is None or (error.duplicate is None and not error.concerns("requester_id")):
            return None
        owner = number_of(error.duplicate.user_id) if error.duplicate is not None else None
        if owner is None:
            rows, _ = await self._api.rows("/contacts", unique_external_id=who)
            owner = next((number_of(id_of(row)) for row in rows if row.get("unique_external_id") in {who, None}), None)
        if owner is not None and await self.known(str(owner)) is None:
            await self._api.change(f"/contacts/{owner}/restore")
        return owner

    async def named(self, kind: str, name: Any) -> int | None:
        """The id of a group or product. An unknown name is left out: the ticket matters more than its place."""
        if name is None or name == "":
            return None
        number = number_of(str(name))
        if number is not None:
            return number
        known_at, names = self._names.get(kind, (None, {}))
        wanted = str(name).strip().casefold()
        now = self._account.now()
        if known_at is None or (wanted not in names and now - known_at > _NAMES_KEPT):
            try:
                rows = await self._api.every(f"/{kind}")
            except (Gone, AuthFailed, Rejected):
                rows = []
            names = {str(row.get("name")).strip().casefold(): number_of(id_of(row)) or 0 for row in rows}
            self._names[kind] = (now, names)
        return names.get(wanted) or None


async def present(api: Api, agent: str) -> int | None:
    """The agent's id if they are available and active; None for whoever is not, or where Freshdesk does not say: a
    ticket must not wait for that. `available` is the switch of automatic assignment
    (https://developers.freshdesk.com/api/#agents).
    """
    number = number_of(agent)
    if number is None:
        return None
    try:
        found = await api.get(f"/agents/{number}")
    except ConnectorError:
        return None
    contact = found.get("contact")
    active = isinstance(contact, dict) and contact.get("active") is not False
    return number if active and found.get("available") is True and not found.get("deactivated") else None


async def is_there(api: Api, kind: str, value: Any) -> bool:
    """Whether there is a group or product of a name or number."""
    wanted = str(value).strip().casefold()
    rows = await api.every(f"/{kind}")
    return any(wanted in {str(row.get("name")).strip().casefold(), id_of(row)} for row in rows)
