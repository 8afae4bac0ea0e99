"""WeChat: what the engine calls."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from html import escape
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
    Problem,
    Raw,
    Receipt,
    Rejected,
    RenderContext,
    Request,
    Retryable,
    Role,
    Said,
    Scope,
    Step,
    Support,
    Target,
    Throttled,
    Window,
    Words,
)
from connectors.tencent.answers import Result
from connectors.tencent.crypto import Vault
from connectors.tencent.text import MAX_BYTES
from connectors.wechat import callback, inbound, outbound
from connectors.wechat.api import Api
from connectors.wechat.codes import CODES, Then
from connectors.wechat.guide import GUIDE
from connectors.wechat.invitation import invitation
from connectors.wechat.refusals import forged
from connectors.wechat.remedies import address_named, remedy_of
from connectors.wechat.settings import Settings

_SEND = "/cgi-bin/message/custom/send"
_INVITE = "/cgi-bin/message/subscribe/send"
_TYPING = {
    "mini_program": "/cgi-bin/message/custom/business/typing",
    "official_account": "/cgi-bin/message/custom/typing",
}
_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif"}
_MEDIA_EXPIRED = "40007"


class WeChat(Connector[Settings]):
    """Customer-service messages of one mini program or official account.

    There is no history and no look-up at the platform: what is not kept before `success` is lost, and a send without
    a readable answer stays unknown.
    """

    kind: ClassVar[str] = "wechat"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.CHANNEL})
    Config: ClassVar[type[Settings]] = Settings
    calls_people: ClassVar[Words] = Words("WeChat user", "微信用户")
    guide: ClassVar[Guide] = GUIDE
    capabilities = Capabilities(
        labels_generated=True,
        uploads_apart=True,
        max_text_bytes=MAX_BYTES,
        formats=(Format.PLAIN,),
        image=MediaRule(support=Support.FULL, mimes=outbound.IMAGE_MIMES, max_bytes=outbound.IMAGE_BYTES),
        voice=MediaRule(support=Support.LINK),
        video=MediaRule(support=Support.LINK),
        file=MediaRule(support=Support.LINK),
        card=Support.FULL,
        location=Support.PARTIAL,
        window=Window(replies=5, lasts=timedelta(hours=48), on_entry=2, entry_lasts=timedelta(minutes=1)),
    )

    def __init__(self, config: Settings, account: Account) -> None:
        super().__init__(config, account)
        window = config.window.window(config.flavour)
        self.capabilities = self.capabilities.model_copy(update={"window": window})
        key = config.encoding_aes_key.get_secret_value()
        self._vault = Vault(key, config.app_id) if key else None
        self._api = Api(config, account)
        self._templates = frozenset(template.id for template in config.templates.values())

    def verify(self, request: Request) -> CallbackResult:
        """GET is the console's check of the URL, POST a push."""
        if request.method == "GET":
            return callback.check_url(request, self.config)
        if request.method != "POST":
            forged()
        return callback.check_push(request, self.config, self._vault)

    def normalise(self, raw: Raw) -> Sequence[Event]:
        grants = self.capabilities.window.grants if self.capabilities.window is not None else {}
        return inbound.normalise(raw, self.account.name, self._templates, grants)

    def render(self, messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        return outbound.render(messages, context, self.config.app_id)

    @classmethod
    def button(cls, origin: str, page: str) -> str:
        """Source: https://developers.weixin.qq.com/miniprogram/dev/component/button.html (open-type contact)."""
        card = f' show-message-card="{{{{true}}}}" send-message-path="{escape(page)}"' if page else ""
        return f'<button open-type="contact" session-from="{escape(origin)}"{card}>联系客服</button>'

    def invitation(self, template: str, context: RenderContext) -> Step:
        return invitation(template, context, self.config.templates)

    async def prepare(self, step: Step, target: Target) -> dict[str, Any]:
        """A token and the upload, before the attempt is marked: the gap in which a crash leaves doubt stays narrow."""
        await self._api.token()
        if step.verb not in {"image", "card"}:
            return {}
        return await self._uploaded(step)

    async def deliver(self, step: Step, target: Target) -> Receipt:
        """One send. The answer names no message, so the receipt has no ids (a service notification may have one)."""
        if step.verb == "invite":
            result = await self._api.call(_INVITE, {"touser": _to(target)} | step.body)
            number = result.get("msgid")
            return Receipt(ids=(str(number),) if number else (), conversation=_to(target))
        prepared = target.prepared
        if step.verb in {"image", "card"} and not prepared:
            prepared = await self._uploaded(step)
        try:
            await self._send(step, target, prepared)
        except Rejected as error:
            if error.code != _MEDIA_EXPIRED or "media_id" not in prepared:
                raise
            # The step waited longer than the platform keeps files: a definite no, so once more with a new upload.
            await self._send(step, target, await self._uploaded(step))
        return Receipt(conversation=_to(target), detail=str(prepared.get("why", "")))

    async def typing(self, conversation: str, *, on: bool) -> None:
        """Shown for 15 seconds, while the window is open and somebody spoke in the last 30."""
        path = self.config.typing_path or _TYPING[self.config.flavour]
        command = "Typing" if on else "CancelTyping"
        try:
            await self._api.call(path, {"touser": conversation, "command": command}, repeatable=True)
        except Rejected as error:
            if error.code not in _TYPING_NOISE:
                raise

    def fetch(self, media: Media, limit: int) -> AsyncIterator[bytes]:
        return self._api.download(media.id, limit)

    async def check(self) -> Health:
        """Asks for the shared token (the same one comes back, nothing is used up), then for the quota of sends."""
        modes = {
            "plain": Words("plain", "明文模式"),
            "compatible": Words("compatible", "兼容模式"),
            "secure": Words("secure", "安全模式"),
        }
        facts: dict[str, Said] = {
            "app id": self.config.app_id,
            "mode": modes.get(self.config.mode, self.config.mode),
            "callback URL": self.account.hook_url,
        }
        try:
            await self._api.ask_token()
        except AuthFailed as error:
            return Health(problems=(_problem(error),), facts=facts)
        try:
            result = await self._api.call("/cgi-bin/openapi/quota/get", {"cgi_path": _SEND}, repeatable=True)
        except ConnectorError as error:
            if isinstance(error, AuthFailed) or error.code in _NO_RIGHTS:
                return Health(problems=(_problem(error),), facts=facts)
            # worth showing where it is had, no sign of trouble where not
            return Health(facts=facts, unchecked=(Words("the quota of sends", "发送额度"), *_UNPROVEN))
        quota = result.get("quota")
        if isinstance(quota, dict):
            left, limit = quota.get("remain"), quota.get("daily_limit")
            facts["sends left today"] = Words(f"{left} of {limit}", f"{left} / {limit}")
        return Health(facts=facts, unchecked=_UNPROVEN)

    async def _uploaded(self, step: Step) -> dict[str, Any]:
        media = step.media[0]
        try:
            data, mime = await self.account.media.image(
                media, mimes=outbound.IMAGE_MIMES, max_bytes=outbound.IMAGE_BYTES, still=step.verb == "card"
            )
        except (Rejected, Retryable) as error:  # cannot be converted, or read now: better a link than nothing
            return self._without(step, error)
        name = f"image.{_EXTENSIONS.get(mime, 'jpg')}"
        try:
            try:
                return {"media_id": await self._api.upload(name, data, mime)}
            except Throttled:
                raise
            except Retryable:  # it is often busy for a moment only
                return {"media_id": await self._api.upload(name, data, mime)}
        except Retryable as error:
            # uploading has a quota and troubles of its own, and what was said next must not wait for a picture; where
            # nothing works at all, the send that follows says so
            if isinstance(error, Throttled) and error.scope is Scope.ACCOUNT:
                raise
            return self._without(step, error)

    def _without(self, step: Step, error: ConnectorError) -> dict[str, Any]:
        """What goes where a picture cannot: its link, or the words of a card, which needs one."""
        if step.verb == "card":
            page = step.body["miniprogrampage"]
            return {"text": f"{page['title']}\n{page['pagepath']}", "why": error.message}
        if step.media[0].url:
            return {"link": step.media[0].url, "why": error.message}
        raise error

    async def _send(self, step: Step, target: Target, prepared: dict[str, Any]) -> None:
        body: dict[str, Any] = {"touser": _to(target)} | step.body
        if "text" in prepared:
            body = {"touser": body["touser"], "msgtype": "text", "text": {"content": prepared["text"]}}
        elif step.verb == "card":
            body["miniprogrampage"] = step.body["miniprogrampage"] | {"thumb_media_id": prepared["media_id"]}
        elif step.verb == "image" and "link" in prepared:
            name = step.media[0].name
            body |= {"msgtype": "text", "text": {"content": f"{name}\n{prepared['link']}".strip()}}
        elif step.verb == "image":
            body["image"] = {"media_id": prepared["media_id"]}
        _expect_code(await self._api.call(_SEND, body))


_TYPING_NOISE = frozenset(str(number) for number, code in CODES.items() if code.then is Then.IGNORE)

# the platform has no trial: only a real message proves these
_UNPROVEN = (
    Words("whether a message can be sent", "消息能否发出"),
    Words(
        "token, encoding_aes_key and mode of the push (save in the console)",
        "消息推送的 token、encoding_aes_key 和加密方式（在后台保存时验证）",
    ),
)


_NO_RIGHTS = frozenset({"48001", "61007"})


def _problem(error: ConnectorError) -> Problem:
    remedy = remedy_of(error)
    return Problem(what=error.message, remedy=remedy["en"], zh=remedy["zh"], enter=address_named(error))


def _to(target: Target) -> str:
    return target.conversation or target.contact.id


def _expect_code(result: Result) -> None:
    """A send's answer always has a code; an object without one is somebody else's and proves nothing."""
    if "errcode" not in result:
        raise Retryable("message/custom/send: the answer has no errcode", code="no errcode", certain=False)
