"""What the shop's own server told of a customer: believed like what was signed, and shown to agents once per change."""

import hashlib
import json
from datetime import datetime
from typing import Any

from bridge.engine.context import Work
from bridge.engine.conversation.agent_notes import tell
from bridge.engine.conversation.decision import Context, Proven
from mappings import shop
from mappings.links import LinkRow

_PROVES = {"tier": "customer.tier", "tags": "customer.tag", "customer_id": "customer.id"}

Profile = dict[str, list[dict[str, str]]]
"""By name (tier, orders, tags, whatever the shop calls it): values, each `{"value", "until"}`."""


def of_conversation(conversation: str) -> str:
    """The subject under which facts of a conversation are kept."""
    return f"c:{conversation}"


def of_handle(handle: str) -> str:
    """The same for a handle that the client will bring."""
    return f"h:{handle}"


def told_of(work: Work, account: str, conversation: str, context: Context) -> tuple[Context, Proven]:
    """What was told of a customer, or under the handle that they bring: context, and what is proven by it."""
    found: Context = {}
    proven: Proven = {}
    handle = context.get("session_from", "").removeprefix("h.")
    for subject in (of_handle(handle) if handle else "", of_conversation(conversation)):
        row = shop.get_fact(work.tx, account, subject, work.now) if subject else None
        if row is not None:
            value = json.loads(row.value)
            found |= value["context"]
            proven |= proven_by(value["profile"], work.now)
    return found, proven


def proven_by(profile: Profile, now: datetime) -> Proven:
    """What rules may believe of a profile at a moment."""
    alive = still(profile, now)
    return {condition: alive[name] for name, condition in _PROVES.items() if alive.get(name)} | (
        {"told": ["yes"]} if alive else {}
    )


def still(profile: Profile, now: datetime) -> dict[str, list[str]]:
    """The values of a profile that have not ended."""
    alive = {
        name: [one["value"] for one in values if datetime.fromisoformat(one["until"]) > now]
        for name, values in profile.items()
    }
    return {name: values for name, values in alive.items() if values}


def show_profile(work: Work, link: LinkRow) -> None:
    """A note on the ticket about who this is, once for each state of the profile."""
    row = shop.get_fact(work.tx, link.channel, of_conversation(link.conversation), work.now)
    profile = still(json.loads(row.value)["profile"], work.now) if row is not None else {}
    if profile:
        said = "; ".join(f"{name} {', '.join(values)}" for name, values in sorted(profile.items()))
        mark = hashlib.sha256(said.encode()).hexdigest()[:12]
        tell(work, link, "profile", cause=f"profile.{mark}", profile=said)


def keep(work: Work, account: str, subject: str, value: dict[str, Any], until: datetime) -> None:
    """Keeps what was told, over what was told of the same names before."""
    row = shop.get_fact(work.tx, account, subject, work.now)
    before = json.loads(row.value) if row is not None else {"context": {}, "profile": {}}
    merged = {name: {**before[name], **value[name]} for name in ("context", "profile")}
    latest = max(until, row.until) if row is not None else until
    shop.put_fact(work.tx, account, subject, json.dumps(merged, ensure_ascii=False), latest, work.now)
