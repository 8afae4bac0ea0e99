"""From messages to steps. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
    Status,
    Step,
    Text,
    Unsupported,
    Video,
    Voice,
    to_plain,
)
from connectors.zendesk.body import LARGEST_FILE, chunks, clean, escape, file_name, one_line

CREATE, SAY, NOTE, LABELS = "create", "say", "note", "labels"
_MOST = 60_000  # bytes of one comment: larger ones are cut without a word
_FILES = 10  # of one comment
_SUBJECT = 150  # characters
_CONTEXT = {"session_from": "came from", "page": "page", "entry_page": "page", "page_path": "page"}
_PRIORITIES = ("low", "normal", "high", "urgent")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a message as HTML, with the file it stands for. `glue` is what parts it from the piece before."""

    message: str
    html: str
    glue: str = "<br>"
    media: Media | None = None


def render(messages: Sequence[Message], context: RenderContext) -> list[Step]:
    """A burst is one comment; private notes stay apart. The first customer's message makes the ticket.

    A new ticket holds text only, because a repeat of its creation must have the same body, and tokens of uploads
    change: its files follow in a comment.
    """
    steps: list[Step] = []
    missing = context.conversation is None
    for audience, group in groupby(messages, key=lambda message: message.audience):
        said = list(group)
        for pieces in _packed([piece for message in said for piece in _pieces(message)]):
            if audience is Audience.AGENTS:
                steps.append(_step(NOTE, pieces, audience))
            elif missing:
                missing = False
                steps.append(_created(said, pieces, context))
                if any(piece.media for piece in pieces):
                    steps.append(_step(SAY, [piece for piece in pieces if piece.media], audience))
            else:
                steps.append(_step(SAY, pieces, audience, reopen=context.status is Status.SOLVED))
    return steps


def show(labels: Labels) -> Step:
    """The step that makes a ticket show how many replies are left."""
    return Step(
        verb=LABELS,
        body={"tags": tags_of(*labels.tags), "prefix": labels.prefix.lower(), "fields": labels.fields},
        audience=Audience.AGENTS,
        cost=0,
    )


def priority_of(value: Any) -> str:
    """low, normal, high or urgent, from a word or a number from 1; "" for anything else."""
    text = str(value if value is not None else "").strip().lower()
    if text in _PRIORITIES:
        return text
    if text == "medium":
        return "normal"
    return _PRIORITIES[int(text) - 1] if text in {"1", "2", "3", "4"} else ""


def tags_of(*tags: object) -> list[str]:
    """Each once, as Zendesk takes them: lower case, no spaces."""
    cleaned = ("_".join(str(tag).replace(",", " ").split()).lower()[:80] for tag in tags)
    return list(dict.fromkeys(tag for tag in cleaned if tag))


def link_to(media: Media) -> str:
    """What stands in for a file that Zendesk does not take."""
    return f"[{file_name(media)}, not accepted by Zendesk] {media.url}".strip()


def _packed(pieces: Sequence[_Piece]) -> Iterator[list[_Piece]]:
    """As many pieces as one comment holds."""
    pack: list[_Piece] = []
    size = files = weight = 0
    for piece in pieces:
        length = len(piece.html.encode()) + 20
        heavy = (piece.media.size or 0) if piece.media else 0
        full = size + length > _MOST or files + bool(piece.media) > _FILES or weight + heavy > LARGEST_FILE
        if pack and full:
            yield pack
            pack, size, files, weight = [], 0, 0, 0
        pack.append(piece)
        size, files, weight = size + length, files + bool(piece.media), weight + heavy
    if pack:
        yield pack


def _step(verb: str, pieces: Sequence[_Piece], audience: Audience, *, reopen: bool = False) -> Step:
    body: dict[str, Any] = {"html": _html(pieces)}
    if reopen:
        body["reopen"] = True
    return Step(
        verb=verb,
        body=body,
        media=tuple(piece.media for piece in pieces if piece.media),
        covers=tuple(dict.fromkeys(piece.message for piece in pieces)),
        audience=audience,
    )


def _created(messages: Sequence[Message], pieces: Sequence[_Piece], context: RenderContext) -> Step:
    body: dict[str, Any] = {
        "subject": _subject(messages, context),
        "html": _html(pieces) + _where_from(context),
        "tags": tags_of(*(context.fields.get("tags") or ())),
    }
    optional = {
        "priority": priority_of(context.fields.get("priority")),
        "group": context.fields.get("group"),
        "brand": context.fields.get("brand"),
        "custom_fields": context.fields.get("custom_fields"),
        "previous": context.previous,
    }
    body |= {name: value for name, value in optional.items() if value}
    return Step(verb=CREATE, body=body, covers=tuple(dict.fromkeys(piece.message for piece in pieces)))


def _html(pieces: Sequence[_Piece]) -> str:
    paragraphs = []
    for _, group in groupby(pieces, key=lambda piece: piece.message):
        inside = ""
        for piece in group:
            inside += (piece.glue if inside else "") + piece.html
        paragraphs.append(f"<p>{inside}</p>")
    return "".join(paragraphs)


def _pieces(message: Message) -> list[_Piece]:
    pieces = []
    for part in message.parts:
        for media, kind in _files(part):
            carried = media if _fits(media) else None
            pieces.append(_Piece(message.id, escape(_named(media, kind)), media=carried))
        text = _words(part)
        if clean(text).strip():
            for glue, chunk in chunks(text):
                pieces.append(_Piece(message.id, escape(chunk), glue if glue or len(text) > len(chunk) else "<br>"))
    return pieces or [_Piece(message.id, "…")]


def _words(part: Part) -> str:
    match part:
        case Text():
            return to_plain(part.body, part.format)
        case Image() | File() | Video():
            return part.caption
        case Voice():
            return part.transcript
        case Card():
            lines = (part.title, part.description, part.url, part.path and f"page: {part.path}")
            return "\n".join(["[card]", *filter(None, lines)])
        case Location():
            return f"[location] {part.label} {part.latitude}, {part.longitude}"
        case Unsupported():
            return f"[{part.what}] {part.text}".strip()
        case Progress():
            return ""


def _files(part: Part) -> list[tuple[Media, str]]:
    match part:
        case Image() | File() | Voice():
            return [(part.media, part.kind)]
        case Video():
            return [(part.media, part.kind), *([(part.thumb, "thumbnail")] if part.thumb else [])]
        case Card():
            return [(part.thumb, "thumbnail")] if part.thumb else []
        case _:
            return []


def _fits(media: Media) -> bool:
    return bool(media.sha256) and (media.size or 0) <= LARGEST_FILE


def _named(media: Media, kind: str) -> str:
    if not media.sha256:
        return f"[{kind}: {media.name or kind}, could not be fetched: {media.error}]"
    if not _fits(media):
        return f"[{kind}: {file_name(media)}, too large for Zendesk] {media.url}".strip()
    return f"[{kind}: {file_name(media)}]"


def _subject(messages: Sequence[Message], context: RenderContext) -> str:
    given = next((message.subject for message in messages if message.subject.strip()), "")
    line = one_line(given, _SUBJECT) or one_line(_all_words(messages), _SUBJECT)
    name = one_line(context.contact.name, 60)
    return (f"{name}: {line}" if name and line else name or line or "New conversation")[:_SUBJECT]


def _all_words(messages: Sequence[Message]) -> str:
    lines = []
    for message in messages:
        for part in message.parts:
            lines += [_named(media, kind) for media, kind in _files(part)]
            lines.append(_words(part))
    return "\n".join(lines)


def _where_from(context: RenderContext) -> str:
    """What is known of the customer's way in, and the ticket this one follows: for the agent, once."""
    lines = [f"[{_CONTEXT.get(key, key)}: {value}]" for key, value in context.context.items() if value]
    if context.previous:
        lines.append(f"[continues ticket #{context.previous}]")
    return f"<p>{escape(chr(10).join(lines))}</p>" if lines else ""
