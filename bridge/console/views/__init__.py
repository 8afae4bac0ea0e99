"""One module for each page: what it reads, and what may be done there."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.responses import Response

from bridge.console.views import conversation, conversations, overview, problems, settings
from bridge.console.visit import Visit


class View(NamedTuple):
    """One address under `/console`, who may call it, and what answers."""

    method: str
    path: str
    act: Callable[[Visit], Awaitable[Response]]
    role: str = "viewer"


VIEWS = (
    View("GET", "/overview", overview.show),
    View("GET", "/conversations", conversations.show),
    View("GET", "/conversations/{id}", conversation.show),
    View("POST", "/conversations/{id}/hold", conversation.hold, "operator"),
    View("POST", "/conversations/{id}/release", conversation.release, "operator"),
    View("POST", "/conversations/{id}/note", conversation.write_note, "operator"),
    View("POST", "/conversations/{id}/step", conversation.retry_step, "operator"),
    View("POST", "/conversations/{id}/{command}", conversation.command, "operator"),
    View("GET", "/problems", problems.show),
    View("POST", "/problems/replay", problems.replay_one, "operator"),
    View("POST", "/problems/drop", problems.drop_one, "operator"),
    View("POST", "/problems/jobs/{job}/stop", problems.stop, "operator"),
    View("GET", "/problems/{cause}", problems.show_cause),
    View("POST", "/problems/{cause}/replay", problems.replay_all, "operator"),
    View("POST", "/problems/{cause}/drop", problems.drop_all, "operator"),
    View("GET", "/settings", settings.show),
    View("POST", "/settings/look", settings.look),
    View("POST", "/settings/sessions/end", settings.end_sessions),
)
