"""What the records hold about a customer's user, and what the admin deletes in Zendesk.

Tickets and users are deleted twice, into a list of deleted ones and out of it for good:
https://support.zendesk.com/hc/en-us/articles/4408845703194
"""

from collections.abc import Sequence
from typing import Any

from bridge.contract import Account, Put, Said, Subject, Words
from connectors.zendesk.people import USER, external_id


async def records_of(account: Account, subject: Subject) -> dict[str, Any]:
    """The profiles that were sent."""
    rows = [await account.records.get(USER, name) for name in _users(account, subject)]
    return {"users": [row[0] for row in rows if row is not None]}


async def forget(account: Account, subject: Subject, web: str) -> Sequence[Said]:
    """Removes them; tickets and the user are for the admin to delete."""
    names = _users(account, subject)
    rows = [await account.records.get(USER, name) for name in names]
    users = sorted({*subject.peers, *(str(row[0].get("id", "")) for row in rows if row is not None)} - {""})
    await account.records.commit(*(Put(USER, name, None) for name in names))
    found: list[Said] = []
    if subject.tickets:
        found.append(_left(0, tickets=", ".join(f"#{one}" for one in subject.tickets), web=web))
    found += [_left(1, user=user, web=web) for user in users]
    return found


_LEFT = {
    "en": (
        "Delete the tickets {tickets}, then delete them permanently at {web}/agent/filters/deleted",
        "Delete the user {web}/agent/users/{user}, then delete them permanently: Admin Center, People, Deleted users",
    ),
    "zh": (
        "请删除工单 {tickets}，然后在 {web}/agent/filters/deleted 中将其永久删除",
        "请删除用户 {web}/agent/users/{user}，然后永久删除：Admin Center → People → Deleted users",
    ),
}


def _left(which: int, **values: str) -> Words:
    return Words(*(_LEFT[language][which].format(**values) for language in ("en", "zh")))


def _users(account: Account, subject: Subject) -> list[str]:
    return [external_id(account.name, contact.id) for contact in subject.contacts]
