"""Conversations and people for other systems: state as `bridge trace` knows it, without what anybody said."""

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bridge.api.access import Refusal
from bridge.cli.trace import link_json
from bridge.engine.context import Runtime
from mappings import conversations, links, people
from mappings.conversations import Filters
from mappings.store import Store, Tx

PATH, PEOPLE = "/api/conversations", "/api/people"
_MOST = 200
_LARGEST_ID = 2**63 - 1
_NARROWS = ("channel", "desk", "state")


class Conversations:
    """The addresses."""

    def __init__(self, runtime: Runtime, store: Store) -> None:
        self._runtime, self._store = runtime, store

    async def show_all(self, request: Request) -> Response:
        """`?channel=&desk=&state=&limit=&before=`: the latest first; `next` is the `before` of the next page."""
        given = request.query_params
        limit, before = _number(given.get("limit"), "limit", _MOST), _number(given.get("before"), "before", _LARGEST_ID)
        filters = Filters(**{name: given.get(name, "")[:200] for name in _NARROWS})
        return JSONResponse(await self._store.read(_listed, filters, before, limit or 50))

    async def show(self, request: Request) -> Response:
        """One, with its latest steps and what waits in it."""
        number = _named(request)
        found = await self._store.read(_one, number, self._runtime.now())
        if found is None:
            raise Refusal(404, "there is no such conversation, or it is no longer kept")
        return JSONResponse(found)

    async def show_person(self, request: Request) -> Response:
        """`?limit=&before=`: as whom somebody is known, and their conversations, the newest first."""
        number, given = _named(request), request.query_params
        limit, before = _number(given.get("limit"), "limit", _MOST), _number(given.get("before"), "before", _LARGEST_ID)
        found = await self._store.read(_person, number, before, limit or 50)
        if found is None:
            raise Refusal(404, "there is no such person, or they are no longer kept")
        return JSONResponse(found)


def _named(request: Request) -> int:
    text = str(request.path_params["id"])
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise Refusal(404, "ids are numbers, as the lists give them")
    return int(text)


def _number(text: str | None, name: str, most: int) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 19 and 0 < int(text) <= most):
        raise Refusal(422, f"{name}: must be a number from 1 to {most}")
    return int(text)


def _listed(tx: Tx, filters: Filters, before: int | None, limit: int) -> dict[str, Any]:
    found = conversations.latest(tx, filters, before=before, limit=limit)
    return {"conversations": [_row(row) for row in found.rows], "next": found.before}


def _one(tx: Tx, number: int, now: datetime) -> dict[str, Any] | None:
    if not conversations.by_ids(tx, [number]):
        return None
    return link_json(tx, number, now)


def _person(tx: Tx, number: int, before: int | None, limit: int) -> dict[str, Any] | None:
    known = people.identities(tx, number)
    if not known:
        return None
    ids = links.ids_of_person(tx, number, before=before, limit=limit + 1)
    return {
        "id": number,
        "identities": [{"account": row.account, "conversation": row.external_id} for row in known],
        "conversations": [_row(row) for row in sorted(conversations.by_ids(tx, ids[:limit]), key=lambda row: -row.id)],
        "next": ids[limit - 1] if len(ids) > limit else None,
    }


def _row(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "channel": row.channel,
        "conversation": row.conversation,
        "desk": row.desk,
        "ticket": row.ticket,
        "state": row.state,
        "created": f"{row.created_at:%Y-%m-%dT%H:%M:%SZ}",
        "at": f"{row.at:%Y-%m-%dT%H:%M:%SZ}",
    }
