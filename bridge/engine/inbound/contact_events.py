"""What is told of people: a profile that changed, two who are one."""

import json
from typing import Any

from bridge.contract import Contact, ContactChanged
from bridge.engine.context import ConnectedAccount, Work
from bridge.engine.conversation.agent_notes import tell
from mappings import links, people

_SHOWN = {
    "name": ("name", "姓名"),
    "email": ("email", "邮箱"),
    "phone": ("phone", "电话"),
    "locale": ("language", "语言"),
}


def contact_changed(work: Work, connected: ConnectedAccount, event: ContactChanged) -> None:
    """A desk's user who was merged lives on as another one. A channel's customer is known by the new profile at once,
    and agents read on the ticket what is different; two customers whom the platform made one are one person.
    """
    name, contact = connected.name, event.contact
    if event.merged_into:
        links.change_peer(work.tx, name, contact.id, event.merged_into)
        if name in work.runtime.channels:
            _join(work, name, contact.id, event.merged_into)
        return
    customer_id, shared_id = contact.verified_customer_id, contact.shared_id
    known = people.know(work.tx, name, contact.id, "", customer_id, work.now, shared_id=shared_id)
    if customer_id or shared_id:
        people.suggest(work.tx, known.person_id, customer_id, work.now, shared_id=shared_id)
    before: dict[str, Any] = json.loads(known.profile)
    after = _with(before, contact)
    people.know(work.tx, name, contact.id, _dump(after), "", work.now)
    if name in work.runtime.channels:
        _show(work, known.person_id, name, contact, before, after)


def _with(profile: dict[str, Any], told: Contact) -> dict[str, Any]:
    """What is told replaces what was known; what is not told stays."""
    more = told.model_dump(mode="json", exclude_defaults=True)
    return {**profile, **more, "extra": {**profile.get("extra", {}), **told.extra}}


def _show(
    work: Work, person_id: int, name: str, contact: Contact, before: dict[str, Any], after: dict[str, Any]
) -> None:
    changes = _changes(before, after, work.runtime.language)
    for link in links.person_links(work.tx, person_id):
        its = Contact.model_validate_json(link.contact)
        if link.state == "ended" or link.channel != name or its.id not in {contact.id, ""}:
            continue
        links.change_link(work.tx, link.id, contact=_dump(_with(json.loads(link.contact), contact)))
        if changes and link.ticket is not None:
            tell(work, link, "contact.changed", changes=", ".join(changes))


def _changes(before: dict[str, Any], after: dict[str, Any], language: str) -> list[str]:
    """What agents should know of it: `name: Anna`."""
    zh = language.startswith("zh")
    found = [
        f"{words[zh]}: {after[key]}"
        for key, words in _SHOWN.items()
        if after.get(key) and after[key] != before.get(key)
    ]
    was = before.get("extra", {})
    return found + [f"{key}: {value}" for key, value in after["extra"].items() if value != was.get(key)]


def _join(work: Work, name: str, contact: str, into: str) -> None:
    one, other = (people.know(work.tx, name, each, "", "", work.now).person_id for each in (into, contact))
    if one != other:
        people.join(work.tx, one, other, name, f"merged at {name}", work.now)


def _dump(profile: dict[str, Any]) -> str:
    return json.dumps(profile, ensure_ascii=False)
