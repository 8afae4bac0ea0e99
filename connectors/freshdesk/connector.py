"""Freshdesk: what the engine calls."""

import hmac
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urljoin, urlsplit

from bridge.contract import (
    Account,
    AuthFailed,
    CallbackResult,
    Capabilities,
    Cause,
    Connector,
    Event,
    Format,
    Gone,
    Guide,
    Health,
    Labels,
    Media,
    MediaRule,
    Message,
    Page,
    Problem,
    Raw,
    Receipt,
    Rejected,
    RenderContext,
    Request,
    Role,
    Said,
    SetUpChange,
    Step,
    Subject,
    Support,
    Target,
    Unauthentic,
    Words,
)
from connectors.freshdesk import forgetting, inbound, outbound, people, setup
from connectors.freshdesk.api import Api, id_of
from connectors.freshdesk.body import html_of, pictures_in
from connectors.freshdesk.delivery import Writer
from connectors.freshdesk.polling import Poll
from connectors.freshdesk.settings import Settings
from connectors.freshdesk.threads import Threads

_FILES = MediaRule(support=Support.FULL, max_bytes=outbound.ROOM_FOR_FILES)
_SCOPES = {
    1: Words("all tickets", "全部工单"),
    2: Words("the tickets of its groups only", "仅所在组的工单"),
    3: Words("the tickets assigned to it only", "仅分配给自己的工单"),
}
_UNKNOWN = Words("unknown", "未知")


_REASONS = {
    Cause.SIGNATURE: {
        "en": "hook_secret differs from the header X-Bridge-Secret of the automation rules: make them equal.",
        "zh": "hook_secret 与自动化规则中 X-Bridge-Secret 请求头的值不一致：请改为相同。",
    },
    Cause.UNSIGNED: {
        "en": "Calls come without the header X-Bridge-Secret: add it to the automation rules, as the set-up says.",
        "zh": "请求缺少 X-Bridge-Secret 请求头：请按接入设置的说明在自动化规则中添加。",
    },
    Cause.NO_SECRET: {
        "en": "hook_secret is empty: set it (openssl rand -hex 32), and the same in the automation rules.",
        "zh": "hook_secret 为空：请设置（openssl rand -hex 32），并在自动化规则中填写相同的值。",
    },
}


class Freshdesk(Connector[Settings]):
    """One Freshdesk account, over its API v2.

    Callbacks of automation rules are unsigned: they only say which ticket to look at. What was said is read over the
    API, and a poll finds what no callback told of.
    """

    kind: ClassVar[str] = "freshdesk"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.DESK})
    Config: ClassVar[type[Settings]] = Settings
    guide: ClassVar[Guide] = Guide(
        name=("Freshdesk", "Freshdesk"),
        prepare=(
            (
                "In Freshdesk make an agent for the bridge (Admin › Agents; it takes a seat): role Agent or "
                "wider, scope Global access. Sign in as that agent to see its API key."
            ),
            (
                "请在 Freshdesk 中为本服务创建一名客服（Admin › Agents，占用一个席位）：角色 Agent 或更高，范围 "
                "Global access。以该客服登录后可查看 API 密钥。"
            ),
        ),
    )
    capabilities = Capabilities(
        formats=(Format.PLAIN,),
        image=_FILES,
        voice=_FILES,
        video=_FILES,
        file=_FILES,
        card=Support.PARTIAL,
        location=Support.PARTIAL,
        max_concurrency=4,
        notes=True,
        threads=True,
        tags=True,
        fields=("group", "brand", "priority", "tags", "custom_fields"),
        knows_presence=True,
        customer_is_author=Support.FULL,
    )

    def __init__(self, config: Settings, account: Account) -> None:
        super().__init__(config, account)
        self._api = Api(config, account)
        self._threads = Threads(config, account, self._api)
        self._poll = Poll(account, self._api, self._threads)
        self._writer = Writer(config, account, self._api, self._threads)

    async def verify(self, request: Request) -> CallbackResult:
        """A nudge, from whoever knows the secret in the header."""
        given = request.headers.get("x-bridge-secret", "").encode("utf-8", "replace")
        right = [hmac.compare_digest(given, secret.encode()) for secret in self.config.hook_secrets]
        if not any(right) or request.method != "POST":
            cause = Cause.UNSIGNED if request.body else Cause.VISIT
            if given:
                cause = Cause.SIGNATURE if right else Cause.NO_SECRET
            raise Unauthentic("the secret is not right", cause=cause, reason=_REASONS.get(cause))
        return CallbackResult(refresh=(inbound.ticket_in(request.body),))

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
        return await self._writer.lookup(step, target)

    async def poll(self, cursor: str | None, conversation: str | None = None) -> Page:
        return await self._poll.ticket(conversation) if conversation else await self._poll.since(cursor)

    async def fetch(self, media: Media, limit: int) -> AsyncIterator[bytes]:
        """Addresses of attachments expire within minutes: the conversation is read again for a fresh one.

        Storage refuses requests that carry our Authorization (https://github.com/Aaronontheweb/freshdesk-cli/issues/122).
        """
        address = await self._address(media)
        try:
            async for chunk in self.account.http.download(address, limit=limit):
                yield chunk
        except Rejected as error:
            if error.code not in {"http 401", "http 403", "http 404"} or not self._at_home(address):
                raise
        else:
            return
        async for chunk in self.account.http.download(address, limit=limit, headers=self._api.authorization):
            yield chunk

    async def unknown_fields(self, fields: Mapping[str, Any]) -> Sequence[str]:
        found = []
        for kind, name in (("groups", "group"), ("products", "brand")):
            value = fields.get(name)
            if value and not await people.is_there(self._api, kind, value):
                found.append(f"{name} {value}")
        wanted = fields.get("custom_fields") or {}
        known = {str(row.get("name")) for row in await self._api.every("/ticket_fields")} if wanted else set()
        found += [f"field {name}" for name in wanted if str(name) not in known]
        return [*found, *outbound.unknown_words(fields)]

    async def records_of(self, subject: Subject) -> dict[str, Any]:
        return {}

    async def forget(self, subject: Subject) -> Sequence[Said]:
        return forgetting.left_to_do(self.account, subject, self.config.web)

    async def check(self) -> Health:
        """The key, what it may see, and what the account demands of new tickets."""
        try:
            agent = await self._api.get("/agents/me")
            await self._api.rows("/tickets")
        except AuthFailed as error:
            remedy = "Put the API key of an active agent with global ticket access into api_key."
            zh = "请将拥有全部工单权限的在职客服的 API key 填入 api_key。"
            return Health(problems=(Problem(what=error.message, remedy=remedy, zh=zh, credentials=True),))
        except (Gone, Rejected) as error:
            remedy = f"Check domain ({self.config.domain}) and api_base."
            zh = f"请检查 domain（{self.config.domain}）和 api_base。"
            return Health(problems=(Problem(what=error.message, remedy=remedy, zh=zh),))
        missing = await setup.missing_fields(self._api, self.config)
        command = f"bridge setup {self.kind} --account {self.account.name}"
        what, what_zh = "tickets cannot be opened as they are set up", "按当前设置无法创建工单"
        problems = [Problem(what=what, remedy=one.en, what_zh=what_zh, zh=one.zh) for one in missing]
        if not self.config.hook_secrets:
            what = "callbacks are refused, because hook_secret is empty; answers are found late, by polling"
            remedy = f"Set hook_secret (openssl rand -hex 32), then run the set-up ({command})."
            zh = f"请设置 hook_secret（可用 openssl rand -hex 32 生成），然后运行接入设置（{command}）。"
            what_zh = "hook_secret 为空，回调会被拒绝；回复只能通过轮询获取，会有延迟"
            problems.append(Problem(what=what, remedy=remedy, stops=False, zh=zh, what_zh=what_zh))
        scope = agent.get("ticket_scope")
        facts: dict[str, Said] = {
            "agent": id_of(agent),
            "sees": _SCOPES.get(scope, _UNKNOWN) if isinstance(scope, int) else _UNKNOWN,
            "calls per minute": f"{self._api.total:.0f}" if self._api.total else Words("not told", "未知"),
        }
        accepted, refused = (
            Words("accepted", "正常"),
            Words("refused: hook_secret is empty", "被拒绝：hook_secret 为空"),
        )
        facts["callbacks"] = accepted if self.config.hook_secrets else refused
        unchecked = (
            Words("the right to write on tickets", "写入工单的权限"),
            Words(
                "whether the automation rules call",
                "自动化规则是否回调",
            ),
        )
        return Health(problems=tuple(problems), facts=facts, unchecked=unchecked)

    async def plan(self, *, remove: bool = False) -> Sequence[SetUpChange]:
        return await setup.plan(self._api, self.config, self.account.name, self.account.hook_url, remove=remove)

    async def _address(self, media: Media) -> str:
        ticket, _, rest = media.id.partition(":")
        conversation, _, file = rest.partition(":")
        try:
            item = await self._threads.find(ticket, conversation)
        except Gone:
            item = None
        if item is None:
            raise Rejected("the message that held the file is not there any more", code="gone")
        address = _inline(item, file) if file.startswith("inline-") else _attached(item, file)
        if not address:
            raise Rejected("the file is not there any more", code="gone")
        return urljoin(self.config.api_base or self.config.web, address)

    def _at_home(self, address: str) -> bool:
        """Whether an address is the account's own, where our key is no secret."""
        home = urlsplit(self.config.api_base or self.config.web)
        there = urlsplit(address)
        return (there.scheme, there.netloc) == (home.scheme, home.netloc)


def _attached(item: dict[str, Any], file: str) -> str:
    attachments = item.get("attachments")
    for entry in attachments if isinstance(attachments, list) else ():
        if isinstance(entry, dict) and id_of(entry) == file:
            return str(entry.get("attachment_url") or "")
    return ""


def _inline(item: dict[str, Any], file: str) -> str:
    pictures = pictures_in(html_of(item))
    index = file.removeprefix("inline-")
    return pictures[int(index)] if index.isdecimal() and int(index) < len(pictures) else ""
