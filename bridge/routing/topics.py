"""What a customer's words are about, by the rules of the configuration. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.routing.conditions import says


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
    return tuple(
        rule.name
        for rule in rules
        if any(says(text, word) for word in rule.words) and not any(says(text, word) for word in rule.without)
    )
