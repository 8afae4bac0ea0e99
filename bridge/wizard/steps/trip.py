"""The round trip: a customer's first message becomes a ticket, the answer on it reaches the customer."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from bridge.cli.trace import trace_json
from bridge.contract import SetsUp
from bridge.first_config import NAMES
from bridge.status import status_json
from bridge.wizard.forms import class_of
from bridge.wizard.setup import Changed, Visit
from bridge.wizard.steps.side import told
from mappings import overview
from mappings.states import FAILED, StepState
from mappings.store import Tx


@dataclass(slots=True)
class Trip:
    """How far it is. Times are as stored; `trouble` is what stands in the way."""

    wrote: datetime | None = None
    ticketed: datetime | None = None
    ticket: str = ""
    url: str = ""
    answered: datetime | None = None
    delivered: datetime | None = None
    trouble: str = ""

    @property
    def there(self) -> float | None:
        """Seconds from the customer's message to the ticket."""
        return _between(self.wrote, self.ticketed)

    @property
    def back(self) -> float | None:
        """Seconds from the answer to its delivery."""
        return _between(self.answered, self.delivered)


def _between(begun: datetime | None, ended: datetime | None) -> float | None:
    return round(max(0.0, (ended - begun).total_seconds()), 1) if begun and ended else None


def read_trip(tx: Tx) -> Trip:
    """The newest conversation of the channel, followed."""
    trip = Trip()
    conversation = overview.newest_conversation(tx, NAMES["channel"])
    if conversation is None:
        return trip
    link = trace_json(tx, conversation)["links"][-1]
    trip.ticket = link["ticket"] or ""
    there = [step for step in link["steps"] if step["to"] == link["desk"] and step["messages"]]
    back = [step for step in link["steps"] if step["to"] == link["channel"] and step["messages"]]
    trip.wrote = _time(there[0]["received"] if there else min((row["since"] for row in link["waiting"]), default=None))
    if there and there[0]["state"] == StepState.DONE:
        trip.ticketed = _time(there[0]["done"])
        trip.url = str((there[0]["receipt"] or {}).get("url", ""))
    if back:
        trip.answered, last = _time(back[0]["received"]), back[0]
        if last["state"] == StepState.DONE:
            trip.delivered = _time(last["done"])
    for step in (*there[:1], *back[:1]):
        if step["state"] in FAILED or (step["attempts"] and step["state"] != StepState.DONE):
            ended = step["attempts"][-1] if step["attempts"] else {}
            trip.trouble = step["why"] or f"{ended.get('code', '')} {ended.get('detail', '')}".strip()
    return trip


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


async def show(visit: Visit) -> Response:
    """What to do, and how far it is."""
    visit.draft.since = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    missing = visit.setup.missing()
    trouble = await visit.show() if not missing else ""
    return visit.page("trip", missing=[(one, visit.say(f"setup.step_{one}")) for one in missing], trouble=trouble)


async def live(visit: Visit) -> Response:
    """How far it is now."""
    bridge = visit.setup.preview.bridge
    trip = await bridge.store.read(read_trip) if bridge is not None else Trip()
    away = await bridge.store.read(_away, bridge.settings) if bridge is not None else []
    latest = [(role, call) for role in NAMES for call in visit.setup.calls.of(role)[:1]]
    guide = class_of(visit.draft.channel.kind).guide if visit.draft.channel is not None else None
    return visit.part(
        "trip_live.html",
        trip=trip,
        away=away,
        refused=[told(visit, role, call) for role, call in latest if call.finding is not None],
        silent=trip.answered is not None and _is_silent(visit),
        first=visit.words(guide.first) if guide is not None else "",
        since=visit.draft.since,
        desk=visit.name_of("desk"),
        channel=visit.name_of("channel"),
    )


def _is_silent(visit: Visit) -> bool:
    """Whether the desk could call back and never did: its answers are found by looking, which takes longer."""
    return isinstance(visit.setup.preview.connector("desk"), SetsUp) and not visit.setup.calls.of("desk")


def _away(tx: Tx, settings: Any) -> list[str]:
    accounts = status_json(tx, settings)["accounts"]
    return [f"{one['account']}: {one['reason']}" for one in accounts if one["state"] == "paused"]


async def finish(visit: Visit) -> Response:
    """The file is there: from here on the bridge serves with it."""
    setup = visit.setup
    if setup.missing():
        return await show(visit)
    try:
        await asyncio.to_thread(setup.write)
    except Changed:
        text = visit.say("setup.changed", path=str(setup.config))
        return visit.page("trip", missing=[], trouble=text)
    except OSError as error:
        text = visit.say("setup.not_written", path=str(setup.config), why=error.strerror or "")
        return visit.page("trip", missing=[], trouble=text)
    setup.finished.set()
    return visit.starting()
