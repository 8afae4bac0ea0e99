"""What the configuration is and where each value comes from. Never a secret: of one it is said whether it is set."""

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from pydantic import BaseModel, SecretStr

from bridge.contract.described import written
from bridge.contract.durations import format_duration
from bridge.engine.context import ConnectedAccount
from bridge.settings import Settings

_TAIL = re.compile(r"(\w+://[^/\s'\"]+)/[^\s'\"]+")
_LOGIN = re.compile(r"(\w+://)[^/\s@'\"]*@")
_OPEN = {"bridge.public_url"}  # addresses that everybody may read; elsewhere the path may be a key
_SHORT = 200


class Value(NamedTuple):
    """One key. `origin` is `file`, `environment` or `default`. A secret has no `value`; it is `given` or not."""

    key: str
    value: str | None
    given: bool
    origin: str


def configured(settings: Settings) -> list[Value]:
    """All tables but the accounts', in the order of the file."""
    found: list[Value] = []
    for name in type(settings).model_fields:
        if name != "accounts":
            found += _values(name, getattr(settings, name), given=name in settings.model_fields_set)
    return found


def configured_account(connected: ConnectedAccount) -> list[Value]:
    """One account's own keys."""
    return list(_values(f"accounts.{connected.name}", connected.config, given=True))


def _values(key: str, value: Any, *, given: bool) -> Iterator[Value]:
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _values(f"{key}.{name}", getattr(value, name), given=name in value.model_fields_set)
    elif isinstance(value, dict) and any(isinstance(one, BaseModel) for one in value.values()):
        for name, one in value.items():
            yield from _values(f"{key}.{name}", one, given=given)
    elif isinstance(value, tuple | list) and any(isinstance(one, BaseModel) for one in value):
        for number, one in enumerate(value):
            yield from _values(f"{key}.{number}", one, given=given)
    else:
        yield _value(key, value, given=given)


def _value(key: str, value: Any, *, given: bool) -> Value:
    origin = "environment" if _variable(key) else "file" if given else "default"
    if isinstance(value, SecretStr):
        return Value(key, None, bool(value.get_secret_value()), origin)
    return Value(key, _said(key, value), given, origin)


def _variable(key: str) -> bool:
    """Whether the environment sets it."""
    short = key.removeprefix("bridge.") if key.count(".") == 1 else key
    names = {f"BRIDGE_{short.replace('.', '__')}".upper(), f"BRIDGE_{key.replace('.', '__')}".upper()}
    return any(name.upper() in names for name in os.environ)


def _said(key: str, value: Any) -> str:
    text = value if isinstance(value, str) else written(_plain(value))
    if key not in _OPEN and not key.endswith(".api_base"):
        text = _TAIL.sub(r"\1/…", _LOGIN.sub(r"\1…@", text))
    return text if len(text) <= _SHORT else text[: _SHORT - 1] + "…"


def _plain(value: Any) -> Any:
    """Without what must not be read, however deep it stands."""
    if isinstance(value, SecretStr):
        return "…"
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, timedelta):
        return format_duration(value)
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
