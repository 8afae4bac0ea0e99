"""What a rule asks of a conversation, and whether it holds. Pure.

A condition is a name and the values that are allowed: one of them must fit. `not.` before a name turns it round. All
conditions of a rule must hold; the first rule that holds decides.

Facts are of two kinds. What the customer's client says (`session_from`, `page`, `query.*` and everything else of
`context`) may be typed by anybody. What was signed or told with a token stands in `proven`: only that is seen by
`verified` and `customer.*`.
"""

import hashlib
import operator
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from fnmatch import fnmatchcase
from functools import lru_cache
from urllib.parse import parse_qsl

from bridge.routing.calendar import Calendar, is_open
from bridge.routing.hours import DAYS
from bridge.routing.language import language_of

Allowed = str | bool | int | float | tuple[str, ...]
When = Mapping[str, Allowed]
NOT = "not."
COUNT = re.compile(r"(<=|>=|<|>|=|)\s{0,2}(\d{1,4})", re.ASCII)
_COMPARED: Mapping[str, Callable[[int, int], bool]] = {
    "=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_LONGEST = 2000  # characters of an origin that are looked at
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
    topics: Sequence[str] = ()  # what the customer's words are about, by the configuration's own rules
    known: Mapping[str, Allowed] = field(default_factory=dict)  # what the store knows: customer.new, history.last_desk
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    zone: tzinfo = UTC  # of dates and weekdays, where a rule names no calendar


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a channel: `calendar` is the one that `hours`, `date` and `weekday` go by."""

    name: str
    when: When
    calendar: str = ""


LEFT = "allowance.left"
VERDICT = "bot.verdict"
TOPIC = "topic"
STORED = frozenset({"customer.new", "customer.returning", "history.last_desk", "history.open_elsewhere", LEFT, VERDICT})
"""Conditions that the store is asked for, where a rule names them. `allowance.left` counts what may be said when the
decision is made; `bot.verdict` is what the bot of this conversation said last, "" while none was asked.
"""
VERDICTS = ("answer", "handoff", "resolved", "nothing", "failed")
PROVEN = frozenset({"customer.tier", "customer.id", "customer.tag"})


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


def _is_count(wanted: str, found: object) -> bool:
    """`3`, `<3`, `>=3`: never true where nothing is counted."""
    match = COUNT.fullmatch(wanted)
    if match is None or isinstance(found, bool) or not isinstance(found, int):
        return False
    return _COMPARED[match[1] or "="](found, int(match[2]))


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
    if name == LEFT:
        return any(_is_count(one, found) for one in words_in(allowed))
    if name == "words":
        return any(says(facts.text, word) for word in words_in(allowed))
    if name == "hours":
        return any(_is_time(one, rule, facts) for one in words_in(allowed))
    if name == "weekday":
        return any(_is_weekday(one, str(found)) for one in words_in(allowed))
    values = [str(one) for one in found] if isinstance(found, tuple | list) else [str(found or "")]
    return any(fnmatchcase(value, pattern) for value in values for pattern in words_in(allowed))


def words_in(allowed: Allowed) -> tuple[str, ...]:
    """The values of a condition as texts."""
    return allowed if isinstance(allowed, tuple) else (str(allowed),)


def fold(text: str) -> str:
    """A text as words are compared: full width, capitals and the like make no difference."""
    return unicodedata.normalize("NFKC", text).casefold()


@lru_cache(4096)  # of the configuration's words; what customers say is not kept
def _folded_word(word: str) -> str:
    return fold(word).strip()


def says(text: str, word: str) -> bool:
    """Whether a text holds a word: anywhere for scripts without spaces, else where a word begins (refund, refunds)."""
    return holds(fold(text), word)


def holds(text: str, word: str) -> bool:
    """The same for a text that is folded: who looks for many words folds it once."""
    word = _folded_word(word)
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
    return facts.now.astimezone(calendar.zone if calendar is not None else facts.zone)


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
    TOPIC: lambda _, facts: tuple(facts.topics),
    **dict.fromkeys(("words", "hours", "sample"), lambda *_: None),
}
TYPES: Mapping[str, type] = {
    **dict.fromkeys(
        ("session_from", "page", "entry", "scene", "kind", "words", TOPIC, "language", "hours", "date", "weekday"), str
    ),
    **dict.fromkeys((*PROVEN, "history.last_desk", LEFT, VERDICT), str),
    **dict.fromkeys(("verified", "customer.new", "customer.returning", "history.open_elsewhere"), bool),
    "sample": float,
}
