"""HTML to text for mails: as everywhere, but quotes keep their ">" marks. Input is well-formed (`cut_html`)."""

import re

from bridge.contract import Format, to_plain

_QUOTE = re.compile(r"</?blockquote\b[^<>]{0,2000}>", re.IGNORECASE)
_CID_IMAGE = re.compile(r"<img\b[^<>]{0,2000}\bsrc=\"cid:[^<>]{0,2000}>", re.IGNORECASE)
_MAX_DEPTH = 10


def to_lines(html: str) -> str:
    """Plain text of well-formed HTML; attached pictures leave no trace in it."""
    html = _CID_IMAGE.sub("", html)
    out: list[str] = []
    depth, at = 0, 0
    for tag in _QUOTE.finditer(html):
        _add(out, html[at : tag.start()], depth)
        depth = max(0, depth - 1) if tag[0].startswith("</") else depth + 1
        at = tag.end()
    _add(out, html[at:], depth)
    return "\n\n".join(out)


def _add(out: list[str], html: str, depth: int) -> None:
    text = to_plain(html, Format.HTML)
    if not text:
        return
    mark = ">" * min(depth, _MAX_DEPTH)
    out.append("\n".join(f"{mark} {line}".rstrip() for line in text.split("\n")) if mark else text)
