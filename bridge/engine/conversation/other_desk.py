"""Another desk than the rule names: one that knows the customer (`stick`), or one that can be reached (`fallback`)."""

from datetime import timedelta
from typing import Any

from bridge.engine.context import Runtime, Work
from bridge.settings import RouteSettings
from mappings import history, state

_REFUSED = timedelta(minutes=15)  # a mere outage waits in its lane
_REMEMBERS = timedelta(days=30)


def desk_for(work: Work, route: RouteSettings, person_id: int) -> tuple[RouteSettings, dict[str, Any]]:
    """The route with the desk that takes the conversation, and why it is another one, for the record."""
    chosen, why = route, {}
    if route.stick in {"desk", "agent"}:
        before = history.tickets_before(work.tx, person_id)
        recent = [one for one in before if work.now - one.touched_at < _REMEMBERS]
        desks = {one.desk for one in work.runtime.routes_of.get(route.channel, ())}
        if recent and recent[0].desk != route.desk and recent[0].desk in desks:
            chosen, why = _at(work.runtime, route, recent[0].desk), {"instead": route.desk, "because": "stick"}
    if route.fallback and refused_for_long(work, chosen.desk):
        chosen, why = _at(work.runtime, route, route.fallback), {"instead": chosen.desk, "because": "fallback"}
    return chosen, why


def refused_for_long(work: Work, desk: str) -> bool:
    """Whether a desk has refused the bridge altogether for a while: somebody has to act there."""
    pause = state.pauses(work.tx).get(desk)
    return pause is not None and pause.until is None and work.now - pause.since > _REFUSED


def _at(runtime: Runtime, route: RouteSettings, desk: str) -> RouteSettings:
    """The route at another desk: with what that desk's own first route gives, since groups and fields are its own."""
    own = next((one for one in runtime.routes_of.get(route.channel, ()) if one.desk == desk), None)
    given = ("group", "brand", "priority", "custom_fields", "replies_left_field", "window_closes_field")
    fields = {
        name: getattr(own, name) if own is not None else RouteSettings.model_fields[name].default for name in given
    }
    return route.model_copy(update={"desk": desk, **fields})
