"""Which text may enter the store: the one rule, for ids, names and words.

PostgreSQL's text takes no NUL (https://www.postgresql.org/docs/current/datatype-character.html), half a surrogate has
no encoding in UTF-8, and an index takes no entry above 2,704 bytes
(https://www.postgresql.org/docs/current/btree.html). One such text would undo the transaction it comes with. Names are
cleaned here as well (`names`), so that no page, note, ticket or command shows one that hides or turns what it says.
"""

import hashlib
import math
from collections.abc import Sequence
from typing import Any, TypeVar

from bridge.contract.messages import Value
from bridge.contract.names import is_showable, line_of

LONGEST_ID = 2000  # bytes
LONGEST_NAME = 500  # characters

_IDS = {"id", "conversation", "message", "moved_to", "merged_into", "reply_to", "origin", "template"}
_NAMES = {"name", "email", "phone", "locale", "mime", "subject"}
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_HIGHEST = 2**31 - 1  # of a column of whole numbers, https://www.postgresql.org/docs/current/datatype-numeric.html
_DIGEST = 16

ValueT = TypeVar("ValueT", bound=Value)


def clean_text(text: str) -> str:
    """Words: what cannot be stored shows as U+FFFD. Halves that stand together are one character."""
    if text.isascii():
        return text.replace("\0", _REPLACEMENT) if "\0" in text else text
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\0", _REPLACEMENT)


def clean_name(text: str) -> str:
    """A name: as it may be shown, and cut where nobody reads on."""
    text = line_of(clean_text(text))
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"


def clean_id(text: str) -> str:
    """An id: one that cannot be stored gets a name of its own that can, always the same one, and no other's."""
    if text.isascii() and len(text) <= LONGEST_ID and "\0" not in text:
        return text
    clean = clean_text(text)
    encoded = clean.encode()
    if clean == text and len(encoded) <= LONGEST_ID:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    return f"{encoded[: LONGEST_ID - _DIGEST - 1].decode(errors='ignore')}~{digest}"


def storable(value: ValueT) -> ValueT:
    """An event, or a receipt, whose texts may all enter the store: itself, where nothing was wrong."""
    if _is_plain(value):
        return value
    changed: ValueT = _cleaned("", value)
    return changed


def _is_plain(value: Any) -> bool:
    """Nearly everything: short, and nothing odd. Whatever is not is looked at closely."""
    left = [value]
    for one in left:  # what it holds joins at the end
        kind = type(one)
        if kind is str:
            if not _is_plain_text(one):
                return False
        elif kind is tuple or kind is list:
            left += one
        elif kind is dict:
            left += one
            left += one.values()
        elif kind is float:
            if not math.isfinite(one):
                return False
        elif kind is int:
            if not -_HIGHEST <= one <= _HIGHEST:
                return False
        elif isinstance(one, Value):
            inside = one.__dict__
            if not (is_showable(inside.get("name") or "") and is_showable(inside.get("subject") or "")):
                return False
            left += inside.values()
    return True


def _is_plain_text(text: str) -> bool:
    if len(text) > LONGEST_NAME or "\0" in text:
        return False
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return False
    return True


def _cleaned(field: str, value: Any) -> Any:
    kind = type(value)
    if kind is str:
        return clean_id(value) if field in _IDS else clean_name(value) if field in _NAMES else clean_text(value)
    if isinstance(value, Value):
        found = {name: _cleaned(name, part) for name, part in value.__dict__.items()}
        changes = {name: part for name, part in found.items() if part is not value.__dict__[name]}
        return value.model_copy(update=changes) if changes else value
    if kind is tuple or kind is list:
        return _same_if_equal(value, kind(_cleaned("id" if field == "ids" else "", one) for one in value))
    if kind is dict:
        return {clean_name(f"{name}"): _cleaned("", one) for name, one in value.items()}
    if kind is int:
        return max(-_HIGHEST, min(value, _HIGHEST))
    if kind is float and not math.isfinite(value):
        return 0.0  # JSON has no such number: it could not be read back
    return value


def _same_if_equal(old: Sequence[Any], new: Sequence[Any]) -> Sequence[Any]:
    return old if all(one is other for one, other in zip(old, new, strict=True)) else new
