"""Numbers and addresses that a bot need not know: placeholders on the way to it, the real thing in its answer. Pure."""

import hashlib
import hmac
import re
from collections.abc import Collection, Iterable, Mapping
from functools import partial
from typing import Literal

Kind = Literal["phone", "id_card", "bank", "mail"]

_LEFT, _RIGHT = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"
# the first that matches counts: what is an identity card is no bank card
_KINDS: Mapping[str, re.Pattern[str]] = {
    "mail": re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}"),
    "id_card": re.compile(rf"{_LEFT}[1-9]\d{{5}}(?:18|19|20)\d{{2}}[01]\d[0-3]\d\d{{3}}[\dXx]{_RIGHT}"),
    "bank": re.compile(rf"{_LEFT}[2-9](?:[ -]?\d){{14,18}}{_RIGHT}"),
    "phone": re.compile(
        rf"{_LEFT}(?:(?:\+|00)86[ -]?)?1[3-9]\d(?:[ -]?\d{{4}}){{2}}{_RIGHT}"
        rf"|(?<![0-9A-Za-z+])(?:\+|00)[1-9]\d{{0,2}}(?:[ ()-]{{0,2}}\d){{6,12}}{_RIGHT}"
        rf"|{_LEFT}0\d{{2,3}}[ -]\d{{7,8}}{_RIGHT}"
    ),
}
_PLACEHOLDER = re.compile(r"\[(?:phone|id_card|bank|mail) [0-9a-f]{6}\]")


def mask(text: str, kinds: Collection[str], salt: str) -> str:
    """The text with a placeholder for each thing of these kinds: the same thing has the same placeholder wherever the
    salt is the same, and nobody can guess the one from the other.
    """
    for kind, pattern in _KINDS.items():
        if kind in kinds:
            text = pattern.sub(partial(_hidden, kind, salt), text)
    return text


def _hidden(kind: str, salt: str, found: re.Match[str]) -> str:
    return _placeholder(kind, found[0], salt)


def unmask(text: str, said: Iterable[str], kinds: Collection[str], salt: str) -> str:
    """The text with what its placeholders stand for, as far as it was said."""
    if not kinds or _PLACEHOLDER.search(text) is None:
        return text
    known: dict[str, str] = {}
    for one in said:
        left = one
        for kind, pattern in _KINDS.items():
            if kind in kinds:
                known |= {_placeholder(kind, found, salt): found for found in pattern.findall(left)}
                left = pattern.sub(" ", left)
    return _PLACEHOLDER.sub(lambda found: known.get(found[0], found[0]), text)


def _placeholder(kind: str, value: str, salt: str) -> str:
    plain = re.sub(r"[ ()-]", "", value).casefold()
    return f"[{kind} {hmac.new(salt.encode(), plain.encode(), hashlib.sha256).hexdigest()[:6]}]"
