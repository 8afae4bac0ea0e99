"""Why a callback was refused, as exactly as it can be told: by trying what an admin may have entered instead.

Nothing here knows a vendor: the keys that the connector makes up, the choices of its settings and what stands in its
secrets are put in each other's place until the callback verifies.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any

from pydantic import ValidationError

from bridge.contract import (
    Account,
    CallbackResult,
    Cause,
    Connector,
    Malformed,
    Request,
    Setting,
    Unauthentic,
    Words,
    describe,
)
from bridge.wizard.draft import Former

_SILENT = frozenset({Cause.VISIT, Cause.UNSIGNED, Cause.NO_CALLBACKS})  # somebody's visit: it says nothing of a vendor
_TRIED = frozenset({Cause.SIGNATURE, Cause.KEY, Cause.MODE, Cause.APP, Cause.UNREADABLE})
_UNNAMED = Words("", "")
_MOST = 40  # attempts for one callback: each is a hash or a decryption


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a callback. `what` names a text of the catalogue (`call.…`), with the key's title, and a value
    that may be shown: a choice, a time, a path. `reason` is the connector's own sentence, by language.
    """

    what: str
    key: str = ""
    title: Words = _UNNAMED
    value: str = ""
    reason: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Guess:
    """One value that may be what the vendor has. `shown` is said of it, never the value of a secret."""

    what: str
    setting: Setting
    value: str
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Suspect:
    """An account whose callbacks are judged: its class, its keys as entered, what was entered before."""

    connector: type[Connector[Any]]
    values: dict[str, Any]
    account: Account
    former: Sequence[Former] = ()

    def built(self, **changed: Any) -> Connector[Any] | None:
        """The connector with some keys changed; None where they do not fit together."""
        try:
            config = self.connector.Config.model_validate({**self.values, **changed})
        except ValidationError:
            return None
        return self.connector(config, self.account)


async def refusal_of(connector: Connector[Any], request: Request) -> Unauthentic | Malformed | None:
    """Why a callback is refused; None when it is authentic."""
    try:
        result: Any = connector.verify(request)
        if isawaitable(result):
            result = await result
    except (Unauthentic, Malformed) as error:
        return error
    assert isinstance(result, CallbackResult)
    return None


async def diagnose(suspect: Suspect, request: Request, refused: Unauthentic | Malformed) -> Finding:
    """The finding for a callback that was refused."""
    cause = refused.cause if isinstance(refused, Unauthentic) else Cause.UNREADABLE
    reason = dict(refused.reason)
    if cause in _TRIED:
        for guess, _ in zip(_guesses(suspect), range(_MOST), strict=False):
            connector = suspect.built(**{guess.setting.key: guess.value})
            if connector is not None and await refusal_of(connector, request) is None:
                return Finding(guess.what, guess.setting.key, guess.setting.title, guess.shown, reason)
    return Finding(cause.value.replace(" ", "_"), reason=reason)


async def led_astray(suspect: Suspect, request: Request, path: str) -> bool:
    """Whether a request that came to another path is a callback of this account: authentic, or signed at all."""
    connector = suspect.built()
    if connector is None:
        return False
    there = Request(request.method, path, request.query, request.headers, request.body, request.client, request.at)
    refused = await refusal_of(connector, there)
    return refused is None or (isinstance(refused, Unauthentic) and refused.cause not in _SILENT)


def _guesses(suspect: Suspect) -> Iterator[Guess]:
    settings = [one for one in describe(suspect.connector.Config) if "." not in one.key]
    values = suspect.values
    for former in reversed(suspect.former):
        found = next((one for one in settings if one.key == former.key), None)
        if found is not None:
            yield Guess("former", found, former.value, former.until)
    for one in settings:
        yield from (Guess("choice", one, choice, choice) for choice in one.choices if choice != values.get(one.key))
    for one in (setting for setting in settings if setting.make is not None):
        own = str(values.get(one.key, ""))
        changed = {f"{own} ", f" {own}", f"{own}\n", f"\ufeff{own}"}
        yield from (Guess("blank", one, value) for value in sorted(changed))
        yield from (Guess("case", one, value) for value in sorted({own.lower(), own.upper()} - {own}))
        for other in settings:
            given = values.get(other.key)
            if other.key != one.key and isinstance(given, str) and given:
                yield Guess("swapped", one, given, other.key)
