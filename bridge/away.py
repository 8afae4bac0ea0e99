"""Accounts whose sending rests, in words: what waits because of them says so."""

from mappings import state
from mappings.store import Tx

Away = dict[str, str]
"""By account: what everything for it waits for."""


def pauses_by_account(tx: Tx) -> Away:
    """Every account that rests, with since when, why, and when it goes on."""
    found = {}
    for name, pause in state.pauses(tx).items():
        since = f"{pause.since:%Y-%m-%d %H:%M}"
        if pause.until is None:
            remedy = f"`bridge doctor --account {name}` says what to do"
            found[name] = f"account {name}, paused since {since} UTC ({reason_of(pause.reason)}); {remedy}"
        else:
            found[name] = f"account {name}, which rests until {pause.until:%H:%M:%S} UTC ({reason_of(pause.reason)})"
    return found


def reason_of(text: str) -> str:
    """A pause's reason, or who ordered it."""
    by = text.removeprefix(state.BY_HAND)
    return f"by {by}" if by != text else text
