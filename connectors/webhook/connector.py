"""A program of one's own.

As a desk it is told of everything and posts answers back; as a bot it answers within the request, or with 202 and a
signed callback later. Whatever is sent carries the step's key as `webhook-id`, so a repeat is harmless there.
"""

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from bridge.contract import (
    Account,
    CallbackResult,
    Capabilities,
    Cause,
    Connector,
    ConnectorError,
    Event,
    Guide,
    Health,
    Labels,
    Malformed,
    Media,
    MediaRule,
    Message,
    Problem,
    Raw,
    Receipt,
    Rejected,
    RenderContext,
    Reply,
    Request,
    Retryable,
    Role,
    Scope,
    Step,
    Support,
    Target,
    Unauthentic,
    answer_key,
    answered_step,
    verify_webhook,
)
from connectors.webhook import hearing, telling
from connectors.webhook.api import Api
from connectors.webhook.asking import answer, question
from connectors.webhook.settings import Settings

_LONGEST_URL = 500
_FILES = MediaRule(support=Support.FULL, max_bytes=1_000_000)


class Webhook(Connector[Settings]):
    """Plain JSON, signed."""

    kind = "webhook"
    roles = frozenset({Role.BOT, Role.DESK})
    Config = Settings
    guide = Guide(
        name=("Your own program (webhooks)", "自有程序（Webhook）"),
        prepare=(
            (
                "For a system of yours that has no connector: it takes signed JSON at an address and posts what "
                "agents write. It answers the check with 2xx. connectors/webhook/README.md describes it, with two "
                "complete examples."
            ),
            (
                "适用于没有现成连接器的自有系统：在一个地址接收带签名的 JSON，并把客服的回复发回来；检查时须以 2xx "
                "应答。详见 connectors/webhook/README.md，附两个完整示例。"
            ),
        ),
    )
    contract = "1.1"
    capabilities = Capabilities(
        image=_FILES,
        voice=_FILES,
        video=_FILES,
        file=_FILES,
        card=Support.PARTIAL,
        max_concurrency=4,
        notes=True,
        delivery_status=True,
        tags=True,
        shows_profile=True,
        fields=("group", "brand", "priority", "tags", "custom_fields"),
        customer_is_author=Support.FULL,
    )

    def __init__(self, config: Settings, account: Account) -> None:
        super().__init__(config, account)
        self._api = Api(config, account)
        support = Support.FULL if config.upload else Support.LINK
        files = MediaRule(support=support, max_bytes=config.upload or None)
        self.capabilities = type(self).capabilities.model_copy(
            update={"image": files, "voice": files, "video": files, "file": files}
        )

    async def verify(self, request: Request) -> CallbackResult:
        """What the program says. `{"type": "answer", "job": …}` is a bot's late answer, whose key is that of an answer
        within the request; all else is a desk's. What is signed and cannot be used is told why, with 422.
        """
        if request.method != "POST":
            raise Unauthentic("callbacks are posted", cause=Cause.VISIT)
        identifier = verify_webhook(self.config.key, request.headers, request.body, request.at)
        try:
            body = json.loads(request.body)
        except (ValueError, RecursionError):
            return _unusable("body: must be JSON")
        if not isinstance(body, dict):
            return _unusable("body: must be an object")
        if "job" in body:
            job = body["job"]
            if not isinstance(job, str) or not 0 < len(job) <= 64:
                return _unusable("job: must be what the question said")
            return CallbackResult(raws=(Raw(answer_key(job), request.body, request.at),))
        try:
            raw = await hearing.keep(body, identifier, self.account)
        except hearing.Unusable as error:
            return _unusable(str(error))
        return CallbackResult(raws=(raw._replace(at=request.at),))

    def normalise(self, raw: Raw) -> Sequence[Event]:
        """A bot's answer, whichever way it came; or what a desk said."""
        try:
            body = json.loads(raw.payload)
        except (ValueError, RecursionError):
            raise Malformed("no JSON") from None
        job = answered_step(raw.key)
        return (answer(body, job),) if job else hearing.read(body, self.account.name)

    def render(self, messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        """To a bot one question; to a desk one request for each message."""
        if not context.asks:
            return telling.render(messages, context)
        covers = tuple(message.id for message in messages)
        return [Step(verb="ask", body=question(messages, context), covers=covers, cost=0)]

    def labels(self, labels: Labels, context: RenderContext) -> Step | None:
        return telling.show(labels)

    async def deliver(self, step: Step, target: Target) -> Receipt:
        """Asks, or tells. The id is the same at each repeat."""
        if step.verb in telling.TYPES:
            return await self._tell(step, target)
        body = {"job": target.key, **step.body}
        found = await self._api.post(target.key, body, timeout=self.config.deadline.total_seconds())
        if found is None:
            return Receipt(detail="it answers later")
        answered = answer_or_trouble(found, target.key)
        return Receipt(payload=json.dumps(answered, ensure_ascii=False))

    async def fetch(self, media: Media, limit: int) -> AsyncIterator[bytes]:
        """A file that the program gave as a link."""
        async for chunk in self.account.http.download(media.id, limit=limit):
            yield chunk

    async def check(self) -> Health:
        """Sends `{"type": "ping"}`, which every program must take with a 2xx."""
        try:
            await self._api.post(f"ping-{int(self.account.now().timestamp())}", {"version": 1, "type": "ping"})
        except Retryable:
            raise
        except ConnectorError as error:
            remedy = 'look at url and secret; the program must answer {"type": "ping"} with a 2xx'
            zh = '请检查 url 和 secret；您的程序必须以 2xx 应答 {"type": "ping"}'
            return Health(problems=(Problem(what=error.message, remedy=remedy, zh=zh),))
        return Health(facts={"server": urlsplit(self.config.url).netloc.rpartition("@")[2]})

    async def _tell(self, step: Step, target: Target) -> Receipt:
        if target.conversation is None and step.verb != telling.MESSAGE:
            raise Rejected("there is no ticket yet", code="no ticket")
        body = telling.letter(step, target)
        if step.media:
            body["files"] = [
                await self._file(told, media) for told, media in zip(body["files"], step.media, strict=True)
            ]
        found = await self._told(target.key, body)
        said: dict[str, Any] = found if isinstance(found, dict) else {}
        identifier, url = said.get("id"), said.get("url")
        ids = (str(identifier)[:100],) if isinstance(identifier, str | int) and str(identifier) else ()
        return Receipt(ids=ids, conversation=body["ticket"], url=_page(url))

    async def _told(self, key: str, body: dict[str, Any]) -> Any:
        """Sends it; a program that refuses the size of it gets the files by link only."""
        try:
            return await self._api.post(key, body, scope=Scope.ACCOUNT)
        except Rejected as error:
            files = body.get("files") or []
            if error.code != "http 413" or not any("data" in file for file in files):
                raise
        bare = [{name: value for name, value in file.items() if name != "data"} for file in files]
        return await self._api.post(key, {**body, "files": bare}, scope=Scope.ACCOUNT)

    async def _file(self, told: dict[str, Any], media: Media) -> dict[str, Any]:
        """By link, and with its bytes where they are few and can be read."""
        whole = {**told, "url": self.account.media.link(media)}
        if not telling.fits(media, self.config.upload):
            return whole
        try:
            data = await self.account.media.read(media)
        except (Rejected, Retryable):
            return whole
        return {**whole, "data": b64encode(data).decode()}


def _unusable(why: str) -> CallbackResult:
    return CallbackResult(Reply(422, json.dumps({"error": why}), "application/json"))


def _page(url: object) -> str:
    """An address that agents can open, and that holds no password."""
    if not isinstance(url, str) or len(url) > _LONGEST_URL or not url.startswith(("https://", "http://")):
        return ""
    return "" if "@" in url.partition("//")[2].partition("/")[0] else url


def answer_or_trouble(found: object, job: str) -> object:
    """An answer that can be read; else it is as if none had come."""
    try:
        answer(found, job)
    except Malformed as error:
        raise Retryable(f"the program's answer cannot be read: {error.message}", code="unreadable") from None
    return found
