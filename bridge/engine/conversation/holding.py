"""Somebody holds the answers of a conversation back until they let them go: a word that must be checked first, say.

What is being sent at that moment still lands.
"""

from bridge.engine.context import Work
from bridge.engine.conversation.allowance import Allowance
from bridge.engine.conversation.release import reopen, under_way
from mappings import links, outbox, waiting
from mappings.links import LinkRow


def hold_back(work: Work, link: LinkRow, who: str) -> None:
    """Nothing goes to the customer from now on."""
    links.change_link(work.tx, link.id, held_by=who)
    lane = links.lane_to_channel(link.id)
    for step in outbox.unfinished_in(work.tx, lane):
        if not under_way(step):
            outbox.change_step(work.tx, step.id, state="parked")
    waiting.hold_waiting(work.tx, lane, f"held by {who}")


def let_go(work: Work, link: LinkRow) -> None:
    """What was held goes, within what the allowance holds."""
    links.change_link(work.tx, link.id, held_by="")
    lane = links.lane_to_channel(link.id)
    if work.runtime.capabilities(link.channel).window is None:
        outbox.unpark(work.tx, lane, work.now)
        waiting.release_waiting(work.tx, lane)
        waiting.delay_waiting(work.tx, lane, work.now)
        work.effects.accounts.add(link.channel)
    else:
        free = links.get_link(work.tx, link.id)
        reopen(work, free, Allowance.model_validate_json(free.ledger))
