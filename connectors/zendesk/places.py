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
        return (await self.fields_and_unknown(values))[0]

    async def fields_and_unknown(self, values: Any) -> tuple[list[dict[str, Any]], list[str]]:
        """The same, and the names of those that Zendesk does not have."""
        fields: list[dict[str, Any]] = []
        unknown: list[str] = []
        for name, value in values.items() if isinstance(values, dict) else ():
            identifier = await self._id("ticket_fields", name)
            if identifier is None:
                unknown.append(str(name))
            else:
                fields.append({"id": identifier, "value": value})
        return fields, unknown

    async def unknown_of(self, fields: dict[str, Any]) -> list[str]:
        """What a route names and Zendesk does not have, numbers included."""
        found = []
        for kind, name, values in (
            ("groups", "group", [fields.get("group")]),
            ("brands", "brand", [fields.get("brand")]),
            ("ticket_fields", "field", fields.get("custom_fields") or ()),
        ):
            for value in filter(None, values):
                numbers = set((await self._names(kind, _LOOKED_AGAIN)).values())
                number = await self._id(kind, value)
                if number is None or (numbers and number not in numbers):
                    found.append(f"{name} {value}")
        return found

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
