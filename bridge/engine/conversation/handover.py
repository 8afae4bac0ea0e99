"""Hand-over: a conversation changes hands, between desks, or between a bot and people. Every cause ends here.

One transaction writes all of it: the holder with a new term, the row that says why, what those who take over must
read, where the customer's waiting words go, what becomes of unsent answers. A crash leaves all or nothing.
What carries an older term is dropped where it would be stored, and again where it would be sent.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge.contract import Audience, Message, Role
from bridge.engine.context import Work
from bridge.engine.conversation.agent_notes import tell
from bridge.engine.conversation.allowance import Allowance
from bridge.engine.conversation.announcement import announce
from bridge.engine.conversation.bot_share import carry_wishes
from bridge.engine.conversation.decision import fields_of
from bridge.engine.conversation.labels import look_at, refresh
from bridge.engine.conversation.notices import note, say
from bridge.engine.conversation.queueing import carried_by, carry_answers, put
from bridge.engine.conversation.targets import customer_waits
from bridge.engine.conversation.transcript import TRANSCRIPT, last_words, said_before, transcript
from bridge.engine.conversation.withdrawal import withdraw_bot
from bridge.engine.runtime.failpoints import reach
from bridge.engine.runtime.ids import new_name
from mappings import handovers, links, outbox, waiting
from mappings.links import LinkRow
from mappings.states import LinkColumns

_COPIED = (
    *("channel", "conversation", "person_id", "contact", "context", "allowance"),
    *("decided", "proven", "entry", "held_by"),
)
_ENTRY = ("page", "entry_page", "page_path", "session_from")


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a conversation changes hands: `why` is a `why.…` of the texts, `who` the agent or admin who asked for it.

    `summary` is what a bot says it understood.
    """

    why: str
    who: str = ""
    summary: str = ""


def is_bot(work: Work, account: str) -> bool:
    """Whether an account answers by itself. Where its kind can be a bot or a desk, the routes say which it is."""
    connected = work.runtime.accounts.get(account)
    if connected is None or Role.BOT not in connected.connector.roles:
        return False
    named = any(route.bot is not None and route.bot.name == account for route in work.runtime.settings.routes)
    return named or Role.DESK not in connected.connector.roles


def hand_over(work: Work, link: LinkRow, to: str, cause: Cause) -> LinkRow:
    """Gives a conversation to a desk or a bot; returns the link on which it goes on. Who has it already keeps it."""
    link = links.get_link(work.tx, link.id, lock=True)
    if link.state == "ended" or to == link.holder:
        return link
    unasked = withdraw_bot(work, link)
    taken = to if not is_bot(work, to) else ""
    if taken and taken != link.desk:
        fresh = _change_desks(work, link, taken, cause, unasked)
    else:
        memory = "" if to != link.holder and not taken else link.memory  # a bot begins anew: its promises are over
        links.change_link(work.tx, link.id, holder=to, term=link.term + 1, memory=memory)
        fresh = links.get_link(work.tx, link.id)
        _tell_same_desk(work, link, fresh, cause, unasked)
        if fresh.ticket is not None:
            refresh(work, fresh)
    handovers.add_handover(
        work.tx, link_id=fresh.id, left_id=link.id, from_account=link.holder, to_account=to, why=cause.why,
        who=cause.who, term=fresh.term, at=work.now,
    )  # fmt: skip
    if (
        work.runtime.keeps_goals
        and fresh.holder == fresh.desk
        and Allowance.model_validate_json(fresh.allowance).unanswered
    ):
        customer_waits(work, fresh)  # from here on people are asked
    if work.runtime.announces:
        announce(work, fresh, "handover", {"left": link.holder, "taken": to, "why": cause.why, "who": cause.who})
    reach("handover")
    work.effects.note("handed over", link=fresh.id, left=link.holder, taken=to, why=cause.why, term=fresh.term)
    return fresh


def _tell_same_desk(work: Work, link: LinkRow, fresh: LinkRow, cause: Cause, unasked: Sequence[Message]) -> None:
    """The ticket has what was said, or is made of it."""
    if fresh.holder != fresh.desk:
        tell(work, fresh, "handed.bot", taken=fresh.holder, **_reasons(work, cause))
        return
    opened = has_opening(work, fresh)
    mine = links.conversation_links(work.tx, link.channel, link.conversation)
    said = said_before(work, mine, set() if opened else {message.id for message in unasked})
    if unasked and not opened:
        if said:
            put(work, fresh, transcript(work, fresh, said), to_desk=True)
        _put_facts(work, link, fresh, cause, "")
        for message in unasked:
            put(work, fresh, message, to_desk=True)
    elif not opened:
        put(work, fresh, transcript(work, fresh, said), to_desk=True)
        _put_facts(work, link, fresh, cause, "")
    else:
        _put_facts(work, link, fresh, cause, last_words(work, said))


def has_opening(work: Work, link: LinkRow) -> bool:
    """Whether there is a ticket, or the words that make it are on their way."""
    lane = links.lane_to_desk(link.id)
    return (
        link.ticket is not None
        or bool(outbox.unfinished_in(work.tx, lane))
        or any(
            Message.model_validate_json(row.message).audience is Audience.CUSTOMER
            for row in waiting.waiting_in(work.tx, lane)
        )
    )


def _change_desks(work: Work, link: LinkRow, to: str, cause: Cause, unasked: Sequence[Message]) -> LinkRow:
    """It goes on in a ticket of another desk: the transcript, then all that did not get to the old one."""
    mine = links.conversation_links(work.tx, link.channel, link.conversation)
    before = next((one for one in reversed(mine) if one.desk == to and one.ticket and one.id != link.id), None)
    back = before if before is not None and before.solved_at is None else None  # else that ticket is finished
    place = handovers.order_of(work.tx, [one.id for one in mine])
    waits = {message.id: message for message in (*take_back(work, link), *unasked)}
    known = _known_there(work, back, mine) if back is not None else set()
    waits = {name: message for name, message in waits.items() if name not in known}
    behind = sorted(waits.values(), key=lambda one: place[one.id][0] if one.id in place else 0)
    links.change_link(work.tx, link.id, state="ended", warn_at=None, touched_at=work.now)
    book = Allowance.model_validate_json(link.allowance)
    columns: LinkColumns = {
        **links.copied(link, *_COPIED),
        "desk": to,
        "ticket": back.ticket if back else None,
        "state": "open",
        "previous": before.ticket if before is not None and back is None else "",
        "generation": link.generation + 1,
        "peer": before.peer if before is not None else "",
        "url": back.url if back else "",
        "fields": json.dumps(_fields(work, link, to), ensure_ascii=False),
        "shown": "",
        "warn_at": look_at(work.runtime, book, work.now),
        "created_at": work.now,
        "touched_at": work.now,
        "holder": to,
        "term": link.term + 1,
        "memory": "",
    }
    fresh = links.add_link(work.tx, **columns)
    told = _told_last(work, link, mine, to) if back is not None else None
    since = [one for one in mine if told is None or one.id > told.id]
    said = said_before(work, since, known.union(message.id for message in behind))
    put(work, fresh, transcript(work, fresh, said), to_desk=True)
    _put_facts(work, link, fresh, cause, "")
    for message in behind:
        put(work, fresh, message, to_desk=True)
    _move_answers(work, link, fresh)
    if back is not None:  # what was written there meanwhile still waits for `#send`
        drafts, lane = links.lane_of_drafts(back.id), links.lane_of_drafts(fresh.id)
        waiting.move_waiting(work.tx, drafts, lane, fresh.id, fresh.channel)
    if link.ticket is not None or outbox.unfinished_in(work.tx, links.lane_to_desk(link.id)):
        tell(work, link, "handed.on", taken=to, **_reasons(work, cause))
    if fresh.ticket is not None:
        refresh(work, fresh)
    return fresh


def _known_there(work: Work, back: LinkRow, mine: Sequence[LinkRow]) -> set[str]:
    """What stands on a ticket already, or is on its way there: it had the words while a bot was asked."""
    lanes = [links.lane_to_desk(one.id) for one in mine if (one.desk, one.ticket) == (back.desk, back.ticket)]
    return {message.id for step in handovers.steps_said(work.tx, lanes) for message in carried_by(step)}


def _told_last(work: Work, link: LinkRow, mine: Sequence[LinkRow], desk: str) -> LinkRow | None:
    """The last link of a desk up to which its ticket has all that was said: a transcript may have been on its way there
    when the conversation went on.
    """
    for one in reversed(mine):
        if one.desk == desk and one.id != link.id and one.ticket:
            handed = handovers.came_with_transcript(work.tx, one.id)
            if not handed or handovers.took(work.tx, links.lane_to_desk(one.id), TRANSCRIPT):
                return one
    return None


def take_back(work: Work, link: LinkRow) -> list[Message]:
    """The customer's words that the old desk did not get and is not getting, in order. Its own notes stay with it, and
    a transcript that did not get there is written anew for whoever is next.
    """
    lane = links.lane_to_desk(link.id)
    steps = outbox.unfinished_in(work.tx, lane)
    mine = [step for step in steps if any(one.audience is Audience.CUSTOMER for one in carried_by(step))]
    free = [step for step in mine if not step.unknown and step.begun_at is None]
    outbox.drop_steps(work.tx, [step.id for step in free], work.now, "handed over")
    found = {message.id: message for step in free for message in carried_by(step)}
    rows = [(row, Message.model_validate_json(row.message)) for row in waiting.waiting_in(work.tx, lane)]
    taken = [(row, message) for row, message in rows if message.audience is Audience.CUSTOMER]
    none_left = link.ticket is None and len(free) == len(steps)
    waiting.drop_waiting(work.tx, [row.id for row, _ in (rows if none_left else taken)])
    found |= {message.id: message for _, message in taken}
    return [message for message in found.values() if not message.id.startswith(TRANSCRIPT)]


def under_way(work: Work, link: LinkRow) -> list[Message]:
    """The customer's words that may get to this link's ticket, or may not, in order."""
    steps = outbox.unfinished_in(work.tx, links.lane_to_desk(link.id))
    sent = [message for step in steps if step.unknown or step.begun_at is not None for message in carried_by(step)]
    return [one for one in sent if one.audience is Audience.CUSTOMER and not one.id.startswith(TRANSCRIPT)]


def _move_answers(work: Work, link: LinkRow, fresh: LinkRow) -> None:
    """Answers that were not sent go first, in their order; what calls the customer back goes along."""
    carry_answers(work.tx, link, fresh)
    carry_wishes(work, link, fresh)
    lane, to_lane = links.lane_of_invitations(link.id), links.lane_of_invitations(fresh.id)
    waiting.move_waiting(work.tx, lane, to_lane, fresh.id, fresh.channel)
    outbox.move_steps(work.tx, lane, to_lane, fresh.id)
    work.effects.accounts |= {link.desk, fresh.desk, fresh.channel}


def _fields(work: Work, link: LinkRow, to: str) -> dict[str, Any]:
    """What a ticket there is given: as the channel's first route to that desk says."""
    routes = [route for route in work.runtime.settings.routes if route.desk == to]
    mine = [route for route in routes if route.channel == link.channel] or routes
    return fields_of(work.runtime, mine[0], link.channel) if mine else {}


def _reasons(work: Work, cause: Cause) -> dict[str, str]:
    language = work.runtime.language
    return {
        "why": say(language, f"why.{cause.why}"),
        "who": say(language, "by", who=cause.who) if cause.who else "",
    }


def _replies(work: Work, link: LinkRow) -> str:
    """How many are left, and until when."""
    book, language = Allowance.model_validate_json(link.allowance), work.runtime.language
    left, until = book.remaining(work.now), book.until(work.now)
    if not left or until is None:
        return f"{left}"
    return say(language, "handed.replies", left=left, until=work.runtime.clock_text(until))


def _put_facts(work: Work, link: LinkRow, fresh: LinkRow, cause: Cause, quoted: str) -> None:
    """A private note: why, from whom, the entry page, what the bot understood, replies left and until when."""
    if not work.runtime.capabilities(fresh.desk).notes:
        return
    language = work.runtime.language
    counted = work.runtime.capabilities(link.channel).window is not None
    replies = _replies(work, link) if counted else "∞"
    context: dict[str, str] = json.loads(link.context)
    entry = " · ".join(dict.fromkeys(context[name] for name in _ENTRY if context.get(name)))
    more = say(language, "handed.summary", summary=cause.summary[:600]) if cause.summary else ""
    if entry:
        more += say(language, "handed.entry", entry=entry[:300])
    if link.id != fresh.id and link.ticket:
        more += say(language, "handed.ticket", ticket=f"{link.desk} {link.ticket}", url=link.url)
    text = say(
        language, "handed.facts", left=link.holder, taken=fresh.holder, replies=replies, more=more,
        **_reasons(work, cause),
    )  # fmt: skip
    put(work, fresh, note(f"note:{new_name()}", text, at=work.now, quoted=quoted), to_desk=True)
