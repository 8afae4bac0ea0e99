"""Names of people, files and subjects as they may be shown: on one line, nothing hidden in them, nothing turned around.

Anybody may call themselves anything. Signs without a face make a name that nobody sees, overrides of direction turn
`exe.png` into something else and whatever stands beside it (https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing),
and piles of marks cover the lines above and below.
"""

import re
import unicodedata

_MOST_MARKS = 4  # on one letter: more than any living script writes
_FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"  # letters or marks by their category, without a face
_JOINERS = "\u200c\u200d"  # part of emoji and of some scripts, between signs that are seen
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_PILE = re.compile(f"([{_MARKS}]{{{_MOST_MARKS}}})[{_MARKS}]+")
_ODD = re.compile(f"[{_FILLERS}]|[{_MARKS}]{{{_MOST_MARKS + 1}}}|^[{_MARKS}\ufe00-\ufe0f]")
_VARIATIONS = {"\ufe0e", "\ufe0f", "\u20e3"}


def is_showable(name: str) -> bool:
    """Whether a name can stay as it is. Nearly all can, so this is quick."""
    return name.isprintable() and (name.isascii() or _ODD.search(name) is None)


def line_of(text: str) -> str:
    """A text on one line, without what nobody sees or what turns its direction. "" where nothing else is in it."""
    if not is_showable(text):
        text = _PILE.sub(r"\1", "".join(map(_shown, text)))
        if not any(_has_face(sign) for sign in text):
            return ""
    return " ".join(text.split()).strip(_JOINERS)


def _shown(sign: str) -> str:
    if sign in _FILLERS:
        return ""
    match unicodedata.category(sign):
        case "Cc" | "Zl" | "Zp":
            return " "
        case "Cf":
            return sign if sign in _JOINERS or "\U000e0020" <= sign <= "\U000e007f" else ""  # flags are spelt in tags
        case _:
            return sign


def _has_face(sign: str) -> bool:
    return sign not in _VARIATIONS and unicodedata.category(sign) not in {"Zs", "Cf", "Mn", "Me"}
