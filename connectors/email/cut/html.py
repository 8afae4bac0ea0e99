"""The HTML rule: the first known quote container goes, if nothing but blank follows it.

nh3 makes the HTML well-formed and harmless first; only then is Python's parser, which is not built for hostile input,
let near it.
"""

import re
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser

import nh3

from bridge.contract import Format, to_plain
from connectors.email.cut.containers import CONTAINERS, Container
from connectors.email.cut.text import is_end_matter
from connectors.email.plain import to_lines

MAX_HTML = 512 * 2**10
MAX_DEPTH = 500
MAX_TAGS = 50_000
_TAG = re.compile(r"<[^<>]{0,4000}>")
_OPEN_OR_CLOSE = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,15})")
_ATTRIBUTES = {
    "*": {"class", "id", "style", "name", "title", "type"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
}
_VOID = frozenset(
    {"br", "hr", "img", "input", "meta", "link", "col", "wbr", "area", "base", "embed", "source", "track"}
)
_UNNESTED = _VOID | {"p", "li", "td", "th", "tr", "dt", "dd", "option"}  # often left open, closed by the next
_DROPPED = {"script", "style", "head", "title", "noscript", "template", "object", "iframe", "svg", "math", "textarea"}
_TAGS = nh3.ALLOWED_TAGS | {
    "font",
    "section",
    "article",
    "header",
    "footer",
    "main",
    "address",
    "u",
    "s",
    "big",
    "body",
}


# what is only read, never sent on: everything with a meaning, for the one reader of all connectors
_SEEN = _TAGS | {
    *("iframe", "video", "audio", "source", "track", "object", "embed", "picture", "form", "input", "select", "option"),
    *(
        "optgroup",
        "button",
        "label",
        "fieldset",
        "legend",
        "textarea",
        "noscript",
        "map",
        "area",
        "font",
        "title",
        "progress",
        "meter",
    ),
}
_UNSEEN = {"script", "style", "head", "template"}
_SHOWN_BY = {
    "*": {
        *("class", "id", "style", "name", "title", "type", "hidden", "role", "dir", "start", "reversed", "value"),
        *("aria-label", "alt", "src", "data", "width", "height", "border", "cellpadding", "cellspacing", "checked"),
        *("placeholder", "selected", "data-emoji"),
        *("srcset", "data-src", "data-srcset", "data-original", "max"),
    },
    "a": {"href"},
    "area": {"href"},
}
_DRAWING = re.compile(r"<svg\b[^<>]{0,2000}>", re.IGNORECASE)
_FORMULA = re.compile(r"<math\b.{0,5000}?</math>", re.IGNORECASE | re.DOTALL)  # no HTML: words
_NAMED = re.compile(r"\s(?:aria-label|title)\s*=\s*(?:\"([^\"]{1,300})\"|'([^']{1,300})')", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HtmlCut:
    """`html` is well-formed, to be read. `how` is whole, cut or interleaved (kept whole). `rest`: what was cut."""

    html: str
    how: str
    rest: str = ""


def cut_html(source: str) -> HtmlCut:
    """The answer's HTML without the quote."""
    html = readable(source)
    finder = _Finder(html)
    if finder.begin is None:
        return HtmlCut(html, "whole")
    end = finder.end if finder.end is not None else len(html)
    if not finder.rest and _says_more(html[end:]):
        return HtmlCut(html, "interleaved")
    if not _has_text(html[: finder.begin]):
        return HtmlCut(html, "interleaved")
    return HtmlCut(html[: finder.begin], "cut", html[finder.begin :])


def sanitise(source: str) -> str:
    """Well-formed HTML of harmless elements, with the attributes by which quotes are known; at most 512 kB of it."""
    source = source[:MAX_HTML]
    if _is_bomb(source):
        return escape(_TAG.sub(" ", source), quote=False)
    return nh3.clean(
        source,
        tags=_TAGS - _DROPPED,
        clean_content_tags=_DROPPED,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        link_rel=None,
        strip_comments=True,
    )


def readable(source: str) -> str:
    """Well-formed HTML with all that somebody would see of it, for `to_plain` and nothing else; at most 512 kB."""
    source = _DRAWING.sub(_with_its_name, _FORMULA.sub(_in_words, source[:MAX_HTML]))
    if _is_bomb(source):
        return escape(_TAG.sub(" ", source), quote=False)
    return nh3.clean(
        source,
        tags=_SEEN,
        clean_content_tags=_UNSEEN,
        attributes=_SHOWN_BY,
        url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
        link_rel=None,
        strip_comments=True,
    )


def _in_words(formula: re.Match[str]) -> str:
    return escape(to_plain(formula[0], Format.HTML), quote=False)


def _with_its_name(drawing: re.Match[str]) -> str:
    """Drawings are no HTML, so nothing of them comes through but that they are there, and their name."""
    name = _NAMED.search(drawing[0])
    return f'<img alt="{escape(name[1] or name[2]) if name else ""}" data-drawing="">{drawing[0]}'


def _is_bomb(source: str) -> bool:
    """More than 50,000 tags, or nested so deep that no person wrote it (500)."""
    depth = 0
    for count, tag in enumerate(_OPEN_OR_CLOSE.finditer(source)):
        if tag[2].lower() not in _UNNESTED:
            depth = max(0, depth - 1) if tag[1] else depth + 1
        if depth > MAX_DEPTH or count > MAX_TAGS:
            return True
    return False


def _says_more(html: str) -> bool:
    """Whether somebody goes on below the quote: a signature, a phone's line or footnotes are no answer."""
    return _has_text(html) and not is_end_matter(to_lines(html))


def _has_text(html: str) -> bool:
    probe = _Probe()
    probe.feed(html)
    probe.close()
    return probe.found


class _Probe(HTMLParser):
    """Whether there is anything to see: text or a picture."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found = False

    def handle_data(self, data: str) -> None:
        if data.strip(" \t\n\r\u00a0\u200b\ufeff"):
            self.found = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.found = True


class _Finder(HTMLParser):
    """Where the first quote container begins and ends, as offsets."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=False)
        self.begin: int | None = None
        self.end: int | None = None
        self.rest = False
        self._depth = 0
        self._tag = ""
        self._lines = [0]
        for at, char in enumerate(html):
            if char == "\n":
                self._lines.append(at + 1)
        self.feed(html)
        self.close()

    def _offset(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.begin is not None:
            if tag == self._tag and self.end is None and tag not in _VOID:
                self._depth += 1
            return
        values = {name: value or "" for name, value in attrs}
        match = next((row for row in CONTAINERS if _matches(row, tag, values)), None)
        if match is None:
            return
        self.begin, self.rest, self._tag, self._depth = self._offset(), match.rest, tag, 1
        if tag in _VOID:
            self.end = self.begin + len(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        if self.begin is None or self.end is not None or tag != self._tag:
            return
        self._depth -= 1
        if self._depth == 0:
            self.end = self._offset() + len(tag) + 3


def _matches(row: Container, tag: str, values: dict[str, str]) -> bool:
    if row.tag and row.tag != tag:
        return False
    value = values.get(row.attribute)
    if value is None:
        return False
    if row.attribute == "style":
        value = value.lower().replace(" ", "").replace("border-top:solid#", "border-top:solid #")
    wanted = row.value
    match row.how:
        case "word":
            return wanted in value.split()
        case "begins":
            return value.startswith(wanted)
        case "has":
            return wanted in value
        case _:
            return value == wanted
