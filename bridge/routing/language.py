"""In which language somebody writes, by the share of its letters: nothing to load, nothing to learn."""

from collections import Counter

_SCRIPTS = (
    ("ja", ((0x3040, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F))),
    ("ko", ((0xAC00, 0xD7AF), (0x1100, 0x11FF), (0x3130, 0x318F))),
    ("zh", ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x323AF))),
    ("ru", ((0x0400, 0x04FF),)),
    ("en", ((0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x24F))),
)
_FEWEST = {"zh": 2, "ja": 2, "ko": 2}  # a sign says more than a letter
_LETTERS = 4  # below these nobody knows
_WORD = 4  # letters that say as much as one sign
_LOOKED_AT = 2000  # characters: a mail may have a million


def language_of(text: str) -> str:
    """`zh`, `ja`, `ko`, `ru` or `en` (any Latin script); "" when there is too little to tell."""
    counts = Counter(name for name in map(_script, text[:_LOOKED_AT]) if name)
    if counts["ja"] and counts["ja"] * 10 >= counts["zh"]:
        counts["ja"] += counts.pop("zh", 0)  # Japanese is written with both
    weights = {name: count if name in _FEWEST else count / _WORD for name, count in counts.items()}
    name = max(weights, key=lambda one: weights[one], default="")
    return name if counts[name] >= _FEWEST.get(name, _LETTERS) else ""


def _script(letter: str) -> str:
    code = ord(letter)
    return next((name for name, spans in _SCRIPTS if any(low <= code <= high for low, high in spans)), "")
