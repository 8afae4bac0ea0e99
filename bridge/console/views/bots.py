"""Bots: how each is, where it answers and how far it may go, and what came of its last questions."""

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from bridge.console.visit import Visit
from bridge.console.words import snippet
from bridge.contract import BotAnswered, Malformed, Raw, Role, answer_key
from bridge.engine.context import Runtime
from bridge.engine.conversation.notices import say
from mappings import handovers, state, turns
from mappings.store import Tx

_DAY = timedelta(days=1)
_SHOWN = 50  # questions of one bot
_LONGEST = 120  # characters of an answer


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
            "turns": _turns(tx, visit, name, masked=masked),
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


def _turns(tx: Tx, visit: Visit, name: str, *, masked: bool) -> list[dict[str, Any]]:
    """The newest first. A question that was erased meanwhile has no words."""
    rows = turns.latest_turns(tx, name, _SHOWN)
    said = {} if masked else _said(tx, visit.desk.runtime, name, [row.job for row in rows])
    over = {
        (one.left_id, one.term - 1): one.why
        for one in handovers.handovers_of(tx, sorted({row.link_id for row in rows}))
    }
    return [
        {
            "id": row.id,
            "link": row.link_id,
            "at": row.at,
            "mode": row.mode,
            "asked": " / ".join(snippet(one, masked=masked, longest=60) for one in json.loads(row.messages)[:3]),
            "said": said.get(row.job, ""),
            "outcome": outcome(row.state, row.verdict),
            "over": why_text(visit.language, over.get((row.link_id, row.term), "")),
            "why": "" if masked else row.why,  # a model may quote the customer
            "tokens": row.tokens,
            "seconds": (row.ended_at - row.at).total_seconds() if row.ended_at is not None else None,
        }
        for row in rows
    ]


def why_text(language: str, why: str) -> str:
    """Why a conversation changed hands, in words."""
    return say(language, f"why.{why}") if why else ""


def _said(tx: Tx, runtime: Runtime, name: str, jobs: Sequence[str]) -> dict[str, str]:
    """Job → the beginning of what the bot said, as it said it: customers may have read less of it."""
    connector = runtime.accounts[name].connector
    found: dict[str, str] = {}
    for key, payload in turns.payloads_of(tx, name, [answer_key(job) for job in jobs]).items():
        with suppress(Malformed):
            for event in connector.normalise(Raw(key, payload)):
                if isinstance(event, BotAnswered):
                    words = " ".join(event.text.split())
                    found[event.job] = words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"
    return found
