"""What an agent wrote, out of the HTML around it. Pure.

An e-mail-like reply carries the quoted history, which the customer saw before. The class name is that of Freshdesk's
editor as seen in its mails (https://developers.freshdesk.com/api/#conversations shows
bodies without them).
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

from bridge.contract import Format, Omitted, carry_pictures, to_plain

_MAX = 500_000  # characters that are looked at
# Known history, by whole names and never by a part of one: Freshdesk's own mark, and those of mail programs in which
# agents answer. Every repetition is bounded, so that no body makes these slow.
_HISTORY = re.compile(
    r"<(?:(div|blockquote)\b[^<>]{0,400}?\s(?:class|id)\s*=\s*[\"']?(?:[^\"'<>]{0,200}?\s)?freshdesk_quote"
    r"|(div)\b[^<>]{0,400}?\sclass\s*=\s*[\"']?(?:[^\"'<>]{0,200}?\s)?"
    r"(?:freshdesk_signature|gmail_quote|gmail_signature|yahoo_quoted|moz-cite-prefix)"
    r"|(div)\b[^<>]{0,400}?\sid\s*=\s*[\"']?signature"
    r"|(blockquote)\b[^<>]{0,400}?\stype\s*=\s*[\"']?cite)(?=[\s\"'>])[^<>]{0,4000}>",
    re.IGNORECASE,
)
_ENDS = {
    "div": re.compile(r"<(/?)div(?=[\s/>])[^<>]{0,4000}>", re.IGNORECASE),
    "blockquote": re.compile(r"<(/?)blockquote(?=[\s/>])[^<>]{0,4000}>", re.IGNORECASE),
}
_BLOCKQUOTE = re.compile(r"<blockquote(?=[\s/>])[^<>]{0,4000}>", re.IGNORECASE)
_INTRO = re.compile(
    r"(?:^|\n)(?:On|Am|Le|El|Il|Op|Den|Em|Dnia|W dniu|В|在|于|於|[0-9])[^\n]{0,200}"
    r"(?:wrote|schrieb|écrit|escribió|ha scritto|schreef|skrev|escreveu|napisał(?:\(a\))?|написал|写道|寫道)"
    r"(?:\s[^\n:,\uff1a\uff0c]{0,80})?\s?[:\uff1a]\s*$"
)
_SPACES = re.compile(r"^ +|  +", re.MULTILINE)
_MERGED = re.compile(r"merged (?:in)?to (?:the )?ticket\W{0,10}(?:[A-Za-z-]{0,10})(\d{1,18})", re.IGNORECASE)
_MERGED_HERE = re.compile(r"\bmerged (?:in)?to this ticket\b|\bmerged with this ticket\b", re.IGNORECASE)
_BEGINS = 120  # characters of what was left out that are told
_SIGNED = re.compile(r"^<[^<>]{0,400}signature", re.IGNORECASE)
_HEAD = 2000  # characters of markup in which the note of a merge begins
_QUOTES = 50  # quotations in one answer that are looked at
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
    """The agent's own part, without quoted history and the pictures that go as files."""
    return carry_pictures(without_history(html), _is_fetched)[0]


def pictures_in(html: str) -> list[str]:
    """Addresses of the pictures inside the agent's own part, without emoji and measuring pixels."""
    return carry_pictures(without_history(html), _is_fetched)[1]


def _is_fetched(source: str) -> bool:
    return source.startswith(("https://", "http://", "/"))


def merged_into(conversation: Mapping[str, Any]) -> str:
    """The ticket that a closing note names as the one this ticket was merged into; "" for any other note.

    Only believable on a closed ticket: an agent may write such a sentence anywhere.
    """
    if conversation.get("incoming") or conversation.get("source") not in {2, None}:
        return ""
    text = to_plain(html_of(conversation), Format.HTML)
    found = _MERGED.search(text) if len(text) <= _MERGE_NOTE else None
    return found[1] if found else ""


def is_of_merge(conversation: Mapping[str, Any]) -> bool:
    """Whether it is the note that a merge leaves on the ticket that is left: it may quote the other customer. Agents
    choose whether it is private (`note_in_primary`: https://developers.freshdesk.com/api/#merge_ticket).
    """
    if conversation.get("incoming") or conversation.get("source") not in {2, None}:
        return False
    return _MERGED_HERE.search(to_plain(html_of(conversation)[:_HEAD], Format.HTML)[:_MERGE_NOTE]) is not None


def without_history(html: str) -> str:
    """Without known history; everything where nothing else is left.

    What follows it is the agent's again. A quotation without such a mark is the agent's own, unless a line like
    "On Sunday, somebody wrote:" leads to it and nothing follows.
    """
    return _parted(html)[0]


def omitted_in(html: str) -> tuple[Omitted, ...]:
    """What `without_history` leaves out."""
    found = []
    for cut, marked in _parted(html)[1]:
        words = " ".join(to_plain(cut, Format.HTML).split())
        what: Literal["history", "signature"] = "signature" if _SIGNED.search(cut[:_HEAD]) else "history"
        if words:
            found.append(Omitted(what=what, begins=words[:_BEGINS], size=len(words), marked=marked))
    return tuple(found)


def _parted(html: str) -> tuple[str, list[tuple[str, bool]]]:
    """The agent's own part, and what is left out of it, each with whether the program that wrote it marks it so."""
    kept, cut, at = [], [], 0
    while (found := _HISTORY.search(html, at)) is not None:
        kept.append(html[at : found.start()])
        at = _end_of(html, (found[1] or found[2] or found[3] or found[4]).lower(), found.end())
        cut.append((html[found.start() : at], True))
    whole = "".join([*kept, html[at:]])
    own = _without_announced_quote(whole)
    if own != whole:
        said, quoted = to_plain(own, Format.HTML), to_plain(whole, Format.HTML)
        cut.append((escape(quoted[len(said) :].strip()), False))
    return (own, cut) if to_plain(own, Format.HTML) else (html, [])


def _end_of(html: str, tag: str, start: int) -> int:
    """Where an element ends whose start tag ends at `start`."""
    depth = 1
    for found in _ENDS[tag].finditer(html, start):
        depth += -1 if found[1] else 1
        if depth == 0:
            return found.end()
    return len(html)


def _without_announced_quote(html: str) -> str:
    at = 0
    for _ in range(_QUOTES):
        found = _BLOCKQUOTE.search(html, at)
        if found is None:
            return html
        at = _end_of(html, "blockquote", found.end())
        if not to_plain(html[at:], Format.HTML):
            text = to_plain(html[: found.start()], Format.HTML)
            intro = _INTRO.search(text)
            return escape(text[: intro.start()]) if intro else html
    return html


def _structured(value: Any) -> list[str]:
    contents = value.get("body_contents") if isinstance(value, dict) else None
    texts = []
    for entry in contents if isinstance(contents, list) else ():
        data = entry.get("data") if isinstance(entry, dict) else None
        content = data.get("content") if isinstance(data, dict) else None
        if isinstance(content, str):
            texts.append(content)
    return texts
