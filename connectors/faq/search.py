"""Which entry a question is about: BM25 over words and pairs of characters, as a share of what it could be. Pure."""

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from connectors.faq.entries import Entry

_K1, _B = 1.2, 0.6
_LATIN = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
_HAN = re.compile(r"[\u3400-\u9fff]+")
_COMMAS = re.compile(r"[，,、]+")
_SHORT = 3  # characters that are no question
_PARTS = re.compile(
    r"[?？。！!；;\n]+|，?(?:另外|还有|顺便问一下|以及)|,? \b(?:and also|also|and|by the way)\b", re.IGNORECASE
)
_EMPTY_WORDS = """
的 了 吗 呢 啊 吧 呀 哦 嗯 是 我 你 您 们 我们 你们 您们 他 它 这 那 这个 那个 请问 请 问 想 一下 可以 能 能不能
可不可以 会 要 想要 有 有没有 没有 在 就 都 也 还 和 与 或 把 被 给 让 对 到 从 去 来 说 知道 告诉 怎么 怎样
如何 什么 哪 哪里 哪儿 多少 多少钱 怎么办 多久 几 谁 为什么 为啥 咋 啥 呗 嘛 亲 你好 您好 谢谢 麻烦 一个 一些 里
里面 上 下 时候 不 没 很 太 好 帮 帮忙 现在 如果 a an the is are am was were be do does did can could may might
will would shall should i you we they he she it my your our me us to of in on at for from with and or if how
what when where which who why please tell hi hello hey thanks thank there any some this that these those have
has had get got just want need know about so not no im i'm it's
"""
_EMPTY = frozenset(_EMPTY_WORDS.split())
_EMPTY_CHARACTERS = frozenset("".join(word for word in _EMPTY if word > "~"))
_WEAK = 0.15  # what an empty word counts: by itself it says nothing
_ONE_WORD = 0.85  # how sure one word in common is, where the entry names others as its own
_PART = 0.4  # a word inside a longer one
_PAIR = 0.5  # what two characters count beside a word


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry, and how sure it is that it answers: 0 to 1."""

    entry: Entry
    score: float


class Search:
    """All entries of a file, ready to be asked."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._docs: list[tuple[int, dict[str, float], float]] = []
        self._found: defaultdict[str, list[int]] = defaultdict(list)
        for place, entry in enumerate(entries):
            for question in entry.questions:
                terms = _terms(question)
                for word in entry.words:
                    terms |= {term: max(weight, terms.get(term, 0)) for term, weight in _terms(word).items()}
                own = _terms(question)
                for term in terms:
                    self._found[term].append(len(self._docs))
                self._docs.append((place, terms, sum(own.values())))
        self._mean = sum(length for _, _, length in self._docs) / max(1, len(self._docs))
        self._unknown = self._idf(0)

    def _idf(self, documents: int) -> float:
        count = len(self._docs)
        return math.log(1 + (count - documents + 0.5) / (documents + 0.5))

    def best(self, text: str, count: int = 3) -> list[Hit]:
        """The entries that fit best, best first."""
        asked = _terms(text)
        if not asked:
            return []
        idf = {term: self._idf(len(self._found[term])) if term in self._found else self._unknown for term in asked}
        most = sum(weight * idf[term] for term, weight in asked.items())
        hits: dict[int, float] = {}
        for doc in {doc for term in asked if term in self._found for doc in self._found[term]}:
            place, terms, length = self._docs[doc]
            shared = [term for term in asked if term in terms]
            norm = 1 - _B + _B * length / self._mean
            got = sum(asked[term] * idf[term] * (_K1 + 1) / (_K1 * norm + 1) for term in shared)
            coverage = sum(min(asked[term], terms[term]) * idf[term] for term in shared) / most
            own = sum(weight * self._idf(len(self._found[term])) for term, weight in terms.items())
            known = sum(min(terms[term], asked[term]) * idf[term] for term in shared) / own if own else 0.0
            ranked = min(1.0, got / (most * (_K1 + 1) / (_K1 + 1)))
            words = sum(term[1:2] != ":" and term not in _EMPTY for term in shared)
            sure = 1.0 if words > 1 or _names(text, self._entries[place].words or (text,)) else _ONE_WORD
            score = 0.45 * coverage + 0.2 * ranked + 0.35 * min(1.0, known * 1.3)
            hits[place] = max(hits.get(place, 0.0), min(1.0, sure * score))
        for place, entry in enumerate(self._entries):
            if place in hits and _names(text, entry.words):
                hits[place] = min(1.0, hits[place] + 0.15)
        ranked_hits = sorted(hits.items(), key=lambda one: (-one[1], one[0]))[:count]
        return [Hit(self._entries[place], round(score, 4)) for place, score in ranked_hits]

    def answer(self, text: str, threshold: float) -> list[Hit]:
        """The entries that answer a message: one, or one for each of the questions that it holds. Empty: none does."""
        whole = self.best(text, 1)
        parts = [part.strip() for part in _PARTS.split(text) if part and len(part.strip()) > 1]
        found: list[Hit] = []
        if len(parts) > 1:
            for part in parts[:6]:
                hits = self.best(part, 1)
                if hits and hits[0].score >= threshold and all(hits[0].entry is not one.entry for one in found):
                    found.append(hits[0])
        if found and (len(found) > 1 or not whole or whole[0].score < threshold):
            return found[:3]
        if not whole or whole[0].score < threshold:  # a remark beside the question may hide it
            whole = max(
                (self.best(part, 1) for part in _COMMAS.split(text) if len(part) > _SHORT), key=_first, default=[]
            )
        return [hit for hit in whole if hit.score >= threshold]


def _first(hits: list[Hit]) -> float:
    return hits[0].score if hits else 0.0


def _names(text: str, words: Sequence[str]) -> bool:
    plain = _plain(text)
    return any(_plain(word) in plain for word in words)


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


@lru_cache(1)
def _cutter() -> Any:
    import rjieba  # its dictionary takes a moment, which nobody without an FAQ needs to spend

    return rjieba


def _terms(text: str) -> dict[str, float]:
    """Words and pairs of characters with their weights."""
    plain = _plain(text)
    found: dict[str, float] = {}
    parts: set[str] = set()
    for run in _HAN.findall(plain):
        whole = set(_cutter().cut(run))
        inside = set(_cutter().cut_for_search(run)) | whole
        found |= dict.fromkeys(inside, 1.0)
        parts |= inside - whole
        for at in range(len(run) - 1):
            found[f"p:{run[at : at + 2]}"] = 1
    for word in _LATIN.findall(plain):
        stem = _stem(word)
        found[stem] = 1
        if len(stem) > 3:
            padded = f"_{stem}_"
            for at in range(len(padded) - 2):
                found[f"t:{padded[at : at + 3]}"] = 1
    return {term: _weight(term) * (_PART if term in parts else 1.0) for term in found}


def _weight(term: str) -> float:
    if term in _EMPTY:
        return _WEAK
    if term.startswith("p:"):
        return _PAIR * (1.0, 0.6, 0.15)[sum(one in _EMPTY_CHARACTERS for one in term[2:])]
    if term.startswith("t:"):
        return 0.15
    return 1.0


def _stem(word: str) -> str:
    if word in _EMPTY or len(word) < 4:
        return word
    for ending, instead in (("ies", "y"), ("ing", ""), ("ed", ""), ("es", "e"), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            return word[: -len(ending)] + instead
    return word
