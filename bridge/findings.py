"""What checks find, in both languages: of this machine by `bridge doctor`, of an account by it and by the console."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from bridge.advice import ending_secrets
from bridge.app import Bridge, system_clock
from bridge.console.texts import say, say_if
from bridge.contract import ConnectorError, Said, Words, in_language
from bridge.engine.context import ConnectedAccount
from mappings import callbacks
from mappings.callbacks import Seen
from mappings.store import first_line

NOISE = frozenset({"visit", "no callbacks"})  # refused, and nothing of ours is wrong


def words(key: str, **values: Any) -> Words:
    """A text of the catalogue in both languages."""
    return Words(say("en", key, **values), say("zh", key, **values))


def word(page: str, key: str, language: str) -> str:
    """A name of ours (a fact, a cause) in a language; as it is where nothing better is known."""
    return say_if(language, f"{page}.{key}".replace(" ", "_").replace("-", "_"), key)


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong, and what to do. `enter` is a value that the remedy asks to enter at the vendor."""

    what: Said
    remedy: Said
    enter: str = ""


@dataclass(slots=True)
class Finding:
    """The result of one check. `skipped` says why it was not made."""

    problems: list[Trouble] = field(default_factory=list)
    facts: dict[str, Said] = field(default_factory=dict)
    skipped: Said = ""
    unchecked: tuple[Said, ...] = ()

    def wrong(self, key: str, **values: Any) -> "Finding":
        """One more problem: `key` and `key_remedy` of the catalogue."""
        self.problems.append(Trouble(words(f"doctor.{key}", **values), words(f"doctor.{key}_remedy", **values)))
        return self

    def told(self, language: str) -> dict[str, Any]:
        """In one language: `problems` (what, remedy, enter), `facts`, `not_checked`."""
        return {
            "facts": {key: in_language(value, language) for key, value in self.facts.items()},
            "problems": [
                {
                    "what": in_language(one.what, language),
                    "remedy": in_language(one.remedy, language),
                    **({"enter": one.enter} if one.enter else {}),
                }
                for one in self.problems
            ],
            "not_checked": [in_language(one, language) for one in (self.skipped, *self.unchecked) if one],
        }


async def check_account(connected: ConnectedAccount, refused: dict[str, list[Seen]]) -> Finding:
    """What an account says of itself, and why its callbacks are refused."""
    found = Finding()
    try:
        health = await connected.connector.check()
    except ConnectorError as error:
        found.problems.append(Trouble(error.message, _remedy_of(error)))
    except SQLAlchemyError as error:
        found.wrong("store_failed", why=first_line(error))
    else:
        found.facts, found.unchecked = dict(health.facts), health.unchecked
        for one in health.problems:
            (what, remedy), (what_zh, remedy_zh) = one.say("en"), one.say("zh")
            found.problems.append(Trouble(Words(what, what_zh), Words(remedy, remedy_zh), one.enter))
    for end in ending_secrets({connected.name: connected.config}, system_clock().date()).values():
        found.wrong("secret", end=end)
    for seen in refused.get(connected.name, ()):
        found.problems.append(_refusal(seen))
    return found


def _remedy_of(error: ConnectorError) -> Words:
    usual = words("doctor.try_again")
    return Words(error.reason.get("en") or usual.en, error.reason.get("zh") or usual.zh)


def _refusal(seen: Seen) -> Trouble:
    since = f"{seen.since:%Y-%m-%d %H:%M}"
    en, zh = (
        say(code, "doctor.refused", cause=seen.outcome if code == "en" else word("cause", seen.outcome, code),
            count=seen.number, since=since)
        for code in ("en", "zh")
    )  # fmt: skip
    remedy = seen.remedy.get("en", "")
    return Trouble(Words(en, zh), Words(remedy, seen.remedy.get("zh") or remedy))


async def refusals_of(bridge: Bridge) -> dict[str, list[Seen]]:
    """By account: why its callbacks are refused, what is nobody's fault left out."""
    found = await bridge.store.read(callbacks.refusals, system_clock())
    return {name: [one for one in seen if one.outcome not in NOISE] for name, seen in found.items()}


def checks_text(results: dict[str, dict[str, Any]], language: str = "en") -> str:
    """What `bridge doctor` prints for people."""
    lines = []
    for name, one in results.items():
        mark = "✗" if not one["ok"] else "✓" if one["checked"] else "–"
        facts = say(language, "doctor.comma").join(
            f"{word('fact', key, language) if language == 'zh' else key} {value}" for key, value in one["facts"].items()
        )
        head = f"{one['number']:>2}. [{mark}] {_title(name, language)}  {facts}".rstrip()
        lines.append(f"{head}  ({one['seconds']:.2f} s)")
        lines += [f"        {say(language, 'doctor.not_checked', what=what)}" for what in one["not_checked"]]
        for problem in one["problems"]:
            lines += [f"        ✗ {problem['what']}", f"          {problem['remedy']}"]
            lines += [f"          → {problem['enter']}"] if problem.get("enter") else []
    left = [_title(name, language) for name, one in results.items() if not one["checked"]]
    never = (say(language, "doctor.never"), say(language, "doctor.never_backups"))
    lines += ["", say(language, "doctor.left", what=say(language, "doctor.comma").join([*left, *never]))]
    return "\n".join([*lines, _count(list(results.values()), language)])


def _title(name: str, language: str) -> str:
    own = name.removeprefix("bridge.")
    return word("checkup", own, language) if own != name and language == "zh" else own


def _count(results: Sequence[dict[str, Any]], language: str) -> str:
    wrong = sum(not one["ok"] for one in results)
    count = len([one for one in results if one["checked"]])
    key = {0: "well", 1: "one_bad"}.get(wrong, "bad")
    return say(language, f"doctor.{key}", good=count - wrong, all=count, wrong=wrong)
