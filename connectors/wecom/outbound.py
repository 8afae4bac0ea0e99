"""What agents say, as sends. Pure. Every send uses one of the few replies the platform allows, so fewer is better.

Source: https://developer.work.weixin.qq.com/document/path/94677
"""

from collections.abc import Sequence
from typing import Any

from bridge.contract import (
    Audience,
    Card,
    Choices,
    File,
    Image,
    Location,
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

IMAGE_MIMES = ("image/jpeg", "image/png")
MAX_BYTES = {"image": 10 * 2**20, "voice": 2 * 2**20, "video": 10 * 2**20, "file": 20 * 2**20}
MIMES = {"image": IMAGE_MIMES, "voice": ("audio/amr",), "video": ("video/mp4",), "file": ("*",)}
_CONVERTIBLE = frozenset({*IMAGE_MIMES, "image/jpg", "image/webp", "image/bmp", "image/x-ms-bmp", "image/tiff"})
_MIN_BYTES = 6  # the platform refuses files of five bytes and less
_MAX_TITLE = 64
_MAX_LINK_TITLE = 128
_MAX_DESCRIPTION = 512
_MAX_URL = 2048
_MAX_LABEL = 512
MAX_OPTIONS = 10
_MAX_OPTION = 128
_MAX_HEAD = 1024

_WORDS = {
    "en": {"lost": "could not be passed on", "expires": "the link expires"},
    "zh": {"lost": "未能转发", "expires": "链接有有效期"},
}


def render(messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
    """Sends in order. Private notes give none, whatever else goes wrong."""
    pieces: list[Piece] = []
    for message in messages:
        if message.audience is Audience.CUSTOMER:
            pieces += merge(_pieces(message, context), lambda _one, _two: True)
    return [step for piece in economise(pieces, context.replies) for step in steps(piece)]


def _pieces(message: Message, context: RenderContext) -> list[Piece]:
    phrases = Phrases(context.language)
    author = (message.author.kind.value, message.author.id, message.author.name)
    found: list[Piece] = []

    def say(text: str) -> None:
        text = clean(text).strip()
        if text:
            found.append(Words(text, author, ((message.id, len(text)),)))

    for part in message.parts:
        step = _own_send(part, message)
        if step is None:
            say(phrases.part(part, lambda media, kind: _linked(kind, media, phrases)))
            continue
        found.append(Thing(step))
        say(part.caption if isinstance(part, Image | Video | File) else "")
    if not found:
        say(phrases.word("empty"))
    return found


def _own_send(part: Part, message: Message) -> Step | None:
    """The send for a part that the platform has a type for, None when it must be said in words."""
    covers = (message.id,)
    match part:
        case Image() | Voice() | Video() | File():
            kind = _kind_of(part)
            return Step(verb=kind, body={"msgtype": kind}, media=(part.media,), covers=covers) if kind else None
        case Card():
            return _card(part, covers)
        case Choices():
            return _menu(part, covers)
        case Location() if len(part.label.encode()) <= _MAX_LABEL:
            place: dict[str, Any] = {"latitude": part.latitude, "longitude": part.longitude}
            label = clean(part.label).strip()
            place |= {"name": shorten(label, _MAX_TITLE), "address": label} if label else {}
            return Step(verb="send", body={"msgtype": "location", "location": place}, covers=covers)
        case _:
            return None


def _kind_of(part: Image | Voice | Video | File) -> str:
    """As which type a file goes; "" when it must be a link. Moving pictures stay what they are, as files."""
    media = part.media
    if not media.sha256 or media.error or media.size is None or media.size < _MIN_BYTES:
        return ""
    if isinstance(part, Image) and media.mime in _CONVERTIBLE:
        return "image"
    wanted = [part.kind, "file"] if isinstance(part, Voice | Video) else ["file"]
    for kind in wanted:
        if media.size <= MAX_BYTES[kind] and (kind == "file" or media.mime in MIMES[kind]):
            return kind
    return ""


def _menu(part: Choices, covers: tuple[str, ...]) -> Step | None:
    """Buttons; what is tapped comes back as a text of the option's words. None beyond the platform's limits."""
    options = [" ".join(clean(option).split()) for option in part.options]
    head = clean(part.text).strip()
    short = all(0 < len(option.encode()) <= _MAX_OPTION for option in options)
    if not 0 < len(options) <= MAX_OPTIONS or not short or len(head.encode()) > _MAX_HEAD:
        return None
    clicks = [
        {"type": "click", "click": {"id": str(number), "content": option}} for number, option in enumerate(options, 1)
    ]
    body = {"msgtype": "msgmenu", "msgmenu": {"head_content": head, "list": clicks}}
    return Step(verb="send", body=body, covers=covers)


def _card(part: Card, covers: tuple[str, ...]) -> Step | None:
    thumb = part.thumb if part.thumb is not None and part.thumb.sha256 and not part.thumb.error else None
    if thumb is None:  # both kinds of cards need a picture
        return None
    title = " ".join(clean(part.title).split())
    if part.app and part.path:
        page = {"appid": part.app, "title": shorten(title or part.path, _MAX_TITLE), "pagepath": part.path}
        return Step(verb="card", body={"msgtype": "miniprogram", "miniprogram": page}, media=(thumb,), covers=covers)
    fits = len(part.url.encode()) <= _MAX_URL and part.url.startswith(("https://", "http://"))
    if not (title and fits):
        return None
    link = {
        "title": _within(title, _MAX_LINK_TITLE),
        "desc": _within(part.description, _MAX_DESCRIPTION),
        "url": part.url,
    }
    return Step(verb="card", body={"msgtype": "link", "link": link}, media=(thumb,), covers=covers)


def _within(text: str, limit: int) -> str:
    """At most `limit` bytes, cut between characters."""
    text = clean(text).strip()
    if len(text.encode()) <= limit:
        return text
    return text.encode()[: limit - 3].decode(errors="ignore") + "…"


def _linked(kind: str, media: Media, phrases: Phrases) -> str:
    words = _WORDS[phrases.language]
    head = f"[{phrases.word(kind)}] {media.name}".rstrip()
    if media.error or not media.url:
        return f"{head}: {words['lost']}"
    return f"{head}\n{media.url} ({words['expires']})"
