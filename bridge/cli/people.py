"""People who may be one: listed, joined, and taken apart again. Tickets and conversations stay as they are."""

from datetime import UTC, datetime
from typing import Any

from mappings import people, state
from mappings.store import Tx

_BY = "command line"


def merges_json(tx: Tx) -> list[dict[str, Any]]:
    """Suggestions and what was joined, the newest first, with how the accounts know both sides."""
    return [
        {
            "id": row.id,
            "state": row.state,
            "proof": row.proof,
            "since": f"{row.at:%Y-%m-%dT%H:%M:%SZ}",
            "kept": _side(tx, row.kept_id),
            "joined": _side(tx, row.joined_id),
        }
        for row in people.merges(tx)
    ]


def merges_text(found: list[dict[str, Any]]) -> str:
    """The same for people."""
    if not found:
        return "Nobody is suggested as the same person."
    lines = []
    for one in found:
        lines.append(f"{one['id']}  {one['state']} since {one['since']}: {one['proof']}")
        lines += [f"    person {side['person']}: {', '.join(side['known as']) or '-'}" for side in _sides(one)]
    lines += ["", "One person: bridge people join NUMBER   Two after all: bridge people undo NUMBER"]
    return "\n".join(lines)


def join(tx: Tx, number: int, by: str = _BY, now: datetime | None = None) -> bool:
    """Makes the two of a suggestion one person. False when there is no such suggestion."""
    now = now or datetime.now(UTC)
    row = next((row for row in people.suggestions(tx) if row.id == number), None)
    if row is None:
        return False
    people.join(tx, row.kept_id, row.joined_id, by, row.proof, now)
    state.add_audit(tx, by, "join", f"person {row.joined_id} into {row.kept_id}", now)
    return True


def undo(tx: Tx, number: int, by: str = _BY, now: datetime | None = None) -> bool:
    """Takes a merge back: exactly what moved moves back. False when there is nothing to undo."""
    now = now or datetime.now(UTC)
    done = people.undo_join(tx, number, by, now)
    if done:
        state.add_audit(tx, by, "undo join", str(number), now)
    return done


def _side(tx: Tx, person_id: int) -> dict[str, Any]:
    known = [f"{row.account}:{row.external_id}" for row in people.identities(tx, person_id)]
    return {"person": person_id, "known as": known}


def _sides(one: dict[str, Any]) -> list[dict[str, Any]]:
    return [one["kept"], one["joined"]]
