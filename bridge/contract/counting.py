"""How the items of a list are counted, as browsers show it: people refer to "b" or "step 3".

Source: https://html.spec.whatwg.org/multipage/grouping-content.html (ol and li: `start`, `reversed`, `type`, `value`),
and its rules for parsing integers.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"))
_ROMAN_SMALL = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
_MOST_ROMAN = 3999
_KINDS = {"lower-alpha": "a", "lower-latin": "a", "upper-alpha": "A", "upper-latin": "A"}
_KINDS |= {"lower-roman": "i", "upper-roman": "I"}
_STYLE = re.compile(r"list-style(?:-type)?\s*:[^;]*?\b([a-z]+-(?:alpha|latin|roman))\b", re.IGNORECASE)
_NUMBER = re.compile(r"\s*([+-]?[0-9]{1,9})(?![0-9])")


class Given(NamedTuple):
    """An item as it was written, and its own `value`."""

    place: int
    mark: str
    indent: str
    kind: str
    value: int | None


@dataclass(slots=True)
class Items:
    """The items of one open list. Where a list that counts `backwards` began is known at its end, from `given`."""

    counts: bool
    kind: str = ""
    number: int = 1
    step: int = 1
    backwards: bool = False
    given: list["Given"] = field(default_factory=list)

    @classmethod
    def of(cls, tag: str, attributes: Mapping[str, str]) -> "Items":
        first = number_in(attributes.get("start", ""))
        turned = "reversed" in attributes
        start = 1 if first is None else first
        return cls(tag == "ol", kind_of(attributes), start, -1 if turned else 1, turned and first is None)

    def mark(self, attributes: Mapping[str, str], indent: str) -> str:
        """The mark of the next item."""
        if not self.counts:
            return f"{indent}- "
        value, kind = number_in(attributes.get("value", "")), kind_of(attributes) or self.kind
        self.number = self.number if value is None else value
        mark = f"{indent}{counted(self.number, kind)}. "
        self.number += self.step
        if self.backwards:
            self.given.append(Given(-1, mark, indent, kind, value))
        return mark

    def placed(self, place: int) -> None:
        """Where it was written."""
        if self.backwards and self.given:
            self.given[-1] = self.given[-1]._replace(place=place)

    def corrected(self) -> list[tuple[int, str, str]]:
        """Where a list counts down from the number of its items: place, what was written there, what it should be."""
        number, found = len(self.given), []
        for item in self.given:
            number = number if item.value is None else item.value
            found.append((item.place, item.mark, f"{item.indent}{counted(number, item.kind)}. "))
            number -= 1
        return found


def kind_of(attributes: Mapping[str, str]) -> str:
    """a, A, i, I or 1; "" where nothing is said."""
    style = _STYLE.search(attributes.get("style", ""))
    return _KINDS.get(style[1].lower(), "") if style else attributes.get("type", "").strip()


def number_in(text: str) -> int | None:
    """The whole number that a text begins with."""
    found = _NUMBER.match(text)
    return int(found[1]) if found else None


def counted(number: int, kind: str) -> str:
    """A number as letters or as a Roman one; in digits where it has none."""
    if kind in {"a", "A"} and number > 0:
        letters = ""
        while number:
            number, rest = divmod(number - 1, 26)
            letters = chr(ord("a") + rest) + letters
        return letters if kind == "a" else letters.upper()
    if kind in {"i", "I"} and 0 < number <= _MOST_ROMAN:
        roman = ""
        for value, sign in _ROMAN + _ROMAN_SMALL:
            roman, number = roman + sign * (number // value), number % value
        return roman if kind == "i" else roman.upper()
    return str(number)
