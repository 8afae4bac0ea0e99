"""HTML read as a browser shows it, in words: the reader behind `to_plain`."""

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import NamedTuple

from bridge.contract import pictures
from bridge.contract.elements import ENDED_BY, HIDDEN, LINES, PARAGRAPHS, SCOPE, TABLE, VOID, Declared, target_of

_SPACES = re.compile(r"[ \t\r\n\f]+")
_GAP = re.compile(r"\n{3,}")
_KEPT = "\U000f000a"  # a line break of preformatted text: blank lines there have a meaning
_LOOK = 200  # open elements that are looked through for the one that ends; keeps hostile nesting linear
_SELF_EVIDENT = frozenset({"st", "nd", "rd", "th", "er", "re", "e", "ème", "o", "a", "tm", "sm", "™", "®", "©"})
_PLAIN_INDEX = re.compile(r"[+\-−]?[^\W_]+(?:[.,][^\W_]+)?")
_AROUND = {"strike": ("~~", "~~"), "quote": ("“", "”"), "ruby": ("(", ")"), "name": ("[", "]")}
_STRUCK = frozenset({"s", "del", "strike"})
_SPANS = {"sup": "sup", "sub": "sub", "q": "quote", "rt": "ruby", "option": "option"}
_MEDIA = frozenset({"video", "audio"})


class _Span(NamedTuple):
    """A stretch of the output that is marked when its element ends."""

    kind: str
    start: int
    value: str = ""
    label: str = ""


class _Open(NamedTuple):
    tag: str
    hidden: bool = False
    mute: bool = False  # letters of no size: pictures and children with a size of their own are seen
    pre: bool = False
    spans: tuple[_Span, ...] = ()


_ROOT = _Open("")


class Reader(HTMLParser):
    """Collects text with the breaks that a browser would show. One pass, no look-back: linear in the input."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._out: list[str] = []
        self._breaks = 0  # newlines owed before the next text
        self._kept = 0  # the same inside preformatted text
        self._space = False
        self._marked = False  # a list mark was written last: what follows stands on its line
        self._open: list[_Open] = []
        self._counts: dict[str, int] = {}
        self._spanned: dict[str, int] = {}  # kinds of spans that are open: only the outermost counts
        self._targets: list[str] = []
        self._lists: list[list[int] | None] = []  # next number and step, None for bullets
        self._rows: list[list[int]] = []  # per open table: empty cells owed, whether the row has words, its kind
        self._cell = 0  # where the present cell begins
        self._player: tuple[str, Mapping[str, str]] | None = None  # a player whose address is not known yet
        self._chosen = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        for tags, barriers in ENDED_BY.get(tag, ()):
            self._end_nearest(tags, barriers)
        parent = self._open[-1] if self._open else _ROOT
        if tag == "source" and self._player is not None:
            self._show(self._player[0], self._player[1], attributes.get("src", ""))
            self._player = None
        declared = Declared(attributes)
        in_drawing = tag == "title" and self._counts.get("svg", 0) > 0
        hidden = parent.hidden or (tag in HIDDEN and not in_drawing) or declared.hidden
        if tag in VOID:
            if not hidden:
                self._void(tag, attributes)
            return
        spans: tuple[_Span, ...] = ()
        if not hidden:
            spans = self._enter(tag, attributes, struck=tag in _STRUCK or declared.struck)
            hidden = (
                tag in _MEDIA or tag == "iframe" or (tag == "object" and bool(target_of(attributes.get("data", ""))))
            )
        pre = declared.preformatted if declared.preformatted is not None else parent.pre or tag in {"pre", "textarea"}
        mute = parent.mute if declared.mute is None else declared.mute
        self._open.append(_Open(tag, hidden, mute, pre, spans))
        self._counts[tag] = self._counts.get(tag, 0) + 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A slash means nothing in HTML, except in drawings."""
        self.handle_starttag(tag, attrs)
        if tag not in VOID and (self._counts.get("svg", 0) or tag in {"iframe", "p", "a", "div", "span"}):
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._counts.get(tag):
            hidden = bool(self._open) and self._open[-1].hidden
            if not hidden:
                self._newline() if tag == "br" else self._end_block(tag)
            return
        barriers = frozenset({"table"}) if tag in TABLE else SCOPE
        inline = tag not in PARAGRAPHS and tag not in LINES and tag not in TABLE and tag not in {"li", "select"}
        crossed = False
        for index in range(len(self._open) - 1, max(-1, len(self._open) - _LOOK), -1):
            entry = self._open[index]
            if entry.tag == tag:
                above = self._open[index - 1].hidden if index else False
                if inline and crossed and entry.hidden == above and not entry.pre:
                    del self._open[index]  # a block that began inside goes on
                    self._leave(entry)
                else:
                    self._end_down_to(index)
                return
            if entry.tag in barriers:
                return
            crossed = crossed or entry.tag in PARAGRAPHS or entry.tag in LINES

    def handle_data(self, data: str) -> None:
        entry = self._open[-1] if self._open else _ROOT
        if entry.hidden or entry.mute:
            return
        if entry.pre:
            self._preformatted(data)
            return
        text = _SPACES.sub(" ", data)
        if text.startswith(" "):
            self._space = True
        words = text.strip(" ")
        if words:
            self._write(words)
            self._space = text.endswith(" ")

    def result(self) -> str:
        self._end_down_to(0)
        lines = [line.rstrip() for line in "".join(self._out).replace("\u00a0", " ").split("\n")]
        return _GAP.sub("\n\n", "\n".join(lines)).strip("\n ").replace(_KEPT, "\n")

    def _end_nearest(self, tags: frozenset[str], barriers: frozenset[str]) -> None:
        if not any(self._counts.get(tag) for tag in tags):
            return
        for index in range(len(self._open) - 1, max(-1, len(self._open) - _LOOK), -1):
            if self._open[index].tag in tags:
                self._end_down_to(index)
                return
            if self._open[index].tag in barriers:
                return

    def _end_down_to(self, index: int) -> None:
        while len(self._open) > index:
            self._leave(self._open.pop())

    def _leave(self, entry: _Open) -> None:
        self._counts[entry.tag] -= 1
        above = self._open[-1].hidden if self._open else False
        if above:
            return
        if entry.tag in _MEDIA and self._player is not None:
            self._show(*self._player, "")
            self._player = None
        for span in reversed(entry.spans):
            self._spanned.pop(span.kind)
            self._mark(span)
        if not entry.hidden:
            self._end_block(entry.tag)

    def _enter(self, tag: str, attributes: Mapping[str, str], *, struck: bool) -> tuple[_Span, ...]:
        title = " ".join((attributes.get("title", "") or attributes.get("aria-label", "")).split())
        match tag:
            case "li":
                self._item(attributes)
            case "td" | "th":
                self._space = True
                self._cell = len(self._out)
            case "tr":
                self._row()
            case "select":
                self._space, self._chosen = True, False
            case "option" if self._chosen:
                self._space = True
                self._write("/")
                self._space = True
            case "iframe" | "video" | "audio" | "object":
                source = target_of(attributes.get("data" if tag == "object" else "src", ""))
                if source or tag == "iframe":
                    self._show(tag, attributes, source)
                elif tag != "object":
                    self._player = (tag, attributes)
        self._begin_block(tag, attributes)
        spans = []
        if tag == "a":
            spans.append(_Span("link", len(self._out), target_of(attributes.get("href", "")), title))
        elif tag in {"abbr", "acronym"} and title:
            spans.append(_Span("abbr", len(self._out), title))
        elif tag == "svg" and title:
            self._write(f"[{title}]")
        elif tag == "title":
            spans.append(_Span("name", len(self._out)))
        elif tag in _SPANS:
            spans.append(_Span(_SPANS[tag], len(self._out)))
        if struck:
            spans.append(_Span("strike", len(self._out)))
        spans = [span for span in spans if span.kind not in self._spanned]
        for span in spans:
            self._spanned[span.kind] = 1
            if span.kind == "link":
                self._targets.append(span.value)
        return tuple(spans)

    def _begin_block(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag in {"ul", "ol", "menu"}:
            nested = bool(self._lists)
            first = _number(attributes.get("start", ""))
            step = -1 if "reversed" in attributes and first is not None else 1
            self._lists.append([1 if first is None else first, step] if tag == "ol" else None)
            self._break(1 if nested else 2)
        elif tag in PARAGRAPHS:
            self._break(2)
            if tag == "table":
                self._rows.append([0, 0, _is_layout(attributes)])
        elif tag in LINES:
            self._break(1)

    def _end_block(self, tag: str) -> None:
        if tag in {"td", "th"} and self._rows:
            row = self._rows[-1]
            row[0] += len(self._out) == self._cell
        elif tag == "tr":
            self._row()
            self._break(1)
        elif tag in {"ul", "ol", "menu"}:
            if self._lists:
                self._lists.pop()
            self._break(1 if self._lists else 2)
        elif tag in PARAGRAPHS:
            if tag == "table" and self._rows:
                self._rows.pop()
            self._kept = 0
            self._break(1 if tag == "p" and self._counts.get("li") else 2)
        elif tag in LINES or tag == "li":
            self._marked = self._marked and tag != "li"
            self._break(1)

    def _void(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "br":
            self._newline()
        elif tag == "img":
            self._picture(attributes)
        elif tag == "embed":
            self._show("object", attributes, attributes.get("src", ""))
        elif tag == "input":
            self._input(attributes)
        elif tag == "area":
            target = target_of(attributes.get("href", ""))
            if target:
                self._space = True
                self._write(f"{attributes.get('alt', '').strip() or '[link]'} ({target})")
                self._space = True
        elif tag == "hr":
            self._break(1)

    def _input(self, attributes: Mapping[str, str]) -> None:
        match attributes.get("type", "").strip().lower():
            case "hidden" | "password" | "file":
                return
            case "image":
                self._picture(attributes)
                return
            case "checkbox" | "radio":
                words = "☑" if "checked" in attributes else "☐"
            case _:
                words = attributes.get("value", "") or attributes.get("placeholder", "")
        if words.strip():
            self._write(" ".join(words.split()))
            self._space = True

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

    def _mark(self, span: _Span) -> None:
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

    def _raise(self, span: _Span) -> None:
        """10⁶ must not become 106; what nobody misreads (1st, ™, a note's [1]) stays as it is."""
        text = "".join(self._out[span.start :])
        if text.lower() in _SELF_EVIDENT or text[0] in "([*†‡":
            return
        sign = "^" if span.kind == "sup" else "_"
        self._out[span.start :] = [sign + text if _PLAIN_INDEX.fullmatch(text) else f"{sign}({text})"]

    def _close_link(self, span: _Span, *, empty: bool) -> None:
        target = span.value
        if not target:
            return
        if empty:  # a link around nothing cannot be seen, unless it has a name
            if span.label:
                self._write(f"[{span.label}] ({target})")
            return
        label = "".join(self._out[span.start :]).strip().rstrip("/")
        if label not in {target.rstrip("/"), f"mailto:{target}", f"tel:{target}"}:
            self._out.append(f" ({target})")

    def _item(self, attributes: Mapping[str, str]) -> None:
        self._marked = False
        self._break(1)
        numbers = self._lists[-1] if self._lists else None
        mark = "- "
        if numbers is not None:
            given = _number(attributes.get("value", ""))
            numbers[0] = numbers[0] if given is None else given
            mark = f"{numbers[0]}. "
            numbers[0] += numbers[1]
        self._write("  " * max(0, min(len(self._lists), 8) - 1) + mark)
        self._marked = True

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


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\s*[+-]?[0-9]{1,6}\s*", text) else None


def _is_layout(attributes: Mapping[str, str]) -> bool:
    """A table that only puts things in their places: its empty cells say nothing."""
    if attributes.get("role", "").lower() in {"presentation", "none"}:
        return True
    return any(attributes.get(name, "").strip() == "0" for name in ("border", "cellpadding", "cellspacing"))
