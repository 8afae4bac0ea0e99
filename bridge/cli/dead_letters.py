"""What could not be delivered or read: listed by cause, tried again, or given up."""

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bridge.away import pauses_by_account
from mappings import failed_steps, inbox, inspection, outgoing, overview, state, waiting
from mappings.states import RawState
from mappings.store import Tx

_BY = "command line"
_NAMED = 10


class NoSuch(Exception):
    """An id that names nothing that failed; the sentence says so."""


def dead_json(tx: Tx) -> dict[str, Any]:
    """Steps and payloads, grouped by account and cause; and what will go on by itself: what is tried again, and what
    waits because an account is away.
    """
    away = pauses_by_account(tx)
    counts = waiting_counts(tx)
    groups: defaultdict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in inspection.failed_steps(tx):
        entry = {"id": f"s{row.id}", "link": row.link_id, "since": f"{row.done_at:%Y-%m-%dT%H:%M:%SZ}"}
        groups[row.account, row.state, f"{row.code}: {row.error}" if row.code else row.error].append(entry)
    for row in inbox.quarantined(tx):
        entry = {"id": f"r{row.id}", "key": row.key, "since": f"{row.received_at:%Y-%m-%dT%H:%M:%SZ}"}
        groups[row.account, "quarantined", row.error].append(entry)
    for row in outgoing.dead(tx):
        entry = {"id": f"e{row.id}", "link": row.link_id, "since": f"{row.done_at:%Y-%m-%dT%H:%M:%SZ}"}
        groups[f"events {row.receiver}", "dead", row.code].append(entry)
    return {
        "groups": [
            {"account": account, "state": name, "cause": cause, "count": len(entries), "entries": entries}
            for (account, name, cause), entries in groups.items()
        ],
        "again": [
            {
                "id": f"s{row.id}",
                "account": row.account,
                "link": row.link_id,
                "attempts": row.attempts,
                "cause": f"{row.code}: {row.error}" if row.code else row.error,
                "next": f"{row.due_at:%Y-%m-%dT%H:%M:%SZ}",
                "waits_for": away.get(row.account, ""),
            }
            for row in overview.tried_steps(tx)
        ],
        "away": [
            {"account": account, "waits_for": why, "waiting": counts.get(account, 0)} for account, why in away.items()
        ],
    }


def dead_text(found: dict[str, Any]) -> str:
    """The same for people."""
    lines = [] if found["groups"] else ["Nothing failed."]
    for group in found["groups"]:
        lines.append(f"{group['count']} × {group['account']} {group['state']}: {group['cause']}")
        lines += [f"    {entry['id']}  since {entry['since']}" for entry in group["entries"]]
    if found["groups"]:
        lines += ["", _HOW]
    if found["again"]:
        lines += ["", "Tried again by itself:"]
    for one in found["again"]:
        when = f"waits for {one['waits_for']}" if one["waits_for"] else f"next attempt {one['next']}"
        lines.append(f"    {one['id']} → {one['account']}: {one['cause']}; {one['attempts']} attempts, {when}")
    lines += [f"{one['waiting']} wait for {one['waits_for']}" for one in found["away"]]
    return "\n".join(lines)


def waiting_counts(tx: Tx) -> dict[str, int]:
    """By account: how many messages and steps wait for it, what is held for a customer left out."""
    counts: defaultdict[str, int] = defaultdict(int)
    for (account, state_name), count in inspection.count_steps(tx).items():
        counts[account] += count if state_name == RawState.READY else 0
    for (account, held), count in waiting.count_waiting(tx).items():
        counts[account] += 0 if held else count
    return dict(counts)


_HOW = "No further attempt by itself. Try again: bridge dead replay ID…   Give up: bridge dead drop ID…"


def replay(tx: Tx, ids: Sequence[str] | None, by: str = _BY, now: datetime | None = None) -> int:
    """Tries again; None: everything. A serving process picks it up within a second. Raises NoSuch."""
    now = now or datetime.now(UTC)
    steps, raws, events = _chosen(tx, ids)
    count = len(failed_steps.replay_steps(tx, steps, now)) + inbox.replay_raws(tx, raws)
    count += len(outgoing.replay(tx, events, now))
    state.add_audit(tx, by, "replay", _what(ids, steps, raws, events), now)
    return count


def drop(tx: Tx, ids: Sequence[str] | None, by: str = _BY, now: datetime | None = None) -> int:
    """Gives up; None: everything. Raises NoSuch."""
    now = now or datetime.now(UTC)
    steps, raws, events = _chosen(tx, ids)
    count = failed_steps.drop_failed(tx, steps, "dropped by an operator") + inbox.drop_raws(tx, raws)
    count += outgoing.drop(tx, events, now)
    state.add_audit(tx, by, "drop", _what(ids, steps, raws, events), now)
    return count


def _what(ids: Sequence[str] | None, steps: Sequence[int], raws: Sequence[int], events: Sequence[int]) -> str:
    """For the audit: which, as far as that fits on a line."""
    named = f": {' '.join(ids)}" if ids is not None and len(ids) <= _NAMED else ""
    told = f", {len(events)} events" if events else ""
    return f"{len(steps)} steps, {len(raws)} payloads{told}{named}"


def _chosen(tx: Tx, ids: Sequence[str] | None) -> tuple[list[int], list[int], list[int]]:
    """(steps, payloads, events)"""
    dead = [row.id for row in outgoing.dead(tx)]
    if ids is None:
        return [row.id for row in inspection.failed_steps(tx)], [row.id for row in inbox.quarantined(tx)], dead
    wrong = [one for one in ids if not re.fullmatch(r"[sre]\d{1,18}", one, re.ASCII)]
    if wrong:
        raise NoSuch(f"{wrong[0][:40]!r} is no id of `bridge dead list` (s… for steps, r… for payloads, e… for events)")
    numbers = [(one[:1], int(one[1:])) for one in ids]
    steps, raws, events = ([number for kind, number in numbers if kind == wanted] for wanted in "sre")
    there = {f"s{row.id}" for row in failed_steps.failed_among(tx, steps)} | {
        f"r{row}" for row in inbox.quarantined_among(tx, raws)
    }
    there |= {f"e{number}" for number in dead if number in set(events)}
    gone = [one for one in ids if f"{one[0]}{int(one[1:])}" not in there]
    if gone:
        raise NoSuch(f"{gone[0]} is not listed (any more); see bridge dead list. Nothing was done")
    return steps, raws, events
