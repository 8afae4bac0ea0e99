"""HTML read as a browser shows it, in words: the reader behind `to_plain`."""

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any, NamedTuple

from bridge.contract.elements import ENDED_BY, HIDDEN, LINES, PARAGRAPHS, SCOPE, TABLE, VOID, Declared, target_of
from bridge.contract.page import Page, Span
from bridge.contract.pictures import source_of

_SPACES = re.compile(r"[ \t\r\n\f]+")
_LOOK = 200  # open elements that are looked through for the one that ends; keeps hostile nesting linear
_STRUCK = frozenset({"s", "del", "strike"})
_SPANS = {"sup": "sup", "sub": "sub", "q": "quote", "rt": "ruby", "option": "option"}
_BETWEEN = {"mfrac": "/", "msup": "^", "msub": "_", "mroot": "√"}
_GROUPS = frozenset({"mrow", "msqrt"})
_LINKS = 5
_GAUGES = frozenset({"progress", "meter"})
_MEDIA = frozenset({"video", "audio"})
_SAME_AS = {  # https://html.spec.whatwg.org/multipage/parsing.html ("image"), https://amp.dev/documentation/components/
    "image": "img", "amp-img": "img", "amp-anim": "img", "amp-iframe": "iframe", "amp-video": "video",
    "amp-audio": "audio", "bgsound": "embed",
}  # fmt: skip


class _Open(NamedTuple):
    tag: str
    hidden: bool = False
    mute: bool = False  # letters of no size: pictures and children with a size of their own are seen
    pre: bool = False
    spans: tuple[Span, ...] = ()


_ROOT = _Open("")


class Reader(Page, HTMLParser):
    """Collects text with the breaks that a browser would show. One pass, no look-back: linear in the input."""

    def __init__(self) -> None:
        Page.__init__(self)
        HTMLParser.__init__(self, convert_charrefs=True)
        self._open: list[_Open] = []
        self._spanned: dict[str, int] = {}  # kinds of spans that are open: only the outermost counts
        self._player: tuple[str, Mapping[str, str]] | None = None  # a player whose address is not known yet
        self._better = ""  # the address that a <picture> names for its picture
        self._action = ""  # where the form leads that was begun last
        self._formula: list[list[Any]] = []  # open parts of formulas whose children mean something by their place

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        tag = _SAME_AS.get(tag, tag)
        for tags, barriers in ENDED_BY.get(tag, ()):
            self._end_nearest(tags, barriers)
        parent = self._open[-1] if self._open else _ROOT
        if tag == "source" and self._player is not None:
            self._show(self._player[0], self._player[1], attributes.get("src", ""))
            self._player = None
        elif tag == "source":
            self._better = self._better or source_of({"srcset": attributes.get("srcset", "")})
        declared = Declared(attributes)
        in_drawing = tag == "title" and self._counts.get("svg", 0) > 0
        hidden = parent.hidden or (tag in HIDDEN and not in_drawing) or declared.hidden
        if self._formula and not hidden:
            self._next_in_formula(parent.tag)
        if tag in VOID:
            if not hidden:
                self._void(tag, attributes)
            return
        spans: tuple[Span, ...] = ()
        if not hidden:
            spans = self._enter(tag, attributes, struck=tag in _STRUCK or declared.struck)
            hidden = (
                tag in _MEDIA
                or tag == "iframe"
                or (tag in _GAUGES and "value" in attributes)
                or (tag == "object" and bool(target_of(attributes.get("data", ""))))
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
        tag = _SAME_AS.get(tag, tag)
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
        """The text. Where it says nothing at all, the links that nobody would have seen."""
        self._end_down_to(0)
        return self.text() or "\n".join(list(self._unseen)[:_LINKS])

    def _next_in_formula(self, parent: str) -> None:
        """10⁶ and ½ must not become 106 and 12: what stands between two children of a fraction, a power or an index."""
        part = self._formula[-1]
        if parent == part[0]:
            part[1] += 1
            if part[1] == 2:
                self._space = False
                self._write(_BETWEEN[parent])
            self._space = self._space and part[1] < 2

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
        if self._formula and entry.tag == self._formula[-1][0]:
            self._formula.pop()
        if entry.tag in _GROUPS and self._formula_around(entry.tag):
            self._write(")")
        if entry.tag == "picture":
            self._better = ""
        if entry.tag in _MEDIA and self._player is not None:
            self._show(*self._player, "")
            self._player = None
        if entry.tag == "button":
            self._leads_to_action()
        for span in reversed(entry.spans):
            self._spanned.pop(span.kind)
            self._mark(span)
        if not entry.hidden:
            self._end_block(entry.tag)

    def _enter(self, tag: str, attributes: Mapping[str, str], *, struck: bool) -> tuple[Span, ...]:
        title = " ".join((attributes.get("title", "") or attributes.get("aria-label", "")).split())
        self._enter_formula(tag)
        match tag:
            case "progress" | "meter" if attributes.get("value"):
                self._space = True
                self._write(f"{attributes['value']}/{attributes.get('max') or '1'}")
                self._space = True
            case "li":
                self._item(attributes)
            case "td" | "th":
                self._space = True
                self._cell = len(self._out)
            case "tr":
                self._row()
            case "form":
                self._action = target_of(attributes.get("action", ""))
            case "select":
                self._space, self._chosen = True, False
            case "option" if self._chosen:
                self._space = True
                self._write("/")
                self._space = True
            case "iframe" | "video" | "audio" | "object":
                later = attributes.get("data-src", "")
                source = target_of(attributes.get("data" if tag == "object" else "src", "") or later)
                if source or tag == "iframe":
                    self._show(tag, attributes, source)
                elif tag != "object":
                    self._player = (tag, attributes)
        self._begin_block(tag, attributes)
        if tag == "svg" and (title or self._counts.get("a")):
            self._write(f"[{title or 'picture'}]")
        spans = self._begun(tag, attributes, title)
        return self._opened([*spans, Span("strike", len(self._out))] if struck else spans)

    def _enter_formula(self, tag: str) -> None:
        if tag in _BETWEEN:
            self._formula.append([tag, 0])
        elif tag in _GROUPS and self._formula_around(tag):
            self._write("√(" if tag == "msqrt" else "(")

    def _formula_around(self, tag: str) -> bool:
        return tag == "msqrt" or bool(self._formula)

    def _opened(self, spans: list[Span]) -> tuple[Span, ...]:
        """Those that are the outermost of their kind."""
        outermost = tuple(span for span in spans if span.kind not in self._spanned)
        for span in outermost:
            self._spanned[span.kind] = 1
            if span.kind == "link":
                self._targets.append(span.value)
        return outermost

    def _begun(self, tag: str, attributes: Mapping[str, str], title: str) -> list[Span]:
        """The stretch of text that begins with an element and is marked at its end."""
        here = len(self._out)
        if tag == "a":
            return [Span("link", here, target_of(attributes.get("href", "")), title)]
        if tag in {"abbr", "acronym"} and title:
            return [Span("abbr", here, title)]
        if tag == "title":
            return [Span("name", here)]
        return [Span(_SPANS[tag], here)] if tag in _SPANS else []

    def _void(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "br":
            self._newline()
        elif tag == "img":
            self._picture({"src": source_of(attributes) or self._better, **_without_src(attributes)})
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
        kind = attributes.get("type", "").strip().lower()
        if words.strip() or kind == "submit":
            self._write(" ".join(words.split()) or "[OK]")
            self._space = True
        if kind == "submit":
            self._leads_to_action()

    def _leads_to_action(self) -> None:
        """Said once: a form may have several buttons."""
        if self._action:
            self._space = True
            self._write(f"({self._action})")
            self._space, self._action = True, ""


def _without_src(attributes: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in attributes.items() if name != "src"}
