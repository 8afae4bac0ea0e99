"""Secrets that stand in documentation: whoever reads it could sign in our name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

from bridge.contract import Setting, describe, is_loopback
from bridge.registry import Declared
from bridge.settings import Settings

_PLACEHOLDERS = (
    "replace-me",
    "replace_me",
    "change-me",
    "changeme",
    "your-",
    "your_",
    "example-",
    "demonstration-only",
)
_TOO_FEW = 4  # different characters of a secret of some length
_LONG = 16


def published_secrets(settings: Settings, declared: dict[str, Declared], path: Path) -> list[str]:
    """A line for each secret that everybody knows, with its key. What never leaves this machine (a simulator's account,
    a bridge on loopback) is not judged.
    """
    found = (
        []
        if _is_here(settings.bridge.public_url)
        else [
            f"{path}: bridge.{name}: {_WHY}"
            for name, value in _secrets_in(settings.bridge)
            if _is_placeholder(value) or (name == "secret_key" and _is_monotonous(value))
        ]
    )
    for name, one in declared.items():
        if _is_here(one.config.api_base):
            continue
        known = {setting.key: setting for setting in describe(type(one.config))}
        found += [
            f"{path}: accounts.{name}.{key}: {_WHY}"
            for key, value in _secrets_in(one.config)
            if _is_placeholder(value) or _is_published(value, known.get(key))
        ]
    return found


_WHY = "is a value from documentation, which everybody knows; put your own there (`bridge init` makes new ones)"


def _is_here(url: str) -> bool:
    return is_loopback(urlsplit(url).hostname or "")


def _secrets_in(model: BaseModel) -> Iterator[tuple[str, str]]:
    """Secrets by their key, those of tables among them."""
    for name in type(model).model_fields:
        value: Any = getattr(model, name)
        if isinstance(value, SecretStr) and value.get_secret_value():
            yield name, value.get_secret_value()
        elif isinstance(value, BaseModel):
            yield from ((f"{name}.{key}", inner) for key, inner in _secrets_in(value))


def _is_placeholder(value: str) -> bool:
    return value.strip().casefold().startswith(_PLACEHOLDERS)


def _is_monotonous(value: str) -> bool:
    return len(value) >= _LONG and len(set(value)) < _TOO_FEW


def _is_published(value: str, setting: Setting | None) -> bool:
    return setting is not None and value in {*setting.published, setting.example} - {""}
