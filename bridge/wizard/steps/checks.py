"""A side, asked at its vendor: is it well, and what would set-up change there?"""

from typing import Any

from starlette.responses import Response

from bridge.contract import ConnectorError, Health, Problem, SetsUp, SetUpChange, in_language
from bridge.wizard.setup import Visit


async def check_channel(visit: Visit) -> Response:
    """The channel."""
    return await _check(visit, "channel")


async def check_desk(visit: Visit) -> Response:
    """The desk."""
    return await _check(visit, "desk")


async def _check(visit: Visit, role: str) -> Response:
    connector = visit.setup.preview.connector(role)
    if connector is None:
        return visit.part("check.html", role=role, health=None, facts={}, problems=[], plan=None)
    health, plan = Health(), None
    try:
        health = await connector.check()
        refused = any(problem.credentials for problem in health.problems)
        if isinstance(connector, SetsUp) and not refused:
            plan = await connector.plan()
    except ConnectorError as error:
        text = error.reason.get(visit.language) or visit.say("setup.unreachable")
        health = Health(problems=(Problem(what=error.message, remedy=text, zh=text),))
    return visit.part(
        "check.html",
        role=role,
        health=health,
        facts={key: in_language(value, visit.language) for key, value in health.facts.items()},
        problems=[_shown(visit, one) for one in health.problems],
        plan=_plan(plan, visit.language),
    )


def _shown(visit: Visit, problem: Problem) -> dict[str, Any]:
    what, remedy = problem.say(visit.language)
    return {"what": what, "remedy": remedy, "enter": problem.enter, "stops": problem.stops}


def _plan(changes: Any, language: str) -> list[dict[str, Any]] | None:
    if changes is None:
        return None
    shown: list[dict[str, Any]] = []
    for change in changes:
        assert isinstance(change, SetUpChange)
        text = change.say(language)
        shown.append({"text": text, "by_hand": change.apply is None, "long": "\n" in text})
    return shown
