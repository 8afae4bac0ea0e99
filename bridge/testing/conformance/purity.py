"""An account that cannot be used: whoever is pure never notices."""

import dataclasses
from datetime import datetime
from typing import Any, Never

from bridge.contract import Account
from bridge.testing.rig import make_account


class Impure(Exception):
    """`normalise` or `render` used what the bridge lends. They get all they need as arguments."""


class _Untouchable:
    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Never:
        raise Impure(f"account.{self._name}.{attribute} was used; normalise and render must be pure")


def _no_clock() -> datetime:
    raise Impure("account.now() was called; normalise and render must be pure")


def make_isolated_account(name: str) -> Account:
    """Only the names, addresses and the secret are real."""
    parts: dict[str, Any] = {part: _Untouchable(part) for part in ("http", "tokens", "media", "records")}
    return dataclasses.replace(make_account(name), now=_no_clock, **parts)
