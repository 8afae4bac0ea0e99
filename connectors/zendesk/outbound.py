"""From messages to steps. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from bridge.contract import (
    Audience,
    Labels,
    Media,
    Message,
    Phrases,
    RenderContext,
    Status,
    Step,
    files_in,
)
from connectors.zendesk.body import LARGEST_FILE, chunks, clean, escape, one_line

CREATE, SAY, NOTE, LABELS = "create", "say", "note", "labels"
_MOST = 60_000  # bytes of one comment: larger ones are cut without a word
_FILES = 10  # of one comment
_SUBJECT = 150  # characters
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
    phrases = Phrases(context.language)
    for audience, group in groupby(messages, key=lambda message: message.audience):
        said = list(group)
        for pieces in _packed([piece for message in said for piece in _pieces(message, phrases)]):
            if audience is Audience.AGENTS:
                steps.append(_step(NOTE, pieces, context))
            elif missing:
                missing = False
                steps.append(_created(said, pieces, context))
                if any(piece.media for piece in pieces):
                    steps.append(_step(SAY, [piece for piece in pieces if piece.media], context))
            else:
                steps.append(_step(SAY, pieces, context, reopen=context.status is Status.SOLVED))
    return steps


def show(labels: Labels) -> Step:
    """The step that makes a ticket show how many replies are left."""
    return Step(
        verb=LABELS,
        body={
            "tags": tags_of(*labels.tags),
            "prefix": labels.prefix.lower(),
            "fields": labels.fields,
            "priority": labels.priority,
            **({"rating": labels.rating} if labels.rating else {}),
        },
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


def higher(wanted: str, present: Any) -> str:
    """The wanted priority where a ticket's own is lower, or none; "" where it is not."""
    place = _PRIORITIES.index(wanted) if wanted in _PRIORITIES else -1
    return wanted if place > (_PRIORITIES.index(present) if present in _PRIORITIES else -1) else ""


def tags_of(*tags: object) -> list[str]:
    """Each once, as Zendesk takes them: lower case, no spaces."""
    cleaned = ("_".join(str(tag).replace(",", " ").split()).lower()[:80] for tag in tags)
    return list(dict.fromkeys(tag for tag in cleaned if tag))


def unknown_words(fields: Mapping[str, Any]) -> list[str]:
    """A priority that is none, and tags that cannot be written as they are named."""
    given = fields.get("priority")
    wrong = [f"priority {given}"] if given and not priority_of(given) else []
    return wrong + [f"tag {tag}" for tag in fields.get("tags") or () if tags_of(tag) != [str(tag)]]


def link_to(media: Media, step: Step) -> str:
    """What stands in for a file that Zendesk does not take, in the language of the step."""
    return Phrases(step.body.get("language", "en")).file(media, "file", "refused")


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


def _step(verb: str, pieces: Sequence[_Piece], context: RenderContext, *, reopen: bool = False) -> Step:
    body: dict[str, Any] = {"html": _html(pieces)}
    language = Phrases(context.language).language
    if language != "en" and any(piece.media for piece in pieces):
        body["language"] = language
    if reopen:
        body["reopen"] = True
    return Step(
        verb=verb,
        body=body,
        media=tuple(piece.media for piece in pieces if piece.media),
        covers=tuple(dict.fromkeys(piece.message for piece in pieces)),
        audience=Audience.AGENTS if verb == NOTE else Audience.CUSTOMER,
    )


def _created(messages: Sequence[Message], pieces: Sequence[_Piece], context: RenderContext) -> Step:
    phrases = Phrases(context.language)
    way_in = phrases.way_in(context, messages)
    body: dict[str, Any] = {
        "subject": one_line(phrases.subject(messages, context, _SUBJECT), _SUBJECT),
        "html": _html(pieces) + (f"<p>{escape(way_in)}</p>" if way_in else ""),
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


def _pieces(message: Message, phrases: Phrases) -> list[_Piece]:
    pieces = []
    for part in message.parts:
        for media, kind in files_in(part):
            carried = media if _fits(media) else None
            named = phrases.file(media, kind, "" if carried else "large")
            pieces.append(_Piece(message.id, escape(named), media=carried))
        text = phrases.words(part)
        if clean(text).strip():
            for glue, chunk in chunks(text):
                pieces.append(_Piece(message.id, escape(chunk), glue if glue or len(text) > len(chunk) else "<br>"))
    return pieces or [_Piece(message.id, "…")]


def _fits(media: Media) -> bool:
    return bool(media.sha256) and (media.size or 0) <= LARGEST_FILE


def as_the_route_says(name: str, step: Step) -> str:
    """A field of a ticket, as the configuration writes it."""
    name = name.removesuffix("_id")
    value = step.body.get(name)
    return f"{name} {', '.join(map(str, value)) if isinstance(value, dict) else value}"
