"""Steps of unknown outcome: from when on it counts that one is not at the vendor, and when it is looked for again.

A vendor may carry a request out long after the connection is gone: under load it stands in a queue, or waits for a lock
of its database. Whoever looks in between sees nothing, sends again, and then it is there twice.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Row

from bridge.engine.context import Work
from bridge.engine.outbound.policy import next_look
from mappings import attempts
from mappings.states import StepState


def counts_as_absent(row: Row[Any], looked_at: datetime) -> bool:
    """Whether a look-up that began at this moment and found nothing is believed."""
    return row.settles_at is None or looked_at >= row.settles_at


def look_later(work: Work, row: Row[Any]) -> None:
    """It is not there yet: the step rests until the next look. This claim was no loss."""
    due = next_look(work.now, row.tried_at or work.now, row.settles_at)
    attempts.settle(
        work.tx,
        row.id,
        row.lease,
        work.now,
        outcome="absent",
        state=StepState.READY,
        unknown=True,
        due_at=due,
        claims=row.claims - 1,
    )
    work.effects.note("not there yet", account=row.account, step=row.id, until=str(row.settles_at))
