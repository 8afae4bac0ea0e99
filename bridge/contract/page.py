"""A page of words as it grows: breaks, lists, tables, and what marks a stretch of text."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from bridge.contract import pictures
from bridge.contract.counting import Items
from bridge.contract.elements import LINES, PARAGRAPHS, target_of

_GAP = re.compile(r"\n{3,}")
_SELF_EVIDENT = frozenset({"st", "nd", "rd", "th", "er", "re", "e", "ème", "o", "a", "tm", "sm", "™", "®", "©"})
_PLAIN_INDEX = re.compile(r"[+\-−]?[^\W_]+(?:[.,][^\W_]+)?")
_AROUND = {"strike": ("~~", "~~"), "quote": ("“", "”"), "ruby": ("(", ")"), "name": ("[", "]")}
_KEPT = "\U000f000a"  # a line break of preformatted text: blank lines there have a meaning


_WRAPS = frozenset({"p", "div"})
_NO_LIST = Items(counts=False)
_SHORT = 80  # characters of a cell that stands in one line with the others of its row


class Span(NamedTuple):
    """A stretch of the output that is marked when its element ends."""

    kind: str
    start: int
    value: str = ""
    label: str = ""


class Page:
    """What has been read so far, with the breaks that a browser would show."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._breaks = 0  # newlines owed before the next text
        self._kept = 0  # the same inside preformatted text
        self._space = False
        self._marked = False  # a list mark was written last: what follows stands on its line
        self._counts: dict[str, int] = {}  # open elements by name
        self._targets: list[str] = []
        self._lists: list[Items] = []  # those that are open
        self._unseen: dict[str, None] = {}  # links around nothing
        self._rows: list[list[int]] = []  # per open table: empty cells owed, whether the row has words, its kind
        self._cell = 0  # where the present cell begins
        self._chosen = False

    def text(self) -> str:
        lines = [line.rstrip() for line in "".join(self._out).replace("\u00a0", " ").split("\n")]
        return _GAP.sub("\n\n", "\n".join(lines)).strip("\n ").replace(_KEPT, "\n")

    def _begin_block(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag in _WRAPS and self._in_cell and not self._rows[-1][2] and len(self._out) == self._cell:
            return  # editors put the words of each cell into a paragraph of their own
        if tag in {"ul", "ol", "menu"}:
            nested = bool(self._lists)
            self._lists.append(Items.of(tag, attributes))
            self._break(1 if nested else 2)
        elif tag in PARAGRAPHS:
            self._break(2)
            if tag == "table":
                self._rows.append([0, 0, _is_layout(attributes)])
        elif tag in LINES:
            self._break(1)

    @property
    def _in_cell(self) -> bool:
        return bool(self._rows) and bool(self._counts.get("td") or self._counts.get("th"))

    def _is_short_cell(self) -> bool:
        """Whether the words of the present cell stand in one line. Few pieces are looked at: cells may be nested."""
        pieces = self._out[self._cell : self._cell + _SHORT]
        if len(self._out) - self._cell > len(pieces) or sum(map(len, pieces)) > _SHORT:
            return False
        return "\n" not in "".join(pieces).strip("\n")

    def _end_block(self, tag: str) -> None:
        if tag in {"td", "th"} and self._rows:
            row = self._rows[-1]
            row[0] += len(self._out) == self._cell
            if len(self._out) == self._cell:
                self._breaks = min(self._breaks, 1)
            elif not row[2] and self._is_short_cell():
                self._breaks, self._space = 0, True
        elif tag == "tr":
            self._row()
            self._break(1)
        elif tag in {"ul", "ol", "menu"}:
            if self._lists:
                self._count_down(self._lists.pop())
            self._break(1 if self._lists else 2)
        elif tag in PARAGRAPHS:
            if tag == "table" and self._rows:
                self._rows.pop()
            self._kept = 0
            self._break(1 if tag == "p" and self._counts.get("li") else 2)
        elif tag in LINES or tag == "li":
            self._marked = self._marked and tag != "li"
            self._break(1)

    def _picture(self, attributes: Mapping[str, str]) -> None:
        """What a picture says in words, and where it is. Measuring pixels say nothing."""
        linked = bool(self._targets and self._targets[-1])
        words = pictures.words_of(attributes, linked=linked)
        if words.endswith(")"):
            self._space = True
        if words:
            self._write(words)
            self._space = words.endswith(")")

    def _show(self, kind: str, attributes: Mapping[str, str], source: str) -> None:
        """Something that only a browser plays: its name and where it is."""
        kind = {"iframe": "page", "object": "file"}.get(kind, kind)
        name = " ".join((attributes.get("title", "") or attributes.get("aria-label", "")).split())
        target = target_of(source)
        self._space = True
        self._write((f"[{kind}: {name}]" if name else f"[{kind}]") + (f" ({target})" if target else ""))
        self._space = True

    def _mark(self, span: Span) -> None:
        first = next((i for i in range(span.start, len(self._out)) if self._out[i].strip()), None)
        if span.kind == "link":
            self._targets.pop()
            self._close_link(span, empty=first is None)
        elif first is None:
            return
        elif span.kind == "option":
            self._chosen = True
        elif span.kind == "abbr":
            if "".join(self._out[span.start :]).strip() != span.value:
                self._out.append(f" ({span.value})")
        elif span.kind in _AROUND:
            before, after = _AROUND[span.kind]
            self._out[first] = before + self._out[first]
            self._out.append(after)
        elif first == span.start and first and not self._out[first - 1][-1:].isspace():
            self._raise(span)

    def _raise(self, span: Span) -> None:
        """10⁶ must not become 106; what nobody misreads (1st, ™, a note's [1]) stays as it is."""
        text = "".join(self._out[span.start :])
        if text.lower() in _SELF_EVIDENT or text[0] in "([*†‡":
            return
        sign = "^" if span.kind == "sup" else "_"
        self._out[span.start :] = [sign + text if _PLAIN_INDEX.fullmatch(text) else f"{sign}({text})"]

    def _close_link(self, span: Span, *, empty: bool) -> None:
        target = span.value
        if not target:
            return
        if empty:  # a link around nothing cannot be seen, unless it has a name
            if span.label:
                self._write(f"[{span.label}] ({target})")
            self._unseen[target] = None
            return
        label = "".join(self._out[span.start :]).strip().rstrip("/")
        if label not in {target.rstrip("/"), f"mailto:{target}", f"tel:{target}"}:
            self._out.append(f" ({target})")

    def _item(self, attributes: Mapping[str, str]) -> None:
        self._marked = False
        self._break(1)
        indent = "  " * max(0, min(len(self._lists), 8) - 1)
        items = self._lists[-1] if self._lists else _NO_LIST
        self._write(items.mark(attributes, indent))
        items.placed(len(self._out) - 1)
        self._marked = True

    def _count_down(self, items: Items) -> None:
        for place, written, right in items.corrected():
            if place < len(self._out) and self._out[place].endswith(written):
                self._out[place] = self._out[place].removesuffix(written) + right

    def _row(self) -> None:
        """The cells that stay empty at the end of a row keep their columns, and a row without words has none."""
        if self._rows:
            row = self._rows[-1]
            if row[1] and row[0]:
                self._space = True
                self._write("")
            row[0] = row[1] = 0

    def _preformatted(self, data: str) -> None:
        for index, line in enumerate(data.replace("\r\n", "\n").split("\n")):
            if index:
                self._kept += bool(self._out) and not self._breaks
            if line:
                self._write(line)

    def _write(self, text: str) -> None:
        if self._rows:
            text = self._with_empty_cells(text)
        if self._breaks:
            if self._out:
                self._out.append("\n" * self._breaks)
        elif self._kept:
            self._out.append(_KEPT * self._kept)
        elif self._space and self._out and not self._marked:
            self._out.append(" ")
        self._breaks = self._kept = 0
        self._space = self._marked = False
        if text:
            self._out.append(text)

    def _with_empty_cells(self, text: str) -> str:
        """With a dash for every empty cell before it: the words after it stay in their column."""
        row = self._rows[-1]
        owed = 0 if row[2] else row[0]
        row[0], row[1] = 0, 1
        return " ".join(["–"] * min(owed, 50) + ([text] if text else []))

    def _break(self, lines: int) -> None:
        if self._marked:
            return
        self._breaks = max(self._breaks, lines, min(self._kept, 3))
        self._kept = 0
        self._space = False

    def _newline(self) -> None:
        self._breaks = min(self._breaks + 1, 3)
        self._space = False


def _is_layout(attributes: Mapping[str, str]) -> bool:
    """A table that only puts things in their places: its empty cells say nothing."""
    if attributes.get("role", "").lower() in {"presentation", "none"}:
        return True
    return any(attributes.get(name, "").strip() == "0" for name in ("border", "cellpadding", "cellspacing"))
