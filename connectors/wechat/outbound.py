"""What agents say, as sends. Pure. Every send uses one of the few replies the platform allows, so fewer is better."""

from collections.abc import Sequence
from typing import Any

from bridge.contract import (
    Audience,
    Card,
    File,
    Image,
    Location,
    Media,
    Message,
    Part,
    Progress,
    RenderContext,
    Step,
    Text,
    Unsupported,
    Video,
    Voice,
    to_plain,
)
from connectors.tencent.pieces import Piece, Thing, Words, economise, merge, steps
from connectors.tencent.text import clean, shorten

IMAGE_MIMES = ("image/png", "image/jpeg", "image/gif")
IMAGE_BYTES = 2 * 2**20  # the platform's page says 2 MB in one place and 10 MB in another
_CONVERTIBLE = frozenset({*IMAGE_MIMES, "", "image/jpg", "image/webp", "image/bmp", "image/x-ms-bmp", "image/tiff"})
_MAX_TITLE = 60
_MAX_URL = 1024

_WORDS = {
    "en": {
        "image": "Image",
        "voice": "Voice message",
        "video": "Video",
        "file": "File",
        "location": "Location",
        "lost": "could not be passed on",
        "expires": "the link expires",
        "empty": "[message without text]",
    },
    "zh": {
        "image": "图片",
        "voice": "语音",
        "video": "视频",
        "file": "文件",
        "location": "位置",
        "lost": "未能转发",
        "expires": "链接有有效期",
        "empty": "[无文字内容的消息]",
    },
}


def render(messages: Sequence[Message], context: RenderContext, app_id: str) -> Sequence[Step]:
    """Sends in order. Private notes give none, whatever else goes wrong."""
    pieces: list[Piece] = []
    for message in messages:
        if message.audience is not Audience.CUSTOMER:
            continue
        pieces += merge(_pieces(message, context, app_id), lambda _one, _two: True)
    pieces = economise(pieces, context.replies)
    business = context.context.get("business_id") or context.contact.extra.get("business_id", "")
    common: dict[str, Any] = {"businessid": int(business)} if business.isdecimal() else {}
    found = [step for piece in pieces for step in steps(piece)]
    return [step.model_copy(update={"body": step.body | common}) for step in found] if common else found


def _pieces(message: Message, context: RenderContext, app_id: str) -> list[Piece]:
    words = _WORDS["zh" if context.language.startswith("zh") else "en"]
    author = (message.author.kind.value, message.author.id, message.author.name)
    found: list[Piece] = []

    def say(text: str) -> None:
        text = clean(text).strip()
        if text:
            found.append(Words(text, author, ((message.id, len(text)),)))

    for part in message.parts:
        step = _own_send(part, message, app_id)
        if step is not None:
            found.append(Thing(step))
            say(_caption(part, step.verb))
        else:
            say(_said(part, words))
    if not found:
        say(words["empty"])
    return found


def _own_send(part: Part, message: Message, app_id: str) -> Step | None:
    """The send for a part that the platform has a type for, None when it must be said in words."""
    covers = (message.id,)
    if isinstance(part, Image) and part.media.sha256 and not part.media.error and part.media.mime in _CONVERTIBLE:
        return Step(verb="image", body={"msgtype": "image"}, media=(part.media,), covers=covers)
    if not isinstance(part, Card):
        return None
    title = clean(part.title).replace("\n", " ").strip()
    description = clean(part.description).strip()
    thumb = part.thumb if part.thumb is not None and part.thumb.sha256 and not part.thumb.error else None
    if part.path and thumb is not None and part.app in {"", app_id} and len(part.path.encode()) <= _MAX_URL:
        page = {"title": shorten(_heading(part), _MAX_TITLE), "appid": app_id, "pagepath": part.path}
        body = {"msgtype": "miniprogrampage", "miniprogrampage": page}
        return Step(verb="card", body=body, media=(thumb,), covers=covers)
    short = len(title) <= _MAX_TITLE and len(description) <= 2 * _MAX_TITLE and len(part.url.encode()) <= _MAX_URL
    if title and part.url.startswith(("https://", "http://")) and short:
        link = {"title": title, "description": description, "url": part.url, "thumb_url": thumb.url if thumb else ""}
        return Step(verb="send", body={"msgtype": "link", "link": link}, covers=covers)
    return None


def _heading(card: Card) -> str:
    return " · ".join(filter(None, [" ".join(clean(words).split()) for words in (card.title, card.description)]))


def _caption(part: Part, verb: str) -> str:
    """What the send for a part leaves unsaid."""
    if isinstance(part, Card):
        return _heading(part) if verb == "card" and len(_heading(part)) > _MAX_TITLE else ""
    return part.caption if isinstance(part, Image | Video | File) else ""


def _said(part: Part, words: dict[str, str]) -> str:
    """A part in words. What is lost on the way is named."""
    match part:
        case Text():
            return to_plain(part.body, part.format)
        case Image() | Voice() | Video() | File():
            more = part.transcript if isinstance(part, Voice) else part.caption
            return "\n".join(filter(None, [_linked(words[part.kind], part.media, words), more]))
        case Card():
            return "\n".join(filter(None, [part.title, part.description, part.url or part.path]))
        case Location():
            place = f"{part.latitude:.6f},{part.longitude:.6f}"
            return "\n".join(filter(None, [f"[{words['location']}] {part.label}".rstrip(), place]))
        case Unsupported():
            return f"[{part.what}] {part.text}".rstrip()
        case Progress():
            return ""


def _linked(kind: str, media: Media, words: dict[str, str]) -> str:
    size = f" ({_size(media.size)})" if media.size else ""
    head = f"[{kind}] {media.name}".rstrip() + size
    if media.error or not media.url:
        return f"{head}: {words['lost']}"
    return f"{head}\n{media.url} ({words['expires']})"


def _size(count: int) -> str:
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
