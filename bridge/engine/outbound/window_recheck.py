"""A step that waited for its turn may find the window closed meanwhile: it is not sent to be refused."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Row

from bridge.contract import AuthorKind, Step
from bridge.engine.context import Work
from bridge.engine.conversation.allowance import Allowance
from bridge.engine.conversation.holding import hold
from bridge.engine.conversation.queueing import carried_by
from mappings import attempts, links
from mappings.states import StepState

_FRESH = timedelta(seconds=5)  # what was planned, or ordered again by an agent, a moment ago goes without a second look


def closed_meanwhile(work: Work, row: Row[Any]) -> bool:
    """Parks a claimed step that the allowance no longer holds. True when it did."""
    if work.now - row.created_at < _FRESH or row.unknown or not links.is_towards_customer(row.lane):
        return False
    if work.runtime.capabilities(row.account).window is None:
        return False
    link = links.get_link(work.tx, row.link_id, lock=True)
    book = Allowance.model_validate_json(link.allowance)
    if book.remaining(work.now) >= Step.model_validate_json(row.step).cost:
        return False
    carried = carried_by(row)
    automatic = all(message.author.kind is not AuthorKind.AGENT for message in carried)
    attempts.settle(
        work.tx,
        row.id,
        row.lease,
        work.now,
        outcome="park",
        detail=f"the window closed before it went ({book.summary(work.now)})",
        state=StepState.DROPPED if automatic else StepState.PARKED,
    )
    if not automatic:
        what = "window.spent" if book.is_open(work.now) else "window.over"
        hold(work, link, carried, what, tried=True)
    return True
