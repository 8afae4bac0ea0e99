"""Whose a ticket is: its requestors, who are customers of ours by their addresses."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from bridge.contract import AuthFailed, Gone, Rejected
from connectors.rt.api import Api, id_of
from connectors.rt.settings import Settings
from connectors.rt.text import address, is_customer

_MOST = 5  # requestors that are looked at one by one


class Owners:
    """The requestors of tickets. RT names users by a name, which is the address unless an admin changed it."""

    def __init__(self, config: Settings, api: Api) -> None:
        self._domain = config.requestor_domain
        self._api = api

    async def has(self, ticket: Mapping[str, Any], customer: str) -> bool:
        """Whether the ticket is still this customer's; a ticket that names nobody is."""
        wanted = address(customer, self._domain)
        names = _names(ticket)
        return not names or wanted in map(str.lower, names) or wanted in await self.of(ticket)

    async def of(self, ticket: Mapping[str, Any]) -> Sequence[str]:
        """The addresses of its requestors."""
        return [await self._address(name) for name in _names(ticket)[:_MOST]]

    async def _address(self, name: str) -> str:
        if is_customer(name, self._domain):
            return name.lower()
        try:
            found = await self._api.get(f"/user/{quote(name, safe='')}")
        except (Gone, AuthFailed, Rejected):
            return name.lower()
        return str(found.get("EmailAddress") or name).lower()


def _names(ticket: Mapping[str, Any]) -> list[str]:
    listed = ticket.get("Requestor")
    return [name for one in listed if (name := id_of(one))] if isinstance(listed, list) else []
