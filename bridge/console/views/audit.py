"""Who did what, the newest first."""

from starlette.responses import Response

from bridge.console.visit import Visit
from mappings import state

_SHOWN = 100


async def show(visit: Visit) -> Response:
    """The page."""
    text, before = visit.asked("text"), visit.asked("before")
    at = int(before) if before.isdigit() and len(before) < 19 else None
    rows = await visit.read(state.audits, _SHOWN, before=at, text=text)
    older = str(rows[-1].id) if len(rows) == _SHOWN else ""
    return visit.page("audit.html", rows=rows, text=text, before=before, older=older)
