"""What people said, as the console shows it: as text, and hidden from those who may not read it."""

import json
from collections.abc import Sequence
from typing import Any

from bridge.contract import (
    Card,
    Choices,
    File,
    Image,
    Location,
    Media,
    Message,
    Part,
    Progress,
    Text,
    Unsupported,
    Video,
    Voice,
)
from bridge.contract.plaintext import to_plain

_DOTS = "••••"


def reason_in(reason: str, language: str) -> str:
    """Why a step failed, as its connector says it to people; "" where it said nothing."""
    found: dict[str, str] = json.loads(reason) if reason else {}
    return found.get(language) or found.get("en", "")


def mask(text: str) -> str:
    """That there is something, and no more of it than its first character."""
    return f"{text[0]}{_DOTS}" if text else ""


def hidden(text: str) -> str:
    """So many characters."""
    return f"{_DOTS} ({len(text)})" if text else ""


def snippet(message: dict[str, Any], *, masked: bool, longest: int = 120) -> str:
    """The beginning of a stored message, on one line."""
    words = " ".join(" ".join(text for _, text, _ in parts_of(Message.model_validate(message))).split())
    if masked:
        return hidden(words)
    return words if len(words) <= longest else words[: longest - 1] + "…"


def parts_of(message: Message) -> Sequence[tuple[str, str, Media | None]]:
    """Each part as (kind, words, file)."""
    return [(part.kind, _words(part), _file(part)) for part in message.parts if not isinstance(part, Progress)]


def _words(part: Part) -> str:
    match part:
        case Text():
            return to_plain(part.body, part.format)
        case Voice():
            return part.transcript
        case Image() | Video() | File():
            return part.caption
        case Card():
            return " · ".join(filter(None, (part.title, part.description, part.url or part.path)))
        case Location():
            return " ".join(filter(None, (part.label, f"{part.latitude}, {part.longitude}")))
        case Choices():
            return part.plain or " · ".join((part.text, *part.options))
        case Unsupported():
            return part.text or part.what
        case _:
            return ""


def _file(part: Part) -> Media | None:
    match part:
        case Image() | Voice() | Video() | File():
            return part.media
        case _:
            return None
