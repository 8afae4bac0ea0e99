"""Who is who: suggestions with their proof, joined and taken apart; one person with all identities."""

import json
from datetime import datetime
from typing import Any

from starlette.responses import Response

from bridge.cli import people as acts
from bridge.console.visit import NotFound, Refused, Visit
from bridge.console.words import mask
from bridge.engine.context import Work
from bridge.engine.conversation.profile import of_conversation
from mappings import conversations, people, search, shop, subjects
from mappings.store import Tx
from mappings.subjects import Side

_PAGE = "/console/people"
_LEAST = 2  # characters of a name that is looked for


async def show(visit: Visit) -> Response:
    """Suggestions and what was joined; everybody by when they came, or whom a search found."""
    query, before = visit.asked("q"), visit.asked("before")
    return await visit.read(_page, visit, query, int(before) if before.isdigit() and len(before) < 19 else None)


def _page(tx: Tx, visit: Visit, query: str, before: int | None) -> Response:
    found = acts.merges_json(tx) if not query and before is None else []
    masked = not visit.session.may("operator")
    if masked:
        for one in found:
            one["proof"] = mask(one["proof"])
            for side in (one["kept"], one["joined"]):
                side["known as"] = [_masked(known) for known in side["known as"]]
    people_found, older, since = _people(tx, query, before, reads=not masked)
    shown = [
        {
            "id": person,
            "name": next((name for row in rows if (name := json.loads(row.profile).get("name", ""))), ""),
            "known": [f"{row.account}:{mask(row.external_id) if masked else row.external_id}" for row in rows],
            "seen_at": max(row.seen_at for row in rows),
        }
        for person, rows in people.identities_of(tx, people_found).items()
    ]
    for one in shown if masked else ():
        one["name"] = mask(one["name"])
    return visit.page("people.html", rows=found, people=shown, query=query, before=before, older=older, since=since)


def _people(tx: Tx, query: str, before: int | None, *, reads: bool) -> tuple[list[int], int | None, datetime | None]:
    """Ids of people, where to go on, and how far back a search by names came. Who may not read names finds ids only."""
    if not query:
        return *people.latest_people(tx, before=before), None
    named = [] if before is not None else search.people_named(tx, query, search.accounts_known(tx))
    if named or not reads or len(query) < _LEAST:
        return list(dict.fromkeys(named)), None, None
    scan = search.people_called(tx, query, before=before)
    return scan.links, scan.before, scan.since


def _masked(known: str) -> str:
    account, _, identifier = known.partition(":")
    return f"{account}:{mask(identifier)}"


async def show_person(visit: Visit) -> Response:
    """How the accounts know one person, and their conversations."""
    return await visit.read(_person, visit, visit.number())


def _person(tx: Tx, visit: Visit, person_id: int) -> Response:
    masked = not visit.session.may("operator")
    rows: list[dict[str, Any]] = []
    for one in people.identities(tx, person_id):
        profile = json.loads(one.profile)
        name, identifier = profile.get("name", ""), one.external_id
        rows.append(
            {
                "id": one.id,
                "account": one.account,
                "external_id": mask(identifier) if masked else identifier,
                "customer_id": mask(one.customer_id) if masked else one.customer_id,
                "name": mask(name) if masked else name,
                "seen_at": one.seen_at,
            }
        )
    told = [fact for one in people.identities(tx, person_id) for fact in _told(tx, visit, one.account, one.external_id)]
    talks = conversations.of_person(tx, person_id)
    sides = [(_name(side), ", ".join(side.named) or _name(side)) for side in subjects.side_of_person(tx, person_id)]
    if not rows and not talks:
        raise NotFound
    return visit.page("person.html", person=person_id, rows=rows, talks=talks, masked=masked, sides=sides, told=told)


def _told(tx: Tx, visit: Visit, account: str, customer: str) -> list[dict[str, Any]]:
    """What the shop's own systems said of somebody and has not ended, value by value, with its end."""
    row = shop.get_fact(tx, account, of_conversation(customer), visit.now)
    masked = not visit.session.may("operator")
    return [
        {
            "account": account,
            "name": name,
            "value": mask(one["value"]) if masked else one["value"],
            "until": datetime.fromisoformat(one["until"]),
        }
        for name, values in sorted((json.loads(row.value)["profile"] if row is not None else {}).items())
        for one in values
        if datetime.fromisoformat(one["until"]) > visit.now
    ]


def _name(side: Side) -> str:
    """By which `bridge erase` knows it."""
    return side.named[0] if side.named else f"{side.links[0].channel}:{side.links[0].conversation}"


async def join(visit: Visit) -> Response:
    """The two of a suggestion are one person. It can be taken back."""
    return await _act(visit, acts.join, "joined")


async def undo(visit: Visit) -> Response:
    """Two people after all: exactly what moved moves back."""
    return await _act(visit, acts.undo, "undone")


async def _act(visit: Visit, function: Any, said: str) -> Response:
    number = visit.number()

    def change(work: Work) -> None:
        if not function(work.tx, number, visit.who, work.now):
            raise Refused("error.gone_meanwhile")

    await visit.act("", "", change)
    return visit.back(_PAGE, said)
