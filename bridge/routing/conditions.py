"""What a rule asks of a conversation, and whether it holds. Pure.

A condition is a name and the values that are allowed: one of them must fit. `not.` before a name turns it round. All
conditions of a rule must hold; the first rule that holds decides.

Facts are of two kinds. What the customer's client says (`session_from`, `page`, `query.*` and everything else of
`context`) may be typed by anybody. What was signed or told with a token stands in `proven`: only that is seen by
`verified` and `customer.*`.
"""

import hashlib
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from fnmatch import fnmatchcase
from urllib.parse import parse_qsl

from bridge.routing.calendar import Calendar, is_open
from bridge.routing.hours import DAYS
from bridge.routing.language import language_of

Allowed = str | bool | int | float | tuple[str, ...]
When = Mapping[str, Allowed]
NOT = "not."
_LONGEST = 2000  # characters of an origin that are looked at
_BY_CALENDAR = frozenset({"hours", "date", "weekday"})
CONTEXT = "context."
QUERY = "query."


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a conversation when it is decided. `calendar` is found by the name that a rule gives."""

    now: datetime
    person: str = ""
    context: Mapping[str, str] = field(default_factory=dict)
    proven: Mapping[str, Sequence[str]] = field(default_factory=dict)
    text: str = ""
    kind: str = ""
    locale: str = ""
    known: Mapping[str, Allowed] = field(default_factory=dict)  # what the store knows: customer.new, history.last_desk
    calendars: Mapping[str, Calendar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a channel: `calendar` is the one that `hours`, `date` and `weekday` go by."""

    name: str
    when: When
    calendar: str = ""


STORED = frozenset({"customer.new", "customer.returning", "history.last_desk", "history.open_elsewhere"})
"""Conditions that the store is asked for, where a rule names them."""
PROVEN = frozenset({"customer.tier", "customer.id", "customer.tag"})
PRIVATE = frozenset({"tier", "customer_id", "customerid", "customer", "level", "vip"})
"""What a client must not be believed: `customer.*` says it, when it was signed."""


def first_failing(rule: Rule, facts: Facts) -> str:
    """The first condition of a rule that does not hold, with what was found; "" when all hold."""
    for name, allowed in rule.when.items():
        bare = name.removeprefix(NOT)
        found = _find(bare, rule, facts)
        if _holds(bare, allowed, found, rule, facts) is name.startswith(NOT):
            return f"{name} = {said(allowed)}" + (f" ({said(found)})" if _may_be_said(bare, found) else "")
    return ""


def choose(rules: Sequence[Rule], facts: Facts) -> tuple[int | None, list[str]]:
    """The place of the first rule that holds, and of every rule before it the condition that did not."""
    failed: list[str] = []
    for place, rule in enumerate(rules):
        failing = first_failing(rule, facts)
        if not failing:
            return place, failed
        failed.append(failing)
    return None, failed


def said(value: Allowed | Sequence[str] | None) -> str:
    """A value as the configuration writes it."""
    match value:
        case None | () | "":
            return "nothing"
        case bool():
            return str(value).lower()
        case str() | int() | float():
            return str(value)
        case _:
            return " | ".join(value)


def wrong_condition(name: str, allowed: Allowed) -> str:
    """What is wrong with a condition, and what to write instead; "" for nothing."""
    bare = name.removeprefix(NOT)
    key = bare.removeprefix(CONTEXT).removeprefix(QUERY).casefold()
    if bare not in _TYPES and key in PRIVATE:
        instead = "customer.tier" if key in {"tier", "level", "vip"} else "customer.id"
        return f"anybody can type this; use `{instead}`, which only a signed context or the API sets"
    if bare == "session_from" and any(_asks_private(one) for one in _words(allowed)):
        return (
            "anybody can type this; use `customer.tier` or `customer.id`, which only a signed context or the API sets"
        )
    expected = _TYPES.get(bare)
    if expected is not None:
        return _wrong_value(expected, allowed)
    if bare.startswith((QUERY, CONTEXT)) and bare not in {QUERY, CONTEXT}:
        return "" if not isinstance(allowed, bool | float) else "must be a text, or a list of texts"
    meant = get_close_matches(bare.casefold(), list(_TYPES), 1, 0.75)
    if "." in bare or meant:
        hint = f"; did you mean {meant[0]!r}?" if meant else f"; known: {', '.join(sorted(_TYPES))}, query.*, context.*"
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
    if name.startswith(NOT):
        narrow, wide = wide, narrow
    if name.removeprefix(NOT) == "words":  # whoever says 退款申请 says 退款
        return all(any(_fold(word) in _fold(one) for word in _words(wide)) for one in _words(narrow))
    return all(any(fnmatchcase(one, pattern) for pattern in _words(wide)) for one in _words(narrow))


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


def _find(name: str, rule: Rule, facts: Facts) -> Allowed | Sequence[str] | None:
    if name in STORED:
        return facts.known.get(name)
    if name in PROVEN:
        return tuple(facts.proven.get(name, ()))
    if name.startswith(QUERY):
        return _query(facts).get(name.removeprefix(QUERY))
    finder = _FINDERS.get(name)
    return finder(rule, facts) if finder is not None else facts.context.get(name.removeprefix(CONTEXT), "")


def _holds(name: str, allowed: Allowed, found: object, rule: Rule, facts: Facts) -> bool:
    if isinstance(allowed, bool):
        return bool(found) is allowed
    if name == "sample":
        share = hashlib.sha256(f"{rule.name}\n{facts.person}".encode()).digest()
        return int.from_bytes(share[:4]) < float(str(allowed)) * 2**32
    if name == "words":
        return any(says(facts.text, word) for word in _words(allowed))
    if name == "hours":
        return any(_is_time(one, rule, facts) for one in _words(allowed))
    if name == "weekday":
        return any(_is_weekday(one, str(found)) for one in _words(allowed))
    values = [str(one) for one in found] if isinstance(found, tuple | list) else [str(found or "")]
    return any(fnmatchcase(value, pattern) for value in values for pattern in _words(allowed))


def _words(allowed: Allowed) -> tuple[str, ...]:
    return allowed if isinstance(allowed, tuple) else (str(allowed),)


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def says(text: str, word: str) -> bool:
    """Whether a text holds a word: anywhere for scripts without spaces, else where a word begins (refund, refunds)."""
    text, word = _fold(text), _fold(word).strip()
    place = text.find(word) if word else -1
    while place > 0 and word[0].isascii() and text[place - 1].isascii() and text[place - 1].isalnum():
        place = text.find(word, place + 1)
    return place >= 0


def _is_time(wanted: str, rule: Rule, facts: Facts) -> bool:
    name, _, state = wanted.rpartition(":")
    if not name and state not in {"open", "closed"}:
        name, state = state, "open"
    calendar = facts.calendars.get(name or rule.calendar)
    return calendar is not None and is_open(calendar, facts.now) is (state == "open")


def _is_weekday(wanted: str, today: str) -> bool:
    first, _, last = wanted.lower().partition("-")
    if first not in DAYS or (last and last not in DAYS):
        return False
    begin, end = DAYS.index(first), DAYS.index(last or first)
    return (DAYS.index(today) - begin) % 7 <= (end - begin) % 7


def _page(_rule: Rule, facts: Facts) -> tuple[str, ...]:
    """The page as it was named, and without its query."""
    page = _first(facts.context, "page", "path")
    return tuple({page: None, page.partition("?")[0].removeprefix("/"): None})


def _query(facts: Facts) -> dict[str, str]:
    """The parameters of the page and of a `session_from` that is written like one."""
    origin = facts.context.get("session_from", "")
    page = _first(facts.context, "page", "path").partition("?")[2]
    texts = [page, origin.rpartition("?")[2] if "=" in origin else ""]
    return {key: value for text in texts for key, value in _parameters(text).items()}


def _parameters(text: str) -> dict[str, str]:
    return dict(parse_qsl(text[:_LONGEST], keep_blank_values=True))


def _entry(_rule: Rule, facts: Facts) -> str:
    """The name of the way in: signed, or a parameter of `session_from`, or all of it."""
    signed = facts.proven.get("entry")
    return signed[0] if signed else entry_of(facts.context)


def entry_of(context: Mapping[str, str]) -> str:
    """The way in as the customer's client names it."""
    origin = context.get("session_from", "")
    return _parameters(origin).get("entry") or origin


def _language(_rule: Rule, facts: Facts) -> str:
    return language_of(facts.text) or facts.locale.replace("-", "_").partition("_")[0].lower()


def _local(rule: Rule, facts: Facts) -> datetime:
    calendar = facts.calendars.get(rule.calendar)
    return facts.now.astimezone(calendar.zone if calendar is not None else UTC)


def _first(context: Mapping[str, str], *names: str) -> str:
    return next((context[name] for name in names if context.get(name)), "")


def _may_be_said(name: str, found: object) -> bool:
    """What a customer wrote is nobody's business in an explanation, and `hours` says all by itself."""
    return name not in {"words", "hours", "sample"} and not isinstance(found, bool)


_FINDERS: Mapping[str, Callable[[Rule, Facts], Allowed | Sequence[str] | None]] = {
    "page": _page,
    "entry": _entry,
    "kind": lambda _, facts: facts.kind,
    "language": _language,
    "date": lambda rule, facts: f"{_local(rule, facts):%Y-%m-%d}",
    "weekday": lambda rule, facts: DAYS[_local(rule, facts).weekday()],
    "verified": lambda _, facts: bool(facts.proven),
    **dict.fromkeys(("words", "hours", "sample"), lambda *_: None),
}
_TYPES: Mapping[str, type] = {
    **dict.fromkeys(
        ("session_from", "page", "entry", "scene", "kind", "words", "language", "hours", "date", "weekday"), str
    ),
    **dict.fromkeys((*PROVEN, "history.last_desk"), str),
    **dict.fromkeys(("verified", "customer.new", "customer.returning", "history.open_elsewhere"), bool),
    "sample": float,
}
