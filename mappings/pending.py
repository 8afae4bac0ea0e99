"""Whether there is anything to do, over all tables through which messages flow."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import exists, or_, select

from mappings import state
from mappings.sql import table
from mappings.states import UNFINISHED, RawState, StepState
from mappings.store import Tx
from mappings.tables import Inbox, Outbox, Waiting


def has_work(tx: Tx, now: datetime, resting: Collection[str] = ()) -> bool:
    """Whether something can move at this moment: a payload to be routed, a message to be rendered, a step to be sent
    or on its way. What is not due, stands behind something, or belongs to an account that rests cannot. `resting`:
    accounts at rest for reasons that the database does not know.
    """
    inbox, waiting, outbox = table(Inbox), table(Waiting), table(Outbox)
    paused = {name for name, pause in state.pauses(tx).items() if pause.until is None or pause.until > now}
    away = paused.union(resting)
    earlier, first = outbox.alias(), inbox.alias()
    unfinished = earlier.c.state.in_(UNFINISHED), earlier.c.aside.is_(False)
    behind = exists().where(earlier.c.lane == outbox.c.lane, earlier.c.id < outbox.c.id, *unfinished)
    blocked = exists().where(earlier.c.lane == waiting.c.lane, *unfinished)
    early = exists().where(
        first.c.account == inbox.c.account,
        first.c.id < inbox.c.id,
        first.c.state == RawState.READY,
        first.c.due_at > now,
    )
    movable = (
        select(inbox.c.id).where(
            inbox.c.state == RawState.READY, or_(inbox.c.due_at.is_(None), inbox.c.due_at <= now), ~early
        ),
        select(waiting.c.id).where(
            waiting.c.held == "", waiting.c.due_at <= now, ~blocked, waiting.c.account.not_in(away)
        ),
        select(outbox.c.id).where(outbox.c.begun_at.is_not(None)),
        select(outbox.c.id).where(
            outbox.c.state == StepState.READY, outbox.c.due_at <= now, ~behind, outbox.c.account.not_in(away)
        ),
    )
    return any(tx.execute(one.limit(1)).first() is not None for one in movable)
