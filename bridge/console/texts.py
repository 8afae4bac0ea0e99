"""Every word of the console in both languages: `texts/*.toml`, a table for each page, `key = ["English", "中文"]`."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = {"en": "English", "zh": "中文"}
TAGS = {"en": "en", "zh": "zh-CN"}

_FOLDER = Path(__file__).parent / "texts"


@cache
def catalogue() -> dict[str, tuple[str, str]]:
    """`page.key` → (English, Chinese)."""
    found: dict[str, tuple[str, str]] = {}
    for path in sorted(_FOLDER.glob("*.toml")):
        for page, words in tomllib.loads(path.read_text("utf-8")).items():
            found |= {f"{page}.{key}": (en, zh) for key, (en, zh) in words.items()}
    return found


def say(language: str, key: str, **values: Any) -> str:
    """A text with its values. Raises KeyError for one that is not in the catalogue."""
    en, zh = catalogue()[key]
    text = zh if language == "zh" else en
    return text.format(**values) if values else text


def say_if(language: str, key: str, otherwise: str) -> str:
    """A text if there is one: for words of ours that somebody may have added to (a state, a cause)."""
    return say(language, key) if key in catalogue() else otherwise


def language_of(accepted: str, fallback: str = "en") -> str:
    """The first of a browser's languages (`Accept-Language`) that there is."""
    for entry in accepted.split(","):
        wanted = entry.partition(";")[0].strip().lower()[:2]
        if wanted in LANGUAGES:
            return wanted
    return fallback
