"""What the admin deletes in Chatwoot: the records hold nothing about customers.

Deleting a contact takes its conversations along.
"""

from collections.abc import Sequence

from bridge.contract import Account, Subject


def left_to_do(account: Account, subject: Subject, web: str) -> Sequence[str]:
    """Sentences for the admin. `web` is the account's address in the browser."""
    if not subject.tickets:
        return ()
    text = _LEFT[account.language if account.language in _LEFT else "en"]
    contacts = ", ".join(f"{web}/contacts/{peer}" for peer in subject.peers) or f"{web}/contacts"
    return (text.format(tickets=", ".join(f"#{one}" for one in subject.tickets), contacts=contacts),)


_LEFT = {
    "en": "Delete the contact ({contacts}) in Chatwoot; its conversations {tickets} go with it",
    "zh": "请在 Chatwoot 中删除联系人（{contacts}），其会话 {tickets} 会一并删除",
}
