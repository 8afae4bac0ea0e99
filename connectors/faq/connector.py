"""The FAQ bot: everything happens here, nothing leaves the machine."""

import json
from collections.abc import Sequence
from typing import Any

from bridge.contract import (
    BotAnswered,
    BotVerdict,
    CallbackResult,
    Capabilities,
    Connector,
    Event,
    Health,
    Malformed,
    Message,
    Problem,
    Raw,
    Receipt,
    RenderContext,
    Request,
    Role,
    Step,
    Target,
    Unauthentic,
    Words,
    WrongValue,
    answered_step,
    words_of,
)
from connectors.faq.entries import read_entries, read_knowledge
from connectors.faq.search import Search
from connectors.faq.settings import Settings


class Faq(Connector[Settings]):
    """Answers what its file answers, and says that it does not know the rest."""

    kind = "faq"
    roles = frozenset({Role.BOT})
    Config = Settings
    contract = "1.1"
    capabilities = Capabilities(scripted=True, max_concurrency=8)
    _search: Search | None = None

    def verify(self, request: Request) -> CallbackResult:
        """Nobody calls it."""
        raise Unauthentic("the FAQ takes no callbacks")

    def normalise(self, raw: Raw) -> Sequence[Event]:
        """Its own answer, as `deliver` made it."""
        job = answered_step(raw.key)
        try:
            return (BotAnswered.model_validate({**json.loads(raw.payload), "job": job}),)
        except (ValueError, TypeError, RecursionError):
            raise Malformed("no answer of the FAQ's") from None

    def render(self, messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        """The customer's words, as one question."""
        text = "\n".join(filter(None, (words_of(message) for message in messages)))
        return [Step(verb="ask", body={"text": text}, covers=tuple(message.id for message in messages), cost=0)]

    async def deliver(self, step: Step, target: Target) -> Receipt:
        """Looks the question up."""
        return Receipt(payload=json.dumps(self.look_up(str(step.body.get("text", ""))), ensure_ascii=False))

    async def check(self) -> Health:
        """Reads the file anew."""
        try:
            entries = read_entries(self.config.file)
        except ValueError as error:
            words = error.words if isinstance(error, WrongValue) else Words(str(error), "")
            remedy, zh = "repair the file; it is read at the start", "请修正该文件；文件在启动时读取"
            return Health(problems=(Problem(what=words.en, remedy=remedy, what_zh=words.zh, zh=zh),))
        ways = sum(len(entry.questions) for entry in entries)
        return Health(facts={"entries": str(len(entries)), "ways to ask": str(ways)})

    def look_up(self, text: str) -> dict[str, Any]:
        """What `normalise` reads."""
        if self._search is None:
            knowledge = read_knowledge(self.config.file)
            self._search = Search(knowledge.entries, knowledge.synonyms)
        hits = self._search.answer(text, self.config.threshold)
        if not hits:
            return {"verdict": BotVerdict.NOTHING.value}
        handoff = any(hit.entry.handoff for hit in hits)
        return {
            "text": "\n\n".join(hit.entry.answer for hit in hits),
            "choices": list(dict.fromkeys(choice for hit in hits for choice in hit.entry.choices))[:10],
            "verdict": (BotVerdict.HANDOFF if handoff else BotVerdict.ANSWER).value,
            "reason": ", ".join(f"{hit.entry.questions[0]} ({hit.score:.2f})" for hit in hits)[:200],
        }
