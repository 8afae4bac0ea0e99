"""Steps that ended without being accepted: given up, sent again, or listed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update

from mappings.locks import lock_links
from mappings.sql import columns, table
from mappings.states import FAILED, StepState
from mappings.store import Tx
from mappings.tables import Outbox

_outbox = table(Outbox)


def drop_failed(tx: Tx, ids: Sequence[int], why: str) -> int:
    """Steps that ended badly are given up for good."""
    lock_links(tx, tx.execute(select(_outbox.c.link_id).where(_outbox.c.id.in_(ids))).scalars())
    return tx.execute(
        update(_outbox)
        .where(_outbox.c.id.in_(ids), _outbox.c.state.in_(FAILED))
        .values(state=StepState.DROPPED, error=why)
    ).rowcount


def replay_steps(tx: Tx, ids: Sequence[int], now: datetime) -> list[Row[Any]]:
    """Steps that ended badly go again, as if new. One that may have been delivered is sent again, too."""
    lock_links(tx, tx.execute(select(_outbox.c.link_id).where(_outbox.c.id.in_(ids))).scalars())
    return list(
        tx.execute(
            update(_outbox)
            .where(_outbox.c.id.in_(ids), _outbox.c.state.in_(FAILED))
            .values(
                state=StepState.READY,
                due_at=now,
                tries=0,
                claims=0,
                unknown=False,
                created_at=now,
                done_at=None,
                code="",
            )
            .returning(*columns(_outbox, "id", "account", "link_id"))
        )
    )


def failed_among(tx: Tx, ids: Sequence[int]) -> list[Row[Any]]:
    """Which of some steps ended badly."""
    return list(tx.execute(select(_outbox.c.id).where(_outbox.c.id.in_(ids), _outbox.c.state.in_(FAILED))))


def failed_in(tx: Tx, link_id: int, lane: int) -> list[Row[Any]]:
    """The steps of a lane that ended without being accepted, in order."""
    return list(
        tx.execute(
            select(_outbox)
            .where(_outbox.c.link_id == link_id, _outbox.c.lane == lane, _outbox.c.state.in_(FAILED))
            .order_by(_outbox.c.id)
        )
    )
