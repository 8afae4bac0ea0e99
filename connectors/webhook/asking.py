"""The questions and answers of a program that is a bot. Pure.

Question: `{"version": 1, "type": "question", "job", "conversation", "customer": {"id", "locale"}, "memory",
"history", "messages"}`, each message `{"id", "at", "from": "customer|person|bot", "kind", "text"}`. Answer:
`{"answers": [{"text"}], "verdict", "reason", "summary", "memory", "cost": {"tokens"},
"choices": ["…"]}`, at once, or later
as a callback with the same `job`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.contract import (
    AuthorKind,
    BotAnswered,
    BotVerdict,
    Malformed,
    Message,
    RenderContext,
    words_of,
)

_FROM = {AuthorKind.CUSTOMER: "customer", AuthorKind.AGENT: "person", AuthorKind.BOT: "bot"}


def question(messages: Sequence[Message], context: RenderContext) -> dict[str, Any]:
    """What is asked; `job` is added when it is sent."""
    return {
        "version": 1,
        "type": "question",
        "conversation": context.conversation or "",
        "customer": {"id": context.contact.id, "locale": context.contact.locale},
        "memory": context.memory,
        "history": [_message(one) for one in context.history],
        "messages": [_message(one) for one in messages],
    }


def _message(message: Message) -> dict[str, str]:
    at = f"{message.sent_at:%Y-%m-%dT%H:%M:%SZ}" if message.sent_at is not None else ""
    kind = message.parts[0].kind if message.parts else "text"
    who = _FROM.get(message.author.kind, "bot")
    return {"id": message.id, "at": at, "from": who, "kind": kind, "text": words_of(message)}


def answer(body: Any, job: str) -> BotAnswered:
    """Raises Malformed for what is no answer."""
    if not isinstance(body, Mapping):
        raise Malformed("the answer is no object")
    given = str(body.get("verdict") or "answer")
    if given not in {*BotVerdict}:
        raise Malformed(f"verdict {given[:20]!r} is none of {', '.join(BotVerdict)}")
    rows = body.get("answers") or ()
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        raise Malformed("`answers` is no list")
    texts = [_said(row) for row in rows]
    text = "\n".join(filter(None, texts))
    verdict = BotVerdict(given)
    if verdict in {BotVerdict.ANSWER, BotVerdict.RESOLVED} and not text:
        verdict = BotVerdict.NOTHING
    cost = body.get("cost")
    tokens = cost.get("tokens") if isinstance(cost, Mapping) else 0
    return BotAnswered(
        job=job, text=text, verdict=verdict, reason=str(body.get("reason") or "")[:500],
        summary=str(body.get("summary") or "")[:1000], memory=str(body.get("memory") or "")[:200],
        tokens=tokens if isinstance(tokens, int) and tokens > 0 else 0, choices=_choices(body.get("choices")),
    )  # fmt: skip


def _said(row: Any) -> str:
    if isinstance(row, str):
        return row.strip()
    if not isinstance(row, Mapping):
        raise Malformed("an answer is neither a text nor an object")
    return "\n".join(str(row[name]).strip() for name in ("text", "image_url") if row.get(name))


def _choices(given: object) -> tuple[str, ...]:
    """Answers to tap; whatever else stands there is none."""
    rows = given if isinstance(given, list) else []
    return tuple(row.strip()[:128] for row in rows[:10] if isinstance(row, str) and row.strip())
