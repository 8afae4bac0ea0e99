"""Footnotes with addresses, which programs put below everything when they turn HTML into text."""

import re
from dataclasses import dataclass

from connectors.email.cut.quote import is_rule, plain

_MOST = 60
_NOTE = re.compile(
    r"\s*(?:\[(\d{1,3})\]:?|(\d{1,3})[.)]|\((\d{1,3})\))\s+<?((?:https?|ftps?|mailto|tel|cid|file|data):\S*|www\.\S+)\s*"
)
_BARE = re.compile(r"\s*(?:\[(\d{1,3})\]:?|(\d{1,3})[.)]|\((\d{1,3})\))\s*")
_ADDRESS = re.compile(r"\s*<?(?:https?|ftps?|mailto|tel|cid|file|data):\S*\s*")
_HEADS = {"links", "references", "visible links", "hidden links", "链接", "链接列表", "参考链接", "引用链接"}


@dataclass(frozen=True, slots=True)
class Footnotes:
    """Lines by the number that texts refer to them by."""

    lines: tuple[tuple[str, str], ...] = ()

    def named_in(self, text: list[str]) -> list[str]:
        """Those that a text refers to as [n]."""
        numbers = set(re.findall(r"\[(\d{1,3})\]", "\n".join(text)))
        return [line for number, line in self.lines if number in numbers]


def split_footnotes(lines: list[str]) -> tuple[list[str], Footnotes]:
    """The text and its footnotes: a run of numbered addresses at the very end, below a quote or another text."""
    end = len(lines)
    found: list[tuple[str, str]] = []
    while end and len(found) < _MOST:
        if not lines[end - 1].strip():
            end -= 1
            continue
        note = _note(lines, end)
        if note is None:
            break
        number, line, height = note
        found.append((number, line))
        end -= height
    plain_numbers = any(not line.lstrip().startswith("[") for _, line in found)
    if not found or (
        plain_numbers and not _is_head(next((line for line in reversed(lines[:end]) if line.strip()), ""))
    ):
        return lines, Footnotes()  # "1. https://…" without a heading is a list that somebody wrote
    while end and (not lines[end - 1].strip() or is_rule(lines[end - 1]) or _is_head(lines[end - 1])):
        end -= 1
    return lines[:end], Footnotes(tuple(reversed(found)))


def _note(lines: list[str], end: int) -> tuple[str, str, int] | None:
    """The footnote that ends above line `end`: number, text and how many lines it takes."""
    line = lines[end - 1]
    if len(line) > 2000:
        return None
    one = _NOTE.fullmatch(line)
    if one:
        return one[1] or one[2] or one[3], line, 1
    if end > 1 and _ADDRESS.fullmatch(line) and (bare := _BARE.fullmatch(lines[end - 2])):
        return bare[1] or bare[2] or bare[3], f"{lines[end - 2].rstrip()} {line.strip()}", 2
    return None


def _is_head(line: str) -> bool:
    return len(line) < 40 and plain(line).rstrip(":").strip() in _HEADS
