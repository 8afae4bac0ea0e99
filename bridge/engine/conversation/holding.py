"""Answers that wait: until the customer acts, or until whoever holds them back lets them go.

What is being sent at that moment still lands.
"""

from bridge.contract import DeliveryState, Message
from bridge.engine.context import Work
from bridge.engine.conversation.agent_notes import show_progress, tell_waiting
from bridge.engine.conversation.allowance import Allowance
from bridge.engine.conversation.announcement import announce
from bridge.engine.conversation.handover import Cause, hand_over
from bridge.engine.conversation.invitation import invite
from bridge.engine.conversation.release import reopen, under_way
from mappings import facts, links, outbox, waiting
from mappings.links import LinkRow
from mappings.states import StepState


def hold(
    work: Work, link: LinkRow, messages: list[Message], what: str, *, tried: bool = False, **values: object
) -> None:
    """The customer must act first: the lane waits, the agents are told of each answer once, the customer is perhaps
    called back. `tried`: the journal of a step says already that it was held.
    """
    lane = links.lane_to_channel(link.id)
    waiting.hold_waiting(work.tx, lane, f"{what} ({Allowance.model_validate_json(link.allowance).summary(work.now)})")
    ids = [message.id for message in messages]
    if not tried:
        mine = {"kind": "held", "link_id": link.id, "at": work.now, "code": what}
        facts.add_facts(work.tx, [{**mine, "ref": f"{link.id} {identifier}"} for identifier in ids])
    if work.runtime.announces:
        announce(work, link, "message.held", {"why": what}, messages=messages)
    show_progress(work, link, ids, DeliveryState.HELD, to_desk=True, reason=what)
    if tell_waiting(work, link, what, messages, **values):
        invite(work, link)


def hold_behind(work: Work, link: LinkRow, message: Message) -> None:
    """An answer that stands behind one which the platform refused: its lane is not rendered, so that nobody else would
    say that it waits. Nothing is asked of the database while there are replies.
    """
    if work.runtime.capabilities(link.channel).window is None:
        return
    book = Allowance.model_validate_json(link.allowance)
    if book.remaining(work.now) > 0:
        return
    steps = outbox.unfinished_in(work.tx, links.lane_to_channel(link.id))
    if any(step.state == StepState.PARKED for step in steps):
        hold(work, link, [message], "window.spent" if book.is_open(work.now) else "window.over")


def hold_back(work: Work, link: LinkRow, who: str) -> None:
    """Nothing goes to the customer from now on. What a bot has to say would come too late: people take over."""
    if link.holder != link.desk:
        link = hand_over(work, link, link.desk, Cause("held", who))
    links.change_link(work.tx, link.id, held_by=who)
    lane = links.lane_to_channel(link.id)
    for step in outbox.unfinished_in(work.tx, lane):
        if not under_way(step):
            outbox.change_step(work.tx, step.id, state=StepState.PARKED)
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
        reopen(work, free, Allowance.model_validate_json(free.allowance))
