"""What is known of an attempt when it ends, and how long after its end a vendor may still be at it."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from bridge.contract import LooksUp
from bridge.engine.context import Runtime, Work
from bridge.engine.outbound.policy import AttemptFacts
from mappings import links, outbox

_DESK_AGE = timedelta(hours=72)


def facts_of(runtime: Runtime, row: Row[Any], tries: int, now: datetime) -> AttemptFacts:
    """What the policy needs to know of a step whose attempt failed."""
    engine = runtime.settings.engine
    connected = runtime.accounts[row.account]
    towards_customer = not links.is_towards_desk(row.lane)
    return AttemptFacts(
        now=now,
        attempts=row.attempts + 1,
        tries=tries,
        age=now - row.created_at,
        max_age=runtime.settings.replies.try_for if towards_customer else _DESK_AGE,
        looks=isinstance(connected.connector, LooksUp),
        repeats=connected.config.uncertain == "retry",
        safely=runtime.capabilities(row.account).refuses_repeats,
        settle=settle_of(runtime, row.account),
        backoff_max=engine.backoff_max,
        towards_customer=towards_customer,
    )


def took(work: Work, row: Row[Any]) -> timedelta:
    """How long the attempt that ends now has taken."""
    begun = outbox.get_step(work.tx, row.id)
    return work.now - begun.begun_at if begun is not None and begun.begun_at is not None else timedelta(0)


def settle_of(runtime: Runtime, account: str) -> timedelta:
    """How long after its end a request of this account that nobody answered may still be carried out: at least as long
    as one may take.
    """
    engine = runtime.settings.engine
    return max(engine.settle, engine.request_timeout, runtime.capabilities(account).longest_write)
