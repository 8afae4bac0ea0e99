"""What becomes of a label that could not be written."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Row

from bridge.engine.context import Work
from bridge.engine.outbound.policy import Decision, Disposition
from mappings import attempts, links
from mappings.links import LinkRow
from mappings.states import StepState

_TRIES_FOR = timedelta(minutes=10)
_AGAIN = timedelta(seconds=3)


def label_failed(
    work: Work, row: Row[Any], link: LinkRow, error: BaseException, decision: Decision, code: str
) -> Decision:
    """Labels are worth a few tries and no word to anybody: the next change writes them anew."""
    values: dict[str, Any] = {"code": code, "error": getattr(error, "message", type(error).__name__), "unknown": False}
    again = (
        decision.disposition in {Disposition.RETRY, Disposition.VERIFY, Disposition.PAUSE}
        and work.now - row.created_at < _TRIES_FOR
    )
    if again:
        values |= {"due_at": decision.due_at or work.now + _AGAIN}
    else:
        values |= {"state": StepState.DROPPED}
        links.change_link(work.tx, link.id, shown="")
    attempts.settle(
        work.tx,
        row.id,
        row.lease,
        work.now,
        outcome="retry" if again else StepState.DROPPED,
        detail=values["error"],
        **values,
    )
    return Decision(
        Disposition.RETRY if again else Disposition.FAIL,
        values.get("due_at"),
        decision.hold_account,
        decision.hold_interface,
        decision.trouble,
        decision.suspect,
    )
