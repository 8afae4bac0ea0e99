"""Hand-overs, and what was said in a conversation before one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Unpack

from sqlalchemy import Row, insert, or_, select

from mappings.holder_tables import Handover
from mappings.sql import columns, table
from mappings.states import SENT, UNFINISHED, HandoverColumns, StepState
from mappings.store import Tx
from mappings.tables import MessageRef, Outbox

_handover, _ref, _outbox = table(Handover), table(MessageRef), table(Outbox)
_GOING = (*UNFINISHED, *SENT)
BEGUN = "agent"  # why, where an agent answered; with another link, where they began on a ticket of their own


def add_handover(tx: Tx, **values: Unpack[HandoverColumns]) -> None:
    """One change of holder."""
    tx.execute(insert(_handover).values(values))


def handovers_of(tx: Tx, link_ids: Sequence[int]) -> list[Row[Any]]:
    """The hand-overs of a conversation's links, oldest first."""
    mine = _handover.c.link_id.in_(link_ids) | _handover.c.left_id.in_(link_ids)
    return list(tx.execute(select(_handover).where(mine).order_by(_handover.c.id)))


def left_by(tx: Tx, link_id: int) -> Row[Any] | None:
    """The hand-over by which a conversation left this link for another desk, with its transcript. An agent who began
    on a ticket of their own took none along.
    """
    left = _handover.c.left_id == link_id, _handover.c.link_id != link_id, _handover.c.why != BEGUN
    return tx.execute(select(_handover).where(*left).order_by(_handover.c.id.desc()).limit(1)).first()


def came_with_transcript(tx: Tx, link_id: int) -> bool:
    """Whether this link was made by a hand-over between desks."""
    handed = _handover.c.link_id == link_id, _handover.c.left_id != link_id, _handover.c.why != BEGUN
    return tx.execute(select(_handover.c.id).where(*handed).limit(1)).first() is not None


def took(tx: Tx, lane: int, mark: str) -> bool:
    """Whether a desk took, or may be taking, a message whose id begins so."""
    sent = _outbox.c.lane == lane, _outbox.c.state != StepState.DROPPED
    found = select(_outbox.c.id).where(*sent, _outbox.c.messages.contains(f'"{mark}'))
    return tx.execute(found.limit(1)).first() is not None


def steps_said(tx: Tx, lanes: Sequence[int], limit: int = 200) -> list[Row[Any]]:
    """The newest steps of some lanes that went, may have gone, or are to go."""
    said = select(*columns(_outbox, "id", "lane", "state", "messages", "begun_at", "unknown")).where(
        _outbox.c.lane.in_(lanes),
        # a question that a bot never answered was said all the same
        or_(_outbox.c.lane < 0, *(_outbox.c.state == state for state in _GOING)),
    )
    return list(tx.execute(said.order_by(_outbox.c.id.desc()).limit(limit)))


def order_of(tx: Tx, link_ids: Sequence[int], limit: int = 2000) -> dict[str, tuple[int, datetime]]:
    """When the messages of some links were routed, by message id: the order of record, and the moment."""
    known = select(*columns(_ref, "message_id", "id", "at")).where(_ref.c.link_id.in_(link_ids))
    return {row.message_id: (row.id, row.at) for row in tx.execute(known.order_by(_ref.c.id.desc()).limit(limit))}
