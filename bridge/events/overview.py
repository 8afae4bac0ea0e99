"""The receivers of events as people look at them, and sending events again with a row in the audit."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Row

from bridge.settings import EventSettings
from mappings import outgoing, state
from mappings.states import StepState
from mappings.store import Tx

LATE = timedelta(minutes=15)


def events_json(tx: Tx, receivers: Sequence[EventSettings], limit: int = 20) -> dict[str, Any]:
    """Each receiver with what waits and what was given up, and the latest events of all."""
    return {
        "receivers": receivers_json(tx, receivers),
        "latest": [event_json(row) for row in outgoing.latest(tx, limit=limit)],
    }


def receivers_json(tx: Tx, receivers: Sequence[EventSettings]) -> list[dict[str, Any]]:
    """Also those that are no longer configured, as long as something waits for them: nobody will send that."""
    counts, troubles = outgoing.counts(tx), outgoing.troubles(tx)
    known = {one.receiver: one for one in receivers}
    found = []
    for name in dict.fromkeys([*known, *(receiver for receiver, _ in counts)]):
        one = known.get(name)
        waiting, since = counts.get((name, StepState.READY), (0, None))
        found.append(
            {
                "receiver": name,
                "host": urlsplit(one.url.get_secret_value()).hostname if one is not None else "",
                "kinds": list(one.kinds) if one is not None else [],
                "texts": one.texts if one is not None else False,
                "configured": one is not None,
                "waiting": waiting,
                "oldest_waiting": _time(since),
                "dead": counts.get((name, StepState.DEAD), (0, None))[0],
                "trouble": troubles.get(name, ""),
            }
        )
    return found


def is_late(receiver: Mapping[str, Any], now: datetime) -> bool:
    """Whether somebody has to look: something was given up, or has waited for long."""
    since = receiver["oldest_waiting"]
    return bool(receiver["dead"]) or (since is not None and now - datetime.fromisoformat(since) > LATE)


def event_json(row: Row[Any]) -> dict[str, Any]:
    """One event without what it says."""
    return {
        "id": f"e{row.id}", "receiver": row.receiver, "webhook_id": row.name, "type": row.kind,
        "conversation": row.link_id, "at": _time(row.at), "state": row.state, "tries": row.tries, "code": row.code,
        "next": _time(row.due_at) if row.state == StepState.READY else None, "ended": _time(row.done_at),
    }  # fmt: skip


def events_text(found: dict[str, Any]) -> str:
    """The same for people."""
    lines = []
    for one in found["receivers"]:
        what = (
            f"{one['host']}, {', '.join(one['kinds'])}"
            if one["configured"]
            else "no longer configured: nothing is sent"
        )
        lines.append(f"{one['receiver']}  {what}  {one['waiting']} waiting, {one['dead']} given up")
        if one["trouble"]:
            lines.append(f"    ✗ {one['trouble']}, waiting since {one['oldest_waiting']}")
    if not lines:
        return "there is no [[events]] in the configuration"
    lines.append("")
    for one in found["latest"]:
        said = f" ({one['code']}, {one['tries']} tries)" if one["code"] and one["state"] != StepState.DONE else ""
        lines.append(f"{one['id']}  {one['at']}  {one['receiver']}  {one['type']}  {one['state']}{said}")
    return "\n".join(lines)


def replay_ids(tx: Tx, ids: Sequence[int], by: str, now: datetime) -> int:
    """Sends some again; returns how many of them were ended and are still there."""
    count = len(outgoing.replay(tx, ids, now))
    state.add_audit(tx, by, "send events again", f"{count} events", now)
    return count


def replay_receiver(tx: Tx, receiver: EventSettings, since: datetime, by: str, now: datetime) -> int:
    """Sends all of a receiver's since a moment again, and what others were told meanwhile and it never was: one that is
    new gets its past that way.
    """
    count = outgoing.replay_since(tx, receiver.receiver, since, now) + _catch_up(tx, receiver, since, now)
    what = f"{receiver.receiver}: {count} since {since:%Y-%m-%d %H:%M} UTC"
    state.add_audit(tx, by, "send events again", what, now)
    return count


def _catch_up(tx: Tx, receiver: EventSettings, since: datetime, now: datetime) -> int:
    count = after = 0
    while rows := outgoing.told_to_others(tx, receiver.receiver, since, after):
        after = rows[-1].id
        known = outgoing.names_of(tx, receiver.receiver, [row.name for row in rows])
        told: dict[str, Row[Any]] = {}
        for row in rows:
            if row.name not in known and receiver.wants(row.kind):
                told[row.name] = max(told.get(row.name, row), row, key=lambda one: len(one.data))  # the one with words
        outgoing.add_events(tx, [_as_told_to(receiver, row, now) for row in told.values()])
        count += len(told)
    return count


def _as_told_to(receiver: EventSettings, row: Row[Any], now: datetime) -> dict[str, Any]:
    body = json.loads(row.data)
    if not receiver.texts:
        for message in body["data"].get("messages", ()):
            for words in ("text", "author"):
                message.pop(words, None)
    return {
        "receiver": receiver.receiver, "name": row.name, "kind": row.kind, "link_id": row.link_id, "thread": row.thread,
        "at": row.at, "data": json.dumps(body, ensure_ascii=False), "ready_at": now, "due_at": now,
    }  # fmt: skip


def _time(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment is not None else None
