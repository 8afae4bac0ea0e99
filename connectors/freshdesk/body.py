"""What an agent wrote, out of the HTML around it. Pure.

An e-mail-like reply carries the agent's signature and the quoted history; the customer saw both before. The class
names are those of Freshdesk's editor as seen in its mails (https://developers.freshdesk.com/api/#conversations shows
bodies without them).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.contract import Format, to_plain

_MAX = 500_000  # characters that are looked at
# every repetition is bounded, so that no body makes these slow
_QUOTE = re.compile(
    r"<(?:div|blockquote|table|section)\b[^<>]{0,400}?\b(?:class|id)\s*=\s*[\"']?[^\"'<>]{0,200}?"
    r"(?:freshdesk_quote|freshdesk-quote|fd-quote|gmail_quote|yahoo_quoted|moz-cite-prefix|quoted[_-]text)",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(
    r"<(?:div|p|span|table|section)\b[^<>]{0,400}?\b(?:class|id)\s*=\s*[\"']?[^\"'<>]{0,200}?signature",
    re.IGNORECASE,
)
_BLOCKQUOTE = re.compile(r"<blockquote\b", re.IGNORECASE)
_BLOCKQUOTE_END = re.compile(r"</blockquote\s{0,20}>", re.IGNORECASE)
_INTRO = re.compile(r"(?:^|\n)[^\n]{0,200}(?:wrote:|写道[::])\s*$")
_IMAGE = re.compile(r"<img\b[^<>]{0,4000}>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"\b(src|width|height)\s*=\s*(?:\"([^\"<>]{0,4000})\"|'([^'<>]{0,4000})'|([^\s\"'<>]{1,4000}))")
_SPACES = re.compile(r"^ +|  +", re.MULTILINE)
_TINY = re.compile(r"[0-2](?:px)?")
_MERGED = re.compile(r"merged (?:in)?to (?:the )?ticket\W{0,10}(?:[A-Za-z-]{0,10})(\d{1,18})", re.IGNORECASE)
_MERGE_NOTE = 300  # characters; whoever writes more says something else


def html_of(conversation: Mapping[str, Any]) -> str:
    """The body as HTML, wherever it is: chat-like tickets have a structured one only."""
    body = conversation.get("body")
    if isinstance(body, str) and body.strip():
        return body[:_MAX]
    text = conversation.get("body_text")
    if not isinstance(text, str) or not text.strip():
        text = "\n".join(_structured(conversation.get("structured_body")))
    return escape(text[:_MAX])


def escape(text: str) -> str:
    """Plain text as HTML that shows exactly it: line breaks, indents and runs of spaces, too."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    for mark, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(mark, entity)
    text = _SPACES.sub(_kept, text)
    return text.replace("\n", "<br>")


def _kept(run: re.Match[str]) -> str:
    """Spaces that HTML would fold; the last of a run inside a line stays one that a line may break at."""
    inside = run.start() > 0 and run.string[run.start() - 1] != "\n"
    return "&nbsp;" * (len(run[0]) - inside) + " " * inside


def said_in(html: str) -> str:
    """The HTML without pictures, signature and quoted history. All of it when nothing else is left."""
    html = _IMAGE.sub("", html)
    cut = _without_quote(html)
    return cut if to_plain(cut, Format.HTML) else html


def pictures_in(html: str) -> list[str]:
    """Addresses of the pictures inside the agent's own part, without measuring pixels."""
    found = []
    for tag in _IMAGE.finditer(_without_quote(html)):
        attributes = {name.lower(): a or b or c for name, a, b, c in _ATTRIBUTE.findall(tag[0])}
        if any(_TINY.fullmatch(attributes.get(side, "")) for side in ("width", "height")):
            continue
        source = attributes.get("src", "").replace("&amp;", "&")
        if source.startswith(("https://", "http://", "/")):
            found.append(source)
    return found


def merged_into(conversation: Mapping[str, Any]) -> str:
    """The ticket that a closing note names as the one this ticket was merged into; "" for any other note.

    Only believable on a closed ticket: an agent may write such a sentence anywhere.
    """
    if conversation.get("incoming") or conversation.get("source") not in {2, None}:
        return ""
    text = to_plain(html_of(conversation), Format.HTML)
    found = _MERGED.search(text) if len(text) <= _MERGE_NOTE else None
    return found[1] if found else ""


def _without_quote(html: str) -> str:
    starts = [found.start() for found in (_QUOTE.search(html), _SIGNATURE.search(html)) if found is not None]
    if starts:
        html = html[: min(starts)]
    return _without_last_quote(html)


def _without_last_quote(html: str) -> str:
    """A plain quotation is history when nothing follows it; in the midst of a text it is the agent's own."""
    starts = [found.start() for found in _BLOCKQUOTE.finditer(html)]
    if not starts:
        return html
    ends = [found.end() for found in _BLOCKQUOTE_END.finditer(html)]
    if ends and to_plain(_IMAGE.sub("[picture]", html[ends[-1] :]), Format.HTML):
        return html
    head = html[: _outermost(starts, ends)]
    text = to_plain(head, Format.HTML)
    intro = _INTRO.search(text)
    return escape(text[: intro.start()]) if intro else head


def _outermost(starts: Sequence[int], ends: Sequence[int]) -> int:
    """Where the quotation that ends last begins."""
    depth, begin = 0, starts[0]
    for place, opens in sorted([(start, True) for start in starts] + [(end, False) for end in ends]):
        if opens and depth == 0:
            begin = place
        depth = depth + 1 if opens else max(0, depth - 1)
    return begin


def _structured(value: Any) -> list[str]:
    contents = value.get("body_contents") if isinstance(value, dict) else None
    texts = []
    for entry in contents if isinstance(contents, list) else ():
        data = entry.get("data") if isinstance(entry, dict) else None
        content = data.get("content") if isinstance(data, dict) else None
        if isinstance(content, str):
            texts.append(content)
    return texts
