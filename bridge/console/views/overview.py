"""Whether somebody has to do something, on one page."""

from starlette.responses import Response

from bridge.console.visit import Visit


async def show(visit: Visit) -> Response:
    """The overview."""
    return visit.page("overview.html")
