"""What a customer's words are about, by the rules of the configuration. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from bridge.routing.conditions import fold, holds


@dataclass(frozen=True, slots=True)
class Topic:
    """One rule: any of `words` makes a text its own, any of `without` keeps it out."""

    name: str
    words: tuple[str, ...]
    without: tuple[str, ...] = ()


def topics(text: str, rules: Sequence[Topic]) -> tuple[str, ...]:
    """The names of all rules that hold for a text, in their order. Letters' case and width make no difference; a word
    counts anywhere in scripts without spaces, and where a word begins in others (refund, refunds).
    """
    if not text:
        return ()
    said = fold(text)
    if _any_word(tuple(rules)).search(said) is None:  # nearly every message: one look for all words
        return ()
    return tuple(
        rule.name
        for rule in rules
        if any(holds(said, word) for word in rule.words) and not any(holds(said, word) for word in rule.without)
    )


@lru_cache(8)
def _any_word(rules: tuple[Topic, ...]) -> re.Pattern[str]:
    return re.compile("|".join(sorted(re.escape(fold(word).strip()) for rule in rules for word in rule.words)))
