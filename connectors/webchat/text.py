"""What people type, made harmless to store and to show: as text, never as markup."""

import re
from typing import Any
from urllib.parse import urlsplit

from bridge.contract import line_of

MAX_TEXT = 4000  # characters of a visitor's or agent's message
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def clean(value: Any, limit: int = MAX_TEXT) -> str:
    """Text without control characters, overrides of direction and halves of characters; "" for what is no text."""
    if not isinstance(value, str):
        return ""
    return _CONTROL.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))[:limit].strip()


def clean_line(value: Any, limit: int) -> str:
    """The same on one line."""
    return " ".join(clean(value, limit * 4).split())[:limit].strip()


def clean_title(value: Any, limit: int) -> str:
    """A name that people see, "" when there is nothing in it to see. Joiners between visible signs stay."""
    return line_of(clean_line(value, limit))


def clean_page(value: Any) -> str:
    """A page's address without what follows its path: queries hold tokens and names. "" for anything but the web."""
    text = clean_line(value, 2000)
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return ""
    port = f":{parts.netloc.rpartition(':')[2]}" if parts.netloc.rpartition(":")[2].isdigit() else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"[:500]


def clean_name(value: Any) -> str:
    """A file's name without folders and without anything that a path, a header or a shell could take amiss."""
    name = clean_title(value, 400).replace("\\", "/").rpartition("/")[2]
    name = re.sub(r'[<>:"|?*%]', "_", name).strip()
    name = (f"file{name}" if re.match(r"\.\w", name) else name).strip(". ")
    stem, dot, ending = name.rpartition(".")
    return (f"{stem[: 100 - len(ending)]}.{ending}" if dot and stem and len(ending) < 12 else name[:100]) or "file"
