"""Text as the platform takes it: without control characters, in parts of at most 2048 bytes."""

import re
import unicodedata
from collections.abc import Iterator

MAX_BYTES = 2048  # of UTF-8, practice rather than a documented limit; above it the platform answers 45002

# JSON would have to write these as \uXXXX, which the platform has shown to people literally or refused (40033).
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BORDERS = (
    re.compile(r"\n[ \t]*\n\s*"),
    re.compile(r"\n\s*"),
    re.compile(r"[。！？；…]+[”’」』）]*\s*|[.!?;]+[\"')\]]*\s+"),
    re.compile(r"[，、：]+|[,:]?\s+"),
)


def clean(text: str) -> str:
    """Text that can be sent as plain UTF-8 JSON: one kind of line end, lone surrogates and control characters gone."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()
    return _CONTROL.sub("", text).strip("\n")


def split(text: str, limit: int = MAX_BYTES) -> list[str]:
    """Parts of at most `limit` bytes that together are the text, cut at the best border in the last half of each.

    Parts without anything visible are left out: the platform refuses them (44004).
    """
    parts = []
    while len(text) > limit or len(text.encode()) > limit:
        cut = _cut(text, limit)
        parts.append(text[:cut])
        text = text[cut:]
    parts.append(text)
    return [part for part in parts if part.strip()]


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, the last of them an ellipsis when something was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _cut(text: str, limit: int) -> int:
    """How many characters go into the first part, at least one."""
    window = text[:limit].encode()[:limit].decode(errors="ignore")
    end = len(window)
    for border in _BORDERS:
        found = 0
        for match in border.finditer(window, end // 2):
            found = match.end()
        if 0 < found < end or (found == end and not _glued(text, end)):
            return found
    for position in _backwards(end):
        if not _glued(text, position):
            return position
    return end  # one endless cluster: between two of its characters then


def _backwards(end: int) -> Iterator[int]:
    yield from range(end, max(0, end - 64), -1)


def _glued(text: str, position: int) -> bool:
    """Whether the characters around a position are shown as one (accents, emoji sequences, flags)."""
    if not 0 < position < len(text):
        return False
    after, before = text[position], text[position - 1]
    if unicodedata.combining(after) or after in "\u200d\ufe0e\ufe0f\u20e3" or before == "\u200d":
        return True
    if "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f":
        return True
    if _is_flag(after) and _is_flag(before):
        run = 0
        while run < position and _is_flag(text[position - 1 - run]):
            run += 1
        return run % 2 == 1
    return (before, after) == ("\r", "\n")


def _is_flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
