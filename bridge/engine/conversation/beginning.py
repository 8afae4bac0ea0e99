"""An agent begins: a ticket of their own for a customer whom the bridge knows is a conversation from its first word."""

from bridge.contract import Audience, AuthorKind, MessageReceived
from bridge.engine.context import Work
from bridge.engine.conversation.agent_notes import tell
from bridge.engine.conversation.announcement import announce
from bridge.engine.conversation.bot_share import carry_wishes
from bridge.engine.conversation.handover import has_opening, take_back, under_way
from bridge.engine.conversation.labels import marks_of, refresh
from bridge.engine.conversation.queueing import carry_answers, put
from bridge.engine.conversation.transcript import said_before, transcript
from bridge.engine.conversation.withdrawal import withdraw_bot
from mappings import handovers, links
from mappings.links import LinkRow
from mappings.states import LinkColumns

_COPIED = (
    *("channel", "conversation", "person_id", "contact", "context", "allowance"),
    *("decided", "proven", "entry", "held_by", "warn_at"),
)


def begin(work: Work, desk: str, event: MessageReceived) -> LinkRow | None:
    """The conversation that an agent begins on a ticket nobody knew; None when it is none: not an agent's words to a
    customer, or nobody whom the bridge knows there.
    """
    message = event.message
    if message.author.kind is not AuthorKind.AGENT or message.audience is not Audience.CUSTOMER:
        return None
    known = links.newest_of_peer(work.tx, desk, event.requester)
    if known is None:
        return None
    current = links.open_link(work.tx, known.channel, known.conversation) or known
    apart = current.state != "ended" and not has_opening(work, current)  # a bot had it, and no desk has a word of it
    unasked = withdraw_bot(work, current) if current.holder != current.desk else []
    mine = links.conversation_links(work.tx, known.channel, known.conversation)
    said = said_before(work, mine, {one.id for one in unasked}) if apart else []
    late = unasked if apart else []
    if current.state != "ended" and not apart:  # what the old ticket may lack is said here, before all that follows
        late = [*under_way(work, current), *take_back(work, current)]
    if current.state != "ended":
        links.change_link(work.tx, current.id, state="ended", warn_at=None, touched_at=work.now)
    columns: LinkColumns = {
        **links.copied(current, *_COPIED),
        "peer": event.requester,
        "desk": desk,
        "ticket": message.conversation,
        "state": "open",
        "previous": current.ticket or "" if current.desk == desk else "",
        "generation": current.generation + 1,
        "url": "",
        "fields": marks_of(work.runtime, current.channel),
        "shown": "",
        "created_at": work.now,
        "touched_at": work.now,
        "holder": desk,
        "term": current.term + 1,
        "memory": "",
    }
    fresh = links.add_link(work.tx, **columns)
    carry_answers(work.tx, current, fresh)
    refresh(work, fresh)
    carry_wishes(work, current, fresh)
    if current.holder != current.desk:
        handovers.add_handover(
            work.tx, link_id=fresh.id, left_id=current.id, from_account=current.holder, to_account=desk,
            why=handovers.BEGUN, who=message.author.name, term=fresh.term, at=work.now,
        )  # fmt: skip
    if said:
        put(work, fresh, transcript(work, fresh, said), to_desk=True)
    for one in late:  # what the old ticket did not take comes before what is written from now on
        put(work, fresh, one, to_desk=True)
    if current.ticket is not None and current.state == "open":
        tell(work, current, "begun.elsewhere", ticket=message.conversation)
    work.effects.accounts |= {fresh.desk, fresh.channel}
    if work.runtime.announces:
        announce(work, fresh, "conversation.opened", {"by": "agent"})
    work.effects.note("an agent began", link=fresh.id, account=desk)
    return fresh
