"""A bot asked outside a conversation: one question, or a set with expectations. Nothing is stored or sent."""

import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from bridge.bots.answers import Limits, check_answer
from bridge.bots.masking import mask, unmask
from bridge.bots.people_words import wants_person
from bridge.contract import (
    Author,
    AuthorKind,
    BotAnswered,
    BotVerdict,
    Connector,
    ConnectorError,
    Contact,
    Message,
    Raw,
    RenderContext,
    Target,
    Text,
    answer_key,
)
from bridge.settings import BotSettings


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of one question. `verdict` may be `failed`; `held_back` says why the answer would not be sent."""

    question: str
    text: str
    verdict: str
    seconds: float
    tokens: int = 0
    reason: str = ""
    held_back: str = ""


async def ask(bot: Connector[Any], text: str, route: BotSettings | None = None) -> Asked:
    """One question in a conversation of its own, as a route would treat it."""
    began = time.perf_counter()
    if wants_person(text, route.people_when if route is not None else ()):
        reason = "the customer's words bring a person; the bot is not asked"
        return Asked(text, "", BotVerdict.HANDOFF.value, time.perf_counter() - began, reason=reason)
    name = uuid4().hex
    hidden = route.mask if route is not None else ()
    message = Message(
        id=f"ask:{name}",
        conversation="",
        author=Author(kind=AuthorKind.CUSTOMER),
        parts=(Text(body=mask(text, hidden, name)),),
    )
    context = RenderContext(conversation=name, contact=Contact(id=name), asks=True, now=datetime.now(UTC))
    try:
        (step, *_) = bot.render([message], context)
        receipt = await bot.deliver(step, Target(key=name, link=name))
        events = bot.normalise(Raw(answer_key(name), receipt.payload.encode()))
    except ConnectorError as error:
        return Asked(text, "", "failed", time.perf_counter() - began, reason=error.message)
    answers = [event for event in events if isinstance(event, BotAnswered)]
    seconds = time.perf_counter() - began
    if not answers:
        return Asked(text, "", "failed", seconds, reason="it answers later, by a callback")
    answer = answers[0]
    scripted = bot.capabilities.scripted
    limits = Limits(scripted=scripted)
    if route is not None:
        limits = Limits(route.max_chars, route.allowed_hosts, route.promises == "allow", scripted)
    said = unmask(answer.text, [text], hidden, name)
    checked = check_answer(said, text, limits, str(getattr(bot, "instructions", "")))
    verdict = BotVerdict.HANDOFF if checked.person else answer.verdict
    speaks = verdict in {BotVerdict.ANSWER, BotVerdict.RESOLVED}
    held_back = checked.wrong if speaks else ""
    return Asked(
        text, checked.text, (BotVerdict.HANDOFF if held_back else verdict).value, seconds, answer.tokens,
        answer.reason, held_back,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Expectation:
    """One line of a set. Without `verdicts` any will do; `must` and `must_not` are words of the answer."""

    question: str
    verdicts: tuple[str, ...] = ()
    must: tuple[str, ...] = ()
    must_not: tuple[str, ...] = ()

    def faults(self, asked: Asked) -> list[str]:
        """What of it was not met."""
        found = []
        if self.verdicts and asked.verdict not in self.verdicts:
            found.append(f"verdict {asked.verdict}, expected {' or '.join(self.verdicts)}")
        found += [f"lacks {word!r}" for word in self.must if word.casefold() not in asked.text.casefold()]
        found += [f"has {word!r}" for word in self.must_not if word.casefold() in asked.text.casefold()]
        return found


def read_set(path: Path) -> list[Expectation]:
    """`[[test]]` tables: `question`, and if wanted `verdict` (one, or several that will do), `must`, `must_not`.

    Raises ValueError.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from None
    rows = next((value for value in content.values() if isinstance(value, list)), [])
    found = [_expectation(path, number, row) for number, row in enumerate(rows, 1)]
    if not found:
        raise ValueError(f"{path}: holds no [[test]] tables")
    return found


def _expectation(path: Path, number: int, row: Any) -> Expectation:
    if not isinstance(row, Mapping) or not str(row.get("question", "")).strip():
        raise ValueError(f"{path}: test {number} needs a `question`")
    verdicts = tuple(one for one in _words(row.get("verdict", row.get("expect"))) if one)
    for one in verdicts:
        if one not in {*BotVerdict}:
            raise ValueError(f"{path}: test {number}: verdict {one!r} is none of {', '.join(BotVerdict)}")
    return Expectation(str(row["question"]), verdicts, _words(row.get("must")), _words(row.get("must_not")))


def _words(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(map(str, value or ()))
