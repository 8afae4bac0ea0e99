"""Chatwoot: what the engine calls."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urljoin

from bridge.contract import (
    Account,
    AuthFailed,
    CallbackResult,
    Capabilities,
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
    Words,
)
from connectors.chatwoot import callback, forgetting, inbound, outbound, setup
from connectors.chatwoot.api import Api, id_of, rows
from connectors.chatwoot.delivery import Writer
from connectors.chatwoot.polling import Poll
from connectors.chatwoot.settings import Settings

_FILES = MediaRule(support=Support.FULL, max_bytes=outbound.FILE_BYTES)


class Chatwoot(Connector[Settings]):
    """One API inbox of one account. Delivery states stand on each message, so that no note is needed."""

    kind: ClassVar[str] = "chatwoot"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.DESK})
    Config: ClassVar[type[Settings]] = Settings
    guide: ClassVar[Guide] = Guide(
        name=("Chatwoot", "Chatwoot"),
        prepare=(
            ("Sign in to Chatwoot as an administrator: the set-up below then makes the inbox by itself."),
            ("请以管理员身份登录 Chatwoot，获取令牌；随后即可由下方的设置自动创建收件箱。"),
        ),
    )
    capabilities = Capabilities(
        formats=(Format.PLAIN, Format.MARKDOWN),
        image=_FILES,
        voice=_FILES,
        video=_FILES,
        file=_FILES,
        card=Support.PARTIAL,
        location=Support.PARTIAL,
        max_concurrency=4,
        notes=True,
        delivery_status=True,
        threads=False,
        tags=True,
        fields=("group", "priority", "tags", "custom_fields"),
        knows_presence=True,
        customer_is_author=Support.FULL,
    )

    def __init__(self, config: Settings, account: Account) -> None:
        super().__init__(config, account)
        self._api = Api(config, account)
        self._writer = Writer(config, account, self._api)
        self._poll = Poll(config, self._api)

    def verify(self, request: Request) -> CallbackResult:
        """Signed words are evidence. Where the address alone proves the caller, they only say where to look."""
        signed = callback.check(request, self.account, self.config.hook_secret.get_secret_value())
        return callback.read(request, self.config.inbox_id, signed=signed, typing=self.account.typing)

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
        return await self._poll.conversation(conversation) if conversation else await self._poll.since(cursor)

    async def typing(self, conversation: str, *, on: bool) -> None:
        """Agents see that the bridge's own agent types: the application API knows no other."""
        body = {"typing_status": "on" if on else "off", "is_private": True}
        await self._api.post(f"/conversations/{conversation}/toggle_typing_status", body, repeatable=True)

    async def fetch(self, media: Media, limit: int) -> AsyncIterator[bytes]:
        """The address is read anew: it leads to storage and ends within minutes. Storage gets no token of ours."""
        async for chunk in self.account.http.download(await self._address(media), limit=limit):
            yield chunk

    async def unknown_fields(self, fields: Mapping[str, Any]) -> Sequence[str]:
        return await self._writer.unknown_of(fields)

    async def records_of(self, subject: Subject) -> dict[str, Any]:
        return {}

    async def forget(self, subject: Subject) -> Sequence[Said]:
        return forgetting.left_to_do(subject, self.config.web)

    async def check(self) -> Health:
        """The token, the inbox, and whether it calls back."""
        try:
            profile = await self._api.profile()
            found = rows(await self._api.get("/inboxes"))
        except AuthFailed as error:
            remedy = "Put the access token of an agent who is a member of the inbox into token."
            zh = "请将该收件箱成员（客服）的访问令牌填入 token。"
            return Health(problems=(Problem(what=error.message, remedy=remedy, zh=zh, credentials=True),))
        except (Gone, Rejected) as error:
            remedy = f"Check api_base ({self.config.api_base}) and account_id ({self.config.account_id})."
            zh = f"请检查 api_base（{self.config.api_base}）和 account_id（{self.config.account_id}）。"
            return Health(problems=(Problem(what=error.message, remedy=remedy, zh=zh),))
        facts = {"agent": str(profile.get("name") or id_of(profile)), "version": await self._version()}
        inbox = next((row for row in found if id_of(row) == str(self.config.inbox_id)), None)
        command = f"bridge setup {self.kind} --account {self.account.name}"
        if inbox is None:
            what = "inbox_id names no inbox that the agent may see" if self.config.inbox_id else "inbox_id is not set"
            remedy = (
                f"Run the set-up with an administrator's token ({command}); it makes the inbox and names its number."
            )
            what_zh = "inbox_id 对应的收件箱不存在，或客服无权查看" if self.config.inbox_id else "尚未设置 inbox_id"
            zh = f"请使用管理员令牌运行接入设置（{command}），创建收件箱并获得编号。"
            problem = Problem(what=what, remedy=remedy, what_zh=what_zh, zh=zh)
            return Health(problems=(problem,), facts=facts)
        facts["inbox"] = f"{inbox.get('name')} ({id_of(inbox)})"
        if inbox.get("channel_type") not in {None, "Channel::Api"}:
            what = f"inbox {id_of(inbox)} is no API inbox: customers' messages cannot be written there"
            problem = Problem(
                what=what,
                remedy=f"Run the set-up ({command}) for one.",
                what_zh=f"收件箱 {id_of(inbox)} 不是 API 收件箱，无法写入客户消息",
                zh=f"请运行接入设置（{command}）创建一个。",
            )
            return Health(problems=(problem,), facts=facts)
        problems = []
        if "webhook_url" in inbox and not str(inbox["webhook_url"] or "").startswith(self.account.hook_url):
            what = "the inbox does not call the bridge back; answers are found late, by polling"
            what_zh = "收件箱未设置回调；回复只能通过轮询获取，会有延迟"
            zh = f"请运行接入设置（{command}）。"
            problems.append(
                Problem(what=what, remedy=f"Run the set-up ({command}).", stops=False, what_zh=what_zh, zh=zh)
            )
        unchecked = (Words("the right to write in the inbox", "在收件箱中发送消息的权限"),)
        return Health(problems=tuple(problems), facts=facts, unchecked=unchecked)

    async def plan(self, *, remove: bool = False) -> Sequence[SetUpChange]:
        return await setup.plan(self._api, self.config, self.account, remove=remove)

    async def _version(self) -> str:
        try:
            return str((await self._api.installation()).get("version") or "not told")
        except (Gone, Rejected, AuthFailed):
            return "not told"

    async def _address(self, media: Media) -> str:
        place, _, rest = media.id.partition(":")
        number, _, file = rest.partition(":")
        try:
            after = {"after": str(int(number) - 1), "before": str(int(number) + 1)}
            found = rows(await self._api.get(f"/conversations/{place}/messages", **after))
        except (ValueError, Gone):
            raise Rejected("the message that held the file is not there any more", code="gone") from None
        for message in found:
            entries = message.get("attachments") if id_of(message) == number else None
            for entry in entries if isinstance(entries, list) else ():
                if id_of(entry) == file and entry.get("data_url"):
                    return urljoin(self.config.api_base, str(entry["data_url"]))
        raise Rejected("the file is not there any more", code="gone")
