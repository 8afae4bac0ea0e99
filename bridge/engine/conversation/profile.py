"""What the shop's own server told of a customer: believed like what was signed, and shown to agents once per change."""

import hashlib
import json
from datetime import datetime
from typing import Any

from bridge.contract import Contact
from bridge.engine.context import Work
from bridge.engine.conversation.agent_notes import tell
from bridge.engine.conversation.decision import Context, Proven
from mappings import links, shop
from mappings.links import LinkRow

_PROVES = {"tier": "customer.tier", "tags": "customer.tag", "customer_id": "customer.id"}

_KNOWN = 50  # ids of the sender's that are remembered of one customer

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
    for value in _told(work, account, conversation, context):
        found |= value["context"]
        proven |= proven_by(value["profile"], work.now)
    return found, proven


def _told(work: Work, account: str, conversation: str, context: Context) -> list[dict[str, Any]]:
    """What is kept under the handle and of the customer, what counts more last."""
    handle = context.get("session_from", "").removeprefix("h.")
    subjects = [*([of_handle(handle)] if handle else []), of_conversation(conversation)]
    rows = [shop.get_fact(work.tx, account, subject, work.now) for subject in subjects]
    return [json.loads(row.value) for row in rows if row is not None]


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


def show_profile(work: Work, link: LinkRow, *, now: bool = False) -> None:
    """Agents see who this is: beside the customer where the desk shows that, else in a note, once for each state of the
    profile. `now`: it changed in the middle, and what stands beside the customer changes with their next words only.
    """
    contact = Contact.model_validate_json(link.contact)
    profile = profile_of(work, link.channel, contact.id, json.loads(link.context))
    if profile != contact.profile:
        with_profile = contact.model_copy(update={"profile": profile})
        links.change_link(work.tx, link.id, contact=with_profile.model_dump_json(exclude_defaults=True))
    if profile and (now or not work.runtime.capabilities(link.desk).shows_profile):
        said = ("；" if work.runtime.language == "zh" else "; ").join(
            f"{name} {value}" for name, value in profile.items()
        )
        mark = hashlib.sha256(said.encode()).hexdigest()[:12]
        tell(work, link, "profile", cause=f"profile.{mark}", profile=said)


def profile_of(work: Work, account: str, conversation: str, context: Context) -> dict[str, str]:
    """What agents see of a customer: by name, in order, without what has ended."""
    profile: dict[str, list[str]] = {}
    for value in _told(work, account, conversation, context):
        profile |= still(value["profile"], work.now)
    return {name: ", ".join(values) for name, values in sorted(profile.items())}


def with_profile(work: Work, account: str, contact: Contact, context: Context, link: LinkRow | None) -> Contact:
    """A contact as its channel tells of it, with what the shop told: looked up when a conversation begins; later
    (`link`) as it was then, or was told since.
    """
    if link is not None:
        found = json.loads(link.contact).get("profile")
    else:
        found = profile_of(work, account, contact.id, context)
    return contact.model_copy(update={"profile": found}) if found else contact


def keep(work: Work, account: str, subject: str, value: dict[str, Any], until: datetime, given: str = "") -> bool:
    """Keeps what was told, over what was told of the same names before. False for a repeat of the sender's own id
    (`given`): it changes nothing, however late it comes.
    """
    row = shop.get_fact(work.tx, account, subject, work.now)
    before = json.loads(row.value) if row is not None else {"context": {}, "profile": {}}
    known = before.get("given", [])
    if given and given in known:
        return False
    merged: dict[str, Any] = {name: {**before[name], **value[name]} for name in ("context", "profile")}
    merged["given"] = [*known, given][-_KNOWN:] if given else known
    latest = max(until, row.until) if row is not None else until
    shop.put_fact(work.tx, account, subject, json.dumps(merged, ensure_ascii=False), latest, work.now)
    return True
