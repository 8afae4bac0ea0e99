"""Formatted text as plain text, for places that show no markup. One converter for all connectors."""

import re
from collections.abc import Mapping
from html import unescape
from html.parser import HTMLParser

from bridge.contract.messages import Format

_MAX = 1_000_000  # characters of markup that are looked at; more is no message
_HIDDEN_TAGS = frozenset(
    {"script", "style", "head", "title", "template", "noscript", "iframe", "object", "svg", "select", "audio", "video"}
)
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "blockquote", "pre"})
_LINES = frozenset(
    {"div", "tr", "section", "article", "header", "footer", "address", "figure", "figcaption", "dt", "dd", "form", "hr"}
)
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])|mso-hide", re.IGNORECASE
)
_TINY = re.compile(r"\s*[0-2](?:px)?\s*")
_SPACES = re.compile(r"[ \t\r\n\f]+")
_UNREAD = re.compile(r"<!--|<(?:script|style)(?=[\s/>])|<[!?]", re.IGNORECASE)
_UNREAD_ENDS = {
    "<!--": re.compile(r"-->"),
    "<script": re.compile(r"</script[^>]{0,100}>", re.IGNORECASE),
    "<style": re.compile(r"</style[^>]{0,100}>", re.IGNORECASE),
    "<!": re.compile(r">"),
    "<?": re.compile(r">"),
}
_GAP = re.compile(r"\n{3,}")
_SHOWN = ("http://", "https://", "mailto:", "tel:")


def to_plain(body: str, format: Format) -> str:  # noqa: A002 # the name of Text's own field
    """The readable text of a body: links as "label (url)", list items with "- " or their number, blank lines between
    paragraphs. Scripts, styles, hidden parts and tracking pixels are left out. Plain text comes back unchanged.
    """
    match format:
        case Format.PLAIN:
            return body
        case Format.HTML:
            return _from_html(body)
        case Format.MARKDOWN:
            return _from_markdown(body)


def _from_html(body: str) -> str:
    reader = _Reader()
    reader.feed(_tags_only(body[:_MAX]))
    reader.close()
    return reader.result()


def _tags_only(body: str) -> str:
    """Without comments, declarations, scripts, styles and a tag that never ends: the standard parser looks for their
    end again and again, which hostile mail turns into hours.
    """
    kept = []
    position = 0
    while (start := _UNREAD.search(body, position)) is not None:
        kept.append(body[position : start.start()])
        end = _UNREAD_ENDS[start[0].lower()].search(body, start.end())
        if end is None:
            position = len(body)
            break
        position = end.end()
    kept.append(body[position:])
    whole = "".join(kept)
    last = whole.rfind(">") + 1
    return whole[:last] + whole[last:].replace("<", "&lt;")


class _Reader(HTMLParser):
    """Collects text with the breaks that a browser would show. One pass, no look-back: linear in the input."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._out: list[str] = []
        self._breaks = 0  # newlines owed before the next text
        self._space = False
        self._hidden: list[str] = []  # the open tags inside the outermost hidden one
        self._lists: list[int | None] = []  # next number, None for bullets
        self._links: list[tuple[str, int]] = []  # target and where its label starts in `_out`
        self._pre = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if self._hidden or tag in _HIDDEN_TAGS or _is_hidden(attributes):
            if tag not in _VOID and len(self._hidden) < 1000:
                self._hidden.append(tag)
            return
        if tag == "br":
            self._newline()
        elif tag == "li":
            self._item()
        elif tag == "img":
            self._picture(attributes)
        elif tag == "a":
            self._links.append((attributes.get("href", "").strip(), len(self._out)))
        elif tag in {"td", "th"}:
            self._space = True
        else:
            self._open_block(tag, attributes)

    def _open_block(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag in {"ul", "ol"}:
            start = attributes.get("start", "")
            nested = bool(self._lists)
            self._lists.append((int(start) if start.isdecimal() and len(start) < 7 else 1) if tag == "ol" else None)
            self._break(1 if nested else 2)
        elif tag in _PARAGRAPHS:
            self._break(2)
            self._pre += tag == "pre"
        elif tag in _LINES:
            self._break(1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            if tag in self._hidden:
                while self._hidden.pop() != tag:
                    pass
            return
        if tag == "a" and self._links:
            self._close_link()
        elif tag in {"ul", "ol"}:
            if self._lists:
                self._lists.pop()
            self._break(1 if self._lists else 2)
        elif tag in _PARAGRAPHS:
            self._pre -= tag == "pre" and self._pre > 0
            self._break(2)
        elif tag in _LINES or tag == "li":
            self._break(1)

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        if self._pre:
            for index, line in enumerate(data.split("\n")):
                if index:
                    self._newline()
                self._write(line)
            return
        text = _SPACES.sub(" ", data)
        if text.startswith(" "):
            self._space = True
        words = text.strip(" ")
        if words:
            self._write(words)
            self._space = text.endswith(" ")

    def result(self) -> str:
        while self._links:
            self._close_link()
        lines = [line.rstrip() for line in "".join(self._out).replace("\u00a0", " ").split("\n")]
        return _GAP.sub("\n\n", "\n".join(lines)).strip("\n ")

    def _write(self, text: str) -> None:
        if self._breaks:
            if self._out:
                self._out.append("\n" * self._breaks)
        elif self._space and self._out:
            self._out.append(" ")
        self._breaks = 0
        self._space = False
        if text:
            self._out.append(text)

    def _break(self, lines: int) -> None:
        self._breaks = max(self._breaks, lines)
        self._space = False

    def _newline(self) -> None:
        self._breaks = min(self._breaks + 1, 3)
        self._space = False

    def _item(self) -> None:
        self._break(1)
        number = self._lists[-1] if self._lists else None
        mark = "- "
        if number is not None:
            mark = f"{number}. "
            self._lists[-1] = number + 1
        self._write("  " * max(0, min(len(self._lists), 8) - 1) + mark)

    def _picture(self, attributes: Mapping[str, str]) -> None:
        """What a picture says in words. Measuring pixels say nothing."""
        if any(_TINY.fullmatch(attributes.get(side, "")) for side in ("width", "height")):
            return
        words = _SPACES.sub(" ", attributes.get("alt", "")).strip()
        if words:
            self._write(f"[{words}]")

    def _close_link(self) -> None:
        target, start = self._links.pop()
        if not target.lower().startswith(_SHOWN):
            return
        label = "".join(self._out[start:]).strip()
        shown = target[7:] if target.lower().startswith("mailto:") else target
        shown = shown[4:] if shown.lower().startswith("tel:") else shown
        if not label:
            return  # a link around nothing, or around a picture without words: nobody could tap it
        if label.rstrip("/") not in {shown.rstrip("/"), target.rstrip("/")}:
            self._out.append(f" ({shown})")


def _is_hidden(attributes: Mapping[str, str]) -> bool:
    if "hidden" in attributes or attributes.get("aria-hidden") == "true":
        return True
    return bool(_HIDDEN_STYLE.search(attributes.get("style", "")[:2000]))


# Escaped characters wait in a private area, so that no pattern takes them for markup.
_SHELTER = 0xF0000
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+\-.!<>])")
_SHELTERED = re.compile("[\U000f0021-\U000f007d]")

# Each pattern is bounded, so that no input makes it slow.
_MARKDOWN = (
    (re.compile(r"!\[([^\]\n]{0,300})\]\(([^()\s]{1,2000})\)"), r"[\1] (\2)"),
    (re.compile(r"\[([^\]\n]{1,300})\]\(([^()\s]{1,2000})(?:\s\"[^\"\n]{0,300}\")?\)"), r"\1 (\2)"),
    (re.compile(r"<((?:https?://|mailto:)[^<>\s]{1,2000})>"), r"\1"),
    (re.compile(r"^#{1,6}[ \t]+", re.MULTILINE), ""),
    (re.compile(r"^([ \t]{0,8})[*+][ \t]+", re.MULTILINE), r"\1- "),
    (re.compile(r"(\*\*|__)(?=\S)([^*_\n]{1,500})(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<![*\w])\*(?=\S)([^*\n]{1,500})(?<=\S)\*(?![*\w])"), r"\1"),
    (re.compile(r"^```[^\n]{0,80}\n?", re.MULTILINE), ""),
    (re.compile(r"`([^`\n]{1,500})`"), r"\1"),
)


def _from_markdown(body: str) -> str:
    text = _ESCAPED.sub(lambda match: chr(_SHELTER + ord(match[1])), body[:_MAX])
    for pattern, shown in _MARKDOWN:
        text = pattern.sub(shown, text)
    return unescape(_SHELTERED.sub(lambda match: chr(ord(match[0]) - _SHELTER), text)).strip("\n")
