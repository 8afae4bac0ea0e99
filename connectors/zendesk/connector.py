"""Zendesk Support: what the engine calls."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from bridge.contract import (
    Account,
    CallbackResult,
    Capabilities,
    Connector,
    Event,
    Format,
    Guide,
    Health,
    Labels,
    Media,
    MediaRule,
    Message,
    Page,
    Rate,
    Raw,
    Receipt,
    RenderContext,
    Reply,
    Request,
    Role,
    Said,
    SetUpChange,
    Step,
    Subject,
    Support,
    Target,
)
from connectors.zendesk import forgetting, inbound, outbound
from connectors.zendesk.api import Api
from connectors.zendesk.body import LARGEST_FILE
from connectors.zendesk.callback import Hook
from connectors.zendesk.delivery import Writer
from connectors.zendesk.files import Files
from connectors.zendesk.health import examine
from connectors.zendesk.polling import Poll
from connectors.zendesk.reading import Reading
from connectors.zendesk.settings import RATES, Settings
from connectors.zendesk.setup import SetUp
from connectors.zendesk.tickets import Tickets

_FILE = MediaRule(support=Support.FULL, max_bytes=LARGEST_FILE)


class Zendesk(Connector[Settings]):
    """One Zendesk Support account.

    Customers are users without an e-mail, known by an external id; they are the authors of what they write. Callbacks
    only say where to look: everything said is read over the API, so that webhook and poll cannot differ.
    """

    kind: ClassVar[str] = "zendesk"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.DESK})
    Config: ClassVar[type[Settings]] = Settings
    guide: ClassVar[Guide] = Guide(
        name=("Zendesk", "Zendesk"),
        prepare=(
            (
                "In Zendesk, as an admin (best one for the bridge alone): Admin Center › Apps and integrations › "
                "APIs › OAuth clients › Add OAuth client, kind Confidential. Its identifier and its secret are "
                "asked for here."
            ),
            (
                "请以管理员身份（最好专供本服务使用）登录 Zendesk：管理中心 › 应用和集成 › API › OAuth 客户端 "
                "› 添加 OAuth 客户端，类型选“机密”。下面需要填写它的标识符和密钥。"
            ),
        ),
    )
    # a 409 is tried again, a 500 never: https://developer.zendesk.com/documentation/webhooks/anatomy-of-a-webhook-request/
    retry_later_reply: ClassVar[Reply] = Reply(409, "busy", headers={"retry-after": "5"})
    capabilities = Capabilities(
        max_text_bytes=65_000,
        uploads_apart=True,
        formats=(Format.PLAIN, Format.HTML),
        image=_FILE,
        voice=_FILE,
        video=_FILE,
        file=_FILE,
        card=Support.PARTIAL,
        location=Support.PARTIAL,
        # https://developer.zendesk.com/api-reference/introduction/rate-limits/#endpoint-rate-limits
        update_limit=Rate(count=30, per=timedelta(minutes=10)),
        rate=Rate(count=RATES["team"], per=timedelta(minutes=1)),
        max_concurrency=4,
        notes=True,
        threads=True,
        tags=True,
        fields=("group", "brand", "priority", "tags", "custom_fields"),
        knows_presence=True,
        shows_profile=True,
        customer_is_author=Support.FULL,
    )

    def __init__(self, config: Settings, account: Account) -> None:
        super().__init__(config, account)
        self._api = Api(config, account)
        self._tickets = Tickets(config, account, self._api)
        self._poll = Poll(account, self._api, self._tickets, Reading(account, self._api, self._tickets))
        self._writer = Writer(config, account, self._api, self._tickets)
        self._files = Files(config, self._api)
        self._hook = Hook(config, account)
        rate = Rate(count=RATES[config.plan], per=timedelta(minutes=1))
        self.capabilities = self.capabilities.model_copy(update={"rate": rate})

    async def verify(self, request: Request) -> CallbackResult:
        return await self._hook.verify(request)

    def normalise(self, raw: Raw) -> Sequence[Event]:
        return inbound.normalise(raw, self.account.name)

    def render(self, messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        return outbound.render(messages, context)

    def labels(self, labels: Labels, context: RenderContext) -> Step | None:
        return outbound.show(labels)

    async def prepare(self, step: Step, target: Target) -> dict[str, Any]:
        return await self._writer.prepare(step, target)

    async def deliver(self, step: Step, target: Target) -> Receipt:
        return await self._writer.deliver(step, target)

    async def lookup(self, step: Step, target: Target) -> Receipt | None:
        return await self._writer.finding.lookup(step, target)

    async def poll(self, cursor: str | None, conversation: str | None = None) -> Page:
        return await self._poll.ticket(conversation) if conversation else await self._poll.since(cursor)

    def fetch(self, media: Media, limit: int) -> AsyncIterator[bytes]:
        return self._files.fetch(media, limit)

    async def unknown_fields(self, fields: Mapping[str, Any]) -> Sequence[str]:
        found = await self._writer.places.unknown_of(dict(fields))
        return [*found, *outbound.unknown_words(fields)]

    async def records_of(self, subject: Subject) -> dict[str, Any]:
        return await forgetting.records_of(self.account, subject)

    async def forget(self, subject: Subject) -> Sequence[Said]:
        return await forgetting.forget(self.account, subject, self.config.web)

    async def check(self) -> Health:
        return await examine(self._api, self.config, self._hook, self._writer.places)

    async def plan(self, *, remove: bool = False) -> Sequence[SetUpChange]:
        return await SetUp(self.config, self.account, self._api, self._hook).plan(remove=remove)
