"""An answer of a bot before a customer may read it. Pure: what is left of it, or why people must answer instead."""

import html
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

MARKER = "[[HUMAN]]"  # what a model without tools writes to bring a person
_THOUGHTS = re.compile(r"<(think|thinking|reasoning)>.*?(</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_LEADING = re.compile(r"\A.*?</(?:think|thinking|reasoning)>", re.DOTALL | re.IGNORECASE)
_TRACE = re.compile(
    r"Traceback \(most recent call last\)|^[ \t]*File \"[^\"\n]+\", line \d+|^[ \t]+at [\w.$]+\([\w.]+:\d+\)"
    r"|\b(Internal Server Error|NullPointerException|HTTP Status \d{3})|<!doctype html|<html\b",
    re.MULTILINE | re.IGNORECASE,
)
_TOOL = re.compile(
    r"\"?(tool_calls?|function_call|tool_use)\"?\s*[:=]|<\|?(tool_call|function_call|im_start|im_end)\|?>"
)
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"'，。！？；）)】]+", re.IGNORECASE)
_NUMBERS = re.compile(r"(?<![\d.])\+?\d[\d \-]{8,20}\d(?!\d)")
_PROMISES = re.compile(
    r"(?<!不)(?<!无法)(?<!不能)(保证|承诺)|赔偿|退款|退钱|免费送|免费赠|一定(会|能|给)"
    r"|\b(refund|guarantee|compensat\w+|reimburse\w*|for free)\b",
    re.IGNORECASE,
)
_MARKUP = (
    (re.compile(r"^\s{0,3}#{1,6}\s+", re.MULTILINE), ""),
    (re.compile(r"\*\*(.+?)\*\*", re.DOTALL), r"\1"),
    (re.compile(r"`{3}\w*\n?"), ""),
    (re.compile(r"`([^`\n]+)`"), r"\1"),
    (re.compile(r"\[([^\[\]\n]+)\]\((https?://[^)\s]+)\)"), r"\1 \2"),
    (re.compile(r"^[ \t:|-]{6,}$\n?", re.MULTILINE), ""),
)
_TAG = re.compile(
    r"</?(?:p|br|div|span|b|strong|i|em|u|s|ul|ol|li|a|h[1-6]|table|t[rdh]|tbody|thead|font|hr|img|blockquote|code|pre|sup|sub"
    r"|button|section|article|details|summary|small|mark|label|input|form|video|audio|iframe|svg|path|center)\b[^<>]{0,2000}>",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"<(script|style)\b[^<>]{0,500}>[^<]{0,20000}</\1>|<!--[^<>]{0,5000}-->", re.IGNORECASE)
_LINK = re.compile(
    r"<a\b[^<>]{0,500}?\bhref\s*=\s*[\"']?(https?://[^\s\"'<>]{1,1000})[^<>]{0,500}>([^<]{0,1000})</a>", re.IGNORECASE
)
_BREAKS = re.compile(r"^</?(?:p|br|div|ul|ol|li|h|tr|table|blockquote|pre|section|article)", re.IGNORECASE)
_SPACES = re.compile(r"\n{3,}")
_ENDS = re.compile(r"[。！？!?…](?=\s|\Z|[^\d])|\.(?=\s|\Z)|\n")
_GRAM = 24  # characters in a row of the instructions that no answer has by chance


@dataclass(frozen=True, slots=True)
class Limits:
    """What a route says of answers."""

    longest: int = 600
    hosts: Collection[str] = ()
    promises: bool = False  # they may be sent
    scripted: bool = False  # the operator wrote it: links, numbers and promises are meant


@dataclass(frozen=True, slots=True)
class Checked:
    """`text` may be sent when `wrong` is empty. `person`: the bot itself asked for one, by the marker."""

    text: str
    wrong: str = ""
    person: bool = False


def check_answer(answer: str, asked: str, limits: Limits, secret: str = "") -> Checked:
    """`asked` is all that was said in the conversation; `secret` the instructions that must not be told."""
    text = _LEADING.sub("", _THOUGHTS.sub("", answer)) if "</" in answer or "<think" in answer.lower() else answer
    person = MARKER in text
    text = text.replace(MARKER, "")
    if _is_call(text) or _TOOL.search(text):
        return Checked("", "tool", person)
    if _TRACE.search(text):
        return Checked("", "trace", person)
    if not limits.scripted:
        text = _without_tags(text)
    if _tells(text, secret):
        return Checked("", "instructions", person)
    text = _plain(text, limits.hosts, every=limits.scripted)
    if not text:
        return Checked("", "" if person else "empty", person)
    if limits.scripted:
        return Checked(shorten(text, limits.longest), "", person)
    known = re.sub(r"\D", "", asked)
    if any(re.sub(r"\D", "", found) not in known for found in _NUMBERS.findall(_URL.sub("", text))):
        return Checked("", "number", person)
    if not limits.promises and _PROMISES.search(text):
        return Checked("", "promise", person)
    return Checked(shorten(text, limits.longest), "", person)


def shorten(text: str, most: int, most_bytes: int | None = None) -> str:
    """At the end of a sentence where there is one in the second half, else with an ellipsis. `most_bytes` is UTF-8."""
    if most_bytes is not None and len(text.encode()) > most_bytes:
        room = max(0, most_bytes - len("…".encode()))
        most = min(most, len(text.encode()[:room].decode(errors="ignore")) + 1)
    if len(text) <= most:
        return text
    ends = [found.end() for found in _ENDS.finditer(text[:most])]
    return text[: ends[-1]].rstrip() if ends and ends[-1] > most // 2 else f"{text[: most - 1].rstrip()}…"


def _plain(text: str, hosts: Collection[str], *, every: bool) -> str:
    for pattern, instead in _MARKUP:
        text = pattern.sub(instead, text)
    text = _URL.sub(lambda found: found[0] if every or _allowed(found[0], hosts) else "", text)
    return _SPACES.sub("\n\n", "\n".join(line.rstrip() for line in text.splitlines())).strip()


def _without_tags(text: str) -> str:
    """Words of a page as plain text: lines where it breaks, links as text, signs for their names."""
    if "<" in text and (_TAG.search(text) or _HIDDEN.search(text)):
        text = _LINK.sub(r"\2 \1", _HIDDEN.sub("", text))
        text = _TAG.sub(lambda found: "\n" if _BREAKS.match(found[0]) else "", text)
    return html.unescape(text).replace("\xa0", " ") if "&" in text else text


def _allowed(url: str, hosts: Collection[str]) -> bool:
    try:
        host = urlsplit(url if "://" in url else f"https://{url}").hostname or ""
    except ValueError:
        return False
    return any(host == one.lower() or host.endswith(f".{one.lower()}") for one in hosts)


def _is_call(text: str) -> bool:
    """Whether it is nothing but JSON: what was meant for a program, not for a reader."""
    stripped = text.strip()
    if stripped[:1] not in {"{", "["}:
        return False
    try:
        return isinstance(json.loads(stripped), dict | list)
    except (ValueError, RecursionError):
        return False


def _tells(text: str, secret: str) -> bool:
    """Whether it repeats a stretch of the instructions."""
    short, long = "".join(text.split()).casefold(), "".join(secret.split()).casefold()
    return any(long[at : at + _GRAM] in short for at in range(0, max(0, len(long) - _GRAM + 1), 4))
