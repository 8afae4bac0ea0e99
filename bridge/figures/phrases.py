"""Words that customers say more often than before. Pure, but for the dictionary that cuts Chinese into words.

Conversations are counted, not occurrences. A phrase is shown only where five conversations of five people have it, so
that no single person's words are. What looks like a number, an address or a link is taken out before anything is
counted.
"""

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

from bridge.figures.stop_words import STOP_WORDS

RECENT, BEFORE = 7, 28  # days
KEPT = timedelta(days=RECENT + BEFORE)
FEWEST = 5  # conversations, and people
MOST = 20
_HIDDEN = re.compile(
    r"(?:https?://|www\.)[^\s\u4e00-\u9fff]+"
    r"|(?<![a-z0-9.+_-])[a-z0-9.+_-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+"
    r"|[\u4e00-\u9fff][a-z][·•]?[a-z0-9]{5,6}(?![a-z0-9])"  # a car's number plate
    r"|(?<![a-z0-9_-])[a-z0-9_-]*\d{3,}[a-z0-9_-]*"
    r"|/:[^\s\u4e00-\u9fff]{1,6}"  # a platform's code of a face
)
_PIECES = re.compile(r"[\u4e00-\u9fff]+|(?:(?![\u4e00-\u9fff])[^\W\d_])+(?:['’-][a-z]+)*")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class Said:
    """What one customer said on one day, counted back from today (0)."""

    link: int
    person: int
    day: int
    text: str


@dataclass(frozen=True, slots=True)
class Rising:
    """A phrase: conversations and people of the last week, conversations of the weeks before, and each day's."""

    phrase: str
    n: int
    people: int
    before: int
    days: tuple[int, ...]


@dataclass(slots=True)
class Count:
    """What is counted bit by bit: first all of the last week, then of what is older only what may be shown."""

    recent: dict[str, dict[int, tuple[int, int]]] = field(default_factory=lambda: defaultdict(dict))
    before: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    links: set[int] = field(default_factory=set)
    links_before: set[int] = field(default_factory=set)
    candidates: frozenset[str] | None = None

    def add(self, said: Iterable[Said]) -> None:
        """More of it, the newest first."""
        for one in said:
            if one.day < RECENT and self.candidates is None:
                self.links.add(one.link)
                for term in terms(one.text):
                    self.recent[term][one.link] = one.person, one.day
                continue
            if self.candidates is None:
                self._choose()
            self.links_before.add(one.link)
            for term in terms(one.text) & (self.candidates or frozenset()):
                self.before[term].add(one.link)

    def rising(self) -> list[Rising]:
        """The phrases that rose most, by how unlikely it is that nothing changed (G²)."""
        if self.candidates is None:
            self._choose()
        found = []
        for term, seen in self.recent.items():
            weight = _g2(len(seen), len(self.links), len(self.before[term]), len(self.links_before))
            if weight > 0:
                days = [0] * RECENT
                for _, day in seen.values():
                    days[RECENT - 1 - day] += 1
                people = len({person for person, _ in seen.values()})
                found.append((weight, Rising(term, len(seen), people, len(self.before[term]), tuple(days))))
        found.sort(key=lambda one: (-one[0], -len(one[1].phrase), one[1].phrase))
        return _without_parts([one for _, one in found])[:MOST]

    def _choose(self) -> None:
        """What too few say is forgotten."""
        enough = {
            term: seen
            for term, seen in self.recent.items()
            if len(seen) >= FEWEST and len({person for person, _ in seen.values()}) >= FEWEST
        }
        self.recent, self.candidates = enough, frozenset(enough)


def is_installed() -> bool:
    """Whether the dictionary is there: the extra `bridge[topics]`."""
    return find_spec("rjieba") is not None


def terms(text: str) -> set[str]:
    """The words of a text and its pairs of neighbours, without stop words, numbers, addresses and links."""
    found: set[str] = set()
    for run in _runs(text):
        found.update(word for word in run if len(word) > 1)
        found.update(_joined(first, second) for first, second in pairwise(run))
    return found


def _runs(text: str) -> Iterator[list[str]]:
    """Words that stand beside each other, in runs between stop words."""
    plain = _HIDDEN.sub(" | ", unicodedata.normalize("NFKC", text).casefold())
    run: list[str] = []
    end = 0
    for piece in _PIECES.finditer(plain):
        if plain[end : piece.start()].strip():  # a mark stands between
            yield run
            run = []
        end = piece.end()
        for word in _cut(piece[0]):
            if word in STOP_WORDS:
                yield run
                run = []
            else:
                run.append(word)
    yield run


def _cut(piece: str) -> Sequence[str]:
    cutter = _cutter()
    if not _CHINESE.match(piece) or cutter is None:
        return (piece,)
    return tuple(cutter.cut(piece))


@lru_cache(1)
def _cutter() -> Any:
    # its dictionary takes 30 MB, which nobody without phrases needs to spend
    return import_module("rjieba") if is_installed() else None


def _joined(first: str, second: str) -> str:
    return first + second if _CHINESE.match(first) and _CHINESE.match(second) else f"{first} {second}"


def _g2(n: int, of: int, before: int, of_before: int) -> float:
    """The log-likelihood ratio of a share that rose; 0 when it did not."""
    total, all_of = n + before, of + of_before
    if not of or n * of_before <= before * of:
        return 0.0 if of_before else float(n)
    expected, expected_before = total * of / all_of, total * of_before / all_of
    return 2 * (n * math.log(n / expected) + (before * math.log(before / expected_before) if before else 0.0))


def _without_parts(found: Sequence[Rising]) -> list[Rising]:
    """Without words of which nearly all stand in a longer phrase that is shown."""
    longer = [(one.phrase, one.n) for one in found]
    return [
        one
        for one in found
        if not any(one.phrase != phrase and one.phrase in phrase and n >= 0.8 * one.n for phrase, n in longer)
    ]
