"""Sends of one plan: what may be joined when few replies are left, and which messages each send covers. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.contract import Step
from connectors.tencent.text import split

_RESERVE = 2  # with fewer replies than this left after a plan, remarks are joined


@dataclass(frozen=True, slots=True)
class Words:
    """A text that may be joined with its neighbours: `covers` names each message with the length of its share."""

    text: str
    author: tuple[str, str, str]
    shares: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that needs a send of its own."""

    step: Step


Piece = Words | Thing
May = Callable[[Words, Words], bool]


def economise(pieces: list[Piece], replies: int | None) -> list[Piece]:
    """Joins remarks when little is left: first those of one author, then any."""
    if replies is None or _cost(pieces) <= max(1, replies - _RESERVE):
        return pieces
    joined = merge(pieces, lambda one, two: one.author == two.author)
    if _cost(joined) > replies:
        joined = merge(joined, lambda _one, _two: True)
    return joined if _cost(joined) < _cost(pieces) else pieces


def _cost(pieces: Sequence[Piece]) -> int:
    return sum(len(steps(piece)) for piece in pieces)


def merge(pieces: Sequence[Piece], may: May) -> list[Piece]:
    """Neighbouring texts as one where `may` allows it."""
    merged: list[Piece] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if isinstance(piece, Words) and isinstance(last, Words) and may(last, piece):
            before = last.text[-last.shares[-1][1] :]
            gap = "\n\n" if "\n" in before or "\n" in piece.text else "\n"
            shares = (*last.shares[:-1], (last.shares[-1][0], last.shares[-1][1] + len(gap)), *piece.shares)
            merged[-1] = Words(last.text + gap + piece.text, last.author, shares)
        else:
            merged.append(piece)
    return merged


def steps(piece: Piece) -> list[Step]:
    """What a piece is sent as: one effect each, in order."""
    if isinstance(piece, Thing):
        return [piece.step]
    found = []
    end = 0
    for part in split(piece.text):
        start = piece.text.index(part, end)
        end = start + len(part)
        covers = _covered(piece.shares, start, end)
        found.append(Step(verb="send", body={"msgtype": "text", "text": {"content": part}}, covers=covers))
    return found


def _covered(shares: Sequence[tuple[str, int]], start: int, end: int) -> tuple[str, ...]:
    """The messages whose share overlaps the characters from `start` to `end`."""
    found: dict[str, None] = {}
    position = 0
    for message, length in shares:
        if position < end and position + length > start:
            found[message] = None
        position += length
    return tuple(found)
