"""What is wrong with conditions, and which rules are never reached. Pure; said by `check` and `doctor`."""

from difflib import get_close_matches
from fnmatch import fnmatchcase
from urllib.parse import parse_qsl

from bridge.routing.conditions import (
    CONTEXT,
    COUNT,
    LEFT,
    NOT,
    QUERY,
    TYPES,
    VERDICT,
    VERDICTS,
    Allowed,
    Rule,
    fold,
    words_in,
)

_BY_CALENDAR = frozenset({"hours", "date", "weekday"})
PRIVATE = frozenset({"tier", "customer_id", "customerid", "customer", "level", "vip"})
"""What a client must not be believed: `customer.*` says it, when it was signed."""


def wrong_condition(name: str, allowed: Allowed) -> str:
    """What is wrong with a condition, and what to write instead; "" for nothing."""
    bare = name.removeprefix(NOT)
    key = bare.removeprefix(CONTEXT).removeprefix(QUERY).casefold()
    if bare not in TYPES and key in PRIVATE:
        instead = "customer.tier" if key in {"tier", "level", "vip"} else "customer.id"
        return f"anybody can type this; use `{instead}`, which only a signed context or the API sets"
    if bare == "session_from" and any(_asks_private(one) for one in words_in(allowed)):
        return (
            "anybody can type this; use `customer.tier` or `customer.id`, which only a signed context or the API sets"
        )
    if bare == LEFT:
        return _wrong_count(allowed)
    if bare == VERDICT and not set(words_in(allowed)) <= {*VERDICTS, "*", "?*"}:
        return f"must be one or several of {', '.join(VERDICTS)}"
    expected = TYPES.get(bare)
    if expected is not None:
        return _wrong_value(expected, allowed)
    if bare.startswith((QUERY, CONTEXT)) and bare not in {QUERY, CONTEXT}:
        return "" if not isinstance(allowed, bool | float) else "must be a text, or a list of texts"
    meant = get_close_matches(bare.casefold(), list(TYPES), 1, 0.75)
    if "." in bare or meant:
        hint = f"; did you mean {meant[0]!r}?" if meant else f"; known: {', '.join(sorted(TYPES))}, query.*, context.*"
        return f"is not a known condition{hint}"
    return ""


def covers(first: Rule, second: Rule) -> bool:
    """Whether everything that the second rule takes is taken by the first: then the second is never reached."""
    if "sample" in first.when:  # other people, by the rule's name
        return False
    if first.calendar != second.calendar and any(name.removeprefix(NOT) in _BY_CALENDAR for name in first.when):
        return False
    return all(
        name in second.when and _within(name, second.when[name], allowed) for name, allowed in first.when.items()
    )


def _within(name: str, narrow: Allowed, wide: Allowed) -> bool:
    if narrow == wide:
        return True
    if isinstance(narrow, bool | int | float) or isinstance(wide, bool | int | float):
        return False
    if name.removeprefix(NOT) == LEFT:
        return set(words_in(narrow)) <= set(words_in(wide)) if not name.startswith(NOT) else False
    if name.startswith(NOT):
        narrow, wide = wide, narrow
    if name.removeprefix(NOT) == "words":  # whoever says 退款申请 says 退款
        return all(any(fold(word) in fold(one) for word in words_in(wide)) for one in words_in(narrow))
    return all(any(fnmatchcase(one, pattern) for pattern in words_in(wide)) for one in words_in(narrow))


def _asks_private(pattern: str) -> bool:
    return any(
        key.strip("*?").casefold() in PRIVATE for key, _ in parse_qsl(pattern, keep_blank_values=True) if "=" in pattern
    )


def _wrong_value(expected: type, allowed: Allowed) -> str:
    if expected is bool:
        return "" if isinstance(allowed, bool) else "must be true or false"
    if expected is float:
        right = isinstance(allowed, int | float) and not isinstance(allowed, bool) and 0 <= allowed <= 1
        return "" if right else "must be a number from 0 to 1"
    return "must be a text, or a list of texts" if isinstance(allowed, bool | float) or allowed in {"", ()} else ""


def _wrong_count(allowed: Allowed) -> str:
    if isinstance(allowed, bool) or not all(COUNT.fullmatch(one) for one in words_in(allowed)):
        return 'must be a number of replies, or one with a sign: 0, "<3", ">=4", or several of them'
    return ""
