"""The reply allowance of one conversation, as arithmetic.

It is advice: the platform's own answer decides, and corrects it at once. Two grants are kept apart (one for a message
of the customer, one for merely opening the chat) and are never added: what may be sent is the larger of those that are
still valid. Every send lowers both, so that the count never exceeds the platform's. A third one is for events that a
platform rewards (`Window.grants`), such as a payment: it may be without a count.
"""

from datetime import datetime

from bridge.contract import Window
from bridge.contract.messages import Value

UNLIMITED = 1_000  # more than anybody sends: such a grant is not counted down


def shown(left: int) -> int | str:
    """How many replies are left, as people read it."""
    return left if left < UNLIMITED else "∞"


class Grant(Value):
    """So many replies until a moment."""

    left: int = 0
    until: datetime | None = None

    def remaining(self, now: datetime) -> int:
        return self.left if self.until is not None and now < self.until else 0


class Allowance(Value):
    """`spoke_at` and `entered_at` say when the customer last acted, `answered_at` when an agent last did; `used` counts
    replies since the customer last spoke.
    """

    message: Grant = Grant()
    entry: Grant = Grant()
    event: Grant = Grant()
    spoke_at: datetime | None = None
    entered_at: datetime | None = None
    answered_at: datetime | None = None
    used: int = 0
    unanswered: bool = False

    def remaining(self, now: datetime) -> int:
        """How many replies may be sent now."""
        return max(grant.remaining(now) for grant in (self.message, self.entry, self.event))

    def until(self, now: datetime) -> datetime | None:
        """When the last valid grant ends; None when none is valid."""
        all_of_them = (self.message, self.entry, self.event)
        ends = [grant.until for grant in all_of_them if grant.remaining(now) and grant.until]
        return max(ends) if ends else None

    def is_open(self, now: datetime) -> bool:
        """Whether the time to answer the customer's last message is not over, replies left or not."""
        return any(grant.until is not None and now < grant.until for grant in (self.message, self.event))

    def acted_since(self, moment: datetime | None) -> bool:
        """Whether the customer spoke or entered after a moment: what the platform said before that is history."""
        acts = [at for at in (self.spoke_at, self.entered_at) if at is not None]
        return moment is not None and any(at > moment for at in acts)

    def summary(self, now: datetime) -> str:
        """One line for a journal: how many replies are left at a moment, and until when."""
        until = self.until(now)
        return f"{shown(self.remaining(now))} left until {until:%Y-%m-%d %H:%M}" if until is not None else "0 left"


def spoke(allowance: Allowance, window: Window, at: datetime) -> Allowance:
    """The customer said something: a full allowance, never less than there was."""
    grant = Grant(left=window.replies, until=at + window.lasts)
    return allowance.model_copy(update={"message": grant, "spoke_at": at, "used": 0, "unanswered": True})


def entered(allowance: Allowance, window: Window, at: datetime, name: str = "") -> Allowance:
    """The customer opened the chat, or did what `name` says, among the window's grants. The larger grant stays."""
    if name in window.grants:
        given = window.grants[name]
        grant = Grant(left=UNLIMITED if given.replies is None else given.replies, until=at + given.lasts)
        stays = allowance.event.remaining(at) > grant.left
        return allowance.model_copy(update={"entered_at": at, **({} if stays else {"event": grant})})
    if window.on_entry <= 0:
        return allowance.model_copy(update={"entered_at": at})
    grant = Grant(left=window.on_entry, until=at + window.entry_lasts)
    return allowance.model_copy(update={"entry": grant, "entered_at": at})


def spent(allowance: Allowance, cost: int, *, answered_at: datetime | None = None) -> Allowance:
    """Replies were accepted, or may have been. `answered_at` is None for automatic texts and for doubt."""
    changes: dict[str, object] = {
        "message": _less(allowance.message, cost),
        "entry": _less(allowance.entry, cost),
        "event": _less(allowance.event, cost),
        "used": allowance.used + cost,
    }
    if answered_at is not None:
        changes |= {"answered_at": answered_at, "unanswered": False}
    return allowance.model_copy(update=changes)


def corrected(allowance: Allowance, now: datetime, *, spent: bool = False) -> Allowance:
    """The platform refused: nothing may be sent until the customer acts, whatever we counted.

    `spent`: it said that the count is used up; else that the time is over.
    """
    closed: dict[str, object] = {"left": 0}
    if not spent:
        closed["until"] = now
    return allowance.model_copy(
        update={
            "message": allowance.message.model_copy(update=closed),
            "entry": allowance.entry.model_copy(update=closed),
            "event": allowance.event.model_copy(update=closed),
        }
    )


def _less(grant: Grant, cost: int) -> Grant:
    return grant if grant.left >= UNLIMITED else grant.model_copy(update={"left": max(0, grant.left - cost)})
