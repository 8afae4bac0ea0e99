"""Which desk gets a conversation, rule by rule: why, what a change would do, by which entries customers come, and when
the office is open.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import Response

from bridge.advice import calendar_gaps
from bridge.cli.calendars import calendar_json
from bridge.cli.entries import entries_json
from bridge.console.visit import Visit
from bridge.explanation import explain_conversation, explain_opening, replay

_SPANS = {"1d": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}


async def show(visit: Visit) -> Response:
    """The rules in their order; the first whose conditions hold wins. With `since`, past conversations once more."""
    span = _SPANS.get(visit.asked("since"))
    runtime = visit.desk.runtime
    again = await visit.read(replay, runtime, visit.now - span) if span is not None else None
    return await _page(visit, replayed=again)


async def explain(visit: Visit) -> Response:
    """Why a made-up conversation, or a past one, goes where it goes. Nothing is kept of what is asked."""
    runtime, form = visit.desk.runtime, visit.form
    asked = {name: form.get(name, "").strip()[:500] for name in ("channel", "session_from", "page", "text", "at", "id")}
    if asked["id"]:
        past = await visit.read(explain_conversation, runtime, asked["id"])
        return await _page(visit, asked=asked, past=past)
    if asked["channel"] not in runtime.routes_of:
        return await _page(visit, asked=asked, past=[])
    context = {name: asked[name] for name in ("session_from", "page") if asked[name]}
    moment = _moment(runtime, asked["channel"], asked["at"]) or visit.now
    made_up = explain_opening(runtime, asked["channel"], context, asked["text"], moment)
    return await _page(visit, asked=asked, made_up=made_up)


async def _page(visit: Visit, **found: Any) -> Response:
    settings = visit.desk.runtime.settings
    gaps = calendar_gaps(settings, visit.now.date())
    calendars = [
        {**calendar_json(settings, name, None, visit.now), "gaps": gaps.get(name, [])} for name in settings.calendars
    ]
    values = {"asked": {}, "made_up": None, "past": None, "replayed": None, **found}
    return visit.page(
        "routes.html",
        routes=settings.routes,
        channels=sorted(visit.desk.runtime.routes_of),
        entries=await visit.read(entries_json, settings, visit.now),
        calendars=calendars,
        spans=list(_SPANS),
        **values,
    )


def _moment(runtime: Any, channel: str, text: str) -> datetime | None:
    """A time as it was typed, by the clock of the channel's calendar; None for none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    zones = [runtime.calendars[one.calendar].zone for one in runtime.routes_of[channel] if one.calendar]
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zones[0] if zones else UTC)
    return moment.astimezone(UTC)
