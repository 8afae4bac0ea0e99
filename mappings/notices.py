"""What the agents of a conversation were told, by cause: each once."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update

from mappings.sql import insert_for, table
from mappings.store import Tx
from mappings.tables import Notice

_notice = table(Notice)


def notice_once(tx: Tx, link_id: int, cause: str, now: datetime) -> bool:
    """True the first time a link's agents are to be told of a cause."""
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
    moved = _notice.c.link_id == link_id, _notice.c.cause.startswith(prefix, autoescape=True)
    tx.execute(update(_notice).where(*moved).values(link_id=to_link))


def told_at(tx: Tx, link_id: int, cause: str) -> datetime | None:
    """When a link's agents were told of a cause; None when they were not."""
    moment: datetime | None = tx.execute(
        select(_notice.c.at).where(_notice.c.link_id == link_id, _notice.c.cause == cause)
    ).scalar()
    return moment
