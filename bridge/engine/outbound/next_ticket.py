"""A ticket that takes nothing more: the conversation goes on in the next one."""

from collections.abc import Mapping

from bridge.contract import Message
from bridge.engine.context import Work
from bridge.engine.conversation.queueing import carried_by, carry_answers
from mappings import handovers, links, outbox, waiting
from mappings.links import LinkRow
from mappings.states import LinkColumns

_CARRIED = ("channel", "conversation", "desk", "person_id", "contact", "context", "allowance", "peer", "held_by")
_HELD = ("warn_at", "holder", "term", "memory")
_OF_THE_ROUTE = ("fields", "decided", "proven", "entry")


def render_anew(work: Work, link: LinkRow) -> None:
    """What was rendered for a ticket that is still to be made is rendered once more, with all that waits behind it."""
    lane = links.lane_to_desk(link.id)
    unfinished = outbox.unfinished_in(work.tx, lane)
    outbox.drop_steps(work.tx, [step.id for step in unfinished], work.now, "rendered anew")
    messages = {message.id: message for step in unfinished for message in carried_by(step)}
    behind = waiting.waiting_in(work.tx, lane)
    waiting.drop_waiting(work.tx, [row.id for row in behind])
    messages |= {row.message_id: Message.model_validate_json(row.message) for row in behind}
    _wait(work, link, messages)


def open_next(work: Work, link: LinkRow) -> None:
    """The ticket takes nothing more: the conversation goes on in a new one that names the old.

    What the old ticket did not take is rendered anew, because a new ticket begins differently. Where the conversation
    has gone on already, it comes before what waits there.
    """
    if handovers.left_by(work.tx, link.id) is not None:
        _forget(work, link)
        return
    links.change_link(work.tx, link.id, state="ended", warn_at=None, touched_at=work.now)
    current = links.open_link(work.tx, link.channel, link.conversation)
    columns: LinkColumns = {
        **links.copied(link, *_CARRIED, *_OF_THE_ROUTE, *_HELD),
        "state": "open",
        "previous": link.ticket or link.previous,
        "generation": link.generation + 1,
        "url": "",
        "shown": "",
        "created_at": work.now,
        "touched_at": work.now,
    }
    fresh = current or links.add_link(work.tx, **columns)
    told = _told_since(work, link) if current is not None else frozenset()
    lane = links.lane_to_desk(link.id)
    unfinished = outbox.unfinished_in(work.tx, lane)
    outbox.drop_steps(work.tx, [step.id for step in unfinished], work.now, "the ticket is finished")
    messages: dict[str, Message] = {}
    for step in unfinished:
        messages |= {message.id: message for message in carried_by(step)}
    rows = waiting.waiting_in(work.tx, lane)
    waiting.drop_waiting(work.tx, [row.id for row in rows])
    messages |= {row.message_id: Message.model_validate_json(row.message) for row in rows}
    behind = waiting.waiting_in(work.tx, links.lane_to_desk(fresh.id))
    waiting.drop_waiting(work.tx, [row.id for row in behind])
    messages |= {row.message_id: Message.model_validate_json(row.message) for row in behind}
    _wait(work, fresh, {name: message for name, message in messages.items() if name not in told})
    carry_answers(work.tx, link, fresh)
    work.effects.accounts |= {fresh.desk, fresh.channel}
    work.effects.note("next ticket", link=link.id, next=fresh.id)


def _told_since(work: Work, link: LinkRow) -> frozenset[str]:
    """What later tickets of the conversation have, or are to have: it was told there when an agent began."""
    later = [one.id for one in links.conversation_links(work.tx, link.channel, link.conversation) if one.id > link.id]
    steps = handovers.steps_said(work.tx, [links.lane_to_desk(one) for one in later])
    return frozenset(message.id for step in steps for message in carried_by(step))


def _wait(work: Work, link: LinkRow, messages: Mapping[str, Message]) -> None:
    for message in messages.values():
        waiting.add_waiting(
            work.tx,
            lane=links.lane_to_desk(link.id),
            link_id=link.id,
            account=link.desk,
            message_id=message.id,
            message=message.model_dump_json(),
            due_at=work.now,
            created_at=work.now,
        )


def _forget(work: Work, link: LinkRow) -> None:
    """The conversation was handed over to another desk: what was on its way here stands in the transcript there."""
    lane = links.lane_to_desk(link.id)
    unfinished = outbox.unfinished_in(work.tx, lane)
    outbox.drop_steps(work.tx, [step.id for step in unfinished], work.now, "the ticket is finished")
    waiting.drop_waiting(work.tx, [row.id for row in waiting.waiting_in(work.tx, lane)])
