"""How urgent a conversation is, as its ticket shows it."""

from bridge.engine.context import Work
from bridge.routing.goals import Level
from bridge.settings import RouteSettings
from mappings import goals

PRIORITIES = ("low", "normal", "high", "urgent")
_LABELS = ((Level.CLOSING, "closing"), (Level.LATE, "late"), (Level.SOON, "due-soon"))


def level_of(work: Work, link_id: int) -> str:
    """What a ticket is labelled with: how urgent its oldest question is. "" for not at all."""
    if not work.runtime.settings.targets:
        return ""
    level = max((row.level for row in goals.open_goals(work.tx, link_id) if row.kind in {"first", "next"}), default=0)
    return next((name for flag, name in _LABELS if level & flag), "")


def raised_for(work: Work, link_id: int, route: RouteSettings | None) -> str:
    """The priority that a late conversation should have at least: one step above what its route gives."""
    target = work.runtime.settings.targets.get(route.targets) if route is not None else None
    if (
        target is None
        or not target.raise_
        or not any(row.level & (Level.LATE | Level.CLOSING) for row in goals.open_goals(work.tx, link_id))
    ):
        return ""
    given = str(route.priority).lower() if route is not None and route.priority is not None else "normal"
    place = PRIORITIES.index(given) if given in PRIORITIES else 1
    return PRIORITIES[min(place + 1, len(PRIORITIES) - 1)]
