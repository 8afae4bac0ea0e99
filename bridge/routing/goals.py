"""When an answer is due: by the office's clock, and before the window closes in which it can be given at all. Pure.

If the window ends while the office is closed, what counts is the last closing before it: an answer that was not given
by Friday evening cannot be given on Monday.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntFlag

from bridge.routing.calendar import Calendar, add, between, last_open

_SOON = 0.75  # of the time that there is
_LAST = timedelta(hours=1)  # of opening time before nothing can be said any more


class Level(IntFlag):
    """What has been done about a goal; each once."""

    SOON = 1
    LATE = 2
    CLOSING = 4


@dataclass(frozen=True, slots=True)
class Deadline:
    """`due_at` is what counts. `last_at` is the last moment at which somebody is there and may answer; None where there
    is no window, or nobody is there before it ends (`lost`).
    """

    due_at: datetime
    last_at: datetime | None = None
    lost: bool = False


def deadline(
    calendar: Calendar, begun: datetime, length: timedelta, window_ends: datetime | None, margin: timedelta
) -> Deadline:
    """When an answer is due that was asked for at a moment and should take so much of the office's time."""
    goal = add(calendar, begun, length) or begun + length
    if window_ends is None:
        return Deadline(goal)
    last = last_open(calendar, window_ends - margin, begun) or last_open(calendar, window_ends, begun)
    if last is None:
        return Deadline(min(goal, max(begun, window_ends - margin)), lost=True)
    return Deadline(min(goal, last), last)


def levels(calendar: Calendar, begun: datetime, found: Deadline) -> list[tuple[datetime, Level]]:
    """What happens when if nobody answers, in order."""
    time = between(calendar, begun, found.due_at) or found.due_at - begun
    soon = add(calendar, begun, time * _SOON)
    when = [(min(soon or found.due_at, found.due_at), Level.SOON), (found.due_at, Level.LATE)]
    if found.lost:
        when.append((begun, Level.CLOSING))
    elif found.last_at is not None:
        rest = between(calendar, begun, found.last_at) - _LAST
        closing = add(calendar, begun, rest) if rest > timedelta() else begun
        when.append((closing or found.last_at, Level.CLOSING))
    return sorted(when)
