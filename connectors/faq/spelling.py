"""Words with a typing error in them. Pure."""

from collections.abc import Iterable

from connectors.faq.homophones import sound
from connectors.faq.terms import EMPTY, HAN, Terms

_TYPO, _TYPOS = 4, 8  # letters of a word in which one error, and two, are believed


class Spelling:
    """The words that a file's questions are made of, found again in what a typing error left of them."""

    def __init__(self, words: Iterable[tuple[str, str]]) -> None:
        """`words`: (word, term) of everything that could be meant."""
        self._by_sound: dict[tuple[int | str, ...], str] = {}
        self._han: list[tuple[str, str]] = []
        self._latin: list[tuple[str, str]] = []
        for word, term in words:
            if HAN.fullmatch(word):
                if len(word) > 1 and word not in EMPTY:
                    self._by_sound.setdefault(sound(word), term)
                if len(word) > 2 and not EMPTY.intersection(word):
                    self._han.append((word, term))
            elif " " not in word and len(word) >= _TYPO:
                self._latin.append((word, term))

    def meant(self, terms: Terms) -> dict[str, str]:
        """Loose words → the terms that were probably meant. Words of a run may be cut wrongly: its parts are tried."""
        found: dict[str, str] = {}
        for run in terms.runs:
            for size in (4, 3, 2):
                for at in range(len(run) - size + 1):
                    part = run[at : at + size]
                    term = self._by_sound.get(sound(part)) or self._alike(part)
                    if term is not None:
                        found[part] = term
        for word in terms.loose:
            if word.isascii() and (term := self._typed(word)) is not None:
                found[word] = term
        return found

    def _alike(self, part: str) -> str | None:
        """A word with one character wrong. Where that one asks, or says nothing, it is another word."""
        if len(part) < 3 or EMPTY.intersection(part):
            return None
        return next((term for word, term in self._han if _differs_once(part, word)), None)

    def _typed(self, word: str) -> str | None:
        if len(word) < _TYPO:
            return None
        most = 2 if len(word) >= _TYPOS else 1
        near = [(distance(word, other, most), other, term) for other, term in self._latin if word[0] == other[0]]
        near = [one for one in near if one[0] <= most]
        return min(near)[2] if near else None


def _differs_once(one: str, other: str) -> bool:
    return len(one) == len(other) and sum(a != b for a, b in zip(one, other, strict=True)) == 1


def distance(one: str, other: str, most: int) -> int:
    """Errors that make one word of another: a letter wrong, missing, too many, or two exchanged. Above `most`: more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, its in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != its))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == its:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]
