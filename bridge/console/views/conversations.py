"""Conversations as a list: filtered, or found by whatever somebody has in hand."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from starlette.responses import Response

from bridge.console.visit import Visit
from bridge.console.words import mask, snippet
from bridge.engine.conversation.allowance import Allowance
from mappings import conversations, search
from mappings.conversations import Filters, Trouble
from mappings.store import Tx

_STATES = ("open", "solved", "closed", "ended")
_LEAST = 2  # characters of words that are looked for


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: by an id, by the customer's name, by words; and how far the scans came."""

    rows: list[dict[str, Any]]
    since: datetime | None = None
    before: str = ""


async def show(visit: Visit) -> Response:
    """The list, or what a search found."""
    settings = visit.desk.runtime.settings
    filters = Filters(*(visit.asked(name) for name in ("channel", "desk", "state", "page")))
    trouble, query = visit.asked("trouble") == "1", visit.asked("q")
    words: dict[str, Any] = {
        "filters": filters,
        "trouble": trouble,
        "query": query,
        "states": _STATES,
        "channels": sorted({route.channel for route in settings.routes}),
        "desks": sorted({route.desk for route in settings.routes}),
        "older": "",
        "bounded": False,
        "since": None,
    }
    if query:
        found = await visit.read(_search, query, visit.asked("before"), visit)
        return visit.page(
            "conversations.html", **words | {"rows": found.rows, "since": found.since, "older": found.before}
        )
    before = visit.asked("before")
    listed, rows = await visit.read(_list, filters, trouble, int(before) if before.isdigit() else None, visit)
    more = {"rows": rows, "older": str(listed.before or ""), "bounded": listed.bounded}
    return visit.page("conversations.html", **words | more)


def _list(tx: Tx, filters: Filters, trouble: bool, before: int | None, visit: Visit) -> Any:
    listed = (conversations.troubled if trouble else conversations.latest)(tx, filters, before=before)
    return listed, _shaped(tx, listed.rows, visit)


def _search(tx: Tx, query: str, before: str, visit: Visit) -> Found:
    """By ids first; by names and words only for those who may read them."""
    position = [int(one) if one.isdigit() else None for one in [*before.split("."), "", ""][:2]]
    anew = before == "."
    ids = dict.fromkeys(search.named(tx, query, search.accounts_known(tx)) if not before else ())
    since, ahead = None, ""
    reads = visit.session.may("operator") and len(query) >= _LEAST
    if ids and reads:  # an id is meant: names and words are looked for when somebody asks on
        ahead = "."
    elif reads:
        scans = []
        for find, at in ((search.called, position[0]), (search.said, position[1])):
            again = not before or anew or at is not None
            scan = find(tx, query, before=at) if again else search.Scanned([], None, None)
            ids |= dict.fromkeys(scan.links)
            scans.append(scan)
        if any(scan.before for scan in scans):
            ahead = ".".join(str(scan.before or "") for scan in scans)
            since = max((scan.since for scan in scans if scan.since is not None), default=None)
    return Found(_shaped(tx, conversations.by_ids(tx, list(ids)[:100]), visit), since, ahead)


def _shaped(tx: Tx, rows: Any, visit: Visit) -> list[dict[str, Any]]:
    """Rows as the page shows them; what people say is masked for who may not read it."""
    ids, masked = [row.id for row in rows], not visit.session.may("operator")
    wrong, words = conversations.troubles(tx, ids), conversations.last_words(tx, ids)
    return [_row(row, wrong.get(row.id, Trouble()), words.get(row.id, "[]"), visit, masked) for row in rows]


def _row(row: Row[Any], trouble: Trouble, words: str, visit: Visit, masked: bool) -> dict[str, Any]:
    counted = visit.desk.runtime.capabilities(row.channel).window is not None
    book = Allowance.model_validate_json(row.allowance)
    until = book.until(visit.now)
    name = json.loads(row.contact).get("name", "")
    said = json.loads(words)
    return {
        "id": row.id,
        "name": mask(name) if masked else name,
        "channel": row.channel,
        "conversation": row.conversation,
        "desk": row.desk,
        "ticket": row.ticket or "",
        "state": row.state,
        "held_by": row.held_by,
        "trouble": trouble,
        "at": row.at,
        "left": book.remaining(visit.now) if counted else None,
        "closes": until - visit.now if until is not None and counted else None,
        "unanswered": book.unanswered,
        "words": snippet(said[-1], masked=masked) if said else "",
        "by": said[-1]["author"]["kind"] if said else "",
    }
