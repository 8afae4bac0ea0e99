"""Attempts whose process ended: looked up, repeated or ended; and what ends a process every time is given up."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from bridge.contract import (
    ConnectorError,
    LooksUp,
)
from bridge.engine.context import Work
from bridge.engine.outbound.attempt_facts import facts_of, settle_of
from bridge.engine.outbound.failure import ENDS, tell_end
from bridge.engine.outbound.policy import Disposition
from mappings import attempts, links, outbox
from mappings.states import StepState
from mappings.store import Tx

_LOSSES, _LOSSES_OF_OLD = 5, 2  # claims without a result before a step is given up, at any age and beyond its time


def rescue_lost(work: Work, in_flight_here: Collection[int] = ()) -> None:
    """Attempts whose sender died: their outcome is unknown, from the moment their time was over.

    Those `in_flight_here` here are none of them, even when this process stood still for longer than a lease.
    """
    for row in outbox.lost_steps(work.tx, work.now):
        if row.account not in work.runtime.accounts or row.id in in_flight_here:
            continue
        connected = work.runtime.accounts[row.account]
        settles, due = _times(work, row)
        looks = isinstance(connected.connector, LooksUp) or connected.config.uncertain == "retry"
        if looks:
            attempts.settle(
                work.tx,
                row.id,
                row.lease,
                work.now,
                outcome="lost",
                state=StepState.READY,
                unknown=True,
                due_at=due,
                settles_at=settles,
                claims=row.claims,  # counts on: a step that ends the process ends itself, see `lost_too_often`
                code="lost",
                error="the process ended while it was being sent",
            )
        else:
            error = ConnectorError("the process ended while it was being sent", code="lost", certain=False)
            attempts.settle(
                work.tx,
                row.id,
                row.lease,
                work.now,
                outcome="lost",
                state=StepState.UNCONFIRMED,
                code="lost",
                error=error.message,
            )
            link = links.get_link(work.tx, row.link_id, lock=True)
            tell_end(work, row, link, error, Disposition.UNCONFIRM, "lost")
        work.effects.accounts.add(row.account)
        work.effects.note("attempt lost", account=row.account, lane=row.lane, step=row.id)


def _times(work: Work, row: Row[Any]) -> tuple[datetime, datetime]:
    """From when on it counts that an attempt's effect is not there, and when it is looked for or repeated: the request
    may have gone on without us for as long as one may take.
    """
    if links.is_towards_bot(row.lane):
        return work.now, work.now  # nobody has seen anything of it
    settle = settle_of(work.runtime, row.account)
    longest = max(work.runtime.settings.engine.request_timeout, work.runtime.capabilities(row.account).longest_write)
    settles = max(work.now, (row.begun_at or work.now) + longest + settle)
    looks = isinstance(work.runtime.accounts[row.account].connector, LooksUp)
    return settles, work.now if looks or work.runtime.capabilities(row.account).refuses_repeats else settles


def lost_too_often(work: Work, row: Row[Any]) -> bool:
    """Ends a step that was claimed just now when too many claims before had no result: it may be what ends the process.
    True when it is over. One that may have been sent is unconfirmed, one that never was is dead.
    """
    losses = row.claims - 1
    if losses < _LOSSES_OF_OLD:
        return False
    facts = facts_of(work.runtime, row, row.tries, work.now)
    if losses < _LOSSES and facts.age <= facts.max_age:
        return False
    begun = row.attempts > 0
    disposition = Disposition.UNCONFIRM if begun else Disposition.GIVE_UP
    sentence = f"the process ended {losses} times while it was in hand"
    error = ConnectorError(sentence, code="lost", certain=not begun)
    attempts.settle(
        work.tx,
        row.id,
        row.lease,
        work.now,
        outcome="lost",
        state=ENDS[disposition],
        unknown=False,
        code="lost",
        error=sentence,
    )
    link = links.get_link(work.tx, row.link_id, lock=True)
    tell_end(work, row, link, error, disposition, "lost")
    work.effects.accounts.add(row.account)
    work.effects.warn("step given up", account=row.account, step=row.id, why=sentence)
    return True


def one_suspect(tx: Tx, rows: list[Row[Any]], in_flight: Sequence[Row[Any]]) -> list[Row[Any]]:
    """Steps that were in hand when a process ended go one at a time: the one at fault must not count for others."""
    suspects = [row for row in rows if row.claims > 1]
    free = not any(row.claims > 1 for row in in_flight)
    later = suspects[1 if free else 0 :]
    for row in later:
        outbox.give_back(tx, row.id, row.lease)
    return [row for row in rows if row not in later]
