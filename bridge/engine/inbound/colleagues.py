"""What somebody else than the customer said on a channel: a colleague in the platform's own client, or the platform."""

from bridge.contract import AuthorKind, MessageReceived
from bridge.engine.context import ConnectedAccount, Work
from bridge.engine.conversation.agent_notes import tell
from bridge.engine.conversation.handover import Cause, hand_over
from bridge.engine.conversation.links import came_with
from bridge.engine.conversation.notices import quote
from mappings import links


def colleague_said(work: Work, connected: ConnectedAccount, event: MessageReceived, inbox_id: int) -> bool:
    """A private note on the ticket, because the customer has it already. False when the conversation is no channel's.

    Without a ticket there is nobody to tell: the next message of the customer makes one.
    """
    message = event.message
    link = links.open_link(work.tx, connected.name, message.conversation)
    if link is None:
        return False
    if not links.add_ref(work.tx, connected.name, message.id, link.id, work.now, **came_with(message, inbox_id)):
        return True
    if message.author.kind is AuthorKind.AGENT and link.holder != link.desk:  # a person speaks with the customer
        link = hand_over(work, link, link.desk, Cause("agent", message.author.name))
    if link.ticket is not None:
        what = "colleague" if message.author.kind is AuthorKind.AGENT else "platform"
        tell(
            work,
            link,
            what,
            quoted=quote([message], work.runtime.language, 2000),
            name=message.author.name or message.author.id,
        )
    return True
