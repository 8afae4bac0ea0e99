"""Which desk gets a conversation, rule by rule."""

from starlette.responses import Response

from bridge.console.visit import Visit


async def show(visit: Visit) -> Response:
    """The rules in their order; the first whose conditions hold wins."""
    return visit.page("routes.html", routes=visit.desk.runtime.settings.routes)
