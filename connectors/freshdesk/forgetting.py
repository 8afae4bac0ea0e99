"""What the admin deletes in Freshdesk: the records hold ticket numbers only.

Tickets and contacts are deleted twice: into a list of deleted ones, and out of it forever.
"""

from collections.abc import Sequence

from bridge.contract import Account, Said, Subject, Words
from connectors.freshdesk.marks import external_id


def left_to_do(account: Account, subject: Subject, web: str) -> Sequence[Said]:
    """Sentences for the admin."""
    found: list[Said] = []
    if subject.tickets:
        found.append(_left(0, tickets=", ".join(f"#{one}" for one in subject.tickets), web=web))
    found += [_left(1, contact=f"{web}/a/contacts/{peer}") for peer in subject.peers]
    if subject.tickets and not subject.peers:
        found += [_left(2, contact=external_id(account.name, one.id), web=web) for one in subject.contacts]
    return found


_LEFT = {
    "en": (
        "Delete the tickets {tickets}, then delete them forever at {web}/a/tickets/filters/deleted",
        "Delete the contact {contact}, then delete it forever: Contacts, Deleted contacts, Delete forever",
        "Delete the contact with the unique external id {contact}, then delete it forever: {web}/a/contacts",
    ),
    "zh": (
        "请删除工单 {tickets}，然后在 {web}/a/tickets/filters/deleted 中永久删除",
        "请删除联系人 {contact}，然后在“已删除的联系人”中永久删除",
        "请删除唯一外部 ID 为 {contact} 的联系人，然后永久删除：{web}/a/contacts",
    ),
}


def _left(which: int, **values: str) -> Words:
    return Words(*(_LEFT[language][which].format(**values) for language in ("en", "zh")))
