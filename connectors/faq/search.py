"""Which entry a question is about: how much of it an entry knows, and how much of one way to ask it has. Pure.

Terms weigh what they say by themselves and how few entries have them (as in BM25); what decides an entry (the rarest
term of a way to ask) must be there. What a question is about and an entry does not know speaks against the entry: a
strange word most, a topic of another entry half, a word of everyday hardly.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.faq.entries import Entry
from connectors.faq.spelling import Spelling
from connectors.faq.terms import EMPTY, HAN, INTENTS, Lexicon, common, everyday, terms_of, written_in

_SILENT = INTENTS | EMPTY
_PARTS = re.compile(
    r"[?？。！!；;\n]+|[，,、](?:另外|还有|顺便问一下)|以及|,? \b(?:and also|also|and|by the way)\b", re.IGNORECASE
)
_ASKS = re.compile(
    r"[吗呢么啥咋几哪谁怎想要求帮请]|[不没]$|如何|多少|多久|多长|可以|可否|能|是否|有没有|要不要"
    r"|\b(?:who|what|where|when|which|why|how|please|want|need)\b|^(?:and |but |or |so )?"
    r"(?:can|could|do|does|did|is|are|am|will|would|should|may|shall|has|have)\b|\b(?:can|could) (?:i|you|it|we)\b",
    re.IGNORECASE,
)
_COMMAS = re.compile(r"[，,、]+")
_MEANT = 0.85  # what a word counts that a typing error hides
_UNDECIDED = 0.4  # what is left where nothing names the entry
_NAMED = 0.9
_ENOUGH = 0.6  # how much of a question an entry must know
_ASIDE = "c:aside"
_MISSING = {  # what a kind of word counts where an entry does not have it
    "c:how": 0.2,
    "c:where": 0.5,
    "c:how_much": 2.5,
    "c:when": 1.6,
    "c:how_long": 1.6,
    "c:pay": 0.45,
    "c:alter": 0.5,
    _ASIDE: 3.0,
    "c:trouble": 2.0,
}
_TIMES = frozenset({"c:when", "c:how_long", "c:hours"})  # an entry that says one of them says when
_ELSEWHERE = 0.5  # what other entries are about may be what led to the question
_TOPIC = 0.9  # a topic that the whole file does not have
_EVERYDAY = 0.08  # what is left of a word that everybody uses, where an entry has none of it
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
        self._everyday = everyday()
        groups = {f"o:{number}": ways for number, ways in enumerate(synonyms)}
        self._lexicon: Lexicon = common().with_groups(groups) if groups else common()
        ways = [[terms_of(way, self._lexicon).weights for way in entry.questions] for entry in entries]
        own = [[terms_of(word, self._lexicon).weights for word in entry.words] for entry in entries]
        self._known: list[dict[str, float]] = [_joined([*mine, *more]) for mine, more in zip(ways, own, strict=True)]
        self._languages = [frozenset(map(written_in, entry.questions)) for entry in entries]
        counts, self._idf = self._rarities()
        self._unknown = max(self._idf.values(), default=1.0)
        self._ways = [[self._way(terms) for terms in mine] for mine in ways]
        self._own = [[frozenset(terms) for terms in mine] for mine in own]
        self._spelling = Spelling(self._words(counts))

    def _rarities(self) -> tuple[dict[str, int], dict[str, float]]:
        """How many entries have a term, and how much it says: among entries of the same script."""
        counts: dict[str, int] = {}
        rarities: dict[str, float] = {}
        for script in ("han", "latin"):
            here = [known for known, scripts in zip(self._known, self._languages, strict=True) if script in scripts]
            mine: dict[str, int] = {}
            for known in here:
                for term in known:
                    mine[term] = mine.get(term, 0) + 1
            for term, count in mine.items():
                counts[term] = counts.get(term, 0) + count
                rarities[term] = max(rarities.get(term, 0.0), _rarity(len(here), count))
        return counts, rarities

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
            for other in [one for one in found if one not in self._idf and _overlap(one, word)]:
                del found[other]
        return {term: weight * self._idf.get(term, self._unknown) for term, weight in found.items()}

    def _score(self, place: int, asked: Mapping[str, float], most: float) -> float:
        known = self._known[place]
        inside = sum(weight for term, weight in asked.items() if term in known and term not in _SILENT)
        timed = not _TIMES.isdisjoint(known)
        outside = sum(
            weight * (_EVERYDAY if timed and term in _TIMES else self._says(term))
            for term, weight in asked.items()
            if term not in known
        )
        of_question = inside / (inside + outside) if inside else 0.0
        best = 0.0
        for way in self._ways[place]:
            shared = sum(min(weight, asked[term]) for term, weight in way.terms.items() if term in asked)
            decided = 1.0 if way.keys & asked.keys() else _UNDECIDED
            best = max(best, decided * shared / way.weight if way.weight else 0.0)
        if any(own <= asked.keys() for own in self._own[place] if own):
            best = max(best, _NAMED)
        enough = min(1.0, of_question / _ENOUGH) ** 4
        return round(enough * 2 * of_question * best / (of_question + best), 4) if of_question + best else 0.0

    def _says(self, term: str) -> float:
        if term in self._everyday:
            return _EVERYDAY
        return _MISSING.get(term, _ELSEWHERE if term in self._idf else _TOPIC if term[1:2] == ":" else 1.0)

    def answer(self, text: str, threshold: float) -> list[Hit]:
        """The entries that answer a message: one, or one for each of the questions that it holds. Empty: none does."""
        whole = [hit for hit in self.best(text, 1) if hit.score >= threshold]
        if _ASIDE in self._asked(text) and _ASIDE not in self._idf:  # one part of a joke, or of somebody's anger
            return whole
        for pattern in (_PARTS, _COMMAS):
            parts = [part.strip() for part in pattern.split(text) if part and len(part.strip()) > 1]
            if len(parts) < 2:
                continue
            asking = [part for part in parts[:_MOST_PARTS] if _ASKS.search(part)] or parts[:_MOST_PARTS]
            found: list[Hit] = []
            strange = False
            for part in asking:
                hits = [hit for hit in self.best(part, 1) if hit.score >= threshold]
                found += [hit for hit in hits if all(hit.entry is not one.entry for one in found)]
                strange = strange or (not hits and self._says_something(part))
            if len(found) > 1 or (found and not whole and not strange):
                return found[:_MOST_ANSWERS]
        return whole

    def _says_something(self, part: str) -> bool:
        asked = self._asked(part)
        return (
            sum(weight * self._says(term) for term, weight in asked.items() if term not in _SILENT) > self._unknown / 2
        )


def _overlap(one: str, other: str) -> bool:
    """Whether two words may be of the same letters of a text."""
    if one in other or other in one:
        return True
    return HAN.fullmatch(one) is not None and (one[-1] == other[0] or one[0] == other[-1])


def _rarity(entries: int, count: int) -> float:
    return math.log(1 + (entries - count + 0.5) / (count + 0.5))


def _joined(ways: Sequence[Mapping[str, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for way in ways:
        for term, weight in way.items():
            found[term] = max(weight, found.get(term, 0.0))
    return found
