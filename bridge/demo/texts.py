"""Every word of the demonstration in both languages: `texts.toml`, `key = ["English", "中文"]`."""

import tomllib
from functools import cache
from pathlib import Path


@cache
def _catalogue() -> dict[str, list[str]]:
    found: dict[str, list[str]] = tomllib.loads((Path(__file__).parent / "texts.toml").read_text("utf-8"))
    return found


def say(language: str, key: str) -> str:
    """A text. Raises KeyError for one that is not there."""
    return _catalogue()[key][1 if language == "zh" else 0]


def all_texts(language: str) -> dict[str, str]:
    """For the page's script."""
    return {key: say(language, key) for key in _catalogue()}
