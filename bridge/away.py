"""Accounts whose sending rests, in words: what waits because of them says so."""

import json
from datetime import datetime

from bridge.console.texts import say, say_if
from bridge.contract import Words
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
            since = f"{pause.since:%H:%M:%S}"
            found[name] = say(language, "away.rests", name=name, since=since, until=f"{pause.until:%H:%M:%S}", why=why)
    return found


def rests_now(tx: Tx, now: datetime) -> dict[str, Words]:
    """The accounts whose sending rests at this moment, in both languages."""
    over = {name for name, pause in state.pauses(tx).items() if pause.until is not None and pause.until <= now}
    en, zh = pauses_by_account(tx), pauses_by_account(tx, "zh")
    return {name: Words(en[name], zh[name]) for name in en if name not in over}


def who_paused(reason: str) -> str:
    """Who ordered a pause, "" where nobody did."""
    by = reason.removeprefix(state.BY_HAND)
    return by if by != reason else ""


def reason_of(text: str, language: str = "en") -> str:
    """A pause's reason, or who ordered it. What a vendor said stays as it was said."""
    by = who_paused(text)
    if by:
        return say(language, "away.by", who=by)
    if text.startswith("{"):  # a connector's own sentences, see `failure`
        said = json.loads(text)
        return str(said.get(language) or said.get("en") or "")
    return say_if(language, f"away.{text}", text)
