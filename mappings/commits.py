"""Commits of a writer's thread: many jobs together on SQLite, one by one on PostgreSQL, again after a deadlock."""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from mappings import deferred
from mappings.writer_queue import Again, Job, finish

_DEADLOCK = {"40P01", "40001"}
_TRIES = 20


def commit_together(tx: Connection, jobs: Sequence[Job[Any]], urgent: deque[Job[Any]]) -> int:
    """One transaction for some jobs, in order; returns how many of them are over. When something urgent waits it ends
    early, and what is urgent shares its commit.

    A job that fails takes the others with it, who have no part in it: then each has a transaction of its own. (A
    savepoint for each, which nearly always is for nothing, costs two statements of some twenty that a message has.)
    """
    done: list[Job[Any]] = []
    first: list[Job[Any]] = []
    failed = False
    try:
        with tx.begin():
            try:
                for job in jobs:
                    done.append(job)
                    job.value = job.function(tx)
                    if urgent:
                        break
                for _ in range(len(urgent)):
                    first.append(urgent.popleft())
                    first[-1].value = first[-1].function(tx)
                deferred.flush(tx)
            except BaseException:
                failed = True
                raise
    except BaseException as error:  # noqa: BLE001 - the thread must live on; whoever waits gets the error
        done = done or list(jobs)
        together = [*first, *done]
        if failed and len(together) > 1:
            for job in together:
                commit_together(tx, [job], deque())
            return len(done)
        for job in together:
            job.error = error
    finish([*first, *done])
    return len(done)


def commit_single(engine: Engine, tx: Connection | None, job: Job[Any]) -> Connection | None:
    """One job on a connection that stays open; returns the one to go on with.

    A job that met a deadlock, or a connection that was dead before COMMIT was asked for, runs again: it did nothing. So
    does one that asks for it itself, each time with more done first.
    """
    first: Callable[[Connection], object] | None = None
    for left in reversed(range(_TRIES)):
        committing = False
        try:
            tx = tx or engine.connect()
            with tx.begin() as transaction:
                if first is not None:
                    first(tx)
                job.value = job.function(tx)
                committing = True
                deferred.finish(tx)
                transaction.commit()
        except Again as again:
            first = again.first
            if left:
                continue
            job.error = again
        except BaseException as error:  # noqa: BLE001 - as above
            said = error.orig if isinstance(error, DBAPIError) else error
            dead = tx is not None and _is_dead(tx)
            if dead:
                tx = None
            if left > _TRIES - 3 and (getattr(said, "sqlstate", None) in _DEADLOCK or (dead and not committing)):
                continue
            job.error = error
        break
    finish([job])
    return tx


def _is_dead(tx: Connection) -> bool:
    """Whether the server has hung up; such a connection is given back to be thrown away."""
    driver = None if tx.invalidated else tx.connection.driver_connection
    if driver is not None and not driver.closed:
        return False
    with suppress(SQLAlchemyError):
        tx.invalidate()
        tx.close()
    return True
