"""A side, asked at its vendor: is it well, and what would set-up change there?"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from bridge.contract import ConnectorError, Health, Problem, SetsUp, SetUpChange, in_language
from bridge.first_config import NAMES
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
        plan=_plan(visit, role, plan),
    )


def _shown(visit: Visit, problem: Problem) -> dict[str, Any]:
    what, remedy = problem.say(visit.language)
    return {"what": what, "remedy": remedy, "enter": problem.enter, "stops": problem.stops}


def _plan(visit: Visit, role: str, changes: Sequence[SetUpChange] | None) -> list[dict[str, Any]] | None:
    """What would be done, and what is left to the reader, with the values of the draft in their places."""
    if changes is None:
        return None
    texts = [in_place(change.say(visit.language), role, getattr(visit.draft, role).values) for change in changes]
    return [
        {"text": text, "by_hand": change.apply is None and not change.keys, "long": "\n" in text}
        for text, change in zip(texts, changes, strict=True)
    ]


def in_place(text: str, role: str, values: Mapping[str, Any]) -> str:
    """A text of a plan, each `<accounts.NAME.KEY>` replaced by what is entered."""
    return re.sub(
        rf"<accounts\.{re.escape(NAMES[role])}\.(\w+)>", lambda found: str(values.get(found[1], found[0])), text
    )
