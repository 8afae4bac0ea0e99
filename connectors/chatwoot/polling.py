"""Reading what happened: conversations of our inbox that changed, each with its newest messages.

Webhooks are sent once and come late, twice or never. The position is the `last_activity_at` of the newest conversation
read, which is the vendor's own clock, behind the one of the very first look: what is older is history.
"""

import json
from collections.abc import Sequence
from typing import Any

from bridge.contract import Gone, Malformed, Page, Raw
from connectors.chatwoot.api import Api, Found, changed_hands, id_of, rows
from connectors.chatwoot.callback import message_key, state_key, without_addresses
from connectors.chatwoot.inbound import TYPES
from connectors.chatwoot.people import is_there
from connectors.chatwoot.settings import Settings

_OVERLAP = 120  # seconds
_PAGES = 40  # of conversations in one round, newest first
_LATEST = 2**33  # seconds since 1970: what is later is no time
_DEEP = 20  # pages of messages of one conversation


class Poll:
    """The poller's side of one account."""

    def __init__(self, config: Settings, api: Api) -> None:
        self._config = config
        self._api = api

    async def since(self, cursor: str | None) -> Page:
        """The conversations that changed after the cursor. The very first time only finds out where the present is."""
        if cursor is None:
            found = await self._conversations(1)
            present = max(map(_active, found), default=0)
            return Page(cursor=f"{present}:{present}")
        origin, start = _position(cursor)
        since = max(origin + 1, start - _OVERLAP)
        changed: list[Found] = []
        for page in range(1, _PAGES + 1):
            found = await self._conversations(page)
            changed += [row for row in found if _active(row) >= since]
            if not found or min(map(_active, found)) < since:
                break
        changed.sort(key=_active)
        raws = [raw for row in changed for raw in await self._read(row, since)]
        return Page(raws, f"{origin}:{max([start, *map(_active, changed)])}")

    async def conversation(self, number: str) -> Page:
        """What one conversation says now, if it is in our inbox."""
        if not number.isdecimal():
            return Page()
        try:
            row = await self._api.get(f"/conversations/{number}")
        except Gone:
            return Page()
        if id_of(row, "inbox_id") not in {"", str(self._config.inbox_id)}:
            return Page()
        return Page(await self._read(row, 0))

    async def _conversations(self, page: int) -> list[Found]:
        return rows(
            await self._api.get(
                "/conversations",
                inbox_id=self._config.inbox_id,
                status="all",
                assignee_type="all",
                sort_by="last_activity_at_desc",
                page=page,
            )
        )

    async def _read(self, row: Found, since: int) -> list[Raw]:
        """Its messages from a moment on, oldest first, then its state."""
        number = id_of(row)
        messages: list[Found] = []
        before = ""
        for _ in range(_DEEP):
            params: dict[str, Any] = {"before": before} if before else {}
            found = rows(await self._api.get(f"/conversations/{number}/messages", **params))
            fresh = [one for one in found if _made(one) >= since]
            messages += fresh
            numbers = [int(id_of(one)) for one in found if id_of(one).isdecimal()]
            if len(fresh) < len(found) or not numbers:
                break
            before = str(min(numbers))
        messages.sort(key=lambda one: int(id_of(one) or 0))
        whose: dict[str, Any] = {
            name: row[name]
            for name in ("meta", "contact_inbox", "additional_attributes")
            if isinstance(row.get(name), dict)
        }
        made_for = changed_hands(row)
        if made_for and await is_there(self._api, made_for):  # else ours was merged: it is still theirs
            whose["owners"] = [_contact_only(whose)["contact_inbox"]["contact_id"]]
        raws = [raw for one in messages for raw in _raws(one, number, whose)]
        key = state_key(row)
        state = {"event": "conversation_status_changed", "id": row.get("id"), "status": row.get("status")}
        return [*raws, *([Raw(key, json.dumps(state).encode())] if key else [])]


def _raws(message: Found, number: str, whose: Found) -> Sequence[Raw]:
    """As the webhook would have said it, under the same key. `whose` is what its conversation says of the contact."""
    kind = message.get("message_type")
    word = TYPES.get(kind, "") if isinstance(kind, int) else str(kind)
    if word not in {"incoming", "outgoing", "template"}:
        return ()
    attributes = message.get("content_attributes")
    deleted = isinstance(attributes, dict) and attributes.get("deleted") is True
    event = {
        **without_addresses(message),
        "event": "message_updated" if deleted else "message_created",
        "message_type": word,
        "conversation": {"id": int(number), **_contact_only(whose), **_marks(whose)},
        **({"owners": whose["owners"]} if "owners" in whose else {}),
    }
    key = message_key(event, updated=deleted)
    return (Raw(key, json.dumps(event, ensure_ascii=False).encode("utf-8", "replace")),) if key else ()


def _contact_only(whose: Found) -> Found:
    """The contact's number and nothing else of them."""
    meta, place = whose.get("meta"), whose.get("contact_inbox")
    sender = meta.get("sender") if isinstance(meta, dict) else None
    found = id_of(place, "contact_id") or id_of(sender)
    return {"contact_inbox": {"contact_id": int(found)}} if found.isdecimal() else {}


def _marks(whose: Found) -> Found:
    """What says that it is a conversation of ours."""
    found = whose.get("additional_attributes")
    return {"additional_attributes": found} if isinstance(found, dict) else {}


def _position(cursor: str) -> tuple[int, int]:
    origin, _, start = cursor.partition(":")
    if not (origin.isdecimal() and start.isdecimal()):
        raise Malformed("the stored position is none of this connector's")
    return int(origin), int(start)


def _active(row: Found) -> int:
    value = row.get("last_activity_at") or row.get("timestamp") or 0
    return int(value) if isinstance(value, int | float) and 0 < value < _LATEST else 0


def _made(message: Found) -> float:
    value = message.get("created_at")
    return float(value) if isinstance(value, int | float) and value < _LATEST else float("inf")
