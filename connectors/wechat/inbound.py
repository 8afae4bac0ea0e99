"""What the platform pushes, as events. Pure.

Sources: https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/customer-message/receive.html and
https://developers.weixin.qq.com/doc/service/en/guide/product/message/Receiving_standard_messages.html
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bridge.contract import (
    Author,
    AuthorKind,
    Card,
    ConsentChanged,
    Contact,
    ContactChanged,
    DeliveryState,
    Entered,
    Event,
    Image,
    Location,
    Malformed,
    Media,
    Message,
    MessageReceived,
    Part,
    Raw,
    ReceiptReceived,
    Text,
    Unsupported,
    Video,
    Voice,
)
from connectors.tencent.payloads import Fields, parse, scalar

_OPENID = re.compile(r"[A-Za-z0-9_-]{6,64}", re.ASCII)
_READABLE = ("Content", "Title", "Description", "Url", "Label", "Recognition", "FileName", "PagePath")
_VOICE_MIMES = {"amr": "audio/amr", "speex": "audio/speex", "mp3": "audio/mpeg"}
_LIMIT = 100_000  # characters of one field; the platform's own are far shorter


def normalise(raw: Raw, account: str, templates: Collection[str] = (), grants: Collection[str] = ()) -> Sequence[Event]:
    """Events of one payload: none for platform events that concern no conversation.

    `templates` are the ids this account can invite with; consent to any other is of no use here. `grants` are events
    that allow replies, in lower case, also ones that nothing else is known of.
    """
    try:
        fields = parse(raw.payload)
    except ValueError as error:
        raise Malformed(f"the payload cannot be read: {error}") from None
    kind = scalar(fields, "MsgType")
    if not kind:
        if "InfoType" in fields:  # pushes to third-party platforms, which concern no customer
            return ()
        raise Malformed("the payload has no MsgType")
    if kind == "event":
        event = scalar(fields, "Event")
        read = _EVENTS.get(event, _arrived if event.lower() in grants else None)
        events = read(fields) if read is not None else ()
        return [event for event in events if not isinstance(event, ConsentChanged) or event.template in templates]
    openid = _openid(fields)
    return (
        MessageReceived(
            message=Message(
                id=_message_id(fields, openid, raw.key),
                short_id=scalar(fields, "MsgId"),
                conversation=openid,
                author=Author(kind=AuthorKind.CUSTOMER, id=openid),
                parts=(_PARTS.get(kind, _unknown)(fields, account),),
                sent_at=_when(fields),
            ),
            contact=_contact(fields, openid),
            context=_context(fields),
        ),
    )


def _openid(fields: Fields) -> str:
    openid = scalar(fields, "FromUserName")
    if _OPENID.fullmatch(openid) is None:
        raise Malformed("FromUserName is no OpenID")
    return openid


def _message_id(fields: Fields, openid: str, key: str) -> str:
    """Ids are not unique across customers, so the customer is part of it."""
    number = scalar(fields, "MsgId")
    return f"{openid}:{number}" if number else key


def _contact(fields: Fields, openid: str, **extra: str) -> Contact:
    """A push carries the OpenID and nothing else about the person; no call turns it into a name."""
    business = scalar(fields, "BusinessId")
    known = {"business_id": business} if business else {}
    unionid = scalar(fields, "UnionId") or scalar(fields, "unionid")
    return Contact(id=openid, extra={"openid": openid, **known, **extra}, shared_id=unionid[:128])


def _context(fields: Fields) -> dict[str, str]:
    found = {"page": _text(fields, "PagePath"), "business_id": scalar(fields, "BusinessId")}
    return {name: value for name, value in found.items() if value}


def _when(fields: Fields) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(scalar(fields, "CreateTime")), UTC)
    except (ValueError, OverflowError, OSError):
        return None  # it is for display only


def _text(fields: Fields, name: str) -> str:
    """A field's text. Half an emoji (a lone surrogate, legal in JSON) cannot be stored: it becomes a mark."""
    text = scalar(fields, name)[:_LIMIT]
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _media(account: str, media_id: str, mime: str = "") -> Media | None:
    return Media(account=account, id=media_id, mime=mime) if media_id else None


def _text_part(fields: Fields, _account: str) -> Part:
    return Text(body=_text(fields, "Content"))


def _image(fields: Fields, account: str) -> Part:
    # PicUrl is left alone: it is whatever a forger writes, and the platform's own copy is fetched by MediaId.
    media = _media(account, _text(fields, "MediaId"))
    return Image(media=media) if media else _unknown(fields, account)


def _voice(fields: Fields, account: str) -> Part:
    media = _media(account, _text(fields, "MediaId"), _VOICE_MIMES.get(scalar(fields, "Format").lower(), ""))
    return Voice(media=media, transcript=_text(fields, "Recognition")) if media else _unknown(fields, account)


def _video(fields: Fields, account: str) -> Part:
    media = _media(account, _text(fields, "MediaId"))
    thumb = _media(account, _text(fields, "ThumbMediaId"))
    return Video(media=media, thumb=thumb) if media else _unknown(fields, account)


def _page(fields: Fields, account: str) -> Part:
    return Card(
        title=_text(fields, "Title"),
        app=_text(fields, "AppId"),
        path=_text(fields, "PagePath"),
        thumb=_media(account, _text(fields, "ThumbMediaId")),
    )


def _link(fields: Fields, _account: str) -> Part:
    return Card(title=_text(fields, "Title"), description=_text(fields, "Description"), url=_text(fields, "Url"))


def _location(fields: Fields, account: str) -> Part:
    try:
        latitude, longitude = (float(str(fields[name])) for name in ("Location_X", "Location_Y"))
    except (KeyError, ValueError):
        return _unknown(fields, account)
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return _unknown(fields, account)
    return Location(latitude=latitude, longitude=longitude, label=_text(fields, "Label"))


def _unknown(fields: Fields, _account: str) -> Part:
    """A kind of message that has no shape here: its name, and what can be read of it."""
    words = [words for name in _READABLE if (words := _text(fields, name).strip())]
    return Unsupported(what=_text(fields, "MsgType")[:64], text="\n".join(words))


_PARTS: Mapping[str, Callable[[Fields, str], Part]] = {
    "text": _text_part,
    "image": _image,
    "miniprogrampage": _page,
    "voice": _voice,
    "video": _video,
    "shortvideo": _video,
    "location": _location,
    "link": _link,
}


def _entered(fields: Fields) -> Sequence[Event]:
    """Opening the chat. `SessionFrom` is what the client says: good for routing, never proof of who it is."""
    openid = _openid(fields)
    origin = _text(fields, "SessionFrom")
    context = _context(fields) | ({"session_from": origin} if origin else {})
    extra = {"session_from": origin} if origin else {}
    return (Entered(conversation=openid, contact=_contact(fields, openid, **extra), context=context, at=_when(fields)),)


def _arrived(fields: Fields) -> Sequence[Event]:
    """Following, scanning and tapping a menu: an official account may answer these as it may an entry."""
    openid = _openid(fields)
    event = _text(fields, "Event")
    context = {"event": event.lower()}
    key = _text(fields, "EventKey").removeprefix("qrscene_")
    if key:
        context["menu" if event == "CLICK" else "scene"] = key
    contact, at = _contact(fields, openid), _when(fields)
    entered = Entered(conversation=openid, contact=contact, context=context, at=at, opens_chat=False)
    return (entered.model_copy(update={"grant": event.lower()}),)


def _unfollowed(fields: Fields) -> Sequence[Event]:
    return (ContactChanged(contact=_contact(fields, _openid(fields), follows="no")),)


def _entries(fields: Fields, nest: str) -> list[dict[str, Any]]:
    """`List` at top level or one level down; an object when there is one entry, an array when there are more."""
    holders = fields.get(nest)
    holders = holders if isinstance(holders, list) else [holders]
    found: list[Any] = []
    for holder in [fields, *holders]:
        entries = holder.get("List") if isinstance(holder, dict) else None
        found += entries if isinstance(entries, list) else [entries]
    return [entry for entry in found if isinstance(entry, dict)]


def _consents(nest: str) -> Callable[[Fields], Sequence[Event]]:
    def read(fields: Fields) -> Sequence[Event]:
        openid = _openid(fields)
        return tuple(
            ConsentChanged(
                conversation=openid,
                template=template,
                count=1 if _text(entry, "SubscribeStatusString") == "accept" else 0,
            )
            for entry in _entries(fields, nest)
            if (template := _text(entry, "TemplateId"))
        )

    return read


def _notified(fields: Fields) -> Sequence[Event]:
    """How the asynchronous push of a service notification ended."""
    openid = _openid(fields)
    events = []
    for entry in _entries(fields, "SubscribeMsgSentEvent"):
        message = _text(entry, "MsgID") or _text(entry, "MsgId")
        if not message:
            continue
        bad = scalar(entry, "ErrorCode") not in {"", "0"}
        events.append(
            ReceiptReceived(
                conversation=openid,
                message=message,
                state=DeliveryState.FAILED if bad else DeliveryState.DELIVERED,
                reason=f"{scalar(entry, 'ErrorCode')} {_text(entry, 'ErrorStatus')}".strip() if bad else "",
            )
        )
    return tuple(events)


_EVENTS: Mapping[str, Callable[[Fields], Sequence[Event]]] = {
    "user_enter_tempsession": _entered,
    "subscribe": _arrived,
    "SCAN": _arrived,
    "CLICK": _arrived,
    "unsubscribe": _unfollowed,
    "subscribe_msg_popup_event": _consents("SubscribeMsgPopupEvent"),
    "subscribe_msg_change_event": _consents("SubscribeMsgChangeEvent"),
    "subscribe_msg_sent_event": _notified,
}
