"""How urgent a conversation is, as its ticket shows it."""

from bridge.engine.context import Work
from bridge.routing.goals import Level
from mappings import goals

_LABELS = ((Level.CLOSING, "closing"), (Level.LATE, "late"), (Level.SOON, "due-soon"))


def level_of(work: Work, link_id: int) -> str:
    """What a ticket is labelled with: how urgent its oldest question is. "" for not at all."""
    if not work.runtime.settings.targets:
        return ""
    level = max((row.level for row in goals.open_goals(work.tx, link_id) if row.kind in {"first", "next"}), default=0)
    return next((name for flag, name in _LABELS if level & flag), "")
