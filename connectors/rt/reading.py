"""From a row of a search to a raw that holds all that `normalise` needs."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from bridge.contract import AuthFailed, Gone, Raw, Rejected, Retryable
from connectors.rt.api import PAGE, Api, Row, id_of, last_part, number_of
from connectors.rt.owners import Owners
from connectors.rt.settings import Settings
from connectors.rt.text import is_customer, marked

_ATTACHMENT = "Filename,ContentType,ContentLength,Subject,MessageId"
_MOST_TEXT = 2**20  # bytes of one body; a longer one is passed on as a file
_WATCHERS = {"AddWatcher", "DelWatcher", "SetWatcher"}
_NOBODY = {"RT_System", "Nobody", ""}
_PATIENCE = 5  # how often one transaction may fail before it is put aside, so that it does not hold up all others
_REMEMBERED = 500
_SMALL = 32_768
_TOKEN = re.compile(r"\d{1,3}-(\d{1,9})-")  # as RT makes them: a version, its user's number, a secret


class Reading:
    """Reads transactions. What was read lately is remembered: overlaps, nudges and repeats cost no calls."""

    def __init__(self, config: Settings, api: Api) -> None:
        self._config = config
        self._api = api
        self._own: str | None = None  # the name of the token's user, once it was asked for
        self._owners = Owners(config, api)
        self._read: dict[str, list[Raw]] = {}
        self._people: dict[str, dict[str, Any]] = {}
        self._failures: Counter[str] = Counter()

    async def raws(self, row: Row, ticket: str = "") -> list[Raw]:
        """The raws of one transaction, none for what nobody needs. `ticket` is where it stands, where that is known."""
        number = id_of(row)
        if number in self._read:
            return self._read[number]
        try:
            raws = await self._raws(row, ticket)
        except Retryable as error:
            self._failures[number] += 1
            if not error.code.startswith("http 5") or self._failures[number] < _PATIENCE:
                raise
            raws = [_raw(f"transaction:{number}", {"id": number, "unreadable": error.code})]
        self._failures.pop(number, None)
        if sum(len(raw.payload) for raw in raws) < _SMALL:
            self._read[number] = raws
        while len(self._read) > _REMEMBERED:
            del self._read[next(iter(self._read))]
        return raws

    async def _raws(self, row: Row, ticket: str) -> list[Raw]:
        kind, number = str(row.get("Type", "")), id_of(row)
        if marked(str(row.get("Data") or "")) or row.get("ObjectType") not in {"RT::Ticket", "", None}:
            return []  # our own writes cost no further call
        stands = id_of(row.get("ObjectId"))
        if kind == "AddLink":
            return _merge(row, stands)
        try:
            if kind in _WATCHERS:
                return await self._given(row, stands or ticket)
            begun = {"requestor": await self._begun_for(row, stands)} if kind == "Create" else {}
            if kind == "Create" and not begun["requestor"]:
                return []
            found = {
                **begun,
                "id": number,
                "type": kind,
                "ticket": stands or ticket or await self._ticket_of(number),
                "creator": id_of(row.get("Creator")),
                "created": row.get("Created"),
                "old": row.get("OldValue"),
                "new": row.get("NewValue"),
            }
            if kind != "Status":
                found |= await self._person(id_of(row.get("Creator")))
                found |= await self._said(number)
        except Gone:
            return []  # the transaction is not there for this user
        return [_raw(f"transaction:{number}", found)]

    async def _begun_for(self, row: Row, ticket: str) -> str:
        """The customer for whom staff opened a ticket, as an address of ours; "" where it was somebody else, for
        somebody else, or ourselves.
        """
        creator, own = id_of(row.get("Creator")), await self._own_name()
        if not own or creator in {*_NOBODY, own} or is_customer(creator, self._config.requestor_domain):
            return ""
        if not ticket or (await self._person(creator)).get("privileged") is not True:
            return ""
        shown = await self._api.get(f"/ticket/{ticket}")
        if id_of(shown) != ticket:  # merged into another one since: its first words were said to somebody else
            return ""
        found = shown.get("Requestor")
        asked = [id_of(one) for one in found] if isinstance(found, list) else [id_of(found)]
        return next((one.lower() for one in asked if is_customer(one, self._config.requestor_domain)), "")

    async def _own_name(self) -> str:
        """The name of the token's user, whose number the token holds. "" where RT does not tell: then nobody's ticket
        is taken for an agent's, because it may be ours.
        """
        if self._own is None:
            found = _TOKEN.match(self._config.token.get_secret_value())
            self._own = await self._name_of(found[1]) if found else ""
        return self._own

    async def _name_of(self, number: str) -> str:
        try:
            return str((await self._api.get(f"/user/{number}")).get("Name") or "")
        except (Gone, AuthFailed, Rejected):
            return ""

    async def _given(self, row: Row, ticket: str) -> list[Raw]:
        """Whose the ticket is after its requestors were changed."""
        if not ticket or row.get("Field") != "Requestor":
            return []
        owners = list(await self._owners.of(await self._api.get(f"/ticket/{quote(ticket, safe='')}")))
        found = {"id": id_of(row), "type": "Requestor", "ticket": ticket, "owners": owners}
        return [_raw(f"transaction:{id_of(row)}", found)] if owners else []

    async def _ticket_of(self, transaction: str) -> str:
        """For releases whose lists do not say which ticket a transaction belongs to."""
        return id_of((await self._api.get(f"/transaction/{transaction}")).get("Object"))

    async def _person(self, name: str) -> dict[str, Any]:
        """Whether somebody is staff ("privileged"), and their name. {} when RT does not tell."""
        if name in _NOBODY:
            return {}
        if name not in self._people:
            try:
                found = await self._api.get(f"/user/{quote(name, safe='')}")
            except (Gone, AuthFailed, Rejected):
                found = {}
            self._people[name] = {
                "name": str(found.get("RealName") or ""),
                "privileged": bool(number_of({"id": found["Privileged"]})) if "Privileged" in found else None,
            }
            while len(self._people) > _REMEMBERED:
                del self._people[next(iter(self._people))]
        return self._people[name]

    async def _said(self, transaction: str) -> dict[str, Any]:
        path = f"/transaction/{transaction}/attachments"
        listed = (await self._api.get(path, fields=_ATTACHMENT, per_page=PAGE)).get("items", ())
        subject = message_id = ""
        attachments = []
        for item in sorted(listed, key=number_of):
            subject = subject or str(item.get("Subject") or "")
            message_id = message_id or str(item.get("MessageId") or "")
            entry = {
                "id": id_of(item),
                "name": str(item.get("Filename") or ""),
                "mime": str(item.get("ContentType") or ""),
                "size": item.get("ContentLength"),
            }
            if not entry["name"] and entry["mime"].startswith("text/"):
                entry |= await self._text(entry["id"])
            attachments.append(entry)
        return {"subject": subject, "message_id": message_id, "attachments": attachments}

    async def _text(self, attachment: str) -> dict[str, str]:
        try:
            return {"text": (await self._api.content(attachment, _MOST_TEXT)).decode("utf-8", "replace")}
        except Rejected:
            return {"name": "message.txt"}


def _merge(row: Row, ticket: str) -> list[Raw]:
    """RT writes a merge on both tickets; the one on the ticket that went away says where it went."""
    into = last_part(str(row.get("NewValue") or ""))
    if row.get("Field") != "MergedInto" or not into.isdigit() or not ticket or ticket == into:
        return []
    return [_raw(f"merged:{ticket}:{into}", {"id": id_of(row), "type": "Merged", "ticket": ticket, "into": into})]


def _raw(key: str, found: Mapping[str, Any]) -> Raw:
    return Raw(key, json.dumps(found, ensure_ascii=False).encode())
