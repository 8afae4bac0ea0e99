"""A message that cannot be rendered holds up its own conversation and no other.

Lanes are rendered in the transaction that claims, so that one that raises undoes the claims of its whole account. After
such a failure each lane has a savepoint: the one at fault is held, and tried again with its next message.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from bridge.engine.context import Work
from bridge.engine.conversation.agent_notes import tell
from bridge.engine.outbound.rendering import render_lane
from mappings import links, waiting
from mappings.links import LinkRow
from mappings.store import is_trouble


def render_apart(work: Work, lane: int, rows: Sequence[Row[Any]]) -> LinkRow:
    """Renders one lane as `render_lane` does, or holds it and says so. A store in trouble is raised as ever."""
    part = Work(work.tx, work.runtime, work.now)
    try:
        with work.tx.begin_nested():
            link = render_lane(part, lane, rows)
    except Exception as error:
        if is_trouble(error):
            raise
        return _hold(work, lane, error)
    work.effects.add(part.effects)
    return link


def _hold(work: Work, lane: int, error: Exception) -> LinkRow:
    link = links.get_link(work.tx, links.link_of(lane), lock=True)
    kind = type(error).__name__
    account = link.desk if links.is_towards_desk(lane) else link.channel
    remedy = "report this fault of the connector; `bridge trace` names the messages that wait"
    work.effects.warn("cannot render", account=account, link=link.id, error=kind, remedy=remedy)
    if lane == links.lane_of_labels(link.id):  # nobody said them: the next change writes them anew
        waiting.drop_waiting(work.tx, [row.id for row in waiting.waiting_in(work.tx, lane)])
        return link
    waiting.hold_waiting(work.tx, lane, f"bug: {kind}")
    if lane == links.lane_to_channel(link.id):
        tell(work, link, "unrendered", cause="unrendered")
    return link
