"""One module for each page: what it reads, and what may be done there."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.responses import Response

from bridge.console.views import (
    accounts,
    audit,
    bots,
    conversation,
    conversations,
    deliveries,
    figures,
    overview,
    people,
    privacy,
    problems,
    publishing,
    routes,
    settings,
)
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
    View("GET", "/people", people.show),
    View("GET", "/people/{id}", people.show_person),
    View("POST", "/people/{id}/join", people.join, "operator"),
    View("POST", "/people/{id}/undo", people.undo, "operator"),
    View("POST", "/people/{id}/export", privacy.export_person, "admin"),
    View("POST", "/people/{id}/erase", privacy.erase_person, "admin"),
    View("GET", "/accounts", accounts.show),
    View("GET", "/accounts/{name}", accounts.show_account),
    View("GET", "/accounts/{name}/checks", accounts.checks),
    View("GET", "/accounts/{name}/plan", accounts.plan, "admin"),
    View("POST", "/accounts/{name}/plan", accounts.apply, "admin"),
    View("POST", "/accounts/{name}/pause", accounts.pause, "operator"),
    View("POST", "/accounts/{name}/resume", accounts.resume, "operator"),
    View("GET", "/routes", routes.show),
    View("POST", "/routes/explain", routes.explain, "operator"),
    View("POST", "/routes/draft", routes.draft, "operator"),
    View("POST", "/routes/publish", publishing.publish, "operator"),
    View("POST", "/routes/undo", publishing.undo, "operator"),
    View("POST", "/routes/renew", publishing.renew, "operator"),
    View("GET", "/bots", bots.show),
    View("GET", "/figures", figures.show),
    View("GET", "/figures/{chart}", figures.download),
    View("GET", "/deliveries", deliveries.show),
    View("POST", "/deliveries/replay", deliveries.replay, "operator"),
    View("POST", "/deliveries/since", deliveries.replay_since, "operator"),
    View("GET", "/audit", audit.show),
    View("POST", "/settings/users", settings.add_user, "admin"),
    View("POST", "/settings/users/role", settings.change_role, "admin"),
    View("POST", "/settings/users/remove", settings.remove_user, "admin"),
    View("POST", "/settings/users/sessions/end", settings.end_theirs, "admin"),
    View("GET", "/settings", settings.show),
    View("POST", "/settings/look", settings.look),
    View("POST", "/settings/sessions/end", settings.end_sessions),
)
