"""What each error leads to. Pure: an error and what is known of the step in, a decision out."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bridge.contract import AuthFailed, ConnectorError, Gone, Retryable, Scope, Throttled, WindowClosed
from mappings.states import StepState

_MAX_WAIT = timedelta(hours=1)
SCOPES: Mapping[type[ConnectorError], Scope] = {  # the first that fits; an error that names its own is believed
    Throttled: Scope.ACCOUNT,
    Retryable: Scope.ACCOUNT,
    AuthFailed: Scope.ACCOUNT,
    WindowClosed: Scope.CONVERSATION,
    Gone: Scope.CONVERSATION,
    ConnectorError: Scope.ITEM,
}
"""What each error is about, and so what may rest because of it: the one table."""
_FIRST_LOOK = timedelta(seconds=2)  # most writes that nobody answered were carried out or refused by then
_LONGEST_LOOK = timedelta(seconds=30)  # between two look-ups
_SLOWER = 4  # how much longer a write may take that nobody answered several times: its vendor is slow
_BUGS = 3  # how often something unexpected is tried before it is given up


class Disposition(StrEnum):
    """What happens to a step."""

    RETRY = "retry"  # again at `due_at`
    VERIFY = "look"  # unknown: look whether it took effect at `due_at`, then perhaps again
    PARK = "park"  # until the customer acts
    PAUSE = "pause"  # ready, but the account stops until somebody acts
    MOVE = "move"  # the ticket is elsewhere, or a new one is needed
    ANEW = "anew"  # rendered once more, without what the desk would not take
    FAIL = StepState.FAILED.value
    UNCONFIRM = StepState.UNCONFIRMED.value
    GIVE_UP = StepState.DEAD.value


@dataclass(frozen=True, slots=True)
class AttemptFacts:
    """What is known of a step when an attempt ended.

    `tries` counts failures in a row of the same code, this one included; `looks` says that its outcome can be looked
    up; `repeats` that the account would rather repeat than hold, `safely` that its vendor refuses a repeat; `age` is
    how long it exists; `settle` how long after its end a request that nobody answered may still be carried out.
    """

    now: datetime
    attempts: int
    tries: int
    age: timedelta
    max_age: timedelta
    looks: bool
    repeats: bool
    settle: timedelta
    backoff_max: timedelta
    towards_customer: bool
    safely: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """`hold_account` asks to pause sending of the whole account until a moment, `hold_interface` that of steps of the
    same verb. `trouble` counts for the account's breaker, `suspect` only when it meets several conversations.
    `settles_at`: from when on a look-up is believed that does not find an unknown step.
    """

    disposition: Disposition
    due_at: datetime | None = None
    hold_account: datetime | None = None
    hold_interface: datetime | None = None
    trouble: bool = False
    suspect: bool = False
    settles_at: datetime | None = None


def backoff(attempts: int, most: timedelta, chance: Callable[[], float] = random.random) -> timedelta:
    """Full jitter: between nothing and 1 s · 2^n, at most `most`. Never less than 50 ms."""
    ceiling = min(most.total_seconds(), 2.0 ** min(attempts, 20))
    return timedelta(seconds=max(0.05, ceiling * chance()))


def scope_of(error: BaseException) -> Scope:
    """What an error is about. What nobody foresaw is the item's: a bug meets what it cannot read."""
    if not isinstance(error, ConnectorError):
        return Scope.ITEM
    return error.scope or about(type(error))


def about(kind: type[ConnectorError]) -> Scope:
    """What an error of a class is about, unless it names its own."""
    return next(scope for known, scope in SCOPES.items() if issubclass(kind, known))


def decide(error: BaseException, facts: AttemptFacts, chance: Callable[[], float] = random.random) -> Decision:
    """The one place where errors become dispositions."""
    scope = scope_of(error)
    decision = _decide(error, scope, facts, chance)
    if not decision.trouble or scope in {Scope.ACCOUNT, Scope.MACHINE}:
        return decision
    return replace(decision, trouble=False, suspect=not isinstance(error, ConnectorError) or scope is not Scope.ITEM)


def _decide(error: BaseException, scope: Scope, facts: AttemptFacts, chance: Callable[[], float]) -> Decision:
    match error:
        case Throttled():
            seconds = min(error.retry_after, error.probe_after or error.retry_after)
            wait = min(timedelta(seconds=max(seconds, 0.05)), _MAX_WAIT)
            due = facts.now + wait + backoff(0, timedelta(seconds=1), chance)
            account, interface = (due if scope is one else None for one in (Scope.ACCOUNT, Scope.INTERFACE))
            # a quota is no fault of the step: it waits, however long
            return Decision(Disposition.RETRY, due, account, interface)
        case Retryable():
            return _retry(error, facts, chance)
        case WindowClosed():
            return Decision(Disposition.PARK)
        case AuthFailed() if scope is not Scope.ITEM:
            return _without_rights(scope, facts, chance)
        case Gone():
            return Decision(Disposition.MOVE)
        case ConnectorError():
            return Decision(Disposition.FAIL)
    # a bug: nobody knows what it did
    if facts.tries >= _BUGS:
        return Decision(Disposition.GIVE_UP)
    return _unknown(facts, ended=False)


def _without_rights(scope: Scope, facts: AttemptFacts, chance: Callable[[], float]) -> Decision:
    """The account stops until somebody acts; what is about less waits by itself, and asks again."""
    if scope in {Scope.ACCOUNT, Scope.MACHINE}:
        return Decision(Disposition.PAUSE)
    due = facts.now + backoff(facts.attempts, _most(facts), chance)
    held = due if scope is Scope.INTERFACE else None
    return _or_give_up(Decision(Disposition.RETRY, due, hold_interface=held, trouble=True), facts)


def still_unknown(decision: Decision, facts: AttemptFacts) -> Decision:
    """A look-up failed: nobody knows more than before, so look again, and in the end say that nobody knows."""
    if decision.disposition in {Disposition.RETRY, Disposition.PAUSE, Disposition.MOVE}:
        return decision
    if facts.age > facts.max_age:
        return Decision(Disposition.UNCONFIRM, trouble=decision.trouble)
    return Decision(Disposition.RETRY, facts.now + backoff(facts.attempts, facts.backoff_max), trouble=decision.trouble)


def _retry(error: Retryable, facts: AttemptFacts, chance: Callable[[], float]) -> Decision:
    if error.tries is not None and facts.tries >= error.tries:
        return Decision(Disposition.UNCONFIRM if error.then_unknown else Disposition.GIVE_UP, trouble=True)
    if not error.certain:
        return _unknown(facts, ended=error.ended)
    due = facts.now + backoff(facts.attempts, _most(facts), chance)
    return _or_give_up(Decision(Disposition.RETRY, due, trouble=True), facts)


def _unknown(facts: AttemptFacts, *, ended: bool) -> Decision:
    """Look first where that is possible; else hold or repeat, as the account says.

    A vendor that has `ended` with the request can be asked at once. One that did not answer may carry it out after we
    hung up: it is looked for soon, but that it is not there counts only when as much time as a request may take has
    passed once more. The same holds for a repeat, unless the vendor refuses it where the first one arrives after all.
    """
    if facts.looks and ended:
        return Decision(Disposition.VERIFY, facts.now + _FIRST_LOOK, trouble=True, settles_at=facts.now)
    if facts.looks:
        over = facts.now + facts.settle * min(2 ** (facts.tries - 1), _SLOWER)
        return Decision(Disposition.VERIFY, min(facts.now + _FIRST_LOOK, over), trouble=True, settles_at=over)
    if facts.repeats:
        return Decision(Disposition.VERIFY, facts.now + (_FIRST_LOOK if facts.safely else facts.settle), trouble=True)
    return Decision(Disposition.UNCONFIRM, trouble=True)


def next_look(now: datetime, tried_at: datetime, settles_at: datetime) -> datetime:
    """When a step that was not there yet is looked for again: at growing distances, and at last when it counts."""
    distance = min(max(_FIRST_LOOK, (now - tried_at) / 2), _LONGEST_LOOK)
    return min(now + distance, settles_at)


def _or_give_up(decision: Decision, facts: AttemptFacts) -> Decision:
    """A step that grew too old ends; an answer that comes hours late confuses more than it helps."""
    assert decision.due_at is not None
    if facts.age + (decision.due_at - facts.now) <= facts.max_age:
        return decision
    disposition = Disposition.FAIL if facts.towards_customer else Disposition.GIVE_UP
    return replace(decision, disposition=disposition, due_at=None)


def _most(facts: AttemptFacts) -> timedelta:
    """An agent waits for an answer to be accepted: those back off less."""
    return min(facts.backoff_max, timedelta(seconds=30)) if facts.towards_customer else facts.backoff_max
