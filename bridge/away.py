"""Accounts whose sending rests, in words: what waits because of them says so."""

from bridge.console.texts import say, say_if
from mappings import state
from mappings.store import Tx

Away = dict[str, str]
"""By account: what everything for it waits for."""


def pauses_by_account(tx: Tx, language: str = "en") -> Away:
    """Every account that rests, with since when, why, and when it goes on."""
    found = {}
    for name, pause in state.pauses(tx).items():
        why = reason_of(pause.reason, language)
        if pause.until is None:
            found[name] = say(language, "away.paused", name=name, since=f"{pause.since:%Y-%m-%d %H:%M}", why=why)
        else:
            found[name] = say(language, "away.rests", name=name, until=f"{pause.until:%H:%M:%S}", why=why)
    return found


def who_paused(reason: str) -> str:
    """Who ordered a pause, "" where nobody did."""
    by = reason.removeprefix(state.BY_HAND)
    return by if by != reason else ""


def reason_of(text: str, language: str = "en") -> str:
    """A pause's reason, or who ordered it. What a vendor said stays as it was said."""
    by = who_paused(text)
    return say(language, "away.by", who=by) if by else say_if(language, f"away.{text}", text)
