"""Which entry a question is about: how much of it an entry knows, and how much of one way to ask it has. Pure.

Terms weigh what they say by themselves and how few entries have them (as in BM25); what decides an entry (the rarest
term of a way to ask) must be there.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.faq.entries import Entry
from connectors.faq.spelling import Spelling
from connectors.faq.terms import Lexicon, common, terms_of, written_in

_PARTS = re.compile(
    r"[?？。！!；;\n]+|[，,、]?(?:另外|还有|顺便问一下|以及)|,? \b(?:and also|also|and|by the way)\b", re.IGNORECASE
)
_COMMAS = re.compile(r"[，,、]+")
_SHORT = 3  # characters that are no question
_MEANT = 0.85  # what a word counts that a typing error hides
_UNDECIDED = 0.55  # what is left where nothing names the entry
_NAMED = 0.9
_MOST_PARTS, _MOST_ANSWERS = 6, 3


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry, and how sure it is that it answers: 0 to 1."""

    entry: Entry
    score: float


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to ask: its terms, what they weigh together, and those that decide it."""

    terms: Mapping[str, float]
    weight: float
    keys: frozenset[str]


class Search:
    """All entries of a file, ready to be asked."""

    def __init__(self, entries: Sequence[Entry], synonyms: Sequence[Sequence[str]] = ()) -> None:
        self._entries = entries
        groups = {f"o:{number}": ways for number, ways in enumerate(synonyms)}
        self._lexicon: Lexicon = common().with_groups(groups) if groups else common()
        ways = [[terms_of(way, self._lexicon).weights for way in entry.questions] for entry in entries]
        own = [[terms_of(word, self._lexicon).weights for word in entry.words] for entry in entries]
        self._known: list[dict[str, float]] = [_joined([*mine, *more]) for mine, more in zip(ways, own, strict=True)]
        counts: dict[str, int] = {}
        for known in self._known:
            for term in known:
                counts[term] = counts.get(term, 0) + 1
        self._idf = {term: _rarity(len(entries), count) for term, count in counts.items()}
        self._unknown = _rarity(len(entries), 0)
        self._ways = [[self._way(terms) for terms in mine] for mine in ways]
        self._own = [[frozenset(terms) for terms in mine] for mine in own]
        self._languages = [frozenset(map(written_in, entry.questions)) for entry in entries]
        self._spelling = Spelling(self._words(counts))

    def _words(self, counts: Mapping[str, int]) -> list[tuple[str, str]]:
        phrases = [(phrase, term) for phrase, term in self._lexicon.phrases.items() if term in counts]
        return [*phrases, *((term, term) for term in counts if term[1:2] != ":")]

    def _way(self, terms: Mapping[str, float]) -> _Way:
        weights = {term: weight * self._idf[term] for term, weight in terms.items()}
        most = max(weights.values(), default=0.0)
        keys = frozenset(t for t, w in weights.items() if w >= 0.8 * most)
        topics = frozenset(t for t in keys if t[1:2] == ":")  # beside these a word that nobody else has decides nothing
        return _Way(weights, sum(weights.values()), topics or keys)

    def best(self, text: str, count: int = 3) -> list[Hit]:
        """The entries that fit best, best first."""
        asked = self._asked(text)
        most = sum(asked.values())
        if not most:
            return []
        language = written_in(text)
        places = [place for place, languages in enumerate(self._languages) if language in languages]
        hits = [Hit(self._entries[place], self._score(place, asked, most)) for place in places]
        return [hit for hit in sorted(hits, key=lambda one: -one.score)[:count] if hit.score > 0]

    def _asked(self, text: str) -> dict[str, float]:
        """What the question's terms weigh. Words that the file does not know weigh as much as its rarest."""
        terms = terms_of(text, self._lexicon)
        found = dict(terms.weights)
        for word, term in self._spelling.meant(terms).items():
            if found.get(term, 0.0) < _MEANT:
                found[term] = max(found.get(term, 0.0), _MEANT * self._lexicon.weights.get(term, 1.0))
            for other in terms.loose:
                if other not in self._idf and (other in word or word in other):
                    found.pop(other, None)
        return {term: weight * self._idf.get(term, self._unknown) for term, weight in found.items()}

    def _score(self, place: int, asked: Mapping[str, float], most: float) -> float:
        known = self._known[place]
        of_question = sum(weight for term, weight in asked.items() if term in known) / most
        best = 0.0
        for way in self._ways[place]:
            shared = sum(min(weight, asked[term]) for term, weight in way.terms.items() if term in asked)
            decided = 1.0 if way.keys & asked.keys() else _UNDECIDED
            best = max(best, decided * shared / way.weight if way.weight else 0.0)
        if any(own <= asked.keys() for own in self._own[place] if own):
            best = max(best, _NAMED)
        return round(2 * of_question * best / (of_question + best), 4) if of_question + best else 0.0

    def answer(self, text: str, threshold: float) -> list[Hit]:
        """The entries that answer a message: one, or one for each of the questions that it holds. Empty: none does."""
        whole = [hit for hit in self.best(text, 1) if hit.score >= threshold]
        for pattern in (_PARTS, _COMMAS):
            found: list[Hit] = []
            parts = [part.strip() for part in pattern.split(text) if part and len(part.strip()) > 1]
            for part in parts[:_MOST_PARTS] if len(parts) > 1 else ():
                for hit in self.best(part, 1):
                    if hit.score >= threshold and all(hit.entry is not one.entry for one in found):
                        found.append(hit)
            if len(found) > 1 or (found and not whole):
                return found[:_MOST_ANSWERS]
        return whole


def _rarity(entries: int, count: int) -> float:
    return math.log(1 + (entries - count + 0.5) / (count + 0.5))


def _joined(ways: Sequence[Mapping[str, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for way in ways:
        for term, weight in way.items():
            found[term] = max(weight, found.get(term, 0.0))
    return found
