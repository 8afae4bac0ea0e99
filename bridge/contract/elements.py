"""What the elements of HTML mean for somebody who looks at a page (https://html.spec.whatwg.org/multipage/)."""

import re
from collections.abc import Mapping

HIDDEN = frozenset({"script", "style", "head", "title", "template", "datalist", "rp", "noembed", "noframes"})
VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
PARAGRAPHS = _HEADINGS | {"p", "ul", "ol", "menu", "dl", "table", "blockquote", "pre"}
LINES = frozenset(
    {
        *("div", "tr", "section", "article", "header", "footer", "address", "figure", "figcaption", "dt", "dd"),
        *("form", "hr", "main", "nav", "aside", "details", "summary", "fieldset", "legend", "caption", "center"),
    }
)
TABLE = frozenset({"table", "thead", "tbody", "tfoot", "tr", "td", "th"})
SCOPE = frozenset({"table", "td", "th", "caption", "template"})

_Ends = tuple[tuple[frozenset[str], frozenset[str]], ...]
_PARAGRAPH: _Ends = ((frozenset({"p"}), SCOPE | {"button", "object"}),)


def _ends() -> dict[str, _Ends]:
    """Which open elements a start tag ends, and behind which others they are safe from it."""
    lists, tables = SCOPE | {"ul", "ol", "menu"}, frozenset({"table"})
    ends: dict[str, _Ends] = dict.fromkeys(PARAGRAPHS | (LINES - {"tr", "legend", "caption"}), _PARAGRAPH)
    ends["li"] = (*_PARAGRAPH, (frozenset({"li"}), lists))
    for tag in ("dt", "dd"):
        ends[tag] = (*_PARAGRAPH, (frozenset({"dt", "dd"}), SCOPE | {"dl"}))
    for tag in ("td", "th"):
        ends[tag] = ((frozenset({"td", "th"}), tables),)
    ends["tr"] = ((frozenset({"tr"}), tables),)
    for tag in ("thead", "tbody", "tfoot"):
        ends[tag] = ((frozenset({"thead", "tbody", "tfoot"}), tables), (frozenset({"tr"}), tables))
    ends["option"] = ((frozenset({"option"}), frozenset({"select", "datalist"})),)
    ends["optgroup"] = ((frozenset({"optgroup", "option"}), frozenset({"select"})),)
    ends["a"] = ((frozenset({"a"}), SCOPE),)
    ends["button"] = ((frozenset({"button"}), SCOPE),)
    for tag in ("rt", "rp"):
        ends[tag] = ((frozenset({"rt", "rp"}), frozenset({"ruby"})),)
    for tag in _HEADINGS:
        ends[tag] = (*_PARAGRAPH, (_HEADINGS, (PARAGRAPHS - _HEADINGS) | LINES | SCOPE))
    return ends


ENDED_BY = _ends()
_ZERO = re.compile(r"[+-]?0*\.?0*(?:px|pt|em|rem|%)?")
_OWN_SIZE = re.compile(r"[\d.]+(?:px|pt|rem|cm|mm|in|pc|vw|vh)|(?:xx?-)?(?:small|large)|medium")
_SCHEME = re.compile(r"([a-z][a-z0-9+.\-]{0,40}):", re.IGNORECASE)
_UNSEEN = re.compile("[\x00-\x20\x7f]+")
_NO_TARGETS = frozenset({"javascript", "vbscript", "data", "about", "blob", "cid", "file", "mid"})


class Declared:
    """What an element's own attributes say about how it looks."""

    def __init__(self, attributes: Mapping[str, str]) -> None:
        found = {}
        for line in attributes.get("style", "")[:2000].lower().split(";"):
            name, colon, value = line.partition(":")
            if colon:
                found[name.strip()] = value.replace("!important", "").strip()
        display, size, space = found.get("display"), found.get("font-size", ""), found.get("white-space", "")
        shown = "hidden" in attributes if display is None else display == "none"
        self.hidden = shown or found.get("visibility") in {"hidden", "collapse"}
        self.mute: bool | None = None
        if size and _ZERO.fullmatch(size):
            self.mute = True
        elif _OWN_SIZE.fullmatch(size):
            self.mute = False
        lines = f"{found.get('text-decoration', '')} {found.get('text-decoration-line', '')}"
        self.struck = "line-through" in lines
        self.preformatted: bool | None = None
        if space:
            self.preformatted = space.startswith("pre") or space == "break-spaces"
        self.sides = tuple(found.get(side) or attributes.get(side, "").strip() for side in ("width", "height"))


def target_of(address: str) -> str:
    """Where a link leads, as it is shown to people; "" for what nobody outside the page can follow."""
    address = address.strip()
    scheme = _SCHEME.match(_UNSEEN.sub("", address[:200]))
    if scheme is None:
        return f"https:{address}" if address.startswith("//") else ""
    name = scheme[1].lower()
    if name in _NO_TARGETS or len(address) <= len(name) + 1:
        return ""
    return address.partition(":")[2] if name in {"mailto", "tel"} else address
