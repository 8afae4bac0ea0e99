"""When a ticket takes its next update, at desks that count them: what a chatty customer writes is joined, and told."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil

from bridge.contract import Audience, Message
from bridge.engine.context import Work
from bridge.engine.conversation.agent_notes import tell
from bridge.engine.conversation.labels import kept_for_labels
from mappings import links, outbox
from mappings.links import LinkRow

PACED = "paced"  # a notice: agents read that a customer's words are joined
_ROUND, _SPARE = 10, 5  # seconds: what agents are told is rounded up, because the notes take updates as well
_FREE = 4  # the first of so many parts of the limit goes at once: nobody who writes a few lines waits


def next_update(work: Work, link: LinkRow, lane: int) -> datetime | None:
    """When the next update of this ticket may go; None: now.

    Nothing waits while little of the limit is used. Then what is left of it is shared out over what is left of the
    period, so that the customer's next lines join, each comes within one such share, and the limit is never reached.
    """
    limit = work.runtime.capabilities(link.desk).update_limit
    if limit is None:
        return None
    sent = outbox.sent_since(work.tx, link.id, lane, work.now - limit.per)
    budget = limit.count - 1  # one stays for the note that tells of it
    if len(sent) < max(1, budget // _FREE):
        return None
    labels = len(outbox.sent_since(work.tx, link.id, links.lane_of_labels(link.id), work.now - limit.per))
    left = budget - len(sent) - max(labels, kept_for_labels(work.runtime, link))
    whole = sent[-1] + limit.per
    share = (whole - work.now) / left if left > 0 else whole - sent[0]
    due = sent[0] + share
    if due <= work.now:
        return None
    if due - work.now > timedelta(seconds=2):
        _tell(work, link, limit.count, limit.per, share)
    return due


def words_first(messages: Sequence[Message]) -> list[Message]:
    """What waits for one update, with the bridge's own notes behind what people said: each change between them would be
    an update of its own.
    """
    return sorted(messages, key=lambda message: message.audience is Audience.AGENTS)


def _tell(work: Work, link: LinkRow, count: int, per: timedelta, share: timedelta) -> None:
    """How late what the customer writes may come; again only when it becomes later than was said. The note goes along
    with the words that wait.
    """
    said = [int(cause.removeprefix(f"{PACED}.")) for cause in links.causes_told(work.tx, link.id, f"{PACED}.")]
    if share.total_seconds() <= max(said, default=0):
        return
    minutes = int(per.total_seconds() // 60)
    seconds = _ROUND * ceil((share.total_seconds() + _SPARE) / _ROUND)
    if tell(work, link, "paced", cause=f"{PACED}.{seconds}", count=count, minutes=minutes, seconds=seconds):
        work.effects.note("updates are spread", account=link.desk, link=link.id, ticket=link.ticket)
