"""Which desk gets a conversation, rule by rule: why, what a change would do, by which entries customers come, and when
the office is open.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from starlette.responses import Response

from bridge import route_publishing as publishing
from bridge.advice import calendar_gaps
from bridge.cli.calendars import calendar_json
from bridge.cli.entries import entries_json
from bridge.console.visit import Refused, Visit
from bridge.engine.context import Runtime
from bridge.explanation import explain_conversation, explain_opening, moment_of, replay
from bridge.route_drafts import read_draft, routes_text
from bridge.settings import ConfigError
from mappings import goals

_LOOKED = 20_000  # conversations, whose entries are counted while somebody waits for the page
LONGEST = 60_000  # characters of a draft
_SPANS = {"1d": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}


async def show(visit: Visit) -> Response:
    """The rules in their order; the first whose conditions hold wins. With `since`, past conversations once more."""
    span = _SPANS.get(visit.asked("since"))
    runtime = visit.desk.runtime
    again = await visit.read(replay, runtime, visit.now - span) if span is not None else None
    return await _page(visit, replayed=again)


async def draft(visit: Visit) -> Response:
    """Other routes beside those that serve: what is wrong with them, and what of past days would go elsewhere. Nothing
    is kept.
    """
    runtime, text = visit.desk.runtime, visit.form.get("draft", "")[:LONGEST]
    changed, faults = read_draft(runtime, text)
    span = _SPANS.get(visit.form.get("since", ""), _SPANS["7d"])
    asked = _asked(visit.form)
    values: dict[str, Any] = {
        "draft": text,
        "draft_faults": faults,
        "draft_asked": asked,
        "compared": None,
        "both": None,
    }
    if changed is not None:
        values["compared"] = await visit.read(replay, changed, visit.now - span, runtime)
        if asked["channel"] in changed.routes_of and asked["channel"] in runtime.routes_of:
            values["both"] = [_explained(visit, one, asked) for one in (runtime, changed)]
    return await _page(visit, **values)


async def explain(visit: Visit) -> Response:
    """Why a made-up conversation, or a past one, goes where it goes. Nothing is kept of what is asked."""
    runtime, form = visit.desk.runtime, visit.form
    asked = _asked(form)
    if asked["id"]:
        past = await visit.read(explain_conversation, runtime, asked["id"])
        return await _page(visit, asked=asked, past=past)
    if asked["channel"] not in runtime.routes_of:
        return await _page(visit, asked=asked, past=[])
    return await _page(visit, asked=asked, made_up=_explained(visit, runtime, asked))


def _asked(form: Mapping[str, str]) -> dict[str, str]:
    return {name: form.get(name, "").strip()[:500] for name in ("channel", "session_from", "page", "text", "at", "id")}


def _explained(visit: Visit, runtime: Runtime, asked: dict[str, str]) -> dict[str, Any]:
    """A made-up conversation, by some routes."""
    context = {name: asked[name] for name in ("session_from", "page") if asked[name]}
    try:
        moment = moment_of(runtime, asked["channel"], asked["at"]) if asked["at"] else visit.now
    except ValueError:
        raise Refused("error.time", 400, given=asked["at"]) from None
    return explain_opening(runtime, asked["channel"], context, asked["text"], moment)


def _in_file(path: Path) -> dict[str, Any]:
    """What the configuration has now, whether there is something to put back, or why it cannot be read."""
    try:
        found: dict[str, Any] = {"standing": publishing.standing(path), "standing_faults": []}
    except ConfigError as error:
        found = {"standing": None, "standing_faults": error.faults}
    except (OSError, UnicodeDecodeError) as error:
        found = {"standing": None, "standing_faults": [f"{path}: {error}"]}
    return {**found, "former": publishing.is_kept(path)}


async def _page(visit: Visit, **found: Any) -> Response:
    settings, path = visit.desk.runtime.settings, visit.desk.bridge.config
    file: dict[str, Any] = {"standing": None, "standing_faults": [], "former": False}
    if path is not None:
        file = await asyncio.to_thread(_in_file, path)
    gaps = calendar_gaps(settings, visit.now.date())
    calendars = [
        {**calendar_json(settings, name, None, visit.now), "gaps": gaps.get(name, [])} for name in settings.calendars
    ]
    values = {"asked": {}, "made_up": None, "past": None, "replayed": None, "compared": None, "both": None, **found}
    standing = file["standing"]
    shown = standing.text if standing is not None and standing.text else routes_text(settings.routes)
    values = {"draft": shown, "draft_faults": [], "draft_asked": {}, **values}
    owed = await visit.read(goals.by_deadline) if settings.targets else []
    return visit.page(
        "routes.html",
        targets=settings.targets,
        owed=owed,
        routes=settings.routes,
        channels=sorted(visit.desk.runtime.routes_of),
        entries=await visit.read(entries_json, settings, visit.now, _LOOKED),
        calendars=calendars,
        spans=list(_SPANS),
        path=path,
        serving=settings.routes_version,
        renewable=visit.desk.bridge.start_anew is not None,
        **file,
        **values,
    )
