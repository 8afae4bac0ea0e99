"""The lanes of a link: each is one order of messages. Numbers, because the database compares them.

Towards people they are `link.id * 4` and what follows. Those below zero are a bot's questions and agents' drafts, which
neither the channel nor the desk ever sees.
"""

from typing import Any


def lane_to_desk(link_id: int) -> int:
    """The lane of what the customer says."""
    return link_id * 4


def lane_to_channel(link_id: int) -> int:
    """The lane of what the agents answer."""
    return link_id * 4 + 1


def lane_of_invitations(link_id: int) -> int:
    """The lane of what calls a customer back while answers wait: it must not wait behind them."""
    return link_id * 4 + 2


def lane_of_labels(link_id: int) -> int:
    """The lane of what a ticket shows of the allowance: words never wait behind it."""
    return link_id * 4 + 3


def lane_to_bot(link_id: int) -> int:
    """The lane of what a bot is asked."""
    return -2 * link_id


def lane_of_drafts(link_id: int) -> int:
    """The lane of words that wait for an agent's `#send`. Nothing in it is ever rendered."""
    return -2 * link_id - 1


def lanes_towards_people(link_id: int) -> range:
    """All lanes of a link but those of bots and drafts."""
    return range(link_id * 4, link_id * 4 + 4)


def is_towards_desk(lane: int) -> bool:
    """Whether a lane leads to the ticket."""
    return lane >= 0 and lane % 4 in {0, 3}


def is_of_words(lane: Any) -> Any:
    """Whether a lane is that of what the customer says; of a column, the condition."""
    return lane % 4 == 0


def is_towards_customer(lane: int) -> bool:
    """Whether a lane is that of the answers."""
    return lane >= 0 and lane % 4 == 1


def is_of_invitations(lane: int) -> bool:
    """Whether a lane is that of what calls customers back."""
    return lane >= 0 and lane % 4 == 2


def is_towards_bot(lane: int) -> bool:
    """Whether a lane is that of a bot's questions."""
    return lane < 0 and lane % 2 == 0


def link_of(lane: int) -> int:
    """The link a lane belongs to."""
    return lane // 4 if lane >= 0 else -lane // 2
