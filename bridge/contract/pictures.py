"""Pictures in HTML: which are seen, which are only emoji, and what they say in words."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from html.parser import HTMLParser

from bridge.contract.elements import Declared, target_of

_IMAGE = re.compile(
    r"(</?a)(?=[\s/>])|<img(?=[\s/>])(?:[^<>\"']|\"[^\"]{0,9000}\"|'[^']{0,9000}'){0,4000}+>", re.IGNORECASE
)
_CARRIED = "data-carried"
_TINY = re.compile(r"0*[0-2](?:\.\d*)?(?:px)?")
_EMOJI_CLASS = re.compile(r"(?:^|[\s_-])(?:emoji|emoticon|smiley)", re.IGNORECASE)
_ELSEWHERE = ("data-src", "data-original", "data-lazy-src", "data-lazy", "data-url", "href", "xlink:href")
_SAYS_NOTHING = re.compile(
    r"[^\s/]{1,200}\.(?:png|jpe?g|gif|webp|bmp|svg|heic|tiff?)"
    r"|(?:inline[ -])?(?:image|picture|photo|img|screenshot)s?|图片|图像|照片|截图",
    re.IGNORECASE,
)
_JOINERS = frozenset("\u200d\ufe0e\ufe0f\u20e3#*0123456789")


def source_of(attributes: Mapping[str, str]) -> str:
    """Where a picture is: scripts of pages keep the true address elsewhere until it is scrolled to."""
    named = [attributes.get("srcset", ""), attributes.get("data-srcset", "")]
    sets = [found.split(",")[0].split()[0] for found in named if found.strip(" ,")]
    named = [attributes.get("src", ""), *sets, *(attributes.get(name, "") for name in _ELSEWHERE)]
    places = [place.strip() for place in named if place.strip()]
    places.sort(key=lambda place: place[:5].lower() == "data:")  # what fills the place until the true one is there
    return next(iter(places), "")


def words_of(attributes: Mapping[str, str], *, linked: bool) -> str:
    """What a picture says, and where it is unless it stands in a link; "" for a measuring pixel."""
    if _CARRIED in attributes:
        return "[picture]" if linked else ""
    emoji = _emoji(attributes)
    if emoji:
        return emoji
    if _is_pixel(attributes):
        return ""
    alt = " ".join(
        (attributes.get("alt", "") or attributes.get("aria-label", "") or attributes.get("title", "")).split()
    )
    if alt and not _SAYS_NOTHING.fullmatch(alt):
        return f"[{alt}]"
    source = attributes.get("src", "").strip()
    if source[:5].lower() == "data:":
        return f"[embedded picture: {alt}]" if alt else "[embedded picture]"
    target = "" if linked else target_of(source)
    return f"[{alt or 'picture'}]" + (f" ({target})" if target else "")


def carry_pictures(html: str, carries: Callable[[str], bool]) -> tuple[str, list[str]]:
    """The HTML without the pictures that go as files of their own, and their addresses in order.

    `carries` says by its address whether a picture can go as a file. Emoji are words, and measuring pixels are
    nothing: neither is asked about.
    """
    sources: list[str] = []
    linked = False

    def replaced(tag: re.Match[str]) -> str:
        nonlocal linked
        if tag[1]:
            linked = tag[1] != "</a" and tag[1] != "</A"
            return tag[0]
        attributes = _attributes(tag[0])
        source = source_of(attributes)
        if _emoji(attributes):
            return tag[0]
        if _is_pixel(attributes):
            return ""
        if not source or not carries(source):
            return tag[0]
        sources.append(source)
        return f"<img {_CARRIED}>" if linked else ""  # a link keeps something to stand on

    return _IMAGE.sub(replaced, html), sources


def _is_pixel(attributes: Mapping[str, str]) -> bool:
    return all(_TINY.fullmatch(side) for side in Declared(attributes).sides)


def _emoji(attributes: Mapping[str, str]) -> str:
    """The character that a picture stands for; "" for a true picture."""
    alt = attributes.get("alt", "").strip()
    classed = _EMOJI_CLASS.search(attributes.get("class", "")[:500]) is not None
    named = attributes.get("data-emoji", "").strip() or attributes.get("title", "").strip()
    if classed:
        return alt or named or "[emoji]"
    return next((one for one in (alt, attributes.get("data-emoji", "").strip()) if _is_emoji(one)), "")


def _is_emoji(text: str) -> bool:
    if not text or len(text) > 40:
        return False
    kinds = [unicodedata.category(character) for character in text]
    signs = any(kind == "So" for kind in kinds) or "\u20e3" in text
    return signs and all(
        kind in {"So", "Sk", "Cf", "Zs"} or character in _JOINERS or ord(character) >= 0x1F000
        for character, kind in zip(text, kinds, strict=True)
    )


class _Tag(HTMLParser):
    found: Mapping[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found = {name: value or "" for name, value in attrs}


def _attributes(tag: str) -> Mapping[str, str]:
    reader = _Tag()
    reader.feed(tag)
    reader.close()
    return reader.found
