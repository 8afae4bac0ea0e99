"""What the agents of a conversation were told, by cause: each once."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, or_, select, update

from mappings.deferred import notes
from mappings.prepared import Prepared
from mappings.sql import among, insert_for, table
from mappings.store import Tx
from mappings.tables import Notice

WENT = "went."  # by message: agents read that it waits, and nobody has told them yet that it has gone
LATE = "late."  # answers of this conversation do not go
_notice = table(Notice)
_WAITS = Prepared(
    select(_notice.c.link_id).where(
        among(_notice.c.link_id, "ids"),
        or_(*(_notice.c.cause.startswith(prefix, autoescape=True) for prefix in (LATE, WENT))),
    )
)
_EXPECTED = "waiting told"


def expect_waiting_told(tx: Tx, ids: Collection[int]) -> None:
    """`was_waiting_told`, asked for many links at once."""
    if ids:
        found = set(_WAITS.scalars(tx, ids=ids))
        notes(tx).setdefault(_EXPECTED, {}).update((one, one in found) for one in ids)


def was_waiting_told(tx: Tx, link_id: int) -> bool:
    """Whether a link's agents believe that answers wait. False only where that is certain."""
    return bool(notes(tx).get(_EXPECTED, {}).get(link_id, True))


def notice_once(tx: Tx, link_id: int, cause: str, now: datetime) -> bool:
    """True the first time a link's agents are to be told of a cause."""
    notes(tx).get(_EXPECTED, {}).pop(link_id, None)
    return (
        tx.execute(
            insert_for(tx, _notice)
            .values(link_id=link_id, cause=cause, at=now)
            .on_conflict_do_nothing()
            .returning(_notice.c.id)
        ).scalar()
        is not None
    )


def forget_old_notice(tx: Tx, link_id: int, cause: str, before: datetime) -> None:
    """A cause that was told before a moment may be told again."""
    tx.execute(delete(_notice).where(_notice.c.link_id == link_id, _notice.c.cause == cause, _notice.c.at < before))


def forget_notices(tx: Tx, link_id: int, prefix: str) -> int:
    """A cause is over: the next time it is told again. Returns how many were forgotten."""
    return tx.execute(
        delete(_notice).where(_notice.c.link_id == link_id, _notice.c.cause.startswith(prefix, autoescape=True))
    ).rowcount


def causes_told(tx: Tx, link_id: int, prefix: str, causes: Sequence[str] = ()) -> list[str]:
    """What a link's agents were told: causes that begin so, and of some others."""
    wanted = _notice.c.cause.startswith(prefix, autoescape=True) | _notice.c.cause.in_(causes)
    return list(tx.execute(select(_notice.c.cause).where(_notice.c.link_id == link_id, wanted)).scalars())


def move_notices(tx: Tx, link_id: int, to_link: int, prefix: str) -> None:
    """What agents were told of answers that go on with another link of the conversation."""
    notes(tx).get(_EXPECTED, {}).pop(to_link, None)
    moved = _notice.c.link_id == link_id, _notice.c.cause.startswith(prefix, autoescape=True)
    tx.execute(update(_notice).where(*moved).values(link_id=to_link))


def told_at(tx: Tx, link_id: int, cause: str) -> datetime | None:
    """When a link's agents were told of a cause; None when they were not."""
    moment: datetime | None = tx.execute(
        select(_notice.c.at).where(_notice.c.link_id == link_id, _notice.c.cause == cause)
    ).scalar()
    return moment
