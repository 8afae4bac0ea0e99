"""Has anything changed? Two stamps that differ when it has, each a few looks at the end of an index."""

from typing import Any

from sqlalchemy import func, select

from mappings.account_tables import Audit, Pause
from mappings.console_tables import RefusedCallback, ReplayJob
from mappings.sql import table
from mappings.store import Tx
from mappings.tables import Attempt, Inbox, Outbox, Waiting

_LAST = table(Inbox), table(Outbox), table(Attempt)
_audit, _pause, _job, _waiting = table(Audit), table(Pause), table(ReplayJob), table(Waiting)
_refused = table(RefusedCallback)
_ACTS = select(
    select(func.max(_audit.c.id)).scalar_subquery(),
    select(func.count()).select_from(_pause).scalar_subquery(),
    select(func.max(_pause.c.since)).scalar_subquery(),
    select(func.sum(_job.c.done)).where(_job.c.state == "running").scalar_subquery(),
    select(func.max(_refused.c.id)).scalar_subquery(),
)
_TRAFFIC = select(
    *(select(func.max(one.c.id)).scalar_subquery() for one in _LAST),
    select(func.max(_waiting.c.id)).scalar_subquery(),
)


def stamps(tx: Tx) -> tuple[Any, Any]:
    """(what people and states did, what traffic did)."""
    return tuple(tx.execute(_ACTS).one()), tuple(tx.execute(_TRAFFIC).one())
