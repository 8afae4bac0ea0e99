"""From the facts of a conversation to its turns and its episode. Pure: the same facts in any order, however often, give
the same spans, and whatever becomes known late is simply counted anew.

A turn begins with the first message of a customer that nobody has answered, and ends with a person's answer that the
channel accepted. What a machine says ends no turn. While a bot holds the conversation, the clock of people stands
still: it starts with the hand-over.
"""

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

WAITING, ANSWERED, UNNEEDED = "waiting", "answered", "unneeded"
_SHUT = {"solved", "closed"}
_ORDER = ("customer", "handover", "bot", "automatic", "answer", "lost", "state", "rating")
_RANK = {kind: rank for rank, kind in enumerate(_ORDER)}

Business = Callable[[datetime, datetime], timedelta]


class FactLike(Protocol):
    """A fact, as it is read."""

    kind: str
    ref: str
    link_id: int
    at: datetime
    from_at: datetime | None
    agent: str
    code: str
    value: int


@dataclass(slots=True)
class TurnSpan:
    """See `mappings.figure_tables.Turn`."""

    number: int
    link_id: int
    started_at: datetime
    asked_at: datetime | None = None
    answered_at: datetime | None = None
    outcome: str = WAITING
    first: bool = False
    agent: str = ""
    took: int | None = None
    business: int | None = None
    bridge_part: int | None = None


@dataclass(slots=True)
class EpisodeSpan:
    """See `mappings.figure_tables.Episode`."""

    link_id: int
    opened_at: datetime
    answered_at: datetime | None = None
    first_solved_at: datetime | None = None
    last_solved_at: datetime | None = None
    state: str = "open"
    shifts: list[tuple[datetime, int]] = field(default_factory=list)
    messages: int = 0
    answers: int = 0
    bot: int = 0
    automatic: int = 0
    reopens: int = 0
    handovers: int = 0
    lost: int = 0
    rating: int | None = None


@dataclass(frozen=True, slots=True)
class Folded:
    """A conversation as it was told up to a moment whose facts are kept no longer."""

    until: datetime
    holder: str
    episode: EpisodeSpan | None
    turns: list[TurnSpan]


def spans_of(
    facts: Iterable[FactLike], *, desks: frozenset[str], first_holder: str, business: Business,
    before: Folded | None = None,
) -> tuple[EpisodeSpan | None, list[TurnSpan]]:  # fmt: skip
    """The episode and the turns of one conversation; none before the customer has said anything.

    `desks` are the accounts where people answer, `first_holder` is who held the conversation when it began, `business`
    says how long somebody is there between two moments. `before`: what came before the facts.
    """
    story = _told(facts, _Story(desks, first_holder, business, before), before)
    return story.episode, story.turns


def fold(
    facts: Iterable[FactLike], until: datetime, *, desks: frozenset[str], first_holder: str, business: Business,
    before: Folded | None = None,
) -> Folded:  # fmt: skip
    """The same up to a moment, to go on from there without these facts."""
    old = [one for one in facts if one.at < until]
    story = _told(old, _Story(desks, first_holder, business, before), before)
    return Folded(until, story.holder, story.episode, story.turns)


def _told(facts: Iterable[FactLike], story: "_Story", before: Folded | None) -> "_Story":
    if before is not None:  # what came so late that its time is folded already counts no more
        facts = [one for one in facts if one.at >= before.until]
    every = {(one.kind, one.ref): one for one in facts}
    taken_back = {ref for (kind, ref) in every if kind == "lost"}
    aside = {ref for (kind, ref) in every if kind == "aside"}
    known = [
        one
        for (kind, ref), one in every.items()
        if kind in _RANK and not (kind == "answer" and ref in taken_back) and not (kind == "customer" and ref in aside)
    ]
    for one in sorted(known, key=lambda one: (one.at, _RANK[one.kind], len(one.ref), one.ref)):
        story.take(one)
    return story


class _Story:
    """A conversation as far as it is told."""

    def __init__(self, desks: frozenset[str], holder: str, business: Business, before: Folded | None) -> None:
        self._desks, self._business = desks, business
        self.holder = before.holder if before is not None else holder
        self.episode = deepcopy(before.episode) if before is not None else None
        self.turns = deepcopy(before.turns) if before is not None else []

    def take(self, fact: FactLike) -> None:
        if fact.kind == "handover":
            self._handed(fact)
        elif fact.kind == "customer":
            self._said(fact)
        elif self.episode is not None:
            {
                "answer": self._answered,
                "state": self._moved,
                "lost": self._lost,
                "rating": self._rated,
                "bot": self._automatic,
                "automatic": self._automatic,
            }[fact.kind](fact, self.episode)

    @property
    def _open(self) -> TurnSpan | None:
        return self.turns[-1] if self.turns and self.turns[-1].outcome == WAITING else None

    def _said(self, fact: FactLike) -> None:
        if self.episode is None:
            self.episode = EpisodeSpan(fact.link_id, fact.at, shifts=[(fact.at, 1)])
        self.episode.messages += 1
        self.episode.link_id = max(self.episode.link_id, fact.link_id)
        if self._open is None:
            asked = fact.at if self.holder in self._desks else None
            self.turns.append(TurnSpan(len(self.turns), fact.link_id, fact.at, asked))

    def _handed(self, fact: FactLike) -> None:
        self.holder = fact.agent
        if self.episode is not None:
            self.episode.handovers += 1
            self.episode.link_id = max(self.episode.link_id, fact.link_id)
        turn = self._open
        if turn is not None and turn.asked_at is None and self.holder in self._desks:
            turn.asked_at = fact.at

    def _answered(self, fact: FactLike, episode: EpisodeSpan) -> None:
        episode.answers += 1
        turn = self._open
        if turn is None:
            return
        begun = turn.asked_at or turn.started_at
        turn.asked_at, turn.answered_at, turn.outcome, turn.agent = begun, fact.at, ANSWERED, fact.agent
        turn.first = episode.answered_at is None
        episode.answered_at = episode.answered_at or fact.at
        turn.took = _ms(fact.at - begun)
        turn.business = _ms(self._business(begun, fact.at))
        turn.bridge_part = min(turn.took, _ms(fact.at - fact.from_at)) if fact.from_at is not None else None

    def _moved(self, fact: FactLike, episode: EpisodeSpan) -> None:
        if fact.code in _SHUT:
            if episode.state not in _SHUT:
                episode.shifts.append((fact.at, -1))
                episode.first_solved_at = episode.first_solved_at or fact.at
                episode.last_solved_at = fact.at
            turn = self._open
            if turn is not None:
                turn.outcome = UNNEEDED
            episode.state = fact.code
        elif fact.code == "open" and episode.state in _SHUT:
            episode.state = "open"
            episode.reopens += 1
            episode.shifts.append((fact.at, 1))
        elif fact.code == "ended" and fact.link_id >= episode.link_id and episode.state not in _SHUT:
            episode.state = "closed"  # unless a hand-over at this very moment goes on with it, which is told first
            episode.shifts.append((fact.at, -1))
            if self._open is not None:
                self._open.outcome = UNNEEDED

    def _lost(self, fact: FactLike, episode: EpisodeSpan) -> None:
        episode.lost += fact.code.startswith("answer")

    def _rated(self, fact: FactLike, episode: EpisodeSpan) -> None:
        episode.rating = fact.value

    def _automatic(self, fact: FactLike, episode: EpisodeSpan) -> None:
        if fact.kind == "bot":
            episode.bot += 1
        else:
            episode.automatic += 1


def _ms(span: timedelta) -> int:
    """Milliseconds; clocks that differ make none below zero."""
    return max(0, round(span.total_seconds() * 1000))
