"""From messages to steps. Pure."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from bridge.contract import (
    Audience,
    Labels,
    Media,
    Message,
    Phrases,
    RenderContext,
    Step,
    files_in,
)
from connectors.freshdesk.body import escape

CREATE, SAY, REMARK, LABELS = "create", "say", "remark", "labels"
ROOM_FOR_FILES = 20_000_000  # bytes of all files of a ticket: https://developers.freshdesk.com/api/#attachments
_MOST = 60_000  # characters of one note
_SUBJECT = 200  # characters
_LONGEST_TAG = 32
_PRIORITIES = {"low": 1, "normal": 2, "medium": 2, "high": 3, "urgent": 4}


def render(messages: Sequence[Message], context: RenderContext) -> list[Step]:
    """A burst is one note; private notes stay apart. The first customer's message makes the ticket."""
    steps: list[Step] = []
    missing = context.conversation is None
    phrases = Phrases(context.language)
    for audience, group in groupby(messages, key=lambda message: message.audience):
        for portion in _portions(list(group), phrases):
            verb = REMARK if audience is Audience.AGENTS else SAY
            if missing and verb == SAY:
                verb, missing = CREATE, False
            steps.append(_step(verb, portion, context, audience))
    return steps


def show(labels: Labels) -> Step:
    """One update of the ticket."""
    body: dict[str, Any] = {"tags": tags_of(*labels.tags), "prefix": labels.prefix.lower(), "fields": labels.fields}
    if labels.priority:
        body["priority"] = priority_of(labels.priority)
    if labels.rating:
        body["rating"] = labels.rating
    return Step(verb=LABELS, body=body, audience=Audience.AGENTS, cost=0)


def priority_of(value: Any) -> int:
    """1 low … 4 urgent, from a number or a word."""
    text = str(value).strip().lower()
    return int(text) if text in {"1", "2", "3", "4"} else _PRIORITIES.get(text, 1)


def tags_of(*tags: object) -> list[str]:
    """Each once, as Freshdesk takes them."""
    cleaned = (" ".join(str(tag).replace(",", " ").split())[:_LONGEST_TAG].strip() for tag in tags)
    return list(dict.fromkeys(tag for tag in cleaned if tag))


def unknown_words(fields: Mapping[str, Any]) -> list[str]:
    """A priority that is none, and tags that cannot be written as they are named."""
    given = str(fields.get("priority") or "low").strip().lower()
    wrong = [] if given in {"1", "2", "3", "4", *_PRIORITIES} else [f"priority {given}"]
    return wrong + [f"tag {tag}" for tag in fields.get("tags") or () if tags_of(tag) != [str(tag)]]


def links_to(step: Step, why: str = "large") -> str:
    """HTML that stands in for a step's files: the ticket has no room for them, or they are `missing`."""
    phrases = Phrases(step.body.get("language", "en"))
    return "".join(f"<br>{escape(phrases.file(media, 'file', why))}" for media in step.media)


def _portions(messages: list[Message], phrases: Phrases) -> list[list[Message]]:
    portions: list[list[Message]] = [[]]
    size = 0
    for message in messages:
        length = len(phrases.message(message))
        if portions[-1] and size + length > _MOST:
            portions.append([])
            size = 0
        portions[-1].append(message)
        size += length
    return portions


def _step(verb: str, messages: list[Message], context: RenderContext, audience: Audience) -> Step:
    phrases = Phrases(context.language)
    files = _fitting([media for message in messages for part in message.parts for media, _ in files_in(part)])
    carried = {id(media) for media in files}

    def named(media: Media, kind: str) -> str:
        return phrases.file(media, kind, "" if id(media) in carried else "large")

    text = "\n\n".join(filter(None, (phrases.message(message, named) for message in messages))) or "…"
    body: dict[str, Any] = {"html": f"<div>{escape(text)}</div>"}
    if verb == CREATE:
        way_in = phrases.way_in(context, messages)
        body["html"] += f"<div>{escape(way_in)}</div>" if way_in else ""
        body["subject"] = phrases.subject(messages, context, _SUBJECT)
    if files and phrases.language != "en":
        body["language"] = phrases.language
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
