"""The bot. It is asked with a stream always: some apps know no other way, and proxies cut long blocking answers."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

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
    Response,
    Retryable,
    Role,
    Step,
    Subject,
    Target,
    Unauthentic,
    Words,
    answered_step,
    words_of,
)
from connectors.dify.errors import is_forgotten, refusal
from connectors.dify.settings import Settings
from connectors.dify.stream import Said, read_stream

_LEFT = {
    "en": "Delete the conversations of the user {} in the app's logs in Dify: it could not be reached",
    "zh": "未能连接到 Dify，请在应用的日志中删除用户 {} 的会话",
}
_PAGES = 50  # of a hundred conversations
_HISTORY = 2000  # characters of before for a conversation that Dify has forgotten


class Dify(Connector[Settings]):
    """One app of Dify's: a chatbot, an agent or a chatflow."""

    kind = "dify"
    roles = frozenset({Role.BOT})
    Config = Settings
    contract = "1.1"
    capabilities = Capabilities(max_concurrency=4)

    def verify(self, request: Request) -> CallbackResult:
        """Nobody calls it."""
        raise Unauthentic("Dify sends no callbacks")

    def render(self, messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        """One question; `user` must be the same in a conversation."""
        query = "\n".join(filter(None, map(words_of, messages)))
        before = "\n".join(f"{one.author.kind.value}: {words_of(one)}" for one in context.history)[-_HISTORY:]
        body = {"query": query, "user": context.contact.id or "customer", "conversation": context.memory}
        body |= {"history": before} if before else {}
        return [Step(verb="ask", body=body, covers=tuple(message.id for message in messages), cost=0)]

    async def deliver(self, step: Step, target: Target) -> Receipt:
        """Asks; a conversation that Dify has forgotten is begun anew, once, with what was said before."""
        query, conversation = str(step.body["query"]), str(step.body.get("conversation") or "")
        answer = await self._ask(query, str(step.body["user"]), conversation)
        if conversation and answer.status >= 400 and is_forgotten(answer.status, _json(answer)):
            before = str(step.body.get("history") or "")
            again = f"(Earlier in this conversation:\n{before}\n)\n{query}" if before else query
            answer = await self._ask(again, str(step.body["user"]), "")
        said = self._said(answer)
        payload = {
            "text": said.text,
            "memory": said.conversation,
            "tokens": said.tokens,
            "verdict": (BotVerdict.HANDOFF if said.person else _made_of(said.text)).value,
        }
        return Receipt(payload=json.dumps(payload, ensure_ascii=False))

    def normalise(self, raw: Raw) -> Sequence[Event]:
        """What `deliver` collected."""
        try:
            found = json.loads(raw.payload)
            return (BotAnswered.model_validate({**found, "job": answered_step(raw.key)}),)
        except (ValueError, TypeError, RecursionError):
            raise Malformed("no answer of Dify's") from None

    async def check(self) -> Health:
        """Asks what the app is, which costs nothing."""
        try:
            answer = await self._send("GET", "/info")
            body = _json(answer)
            if answer.status >= 400:
                raise refusal(answer.status, body, answer.where)
        except Retryable:
            raise
        except ConnectorError as error:
            remedy = "look at api_key and api_base, and whether the app is published"
            zh = "请检查 api_key 和 api_base，以及应用是否已发布"
            return Health(problems=(Problem(what=error.message, remedy=remedy, zh=zh, credentials=True),))
        name = str(body.get("name", "")) if isinstance(body, Mapping) else ""
        return Health(facts={"server": urlsplit(self.config.api_base).netloc.rpartition("@")[2], "app": name[:80]})

    async def records_of(self, subject: Subject) -> dict[str, Any]:
        """Nothing is kept here."""
        return {}

    async def forget(self, subject: Subject) -> Sequence[Words]:
        """Deletes the conversations that Dify keeps of somebody (`GET /conversations`, `DELETE /conversations/{id}`).
        Where it cannot be reached, they are for the admin to delete.
        """
        left: list[Words] = []
        for contact in subject.contacts:
            try:
                await self._delete_all(contact.id)
            except ConnectorError:
                left.append(Words(*(_LEFT[language].format(contact.id) for language in ("en", "zh"))))
        return left

    async def _delete_all(self, user: str) -> None:
        for _ in range(_PAGES):
            listed = await self._send("GET", "/conversations", params={"user": user, "limit": 100})
            found = _json(listed)
            if listed.status >= 400:
                raise refusal(listed.status, found, listed.where)
            ids = [str(one["id"]) for one in found.get("data", ())] if isinstance(found, Mapping) else []
            for identifier in ids:
                path = f"/conversations/{quote(identifier, safe='')}"
                gone = await self._send("DELETE", path, json={"user": user})
                if gone.status >= 400 and not is_forgotten(gone.status, _json(gone)):
                    raise refusal(gone.status, _json(gone), gone.where)
            if not ids:
                return

    def _said(self, answer: Response) -> Said:
        if answer.status >= 400:
            raise refusal(answer.status, _json(answer), answer.where)
        said = read_stream(answer.body)
        if said.error:
            status = said.error.get("status")
            raise refusal(status if isinstance(status, int) else 500, said.error, answer.where)
        if not said.ended:
            raise Retryable(f"{answer.where}: the answer ended in the middle", code="half")
        return said

    async def _ask(self, query: str, user: str, conversation: str) -> Response:
        body = {
            "query": query,
            "inputs": dict(self.config.inputs),
            "user": user,
            "response_mode": "streaming",
            "conversation_id": conversation,
            "auto_generate_name": False,
        }
        return await self._send("POST", "/chat-messages", json=body)

    async def _send(self, method: str, path: str, **more: Any) -> Response:
        return await self.account.http.request(
            method,
            self.config.api_base + path,
            headers={"authorization": f"Bearer {self.config.api_key.get_secret_value()}"},
            timeout=self.config.deadline.total_seconds(),
            repeatable=True,
            **more,
        )


def _json(answer: Response) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def _made_of(text: str) -> BotVerdict:
    return BotVerdict.ANSWER if text.strip() else BotVerdict.NOTHING
