"""WeCom's customer service: what the engine calls."""

import re
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from bridge.contract import (
    Account,
    AuthFailed,
    CallbackResult,
    Capabilities,
    Connector,
    ConnectorError,
    Event,
    Format,
    Guide,
    Health,
    Media,
    MediaRule,
    Message,
    Page,
    Problem,
    Raw,
    Receipt,
    RenderContext,
    Reply,
    Request,
    Role,
    Step,
    Support,
    Target,
    Unauthentic,
    Window,
    Words,
)
from connectors.tencent.crypto import Vault
from connectors.tencent.text import MAX_BYTES
from connectors.wecom import callback, inbound, outbound
from connectors.wecom.api import Api
from connectors.wecom.delivery import Delivery, message_id
from connectors.wecom.guide import GUIDE
from connectors.wecom.polling import Mailboxes, accounts_of
from connectors.wecom.settings import Settings


def _rule(kind: str) -> MediaRule:
    return MediaRule(support=Support.FULL, mimes=outbound.MIMES[kind], max_bytes=outbound.MAX_BYTES[kind])


class WeCom(Connector[Settings]):
    """WeChat users who write to a company's customer service account (微信客服).

    The callback is a bell without content. What was said is fetched, for three days, so that nothing is lost while
    the bridge is down. Each send carries an id of ours that the platform takes once.
    """

    kind: ClassVar[str] = "wecom"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.CHANNEL})
    Config: ClassVar[type[Settings]] = Settings
    calls_people: ClassVar[Words] = Words("WeChat user", "微信用户")
    guide: ClassVar[Guide] = GUIDE
    capabilities = Capabilities(
        max_text_bytes=MAX_BYTES,
        uploads_apart=True,
        formats=(Format.PLAIN,),
        image=_rule("image"),
        voice=_rule("voice"),
        video=_rule("video"),
        file=_rule("file"),
        card=Support.FULL,
        choices=outbound.MAX_OPTIONS,
        location=Support.FULL,
        refuses_repeats=True,
        poll_interval=timedelta(minutes=2),  # without a bell's token the platform limits the calls strictly
    )

    def __init__(self, config: Settings, account: Account) -> None:
        super().__init__(config, account)
        window = Window(
            replies=config.window.replies,
            lasts=config.window.lasts,
            on_entry=1,
            entry_lasts=config.window.welcome_lasts,
        )
        self.capabilities = self.capabilities.model_copy(update={"window": window})
        self._vault = Vault(config.encoding_aes_key.get_secret_value(), config.corp_id)
        self._api = Api(config, account)
        self._mailboxes = Mailboxes(config, account, self._api)
        self._delivery = Delivery(account, self._api)

    def verify(self, request: Request) -> CallbackResult:
        """GET is the console's check of the address, POST the bell."""
        token = self.config.token.get_secret_value()
        if request.method == "GET":
            return callback.check_address(request, token, self._vault)
        if request.method != "POST":
            raise Unauthentic("the callback's signature does not verify")
        bell = callback.read_bell(request, token, self._vault)
        reply = Reply(200, "success")
        if bell is None or (self.config.open_kfid != "*" and bell.account not in {"", self.config.open_kfid}):
            return CallbackResult(reply=reply)
        self._mailboxes.ring(bell.account, bell.token, request.at)
        return CallbackResult(reply=reply, refresh=("",))

    async def poll(self, cursor: str | None, conversation: str | None = None) -> Page:
        """The platform knows no reading of one conversation: a page of the account has everything."""
        return Page() if conversation else await self._mailboxes.read(cursor)

    def normalise(self, raw: Raw) -> Sequence[Event]:
        return inbound.normalise(raw, self.account.name, self.account.language, several=self.config.open_kfid == "*")

    def render(self, messages: Sequence[Message], room: RenderContext) -> Sequence[Step]:
        return outbound.render(messages, room)

    async def prepare(self, step: Step, target: Target) -> dict[str, Any]:
        return await self._delivery.prepare(step, target)

    def ids_of(self, key: str) -> Sequence[str]:
        """`msg_send_fail` names them: https://developer.work.weixin.qq.com/document/path/94670"""
        return (message_id(key),)

    async def deliver(self, step: Step, target: Target) -> Receipt:
        return await self._delivery.deliver(step, target)

    def fetch(self, media: Media, limit: int) -> AsyncIterator[bytes]:
        return self._api.download(media.id, limit)

    async def check(self) -> Health:
        """Asks for a token (the same one comes back), then for the accounts that the app may serve."""
        facts = {"corp id": self.config.corp_id, "callback URL": self.account.hook_url}
        try:
            await self._api.ask_token()
            found = await accounts_of(self._api)
        except AuthFailed as error:
            return Health(problems=(_problem(error),), facts=facts)
        facts["accounts"] = ", ".join(found) or "none"
        wanted = self.config.open_kfid
        if wanted not in {"*", *found} or not found:
            what = f"the customer service account {wanted} is not managed by this app"
            what_zh = f"客服账号 {wanted} 不由此应用管理"
            problem = Problem(what=what, remedy=_MANAGE.en, what_zh=what_zh, zh=_MANAGE.zh)
            return Health(problems=(problem,), facts=facts)
        return Health(facts=facts, unchecked=_UNPROVEN)


_MANAGE = Words(
    "In the console under 微信客服 › API › 企业内部接入 give the account to this app (通过API管理); "
    "copy its id into open_kfid.",
    "请在管理后台 微信客服 › API › 企业内部接入 中将该账号交由此应用管理（通过API管理），并将其 ID 填入 open_kfid。",
)
_UNPROVEN = (
    Words("whether a message can be sent", "消息能否发出"),
    Words(
        "token and encoding_aes_key of the callback (save in the console)",
        "回调的 token 和 encoding_aes_key（在管理后台保存时验证）",
    ),
)
_REMEDIES = {
    "40001": Words(
        "Correct secret: it belongs to another app, or was reset.", "请更正 secret：它属于其他应用，或已被重置。"
    ),
    "40013": Words("Correct corp_id: copy it from 我的企业.", "请更正 corp_id：从“我的企业”中复制。"),
    "60020": Words(
        "Add the address named above to the trusted IPs of the app (企业可信IP).", "请将上述地址加入应用的企业可信IP。"
    ),
    "95017": Words("Switch the interface on under 微信客服 › API.", "请在 微信客服 › API 中启用接口。"),
}
_ELSE = Words("Check the app in the console of WeCom.", "请在企业微信管理后台检查该应用。")
_NAMED = re.compile(r"from ip: ([0-9a-fA-F.:]+)")  # "not allow to access from your ip, … from ip: 203.0.113.9"


def _problem(error: ConnectorError) -> Problem:
    remedy = _REMEDIES.get(error.code) or _ELSE
    if error.code not in _REMEDIES and error.reason:
        remedy = Words(error.reason.get("en") or _ELSE.en, error.reason.get("zh") or _ELSE.zh)
    named = _NAMED.search(error.message) if error.code == "60020" else None
    return Problem(what=error.message, remedy=remedy.en, zh=remedy.zh, enter=named[1].strip(".,;") if named else "")
