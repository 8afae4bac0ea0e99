"""One send: the session's state before it, the upload, the message with an id of ours, and what its answer means."""

import hashlib
from typing import Any

from bridge.contract import Account, ConnectorError, Receipt, Rejected, Retryable, Step, Target, WindowClosed
from connectors.tencent.answers import number
from connectors.wecom.api import Api
from connectors.wecom.errors import EXPIRED_MEDIA
from connectors.wecom.outbound import IMAGE_MIMES, MAX_BYTES

_SEND = "/cgi-bin/kf/send_msg"
_WELCOME = "/cgi-bin/kf/send_msg_on_event"
_STATE = "/cgi-bin/kf/service_state/get"
_MOVE = "/cgi-bin/kf/service_state/trans"
_NAMES = {"image": "image", "voice": "voice.amr", "video": "video.mp4", "file": "file"}
_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg"}
_UNREADABLE = frozenset({"40033", "40058"})  # the request's form, the id's among it
_NEW, _ASSISTANT, _POOL, _SERVICER = 0, 1, 2, 3


def message_id(key: str) -> str:
    """Our id of a send, from its step's key: 32 characters that the platform takes once."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


class Delivery:
    """Sends to customers. A session must be new or the assistant's: while a servicer has it, answers wait."""

    def __init__(self, account: Account, api: Api) -> None:
        self._account = account
        self._api = api

    async def prepare(self, step: Step, target: Target) -> dict[str, Any]:
        """Token, session and upload, before the attempt is marked."""
        if not self._welcomes(step, target):
            await self._hold_session(*_place(target))
        if not step.media:
            await self._api.token()
            return {}
        return await self._uploaded(step)

    async def deliver(self, step: Step, target: Target) -> Receipt:
        """The receipt names our own id: `msg_send_fail` speaks of it later."""
        prepared = target.prepared or (await self._uploaded(step) if step.media else {})
        try:
            return await self._send(step, target, prepared)
        except Rejected as error:
            if error.code == str(EXPIRED_MEDIA) and "media_id" in prepared:
                return await self._send(step, target, await self._uploaded(step))
            if _is_repeat(error, target):
                return Receipt(ids=(message_id(target.key),), conversation=target.conversation or "")
            raise

    async def _send(self, step: Step, target: Target, prepared: dict[str, Any]) -> Receipt:
        account, user = _place(target)
        number_ = message_id(target.key)
        content = _content(step, prepared)
        if self._welcomes(step, target):
            body = {"code": target.context["_welcome_code"], "msgid": number_, **content}
            try:
                await self._api.call(_WELCOME, body)
                return Receipt(ids=(number_,), conversation=target.conversation or "")
            except Rejected as error:
                if _is_repeat(error, target):
                    raise
                # used, or over: the customer may have written meanwhile, which allows an ordinary message
        await self._api.call(_SEND, {"touser": user, "open_kfid": account, "msgid": number_, **content})
        return Receipt(ids=(number_,), conversation=target.conversation or "")

    def _welcomes(self, step: Step, target: Target) -> bool:
        """Whether the step may go by the code that came with a new customer's entry: one text within 20 seconds."""
        until = target.context.get("_welcome_until", "")
        fresh = until.isdecimal() and self._account.now().timestamp() < int(until)
        return fresh and bool(target.context.get("_welcome_code")) and step.body.get("msgtype") in {"text", "msgmenu"}

    async def _hold_session(self, account: str, user: str) -> None:
        """Takes a new session for the bridge. Raises WindowClosed while somebody else has it."""
        where = {"open_kfid": account, "external_userid": user}
        try:
            found = await self._api.call(_STATE, where, repeatable=True)
        except Rejected:
            return  # the send itself says what is wrong
        state = number(found.get("service_state"), _NEW)
        if state == _NEW:
            try:
                await self._api.call(_MOVE, {**where, "service_state": _ASSISTANT}, repeatable=True)
            except (Rejected, WindowClosed):
                return  # already taken, or not needed: the send says so
        elif state in {_POOL, _SERVICER}:
            name = str(found.get("servicer_userid") or found.get("service_userid") or "")
            raise WindowClosed(f"service_state/get: the session is in state {state}", code="95018", reason=_taken(name))

    async def _uploaded(self, step: Step) -> dict[str, Any]:
        media = step.media[0]
        kind = "image" if step.verb in {"image", "card"} else step.verb
        try:
            if kind == "image":
                data, mime = await self._account.media.image(
                    media, mimes=IMAGE_MIMES, max_bytes=MAX_BYTES["image"], still=step.verb == "card"
                )
                name = f"image.{_EXTENSIONS.get(mime, 'jpg')}"
            else:
                data, mime, name = await self._account.media.read(media), media.mime, media.name or _NAMES[kind]
            return {"media_id": await self._api.upload(name, data, mime, kind)}
        except (Rejected, Retryable):  # better a link than nothing, and than waiting
            if step.verb == "card":
                return {"words": True}
            return {"link": media.url}


def _place(target: Target) -> tuple[str, str]:
    account, _, user = (target.conversation or "").partition(":")
    if not user:
        raise Rejected("the conversation names no customer of a customer service account", code="conversation")
    return account, user


def _content(step: Step, prepared: dict[str, Any]) -> dict[str, Any]:
    kind = step.body["msgtype"]
    if step.verb == "send":
        return dict(step.body)
    if "words" in prepared:  # a card without its picture
        inside = step.body[kind]
        words = [inside["title"], inside.get("desc", ""), inside.get("url") or inside.get("pagepath", "")]
        return {"msgtype": "text", "text": {"content": "\n".join(filter(None, words))}}
    if "link" in prepared:
        text = f"{step.media[0].name}\n{prepared['link']}".strip()
        return {"msgtype": "text", "text": {"content": text}}
    if step.verb == "card":
        return {"msgtype": kind, kind: step.body[kind] | {"thumb_media_id": prepared["media_id"]}}
    return {"msgtype": kind, kind: {"media_id": prepared["media_id"]}}


def _is_repeat(error: ConnectorError, target: Target) -> bool:
    """Whether the platform refuses an id because it has it: then an earlier attempt arrived. A first attempt repeats
    nothing, and a request that could not be read says nothing of what was sent before.

    The code is documented nowhere; the text names `msgid`.
    """
    return target.attempt > 1 and error.code not in _UNREADABLE and "msgid" in error.message.lower()


def _taken(name: str) -> dict[str, str]:
    english = f"{name} has this customer in WeCom" if name else "Somebody has this customer in WeCom"
    chinese = f"{name} 正在企业微信中接待该客户" if name else "企业微信中的接待人员正在接待该客户"
    return {
        "en": f"{english}. It goes out when the session there has ended and the customer writes again.",
        "zh": f"{chinese}。待该会话结束且客户再次发来消息后，将自动发送。",
    }
