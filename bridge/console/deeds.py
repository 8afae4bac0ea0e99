"""The audit's rows in the reader's language. They are written down once, in English: each detail has one of these
forms. What has none of them is shown as it stands.
"""

import re
from collections.abc import Callable

from bridge.console.texts import catalogue, say, say_if

BOTH = " ‖ "
"""Between a sentence in English and the same in Chinese, where a detail holds both."""

_COUNTED = re.compile(r"(\d+) ([a-z]+)")
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(form))
    for name, form in (
        ("people", r"one person(?:: (?P<counted>\d+ [a-z]+(?:, \d+ [a-z]+)*))?"),
        ("things", r"(?P<counted>\d+ [a-z]+(?:, \d+ [a-z]+)*)(?:: (?P<ids>[\w ]+))?"),
        ("joined", r"person (?P<joined>\d+) into (?P<kept>\d+)"),
        ("cause", r"(?P<n>\d+) × (?P<account>[\w-]+) (?P<state>[a-z]+) (?P<code>[^:]*): (?P<words>.*)"),
        ("conversation", r"conversation (?P<n>\d+)"),
        ("job", r"job (?P<n>\d+)"),
        ("role", r"(?P<name>.+): (?P<role>admin|operator|viewer)"),
        ("since", r"(?P<receiver>.+): (?P<n>\d+) since (?P<at>[\d-]+ [\d:]+ UTC)"),
        ("until", r"(?P<name>.+), until (?P<at>[\d-]+ [\d:]+ UTC)"),
    )
)


def who_in(who: str, language: str) -> str:
    """Who did it: somebody in the console, at a desk, or a command."""
    if who.startswith("console: "):
        return say(language, "audit.in_console", name=who.removeprefix("console: "))
    account, colon, rest = who.partition(": ")
    if colon and rest == "command line":
        return f"{account}{say(language, 'common.colon')}{say(language, 'audit.command_line')}"
    return say_if(language, f"audit.{who.replace(' ', '_')}", who)


def detail_in(detail: str, language: str) -> str:
    """About whom or what."""
    en, both, zh = detail.partition(BOTH)
    if both:
        account = en.partition(": ")[0]
        return f"{account}{say(language, 'common.colon')}{zh}" if language == "zh" else en
    for name, form in _FORMS:
        if found := form.fullmatch(detail):
            return _SAID.get(name, _plain)(name, found.groupdict(), language)
    return detail


def _plain(name: str, found: dict[str, str], language: str) -> str:
    return say(language, f"audit.{name}", **found)


def _people(_name: str, found: dict[str, str], language: str) -> str:
    counted = found["counted"]
    return say(language, "audit.person_counted", what=_counted(counted, language)) if counted else say(
        language, "audit.person"
    )  # fmt: skip


def _things(_name: str, found: dict[str, str], language: str) -> str:
    said = _counted(found["counted"], language)
    return said + (f"{say(language, 'common.colon')}{found['ids']}" if found["ids"] else "")


def _cause(_name: str, found: dict[str, str], language: str) -> str:
    state = say_if(language, f"state.{found['state']}", found["state"])
    return say(language, "audit.cause", **{**found, "state": state})


def _role(_name: str, found: dict[str, str], language: str) -> str:
    return f"{found['name']}{say(language, 'common.colon')}{say(language, 'role.' + found['role'])}"


def _counted(text: str, language: str) -> str:
    """How many of what, as a sentence says it: nothing of which there is none, unless there is nothing."""
    pairs = [(int(count), what) for count, what in _COUNTED.findall(text)]
    some = [one for one in pairs if one[0]] or pairs[:1]
    return say(language, "audit.and").join(_count(count, what, language) for count, what in some)


def _count(count: int, what: str, language: str) -> str:
    key = f"audit.one_{what}" if count == 1 else f"audit.some_{what}"
    return say(language, key, n=count) if key in catalogue() else f"{count} {what}"


_SAID: dict[str, Callable[[str, dict[str, str], str], str]] = {
    "people": _people,
    "things": _things,
    "cause": _cause,
    "role": _role,
}
