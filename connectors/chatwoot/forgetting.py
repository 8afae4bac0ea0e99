"""What the admin deletes in Chatwoot: the records hold nothing about customers.

Deleting a contact takes its conversations along.
"""

from collections.abc import Sequence

from bridge.contract import Said, Subject, Words


def left_to_do(subject: Subject, web: str) -> Sequence[Said]:
    """Sentences for the admin. `web` is the account's address in the browser."""
    if not subject.tickets:
        return ()
    contacts = ", ".join(f"{web}/contacts/{peer}" for peer in subject.peers) or f"{web}/contacts"
    tickets = ", ".join(f"#{one}" for one in subject.tickets)
    return (
        Words(
            f"Delete the contact ({contacts}) in Chatwoot; its conversations {tickets} go with it",
            f"请在 Chatwoot 中删除联系人（{contacts}），其会话 {tickets} 会一并删除",
        ),
    )
