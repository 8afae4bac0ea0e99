"""States of what is kept, and what of it may be changed. The life of a step, and the only ways from one to the next:

ready ⇄ parked        may go now / waits for the customer
  │       │
  ├───────┴──▶ failed, dead, unconfirmed, dropped
  └──▶ done ──▶ failed            (the vendor said so later)
failed, dead, unconfirmed ──▶ ready, dropped   (an agent or an admin decided)
unconfirmed ──▶ done, failed                   (it became known later)
"""

from datetime import datetime
from enum import StrEnum
from typing import NotRequired, TypedDict


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


class RawState(StrEnum):
    """`READY`: to be routed. `DONE`: routed, or dropped by an admin. `QUARANTINED`: it cannot be read."""

    READY = "ready"
    DONE = "done"
    QUARANTINED = "quarantined"


class FileState(StrEnum):
    """`WANTED`: to be fetched. `DONE`: its bytes are there. `FAILED`: they never will be."""

    WANTED = "wanted"
    DONE = "done"
    FAILED = "failed"


_S = StepState
UNFINISHED = (_S.READY, _S.PARKED)
FAILED = (_S.FAILED, _S.UNCONFIRMED, _S.DEAD)  # ended without being accepted: agents and admins may try again
SENT = (_S.DONE, _S.UNCONFIRMED)  # something was sent, or may have been

TRANSITIONS: dict[StepState, frozenset[StepState]] = {
    _S.READY: frozenset(_S),
    _S.PARKED: frozenset({_S.PARKED, _S.READY, _S.FAILED, _S.DEAD, _S.DROPPED}),
    _S.DONE: frozenset({_S.FAILED}),
    _S.FAILED: frozenset({_S.READY, _S.DROPPED}),
    _S.UNCONFIRMED: frozenset({_S.READY, _S.DONE, _S.FAILED, _S.DROPPED}),
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
    settles_at: datetime | None
    aside: bool
    tries: int
    claims: int
    receipt: str


class WaitingCause(StrEnum):
    """Why a message waits: somebody `SAID` it; the bridge says it by itself (`AUTOMATIC`); it brings the `FILES` that
    another one came with.
    """

    SAID = ""
    AUTOMATIC = "automatic"
    FILES = "files"


class WaitingColumns(TypedDict):
    """A routed message as it waits. `lane` is as `mappings.lanes` counts them."""

    lane: int
    link_id: int
    account: str
    message_id: str
    message: str
    due_at: datetime
    created_at: datetime
    inbox_id: NotRequired[int | None]
    cause: NotRequired[str]


class MessageRefColumns(TypedDict, total=False):
    """Where a message id came from: the inbox row, or the step that made it; the vendor's own number of it."""

    inbox_id: int | None
    outbox_id: int | None
    short: str | None


class LinkColumns(TypedDict, total=False):
    """The columns of a link. A new one needs both sides, the person and the two moments."""

    channel: str
    conversation: str
    desk: str
    ticket: str | None
    person_id: int
    state: str
    previous: str
    generation: int
    peer: str
    url: str
    contact: str
    context: str
    fields: str
    allowance: str
    shown: str
    decided: str
    proven: str
    entry: str
    held_by: str
    warn_at: datetime | None
    created_at: datetime
    touched_at: datetime
    solved_at: datetime | None
    holder: str
    term: int
    memory: str


class SurveyColumns(TypedDict, total=False):
    """Columns of a question how it was."""

    state: str
    due_at: datetime
    asked_at: datetime | None
    why: str
    score: int | None
    rated_at: datetime | None


class UserColumns(TypedDict, total=False):
    """Columns of a sign-in to the console."""

    role: str
    language: str
    theme: str


class ShopMessageColumns(TypedDict):
    """A message that the shop's server asked for."""

    id: str
    account: str
    given: str
    link_id: int
    message_id: str
    step_id: int | None
    outcome: str
    at: datetime


class GoalColumns(TypedDict, total=False):
    """Columns of a target of one conversation."""

    link_id: int
    kind: str
    target: str
    seconds: int
    level: int
    started_at: datetime
    due_at: datetime
    next_at: datetime | None


class BotTurnColumns(TypedDict):
    """One question to a bot."""

    outbox_id: int
    link_id: int
    account: str
    term: int
    mode: str
    at: datetime


class BotOutcome(TypedDict, total=False):
    """What came of a question beside its state."""

    verdict: str
    tokens: int
    why: str


class MediaColumns(TypedDict, total=False):
    """What became of the fetch of a file."""

    state: FileState
    sha256: str
    mime: str
    size: int
    due_at: datetime
    error: str


class HandoverColumns(TypedDict):
    """One change of holder."""

    link_id: int
    left_id: int
    from_account: str
    to_account: str
    why: str
    who: str
    term: int
    at: datetime
