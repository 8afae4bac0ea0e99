"""Formatted text as plain text, for places that show no markup. One converter for all connectors."""

import re
from html import unescape

from bridge.contract.markup import Reader
from bridge.contract.messages import Format

_MAX = 1_000_000  # characters of markup that are looked at; more is no message
_TEXTS = frozenset({"<textarea", "<title", "<iframe"})
# a quoted attribute may hold what looks like the beginning of a tag
_QUOTED = re.compile(r"=[ \t]?\"[^\"<>]{0,300}<[^\"<>]{0,300}\"|=[ \t]?'[^'<>]{0,300}<[^'<>]{0,300}'")
_UNREAD = re.compile(r"<!--|<(?:script|style|textarea|title|iframe|noembed|noframes)(?=[\s/>])|<[!?]", re.IGNORECASE)
_UNREAD_ENDS = {
    "<!--": re.compile(r"(?<=<!--)-?>|--!?>"),
    **{
        f"<{tag}": re.compile(rf"</{tag}(?=[\s/>])[^>]{{0,100}}>", re.IGNORECASE)
        for tag in ("script", "style", "textarea", "title", "iframe", "noembed", "noframes")
    },
    "<!": re.compile(r">"),
    "<?": re.compile(r">"),
}


def to_plain(body: str, format: Format) -> str:  # noqa: A002 # the name of Text's own field
    """The readable text of a body: links as "label (url)", list items with "- " or their number, blank lines between
    paragraphs. What has a meaning but no words is named, with its address where it has one: "[picture] (url)". Scripts,
    styles, hidden parts and tracking pixels are left out. Plain text comes back unchanged.
    """
    match format:
        case Format.PLAIN:
            return body
        case Format.HTML:
            return _from_html(body)
        case Format.MARKDOWN:
            return _from_markdown(body)


def _from_html(body: str) -> str:
    reader = Reader()
    reader.feed(_tags_only(body[:_MAX]))
    reader.close()
    return reader.result()


def _tags_only(body: str) -> str:
    """Without comments, declarations, scripts, styles and a tag that never ends: the standard parser looks for their
    end again and again, which hostile mail turns into hours. What stands where no tags are read becomes text.
    """
    body = _QUOTED.sub(lambda match: match[0].replace("<", "&lt;"), body)
    kept = []
    position = 0
    while (start := _UNREAD.search(body, position)) is not None:
        kept.append(body[position : start.start()])
        kind = start[0].lower()
        end = _UNREAD_ENDS[kind].search(body, start.end())
        if kind in _TEXTS:
            kept.append(_as_text(start[0], body[start.end() : end.start() if end else None], kind))
        if end is None:
            position = len(body)
            break
        position = end.end()
    kept.append(body[position:])
    whole = "".join(kept)
    last = whole.rfind(">") + 1
    return whole[:last] + whole[last:].replace("<", "&lt;")


def _as_text(opening: str, rest: str, kind: str) -> str:
    attributes, _, inside = rest.partition(">")
    return f"{opening}{attributes}>" + ("" if kind == "<iframe" else inside.replace("<", "&lt;")) + f"</{kind[1:]}>"


# Escaped characters wait in a private area, so that no pattern takes them for markup.
_SHELTER = 0xF0000
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+\-.!<>])")
_SHELTERED = re.compile("[\U000f0021-\U000f007d]")

# Each pattern is bounded, so that no input makes it slow.
_MARKDOWN = (
    (
        re.compile(r"\[!\[[^\]\n]{0,300}\]\([^()\s]{1,2000}(?:\s\"[^\"\n]{0,300}\")?\)\]\(([^()\s]{1,2000})\)"),
        r"[picture] (\1)",
    ),
    (re.compile(r"!\[\]\(([^()\s]{1,2000})(?:\s\"[^\"\n]{0,300}\")?\)"), r"[picture] (\1)"),
    (re.compile(r"!\[([^\]\n]{0,300})\]\(([^()\s]{1,2000})(?:\s\"[^\"\n]{0,300}\")?\)"), r"[\1] (\2)"),
    (re.compile(r"\[\]\(([^()\s]{1,2000})\)"), r"\1"),
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
