"""What the records hold about a customer's steps, and what the admin shreds in Request Tracker.

What is deleted in RT stays in its database until it is shredded:
https://docs.bestpractical.com/rt/5.0.5/rt-shredder.html
"""

from collections.abc import Sequence
from typing import Any

from bridge.contract import Account, Put, Said, Subject, Words
from connectors.rt.lookup import CREATED, MADE


class Forgetting:
    """What `Forgets` asks of this desk."""

    account: Account

    async def records_of(self, subject: Subject) -> dict[str, Any]:
        """Nothing of a customer: ticket numbers only."""
        return {}

    async def forget(self, subject: Subject) -> Sequence[Said]:
        """Removes which transactions their steps made; tickets and users are for the admin to shred."""
        records = self.account.records
        rows = [await records.get(MADE, key) for key in subject.keys]
        made = [str(row[0].get("transaction", "")) for row in rows if row is not None]
        gone = [Put(MADE, key, None) for key in subject.keys] + [Put(CREATED, one, None) for one in made if one]
        for place in range(0, len(gone), 500):
            await records.commit(*gone[place : place + 500])
        found: list[Said] = []
        if subject.tickets:
            query = " OR ".join(f"id = {one}" for one in subject.tickets)
            found.append(_left(0, tickets=", ".join(f"#{one}" for one in subject.tickets), query=query))
        return [*found, *(_left(1, user=peer) for peer in subject.peers)]


_LEFT = {
    "en": (
        'Shred the tickets {tickets} on RT\'s server: rt-shredder --plugin "Tickets=query,{query}"',
        "Take the personal data of the user {user} away: Admin, Users, the user, Manage user data, Anonymize",
    ),
    "zh": (
        '请在 RT 服务器上彻底删除工单 {tickets}：rt-shredder --plugin "Tickets=query,{query}"',
        "请清除用户 {user} 的个人信息：Admin → Users → 该用户 → Manage user data → Anonymize",
    ),
}


def _left(which: int, **values: str) -> Words:
    return Words(*(_LEFT[language][which].format(**values) for language in ("en", "zh")))
