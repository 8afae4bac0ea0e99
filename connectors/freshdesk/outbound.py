"""From messages to steps. Pure."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from bridge.contract import (
    Audience,
    Card,
    File,
    Image,
    Labels,
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
from connectors.freshdesk.body import escape

CREATE, SAY, REMARK, LABELS = "create", "say", "remark", "labels"
ROOM_FOR_FILES = 20_000_000  # bytes of all files of a ticket: https://developers.freshdesk.com/api/#attachments
_MOST = 60_000  # characters of one note
_SUBJECT = 200  # characters
_LONGEST_TAG = 32
_CONTEXT = {"session_from": "came from", "page": "page", "entry_page": "page", "page_path": "page"}
_PRIORITIES = {"low": 1, "normal": 2, "medium": 2, "high": 3, "urgent": 4}


def render(messages: Sequence[Message], context: RenderContext) -> list[Step]:
    """A burst is one note; private notes stay apart. The first customer's message makes the ticket."""
    steps: list[Step] = []
    missing = context.conversation is None
    for audience, group in groupby(messages, key=lambda message: message.audience):
        for portion in _portions(list(group)):
            verb = REMARK if audience is Audience.AGENTS else SAY
            if missing and verb == SAY:
                verb, missing = CREATE, False
            steps.append(_step(verb, portion, context, audience))
    return steps


def show(labels: Labels) -> Step:
    """One update of the ticket."""
    body = {"tags": tags_of(*labels.tags), "prefix": labels.prefix.lower(), "fields": labels.fields}
    return Step(verb=LABELS, body=body, audience=Audience.AGENTS, cost=0)


def priority_of(value: Any) -> int:
    """1 low … 4 urgent, from a number or a word."""
    text = str(value).strip().lower()
    return int(text) if text in {"1", "2", "3", "4"} else _PRIORITIES.get(text, 1)


def tags_of(*tags: object) -> list[str]:
    """Each once, as Freshdesk takes them."""
    cleaned = (" ".join(str(tag).replace(",", " ").split())[:_LONGEST_TAG].strip() for tag in tags)
    return list(dict.fromkeys(tag for tag in cleaned if tag))


def links_to(files: Sequence[Media]) -> str:
    """HTML that stands in for files which the ticket has no room for."""
    return "".join(f"<br>{escape(_link(media, 'file'))}" for media in files)


def file_name(media: Media) -> str:
    """A name with an ending: agents' browsers go by it."""
    name = " ".join(media.name.replace("/", "_").replace("\\", "_").split()).replace('"', "'")
    stem, dot, ending = name.rpartition(".")
    if dot:
        return f"{stem[:150]}.{ending[:20]}"
    ending = _ENDINGS.get(media.mime, media.mime.rpartition("/")[2] if media.mime else "bin")
    return f"{name[:150] or media.sha256[:8] or 'file'}.{ending}"


_ENDINGS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "audio/amr": "amr",
    "audio/mpeg": "mp3",
    "video/mp4": "mp4",
    "application/octet-stream": "bin",
}


def _portions(messages: list[Message]) -> list[list[Message]]:
    portions: list[list[Message]] = [[]]
    size = 0
    for message in messages:
        length = sum(len(_words(part, set())) for part in message.parts)
        if portions[-1] and size + length > _MOST:
            portions.append([])
            size = 0
        portions[-1].append(message)
        size += length
    return portions


def _step(verb: str, messages: list[Message], context: RenderContext, audience: Audience) -> Step:
    files = _fitting([media for message in messages for part in message.parts for media in _media(part)])
    carried = {id(media) for media in files}
    text = "\n\n".join(filter(None, (_said(message, carried) for message in messages))) or "…"
    body: dict[str, Any] = {"html": f"<div>{escape(text)}</div>"}
    if verb == CREATE:
        body = {"subject": _subject(messages, context, carried), "html": body["html"] + _where_from(context)}
    return Step(
        verb=verb,
        body=body,
        media=tuple(files),
        covers=tuple(message.id for message in messages),
        audience=audience,
    )


def _fitting(found: Sequence[Media]) -> list[Media]:
    """The files that are here and fit, in order; the others become links."""
    files = []
    left = ROOM_FOR_FILES
    for media in found:
        size = media.size or 0
        if media.sha256 and size <= left:
            files.append(media)
            left -= size
    return files


def _said(message: Message, carried: set[int]) -> str:
    return "\n".join(filter(None, (_words(part, carried) for part in message.parts)))


def _words(part: Part, carried: set[int]) -> str:
    match part:
        case Text():
            return to_plain(part.body, part.format)
        case Image() | File() | Video():
            files = [_named(part.media, part.kind, carried)]
            if isinstance(part, Video) and part.thumb is not None:
                files.append(_named(part.thumb, "thumbnail", carried))
            return "\n".join(filter(None, (*files, part.caption)))
        case Voice():
            return "\n".join(filter(None, (_named(part.media, part.kind, carried), part.transcript)))
        case Card():
            lines = (part.title, part.description, part.url, part.path and f"page: {part.path}")
            thumb = [_named(part.thumb, "thumbnail", carried)] if part.thumb else []
            return "\n".join(["[card]", *filter(None, lines), *thumb])
        case Location():
            return f"[location] {part.label} {part.latitude}, {part.longitude}".strip()
        case Unsupported():
            return f"[{part.what}] {part.text}".strip()
        case Progress():
            return ""


def _named(media: Media, kind: str, carried: set[int]) -> str:
    if not media.sha256:
        return f"[{kind}: {media.name or kind}, could not be fetched: {media.error}]"
    return f"[{kind}: {file_name(media)}]" if id(media) in carried else _link(media, kind)


def _link(media: Media, kind: str) -> str:
    return f"[{kind}: {file_name(media)}, too large for the ticket] {media.url}".strip()


def _media(part: Part) -> list[Media]:
    match part:
        case Image() | File() | Voice():
            return [part.media]
        case Video():
            return [part.media, *([part.thumb] if part.thumb else [])]
        case Card():
            return [part.thumb] if part.thumb else []
        case _:
            return []


def _subject(messages: list[Message], context: RenderContext, carried: set[int]) -> str:
    given = next((message.subject for message in messages if message.subject.strip()), "")
    words = given or "\n".join(_said(message, carried) for message in messages)
    line = next((" ".join(line.split()) for line in words.splitlines() if line.strip()), "")
    name = " ".join(context.contact.name.split())
    return (f"{name}: {line}" if name and line else name or line or "New conversation")[:_SUBJECT]


def _where_from(context: RenderContext) -> str:
    """What is known of the customer's way in, and the ticket this one follows: for the agent, once."""
    lines = [f"[{_CONTEXT.get(key, key)}: {value}]" for key, value in context.context.items() if value]
    if context.previous:
        lines.append(f"[continues ticket #{context.previous}]")
    return f"<div>{escape(chr(10).join(lines))}</div>" if lines else ""
