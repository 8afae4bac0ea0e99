"""Whose a ticket is: a desk may give one of ours to another customer, or use its number anew."""

from collections.abc import Sequence

from bridge.engine.context import Work
from bridge.engine.conversation.agent_notes import tell
from mappings import links
from mappings.links import LinkRow
from mappings.store import Tx

_AWAY = "given.away"  # a notice: as long as it is there the ticket is another customer's


def is_given_away(tx: Tx, link: LinkRow) -> bool:
    """Whether the ticket is another customer's. While it is open nothing is asked of the database."""
    return link.state in {"closed", "ended"} and bool(links.causes_told(tx, link.id, _AWAY))


def owners_known(work: Work, link: LinkRow, owners: Sequence[str]) -> bool:
    """The desk says whose the ticket is. Given to others, it is closed for its former customer, in both directions;
    given back before they wrote again, it goes on. Returns whether it is another customer's.
    """
    before = is_given_away(work.tx, link)
    away = link.peer not in owners if link.peer else before
    if away == before:
        return away
    ended = link.state == "ended"
    if away:
        if not ended:
            links.change_link(work.tx, link.id, state="closed", solved_at=work.now, touched_at=work.now)
        tell(work, link, "given.away", cause=_AWAY)
        work.effects.note("ticket given away", link=link.id, account=link.desk)
        return True
    links.forget_notices(work.tx, link.id, _AWAY)
    if not ended:
        links.change_link(work.tx, link.id, state="open", solved_at=None, touched_at=work.now)
        tell(work, link, "given.back")
    return False
