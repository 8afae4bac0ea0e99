"""The bot: one request without a stream, because a customer gets one message; a total deadline, because some servers
send empty lines for minutes before they answer.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from bridge.contract import (
    BotAnswered,
    BotVerdict,
    CallbackResult,
    Capabilities,
    Connector,
    ConnectorError,
    Event,
    Health,
    Malformed,
    Message,
    Problem,
    Raw,
    Receipt,
    RenderContext,
    Request,
    Retryable,
    Role,
    Step,
    Target,
    Unauthentic,
    Words,
    answered_step,
)
from connectors.openai.errors import refusal
from connectors.openai.prompts import HANDOFF, TOOL, instructions, messages_of
from connectors.openai.settings import Settings, read_text


class ChatModel(Connector[Settings]):
    """A model behind `/chat/completions`."""

    kind = "openai"
    roles = frozenset({Role.BOT})
    Config = Settings
    contract = "1.1"
    capabilities = Capabilities(max_concurrency=4)

    @cached_property
    def instructions(self) -> str:
        """The system message. The bridge sends no answer that repeats a stretch of it."""
        prompt = read_text(self.config.prompt) if self.config.prompt is not None else ""
        knowledge = read_text(self.config.file) if self.config.file is not None else ""
        return instructions(prompt, knowledge, tools=self.config.tools)

    @property
    def _server(self) -> str:
        return urlsplit(self.config.api_base).netloc.rpartition("@")[2]

    def verify(self, request: Request) -> CallbackResult:
        """Nobody calls it."""
        raise Unauthentic("a chat model takes no callbacks")

    def render(self, messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        """The conversation; the instructions are added when it is sent, so that they are stored nowhere."""
        body = {"messages": messages_of(context.history, messages, self.config.history), "user": context.contact.id}
        return [Step(verb="ask", body=body, covers=tuple(message.id for message in messages), cost=0)]

    async def deliver(self, step: Step, target: Target) -> Receipt:
        """Asks."""
        config = self.config
        system = {"role": "system", "content": self.instructions}
        body: dict[str, Any] = {"model": config.model, "messages": [system, *step.body.get("messages", ())]}
        if config.max_tokens:
            body[config.max_tokens_key] = config.max_tokens
        if config.temperature is not None:
            body["temperature"] = config.temperature
        if config.tools:
            body |= {"tools": [HANDOFF], "tool_choice": "auto"}
        if step.body.get("user"):
            body["user"] = step.body["user"]
        found = await self._send("POST", "/chat/completions", json=body, headers={"idempotency-key": target.key})
        return Receipt(payload=json.dumps(found, ensure_ascii=False))

    def normalise(self, raw: Raw) -> Sequence[Event]:
        """A completion as an answer and a verdict."""
        try:
            body = json.loads(raw.payload)
            choice = body["choices"][0]
            message = choice["message"]
            text = _text(message.get("content"))
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
            raise Malformed("no completion") from None
        verdict, reason, summary = BotVerdict.ANSWER, "", ""
        calls = message.get("tool_calls")
        if isinstance(calls, list) and calls:
            verdict = BotVerdict.HANDOFF
            given = _arguments(calls)
            reason, summary = str(given.get("reason", ""))[:500], str(given.get("summary", ""))[:1000]
        elif message.get("refusal") or choice.get("finish_reason") == "content_filter":
            verdict, text, reason = BotVerdict.HANDOFF, "", "the model refused"
        elif not text.strip():
            verdict = BotVerdict.NOTHING
        usage = body.get("usage")
        tokens = usage.get("total_tokens") if isinstance(usage, Mapping) else 0
        return (
            BotAnswered(
                job=answered_step(raw.key), text=text.strip(), verdict=verdict, reason=reason, summary=summary,
                tokens=tokens if isinstance(tokens, int) else 0,
            ),
        )  # fmt: skip

    async def check(self) -> Health:
        """Lists the models, which costs nothing."""
        try:
            found = await self._send("GET", "/models")
        except Retryable:
            raise
        except ConnectorError as error:
            if error.code == "http 404":
                en = "the server lists no models, so the model's name was not proven"
                return Health(unchecked=(Words(en, "服务器不提供模型列表，无法验证模型名称"),))
            remedy = "look at api_key, api_base and model of this account"
            zh = "请检查该账号的 api_key、api_base 和 model"
            return Health(problems=(Problem(what=error.message, remedy=remedy, zh=zh, credentials=True),))
        rows = found.get("data") if isinstance(found, Mapping) else None
        names = [str(row.get("id")) for row in rows or () if isinstance(row, Mapping)]
        if names and self.config.model not in names:
            some = ", ".join(names[:8])
            what, what_zh = f"there is no model {self.config.model!r}", f"没有名为“{self.config.model}”的模型"
            problem = Problem(what=what, remedy=f"it has {some}", what_zh=what_zh, zh=f"可用的模型：{some}")
            return Health(problems=(problem,))
        return Health(facts={"server": self._server, "model": self.config.model, "models": str(len(names))})

    async def _send(self, method: str, path: str, **more: Any) -> Any:
        key = self.config.api_key.get_secret_value()
        headers = {**more.pop("headers", {}), **({"authorization": f"Bearer {key}"} if key else {})}
        answer = await self.account.http.request(
            method, self.config.api_base + path, headers=headers, timeout=self.config.deadline.total_seconds(),
            repeatable=True, **more,
        )  # fmt: skip
        try:
            body = json.loads(answer.body) if answer.body.strip() else None
        except (ValueError, RecursionError):
            if answer.status < 400:
                raise Retryable(f"{answer.where}: {answer.status}, but no JSON", code="no JSON") from None
            body = None
        if answer.status >= 400 or not isinstance(body, Mapping) or body.get("error"):
            status = answer.status if answer.status >= 400 else 500
            raise refusal(status, body, answer.headers, answer.where)
        return body


def _text(content: Any) -> str:
    """Some servers give a list of parts."""
    if isinstance(content, list):
        parts = [part.get("text", "") if isinstance(part, Mapping) else str(part) for part in content]
        return "".join(map(str, parts))
    return str(content or "")


def _arguments(calls: Sequence[Any]) -> Mapping[str, Any]:
    """What a hand-off says of itself. Arguments are a string, which may be no JSON: the call counts all the same."""
    for call in calls:
        function = call.get("function") if isinstance(call, Mapping) else None
        if isinstance(function, Mapping) and function.get("name") == TOOL:
            try:
                found = json.loads(str(function.get("arguments") or "{}"))
            except (ValueError, RecursionError):
                return {}
            return found if isinstance(found, Mapping) else {}
    return {}
