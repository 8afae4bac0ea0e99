"""Names of groups, brands and ticket fields to Zendesk's ids."""

from datetime import datetime, timedelta
from typing import Any

from bridge.contract import Account, ConnectorError
from connectors.zendesk.api import Api, id_of, number_of
from connectors.zendesk.tickets import is_trouble_of_one

_KEPT = timedelta(minutes=10)
_LOOKED_AGAIN = timedelta(minutes=1)
_NAMED_BY = {"groups": "name", "brands": "name", "ticket_fields": "title"}


class Places:
    """Looked up once in a while. What is not found is left out of the ticket and told by `check`."""

    def __init__(self, account: Account, api: Api) -> None:
        self._account = account
        self._api = api
        self._kept: dict[str, tuple[datetime, dict[str, int]]] = {}
        self.unknown: dict[str, None] = {}

    async def group(self, value: Any) -> int | None:
        """The id of a group."""
        return await self._id("groups", value)

    async def brand(self, value: Any) -> int | None:
        """The id of a brand."""
        return await self._id("brands", value)

    async def fields(self, values: Any) -> list[dict[str, Any]]:
        """Custom fields as Zendesk wants them, from {id or title: value}."""
        fields = []
        for name, value in values.items() if isinstance(values, dict) else ():
            identifier = await self._id("ticket_fields", name)
            if identifier is not None:
                fields.append({"id": identifier, "value": value})
        return fields

    async def _id(self, kind: str, value: Any) -> int | None:
        text = str(value if value is not None else "").strip()
        if not text:
            return None
        if number_of(text):
            return number_of(text)
        found = (await self._names(kind, _KEPT)).get(text.casefold())
        if found is None:  # it may be new
            found = (await self._names(kind, _LOOKED_AGAIN)).get(text.casefold())
        if found is None:
            self.unknown[f"no {kind[:-1].replace('_', ' ')} is called {text!r}"] = None
        return found

    async def _names(self, kind: str, oldest: timedelta) -> dict[str, int]:
        if kind in self._kept:
            at, names = self._kept[kind]
            if self._account.now() - at < oldest:
                return names
        try:
            rows = await self._api.all(f"/{kind}", kind)
        except ConnectorError as error:
            if not is_trouble_of_one(error):
                raise
            rows = []
        names = {
            str(row.get(_NAMED_BY[kind]) or "").strip().casefold(): number_of(id_of(row.get("id"))) for row in rows
        }
        self._kept[kind] = (self._account.now(), names)
        return names
