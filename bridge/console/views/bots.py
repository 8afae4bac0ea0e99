"""Bots: how each is, where it answers and how far it may go, and what came of its last questions."""

import json
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from bridge.console.visit import Visit
from bridge.console.words import snippet
from bridge.contract import Role
from bridge.engine.context import Runtime
from mappings import state, turns
from mappings.store import Tx

_DAY = timedelta(days=1)
_SHOWN = 50  # questions of one bot


async def show(visit: Visit) -> Response:
    """All of them, also those that no route names."""
    found = await visit.desk.snapshot.get(visit)
    health = {one["account"]: one for one in found["accounts"]}
    return await visit.read(_page, visit, health)


def bots_of(runtime: Runtime) -> list[str]:
    """Accounts that can answer, whether or not a route names them, in the order of the configuration. A kind that may
    be a bot or a desk is what the routes name it as.
    """
    routes = runtime.settings.routes
    desks = {route.desk for route in routes} - {route.bot.name for route in routes if route.bot is not None}
    return [name for name, one in runtime.accounts.items() if Role.BOT in one.connector.roles and name not in desks]


def _page(tx: Tx, visit: Visit, health: dict[str, dict[str, Any]]) -> Response:
    runtime = visit.desk.runtime
    routes = [route for route in runtime.settings.routes if route.bot is not None]
    masked = not visit.session.may("operator")
    pauses = state.pauses(tx)
    bots = [
        {
            "name": name,
            "account": health.get(name),
            "pause": pauses.get(name),
            "routes": [route for route in routes if route.bot is not None and route.bot.name == name],
            "counts": _counted(turns.count_turns(tx, name, visit.now - _DAY)),
            "tokens": turns.tokens_since(tx, name, visit.now - _DAY),
            "turns": _turns(tx, name, masked=masked),
        }
        for name in bots_of(runtime)
    ]
    return visit.page("bots.html", bots=bots, masked=masked)


def _counted(found: dict[tuple[str, str], int]) -> dict[str, int]:
    """What came of the questions → how many: the verdict of those that were answered, the state of the others."""
    sums: dict[str, int] = {}
    for (kind, verdict), count in found.items():
        sums[outcome(kind, verdict)] = sums.get(outcome(kind, verdict), 0) + count
    return dict(sorted(sums.items()))


def outcome(kind: str, verdict: str) -> str:
    """One word of the catalogue (`bots.was_…`) for a turn's state and verdict."""
    return verdict if kind == "answered" and verdict else kind


def _turns(tx: Tx, name: str, *, masked: bool) -> list[dict[str, Any]]:
    """The newest first. A question that was erased meanwhile has no words."""
    return [
        {
            "id": row.id,
            "link": row.link_id,
            "at": row.at,
            "mode": row.mode,
            "asked": " / ".join(snippet(one, masked=masked, longest=60) for one in json.loads(row.messages)[:3]),
            "outcome": outcome(row.state, row.verdict),
            "why": "" if masked else row.why,  # a model may quote the customer
            "tokens": row.tokens,
            "seconds": (row.ended_at - row.at).total_seconds() if row.ended_at is not None else None,
        }
        for row in turns.latest_turns(tx, name, _SHOWN)
    ]
