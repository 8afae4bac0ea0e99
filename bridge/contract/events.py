"""What happened at a vendor, normalised. One raw payload becomes zero or more of these."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from bridge.contract.messages import Contact, DeliveryState, Message, Value


class Status(StrEnum):
    """The life of a ticket. `SOLVED` can be reopened; `CLOSED` cannot."""

    OPEN = "open"
    SOLVED = "solved"
    CLOSED = "closed"


class MessageReceived(Value):
    """Somebody said something. `context` holds where they came from (entry page, origin string), for routing.
    `requester`: an agent opened this ticket for a customer (the desk's own id of them, as a receipt's `peer`), marked
    as one that the bridge is to carry; where the bridge knows them, a conversation begins with the agent's words.
    `owners`: whose ticket it was when this was said, where the desk says so with the words (see `OwnersChanged`).
    """

    kind: Literal["message"] = "message"
    message: Message
    contact: Contact | None = None
    context: dict[str, str] = Field(default_factory=dict)
    requester: str = ""
    owners: tuple[str, ...] = ()


class StatusChanged(Value):
    """A ticket was solved, closed or reopened. `moved_to` names the ticket it was merged into."""

    kind: Literal["status"] = "status"
    conversation: str
    status: Status
    moved_to: str = ""


class OwnersChanged(Value):
    """A ticket was given to other customers: by an agent who changed whose it is, or because its number is used anew.

    `owners` are the desk's own ids of them, as a receipt's `peer` is. Is ours not among them, nothing of this ticket
    goes to the former customer any more, and nothing of theirs there. A user who was merged into another one is still
    the same customer: that is `ContactChanged`, and comes first.
    """

    kind: Literal["owners"] = "owners"
    conversation: str
    owners: tuple[str, ...]


class Entered(Value):
    """The customer opened the chat without saying anything yet. `opens_chat`: whether they look at it now, so that a
    greeting would be seen; a tap on a menu or a new subscription only allows replies. `grant` names what allows them,
    among the window's `grants`; without one there it is as an entry.
    """

    kind: Literal["entered"] = "entered"
    conversation: str
    contact: Contact
    context: dict[str, str] = Field(default_factory=dict)
    at: datetime | None = None
    opens_chat: bool = True
    grant: str = ""


class ReceiptReceived(Value):
    """The vendor said later how far one of our messages (`message`, its id there) came."""

    kind: Literal["receipt"] = "receipt"
    conversation: str
    message: str
    state: DeliveryState
    reason: str = ""


class ContactChanged(Value):
    """A profile changed, or a person was merged into another (`merged_into`)."""

    kind: Literal["contact"] = "contact"
    contact: Contact
    merged_into: str = ""


class Change(StrEnum):
    """What became of a message after it was said."""

    EDITED = "edited"
    DELETED = "deleted"
    HIDDEN = "hidden"  # made private after it was public


class MessageChanged(Value):
    """An agent edited or deleted a message that may have been sent on already."""

    kind: Literal["changed"] = "changed"
    conversation: str
    message: str
    change: Change


class Retried(Value):
    """An agent sent a message once more by the desk's own button, under the same id: what of it ended badly goes again.

    It may be told of a message that never failed, or twice: nothing happens then. Its raw has a key of its own, for the
    message's key is known.
    """

    kind: Literal["retried"] = "retried"
    conversation: str
    message: str


class ConsentChanged(Value):
    """The customer allowed (`count` > 0) or refused (`count` = 0: none left) messages of one template."""

    kind: Literal["consent"] = "consent"
    conversation: str
    template: str
    count: int = 1


class BotVerdict(StrEnum):
    """What a bot makes of what it was asked. `NOTHING`: it does not know. `RESOLVED`: answered, and nothing is open."""

    ANSWER = "answer"
    HANDOFF = "handoff"
    RESOLVED = "resolved"
    NOTHING = "nothing"


class BotAnswered(Value):
    """A bot answered the question with the key `job` (of the step that asked it). `text` is plain; with `HANDOFF` it is
    what the bot says beside it. `memory` is the bot's own id of the conversation, given back with the next question.
    `choices` are answers to tap where the channel has buttons; what is tapped is the customer's next message.
    """

    kind: Literal["bot"] = "bot"
    job: str
    text: str = ""
    verdict: BotVerdict = BotVerdict.ANSWER
    reason: str = ""
    summary: str = ""
    memory: str = ""
    tokens: int = 0
    choices: tuple[str, ...] = ()


Event = Annotated[
    MessageReceived
    | StatusChanged
    | OwnersChanged
    | Entered
    | ReceiptReceived
    | ContactChanged
    | MessageChanged
    | Retried
    | ConsentChanged
    | BotAnswered,
    Field(discriminator="kind"),
]
