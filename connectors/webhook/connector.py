"""A program of one's own. As a bot it answers within the request, or with 202 and a signed callback later."""

import json
from collections.abc import Sequence

from bridge.contract import (
    Account,
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
    Reply,
    Request,
    Retryable,
    Role,
    Step,
    Target,
    answer_key,
    answered_step,
)
from connectors.webhook.api import Api
from connectors.webhook.asking import answer, question
from connectors.webhook.settings import Settings
from connectors.webhook.signing import verify


class Webhook(Connector[Settings]):
    """Plain JSON, signed."""

    kind = "webhook"
    roles = frozenset({Role.BOT})
    Config = Settings
    contract = "1.1"
    capabilities = Capabilities(max_concurrency=4)

    def __init__(self, config: Settings, account: Account) -> None:
        super().__init__(config, account)
        self._api = Api(config, account)

    def verify(self, request: Request) -> CallbackResult:
        """A late answer: `{"type": "answer", "job": …}`, signed. Its key is that of an answer within the request."""
        verify(self.config.key, request.headers, request.body, request.at)
        try:
            body = json.loads(request.body)
            job = str(body["job"])
        except (ValueError, KeyError, TypeError):
            raise Malformed("an answer is an object with `job`") from None
        if not job or len(job) > 64:
            raise Malformed("`job` is what the question said")
        return CallbackResult(Reply(200, "ok"), (Raw(answer_key(job), request.body),))

    def normalise(self, raw: Raw) -> Sequence[Event]:
        """An answer, whichever way it came."""
        try:
            body = json.loads(raw.payload)
        except ValueError:
            raise Malformed("no JSON") from None
        return (answer(body, answered_step(raw.key)),)

    def render(self, messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        """One question."""
        covers = tuple(message.id for message in messages)
        return [Step(verb="ask", body=question(messages, context), covers=covers, cost=0)]

    async def deliver(self, step: Step, target: Target) -> Receipt:
        """Asks. The id is the same at each repeat."""
        body = {"job": target.key, **step.body}
        found = await self._api.post(target.key, body, timeout=self.config.deadline.total_seconds())
        if found is None:
            return Receipt(detail="it answers later")
        answered = answer_or_trouble(found, target.key)
        return Receipt(payload=json.dumps(answered, ensure_ascii=False))

    async def check(self) -> Health:
        """Sends `{"type": "ping"}`, which every program must take with a 2xx."""
        try:
            await self._api.post(f"ping-{int(self.account.now().timestamp())}", {"version": 1, "type": "ping"})
        except Retryable:
            raise
        except ConnectorError as error:
            remedy = 'look at url and secret; the program must answer {"type": "ping"} with a 2xx'
            return Health(problems=(Problem(what=error.message, remedy=remedy),))
        return Health()


def answer_or_trouble(found: object, job: str) -> object:
    """An answer that can be read; else it is as if none had come."""
    try:
        answer(found, job)
    except Malformed as error:
        raise Retryable(f"the program's answer cannot be read: {error.message}", code="unreadable") from None
    return found
