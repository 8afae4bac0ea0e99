"""What is kept no longer."""

from datetime import datetime

from sqlalchemy import delete, select

from mappings.sql import table
from mappings.states import StepState
from mappings.store import Tx
from mappings.tables import Attempt, Outbox

_outbox, _attempt = table(Outbox), table(Attempt)


def forget_steps(tx: Tx, before: datetime, limit: int = 500) -> int:
    """Finished steps and their journal."""
    ids = list(
        tx.execute(
            select(_outbox.c.id)
            .where(_outbox.c.done_at < before, _outbox.c.state.not_in((StepState.READY, StepState.PARKED)))
            .limit(limit)
        ).scalars()
    )
    if ids:
        tx.execute(delete(_attempt).where(_attempt.c.outbox_id.in_(ids)))
        tx.execute(delete(_outbox).where(_outbox.c.id.in_(ids)))
    return len(ids)
