"""What agents say, as sends. Pure. Every send uses one of the few replies the platform allows, so fewer is better."""

from collections.abc import Sequence
from typing import Any

from bridge.contract import (
    Audience,
    Card,
    File,
    Image,
    Media,
    Message,
    Part,
    Phrases,
    RenderContext,
    Step,
    Video,
    Voice,
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
        "lost": "could not be passed on",
        "expires": "the link expires",
    },
    "zh": {
        "lost": "未能转发",
        "expires": "链接有有效期",
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
    made = {message.id for message in messages if message.generated}
    return [step.model_copy(update={"body": step.body | common | _label(step, made)}) for step in found]


def _label(step: Step, made: set[str]) -> dict[str, Any]:
    """WeChat itself writes that a machine made it ("发送客服消息", field `aimsgcontext`, since November 2025)."""
    return {"aimsgcontext": {"is_ai_msg": 1}} if step.covers and made.issuperset(step.covers) else {}


def _pieces(message: Message, context: RenderContext, app_id: str) -> list[Piece]:
    phrases = Phrases(context.language)
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
            say(_caption(part, step.verb, phrases))
        else:
            say(_said(part, phrases))
    if not found:
        say(phrases.word("empty"))
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


def _caption(part: Part, verb: str, phrases: Phrases) -> str:
    """What the send for a part leaves unsaid."""
    if isinstance(part, Card):
        return _heading(part) if verb == "card" and len(_heading(part)) > _MAX_TITLE else ""
    return phrases.words(part)


def _said(part: Part, phrases: Phrases) -> str:
    """A part in words. What is lost on the way is named."""
    match part:
        case Image() | Voice() | Video() | File():
            return "\n".join(filter(None, [_linked(part.kind, part.media, phrases), phrases.words(part)]))
        case Card():
            return "\n".join(filter(None, [part.title, part.description, part.url or part.path]))
        case _:
            return phrases.words(part)


def _linked(kind: str, media: Media, phrases: Phrases) -> str:
    words = _WORDS[phrases.language]
    size = f" ({_size(media.size)})" if media.size else ""
    head = f"[{phrases.word(kind).capitalize()}] {media.name}".rstrip() + size
    if media.error or not media.url:
        return f"{head}: {words['lost']}"
    return f"{head}\n{media.url} ({words['expires']})"


def _size(count: int) -> str:
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
