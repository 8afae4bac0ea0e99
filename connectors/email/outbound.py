"""From messages to mails. Pure: one mail carries a whole burst; what cannot be attached is said in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from bridge.contract import (
    Audience,
    Card,
    File,
    Format,
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
)
from connectors.email.cut.html import sanitise
from connectors.email.plain import to_lines

_MAX_TEXT = 200_000  # characters in one mail
_WORDS = {
    "en": {
        "note": "[note of the bridge, not written by the customer]",
        "file": "file",
        "image": "picture",
        "voice": "voice message",
        "video": "video",
        "missing": "could not be fetched",
        "large": "too large to attach",
        "location": "location",
        "attached": "see attachment",
        "empty": "(nothing that can be shown)",
    },
    "zh": {
        "note": "[来自桥接系统的说明，并非客户所写]",
        "file": "文件",
        "image": "图片",
        "voice": "语音",
        "video": "视频",
        "missing": "无法获取",
        "large": "过大，未能附上",
        "location": "位置",
        "attached": "见附件",
        "empty": "（没有可显示的内容）",
    },
}


@dataclass(slots=True)
class _Draft:
    texts: list[str] = field(default_factory=list)
    htmls: list[str] = field(default_factory=list)
    files: list[Media] = field(default_factory=list)
    covers: list[str] = field(default_factory=list)
    size: int = 0
    rich: bool = False


def render(messages: Sequence[Message], context: RenderContext, *, desk: bool, max_files: int) -> Sequence[Step]:
    """One step per mail. A burst shares one mail, notes get their own, files over `max_files` bytes start another."""
    words = _WORDS["zh" if context.language.startswith("zh") else "en"]
    steps: list[Step] = []
    for audience, group in groupby(messages, key=lambda message: message.audience):
        steps += [_step(draft, audience, context, words, desk=desk) for draft in _drafts(list(group), words, max_files)]
    return steps


def _drafts(messages: list[Message], words: dict[str, str], max_files: int) -> Iterator[_Draft]:
    draft = _Draft()
    for message in messages:
        draft.covers.append(message.id)
        for part in message.parts:
            media = _media(part)
            size = (media.size or 0) if media and _attachable(media, max_files) else 0
            text = _text(part, words, attached=bool(size or (media and _attachable(media, max_files))))
            full = draft.size + size > max_files or sum(map(len, draft.texts)) + len(text) > _MAX_TEXT
            if full and (draft.texts or draft.files):
                yield draft
                draft = _Draft(covers=[message.id])
            if media and _attachable(media, max_files):
                draft.files.append(media)
                draft.size += size
            _add(draft, part, text)
    if draft.covers:
        yield draft


def _add(draft: _Draft, part: Part, text: str) -> None:
    if not text:
        return
    draft.texts.append(text)
    if isinstance(part, Text) and part.format is Format.HTML:
        draft.htmls.append(sanitise(part.body))
        draft.rich = True
    else:
        draft.htmls.append(_escaped(text))


def _step(draft: _Draft, audience: Audience, context: RenderContext, words: dict[str, str], *, desk: bool) -> Step:
    text = "\n\n".join(draft.texts)
    if audience is Audience.AGENTS and desk:
        text = f"{words['note']}\n\n{text}"
    if not text:  # some helpdesks refuse a mail without words
        names = ", ".join(media.name for media in draft.files if media.name)
        text = f"[{words['attached']}{': ' if names else ''}{names}]" if draft.files else words["empty"]
    body: dict[str, object] = {"text": text, "about": text[:200], "name": context.contact.name}
    if draft.rich and not (audience is Audience.AGENTS and desk):
        body["html"] = "".join(f"<div>{html}</div>" for html in draft.htmls)
    return Step(
        verb="mail", body=body, media=tuple(draft.files), covers=tuple(dict.fromkeys(draft.covers)), audience=audience
    )


def _media(part: Part) -> Media | None:
    return part.media if isinstance(part, Image | File | Voice | Video) else None


def _attachable(media: Media, max_files: int) -> bool:
    return bool(media.sha256) and not media.error and (media.size or 0) <= max_files


def _text(part: Part, words: dict[str, str], *, attached: bool) -> str:
    match part:
        case Text():
            return to_lines(sanitise(part.body)) if part.format is Format.HTML else part.body.strip("\n")
        case Image() | File() | Voice() | Video():
            return _file_words(part, words, attached=attached)
        case Card():
            lines = (part.title, part.description, part.url or " ".join(filter(None, (part.app, part.path))))
            return "\n".join(line for line in lines if line)
        case Location():
            where = f"{part.latitude:.6f},{part.longitude:.6f}"
            page = f"https://www.openstreetmap.org/?mlat={part.latitude:.6f}&mlon={part.longitude:.6f}"
            return f"[{words['location']}: {part.label or where}]\n{page}"
        case Unsupported():
            return f"[{part.what}] {part.text}".strip()
        case Progress():
            return f"[{part.state}] {part.reason}".strip()


def _file_words(part: Image | File | Voice | Video, words: dict[str, str], *, attached: bool) -> str:
    said = part.transcript if isinstance(part, Voice) else part.caption
    kind = words[part.kind]
    media = part.media
    if attached:
        shown = f"[{kind}: {media.name}]" if isinstance(part, Voice | Video) and media.name else ""
    elif media.url:
        shown = f"[{kind}: {media.name or media.mime}, {media.url}]"
    else:
        why = media.error or (words["large"] if media.sha256 else words["missing"])
        shown = f"[{kind}: {media.name or media.mime} - {why}]"
    return "\n".join(line for line in (said, shown) if line)


def _escaped(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("\n", "<br>\n")
