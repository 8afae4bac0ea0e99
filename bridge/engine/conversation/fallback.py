"""A desk that refuses the bridge for long: who waits for a first ticket there gets one elsewhere."""

import json

from bridge.engine.context import Work
from bridge.engine.conversation.handover import Cause, hand_over
from bridge.engine.conversation.other_desk import refused_for_long
from mappings import history, links, outbox, waiting


def fall_back(work: Work) -> None:
    """By the clock: conversations that wait for a first ticket at a desk that refuses go to their fallback, once."""
    for desk in {route.desk for route in work.runtime.settings.routes if route.fallback}:
        if not refused_for_long(work, desk):
            continue
        for link_id in history.without_ticket(work.tx, desk):
            link = links.get_link(work.tx, link_id, lock=True)
            named = json.loads(link.decided).get("rule") if link.decided else ""
            found = [one for one in work.runtime.routes_of.get(link.channel, ()) if one.name == named]
            to = found[0].fallback if found else ""
            lane = links.lane_to_desk(link.id)
            if to and to != desk and link.state == "open" and _waits(work, lane):
                hand_over(work, link, to, Cause("fallback"))


def _waits(work: Work, lane: int) -> bool:
    """Whether all of it is still here: what may have arrived at the old desk stays with it."""
    steps = outbox.unfinished_in(work.tx, lane)
    begun = any(step.unknown or step.begun_at is not None for step in steps)
    return not begun and bool(steps or waiting.waiting_in(work.tx, lane))
