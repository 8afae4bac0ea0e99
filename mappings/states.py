"""The life of a step: its states, and the only ways from one to the next.

ready ⇄ parked        may go now / waits for the customer
  │       │
  ├───────┴──▶ failed, dead, unconfirmed, dropped
  └──▶ done ──▶ failed            (the vendor said so later)
failed, dead, unconfirmed ──▶ ready, dropped   (an agent or an admin decided)
"""

from datetime import datetime
from enum import StrEnum
from typing import TypedDict


class StepState(StrEnum):
    """`READY`: may go, or is on its way. `PARKED`: the customer must act first. `DONE`: accepted. `FAILED`: refused, or
    too old. `UNCONFIRMED`: nobody knows. `DEAD`: given up. `DROPPED`: not wanted any more.
    """

    READY = "ready"
    PARKED = "parked"
    DONE = "done"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"
    DEAD = "dead"
    DROPPED = "dropped"


_S = StepState
UNFINISHED = (_S.READY, _S.PARKED)
FAILED = (_S.FAILED, _S.UNCONFIRMED, _S.DEAD)  # ended without being accepted: agents and admins may try again
SENT = (_S.DONE, _S.UNCONFIRMED)  # something was sent, or may have been

TRANSITIONS: dict[StepState, frozenset[StepState]] = {
    _S.READY: frozenset(_S),
    _S.PARKED: frozenset({_S.PARKED, _S.READY, _S.FAILED, _S.DEAD, _S.DROPPED}),
    _S.DONE: frozenset({_S.FAILED}),
    _S.FAILED: frozenset({_S.READY, _S.DROPPED}),
    _S.UNCONFIRMED: frozenset({_S.READY, _S.DROPPED}),
    _S.DEAD: frozenset({_S.READY, _S.DROPPED}),
    _S.DROPPED: frozenset(),
}


def sources(state: StepState) -> tuple[StepState, ...]:
    """From which states a step may come to this one."""
    return tuple(one for one in StepState if state in TRANSITIONS[one])


class StepChanges(TypedDict, total=False):
    """What of a step may be changed once it is there. `done_at` is set by itself when a step ends."""

    state: StepState
    code: str
    error: str
    due_at: datetime | None
    done_at: datetime | None
    unknown: bool
    tries: int
    claims: int
    receipt: str
