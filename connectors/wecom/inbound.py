"""What the platform handed over, as events. Pure.

Sources: https://developer.work.weixin.qq.com/document/path/94670 (messages), …/path/95122 (events). Origin 3 is the
customer, 4 the system, 5 a servicer in WeCom's own client. What the interface sends never comes back.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bridge.contract import (
    Audience,
    Author,
    AuthorKind,
    Card,
    Change,
    Contact,
    DeliveryState,
    Entered,
    Event,
    File,
    Image,
    Location,
    Malformed,
    Media,
    Message,
    MessageChanged,
    MessageReceived,
    Part,
    Raw,
    ReceiptReceived,
    Text,
    Unsupported,
    Video,
    Voice,
)
from connectors.tencent.answers import number
from connectors.wecom.errors import FAILS
from connectors.wecom.polling import customer_of

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_SERVICER = 5
_LIMIT = 100_000  # characters of one field; the platform's own are far shorter
_WELCOME = 20  # seconds
_TAKEN = {
    1: ("{name} took this customer in WeCom", "{name} 已在企业微信中接入该客户"),
    2: ("{name} took over this customer in WeCom", "该客户已在企业微信中转接给 {name}"),
    3: ("The session in WeCom was ended by {name}", "{name} 已在企业微信中结束会话"),
    4: ("{name} resumed the session in WeCom", "{name} 已在企业微信中重新接入该客户"),
}
_WAITS = (
    ". Answers from here wait until the customer writes again after the session has ended.",
    "。从这里发出的回复会等到该会话结束、客户再次发来消息后再发送。",
)
Fields = Mapping[str, Any]


def conversation_id(account: str, user: str) -> str:
    """A customer may write to several accounts: those are several conversations."""
    return f"{account}:{user}"


def normalise(raw: Raw, account: str, language: str, *, several: bool) -> Sequence[Event]:
    """Events of one item; none for those that concern no conversation. With `several` accounts routes may tell them
    apart by `open_kfid`.
    """
    try:
        kept = json.loads(raw.payload)
        item: dict[str, Any] = kept["item"]
        kf = str(kept["account"])
        customer = kept.get("customer")
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Malformed("the payload is none that was fetched") from None
    if not isinstance(item, dict):
        raise Malformed("the payload is none that was fetched")
    user = customer_of(item)
    kind = item.get("msgtype")
    if not isinstance(kind, str) or not kind:
        raise Malformed("the item has no msgtype")
    if not _ID.fullmatch(user):
        if kind == "event":
            return ()  # about a servicer
        raise Malformed("external_userid is no id")
    place = conversation_id(kf, user)
    contact = _contact(user, customer)
    if kind == "event":
        event = item.get("event")
        return _event(event if isinstance(event, dict) else {}, raw, place, contact, language, _when(item))
    servicer = number(item.get("origin"), 3) == _SERVICER
    name = _text(item, "servicer_userid")
    author = (
        Author(kind=AuthorKind.AGENT, id=name, name=name)
        if servicer
        else Author(kind=AuthorKind.CUSTOMER, id=user, name=contact.name)
    )
    body = item.get(kind)
    part = _PARTS.get(kind, _unknown)(body if isinstance(body, dict) else {}, account, kind)
    message = Message(
        id=raw.key,
        conversation=place,
        author=author,
        parts=(part,),
        # what a colleague said in WeCom was said to the customer already
        audience=Audience.AGENTS if servicer else Audience.CUSTOMER,
        sent_at=_when(item),
    )
    return (MessageReceived(message=message, contact=contact, context={"open_kfid": kf} if several else {}),)


def _event(
    event: Fields, raw: Raw, place: str, contact: Contact, language: str, at: datetime | None
) -> Sequence[Event]:
    match event.get("event_type"):
        case "enter_session":
            entry = _entry(event, at)
            # only a new customer's entry may be answered, by the code that comes with it
            opens = "_welcome_code" in entry
            return (Entered(conversation=place, contact=contact, context=entry, at=at, opens_chat=opens),)
        case "msg_send_fail":
            words = FAILS.get(number(event.get("fail_type"), 0), FAILS[0])
            failed = _text(event, "fail_msgid")
            reason = words[language.startswith("zh")]
            state = DeliveryState.FAILED
            return (ReceiptReceived(conversation=place, message=failed, state=state, reason=reason),) if failed else ()
        case "user_recall_msg" | "servicer_recall_msg":
            recalled = _text(event, "recall_msgid")
            return (MessageChanged(conversation=place, message=recalled, change=Change.DELETED),) if recalled else ()
        case "session_status_change":
            said = _taken(event, language)
        case "servicer_status_change" | "reject_customer_msg_switch_change":
            return ()
        case other:
            said = f"[{str(other)[:64]}]"
    # about the conversation, for agents only
    message = Message(
        id=raw.key,
        conversation=place,
        author=Author(kind=AuthorKind.SYSTEM),
        parts=(Text(body=said),),
        audience=Audience.AGENTS,
        sent_at=at,
    )
    return (MessageReceived(message=message, contact=contact),)


def _entry(event: Fields, at: datetime | None) -> dict[str, str]:
    """Where the customer came from. `scene` and its parameter come from the link and are not signed."""
    code = _text(event, "welcome_code")
    until = {"_welcome_until": str(int(at.timestamp()) + _WELCOME)} if code and at is not None else {}
    found = {
        "session_from": _text(event, "scene"),
        "scene_param": _text(event, "scene_param"),
        "_welcome_code": code,
        **until,
    }
    return {name: value for name, value in found.items() if value}


def _taken(event: Fields, language: str) -> str:
    kind = number(event.get("change_type"), 0)
    words = _TAKEN.get(kind)
    name = _text(event, "new_servicer_userid") or _text(event, "old_servicer_userid") or "?"
    chinese = language.startswith("zh")
    if words is None:
        return f"[session_status_change {kind}]"
    rest = _WAITS[chinese] if kind != 3 else "。" if chinese else "."
    return words[chinese].format(name=name) + rest


def _contact(user: str, customer: Any) -> Contact:
    """Unlike a mini program's pushes, the platform tells name, picture and (if bound) the unionid."""
    known: Fields = customer if isinstance(customer, dict) else {}
    unionid = _text(known, "unionid")
    extra = {"external_userid": user} | ({"unionid": unionid} if unionid else {})
    name, avatar = _text(known, "nickname")[:64], _text(known, "avatar")
    return Contact(id=user, name=name, avatar=avatar, extra=extra, shared_id=unionid)


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)[:_LIMIT].encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _when(item: Fields) -> datetime | None:
    try:
        return datetime.fromtimestamp(number(item.get("send_time"), 0), UTC) if item.get("send_time") else None
    except (ValueError, OverflowError, OSError):
        return None  # it is for display only


def _media(body: Fields, account: str, mime: str = "") -> Media | None:
    found = _text(body, "media_id")
    return Media(account=account, id=found, mime=mime, name=_text(body, "file_name")) if found else None


def _text_part(body: Fields, _account: str, _kind: str) -> Part:
    return Text(body=_text(body, "content"))


def _file_part(body: Fields, account: str, kind: str) -> Part:
    media = _media(body, account, {"voice": "audio/amr", "video": "video/mp4"}.get(kind, ""))
    if media is None:
        return Unsupported(what=kind)
    match kind:
        case "image":
            return Image(media=media)
        case "voice":
            return Voice(media=media)
        case "video":
            return Video(media=media)
        case _:
            return File(media=media)


def _location(body: Fields, _account: str, _kind: str) -> Part:
    try:
        latitude, longitude = float(body["latitude"]), float(body["longitude"])
    except (KeyError, TypeError, ValueError):
        return Unsupported(what="location", text=_text(body, "name"))
    label = " ".join(filter(None, [_text(body, "name"), _text(body, "address")]))
    return Location(latitude=latitude, longitude=longitude, label=label)


def _link(body: Fields, _account: str, _kind: str) -> Part:
    return Card(title=_text(body, "title"), description=_text(body, "desc"), url=_text(body, "url"))


def _mini_program(body: Fields, account: str, _kind: str) -> Part:
    thumb = _text(body, "thumb_media_id")
    return Card(
        title=_text(body, "title"),
        app=_text(body, "appid"),
        path=_text(body, "pagepath"),
        thumb=Media(account=account, id=thumb) if thumb else None,
    )


def _order(body: Fields, _account: str, kind: str) -> Part:
    words = [_text(body, name) for name in ("title", "product_id", "order_id", "state", "price", "price_wording")]
    return Unsupported(what=kind, text=" ".join(filter(None, words)))


def _unknown(body: Fields, _account: str, kind: str) -> Part:
    """Never dropped: what can be read of it is shown."""
    words = [_text(body, name) for name in ("title", "content", "desc", "name", "url", "userid")]
    return Unsupported(what=kind, text=" ".join(filter(None, words)))


_PARTS: Mapping[str, Callable[[Fields, str, str], Part]] = {
    "text": _text_part,
    "image": _file_part,
    "voice": _file_part,
    "video": _file_part,
    "file": _file_part,
    "location": _location,
    "link": _link,
    "miniprogram": _mini_program,
    "channels_shop_product": _order,
    "channels_shop_order": _order,
}
