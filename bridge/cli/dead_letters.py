"""What could not be delivered or read: listed by cause, tried again, or given up."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from mappings import failed_steps, inbox, inspection, state
from mappings.store import Tx


def dead_json(tx: Tx) -> dict[str, Any]:
    """Steps and payloads, grouped by account and cause."""
    groups: defaultdict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in inspection.sad_steps(tx):
        entry = {"id": f"s{row.id}", "link": row.link_id, "since": f"{row.done_at:%Y-%m-%dT%H:%M:%SZ}"}
        groups[row.account, row.state, f"{row.code}: {row.error}" if row.code else row.error].append(entry)
    for row in inbox.quarantined(tx):
        entry = {"id": f"r{row.id}", "key": row.key, "since": f"{row.received_at:%Y-%m-%dT%H:%M:%SZ}"}
        groups[row.account, "quarantined", row.error].append(entry)
    return {
        "groups": [
            {"account": account, "state": name, "cause": cause, "count": len(entries), "entries": entries}
            for (account, name, cause), entries in groups.items()
        ]
    }


def dead_text(found: dict[str, Any]) -> str:
    """The same for people."""
    if not found["groups"]:
        return "Nothing failed."
    lines = []
    for group in found["groups"]:
        lines.append(f"{group['count']} × {group['account']} {group['state']}: {group['cause']}")
        lines += [f"    {entry['id']}  since {entry['since']}" for entry in group["entries"]]
    lines.append("")
    lines.append("Try again: bridge dead replay ID…   Give up: bridge dead drop ID…")
    return "\n".join(lines)


def replay(tx: Tx, ids: Sequence[str] | None) -> int:
    """Tries again; None: everything. A serving process picks it up within a second."""
    now = datetime.now(UTC)
    steps, raws = _chosen(tx, ids)
    count = len(failed_steps.replay_steps(tx, steps, now)) + inbox.replay_raws(tx, raws)
    state.add_audit(tx, "command line", "replay", f"{len(steps)} steps, {len(raws)} payloads", now)
    return count


def drop(tx: Tx, ids: Sequence[str] | None) -> int:
    """Gives up; None: everything."""
    now = datetime.now(UTC)
    steps, raws = _chosen(tx, ids)
    count = failed_steps.drop_failed(tx, steps, "dropped by an operator") + inbox.drop_raws(tx, raws)
    state.add_audit(tx, "command line", "drop", f"{len(steps)} steps, {len(raws)} payloads", now)
    return count


def _chosen(tx: Tx, ids: Sequence[str] | None) -> tuple[list[int], list[int]]:
    if ids is None:
        return [row.id for row in inspection.sad_steps(tx)], [row.id for row in inbox.quarantined(tx)]
    numbers = [(one[:1], int(one[1:])) for one in ids if one[1:].isdigit()]
    return [number for kind, number in numbers if kind == "s"], [number for kind, number in numbers if kind == "r"]
