"""Work on all of one cause: begun, done bit by bit, stopped, ended. It survives whoever began it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from mappings.console_tables import ReplayJob
from mappings.sql import table
from mappings.store import Tx

_job = table(ReplayJob)


def begin(tx: Tx, who: str, cause: str, until: int, total: int, now: datetime) -> int:
    """A new one, for what is there up to an id."""
    values = {"who": who, "cause": cause, "state": "running", "until": until, "total": total, "created_at": now}
    made = tx.execute(insert(_job).values(after=0, done=0, **values).returning(_job.c.id))
    return int(made.scalar_one())


def is_running(tx: Tx) -> bool:
    """Whether there is one that is not ended."""
    return tx.execute(select(_job.c.id).where(_job.c.state == "running").limit(1)).scalar() is not None


def next_running(tx: Tx) -> Row[Any] | None:
    """The oldest that is not ended, locked; None also while another process is at it."""
    running = select(_job).where(_job.c.state == "running").order_by(_job.c.id).limit(1)
    return tx.execute(running.with_for_update(skip_locked=True)).first()


def advance(tx: Tx, job_id: int, after: int, more: int) -> None:
    """So many more are done, up to an id."""
    tx.execute(update(_job).where(_job.c.id == job_id).values(after=after, done=_job.c.done + more))


def end(tx: Tx, job_id: int, state: str, now: datetime) -> bool:
    """It is `done`, or was `stopped`. False when it was ended before."""
    ended = update(_job).where(_job.c.id == job_id, _job.c.state == "running")
    return bool(tx.execute(ended.values(state=state, ended_at=now)).rowcount)


def forget_jobs(tx: Tx, before: datetime) -> int:
    """Retention: those that ended before a moment."""
    return tx.execute(delete(_job).where(_job.c.ended_at < before)).rowcount


def jobs(tx: Tx, limit: int = 10) -> list[Row[Any]]:
    """The last ones, the newest first."""
    return list(tx.execute(select(_job).order_by(_job.c.id.desc()).limit(limit)))
