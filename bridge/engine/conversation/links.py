"""Which link a customer's words belong to: the open one, or a new one when there is none or its ticket is finished; and
what a connector may know of a link.
"""

import hashlib
import json
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from pydantic_core import from_json

from bridge.contract import Contact, Message, RenderContext, Status
from bridge.engine.context import ConnectedAccount, Runtime, Work
from bridge.engine.conversation.agent_notes import tell
from bridge.engine.conversation.allowance import Allowance
from bridge.engine.conversation.announcement import announce, announce_state
from bridge.engine.conversation.bot_share import carry_wishes, first_holder
from bridge.engine.conversation.decision import UNVERIFIED, Decided, Opening, Proven, decide, is_final, route_of
from bridge.engine.conversation.labels import MARKS, marks_of, refresh
from bridge.engine.conversation.last_agent import last_served
from bridge.engine.conversation.origin import merge, read_origin
from bridge.engine.conversation.profile import show_profile, told_of, with_profile
from bridge.engine.conversation.queueing import carry_answers
from mappings import links, outbox, people, waiting
from mappings.links import LinkRow
from mappings.states import LinkColumns, MessageRefColumns
from mappings.store import Tx

_MERGED = "merged:"  # ids that name a ticket which was merged into another


class Unroutable(Exception):
    """No route leads anywhere for this customer."""


def link_for(
    work: Work,
    connected: ConnectedAccount,
    conversation: str,
    contact: Contact,
    context: dict[str, str],
    message: Message | None = None,
) -> tuple[LinkRow, LinkColumns]:
    """The conversation's link: the open one, or a new one when there is none or its ticket is finished for good. And
    what is to be changed on it. `message` is what the customer said, None when they merely opened the chat.
    """
    name = connected.name
    origin = read_origin(work.runtime.context_key, contact, context, work.now)
    if origin.refused:
        work.effects.warn("context refused", account=name, why=origin.refused)
    contact, context = origin.contact, origin.context
    dumped = contact.model_dump_json(exclude_defaults=True)
    known = people.know(
        work.tx,
        name,
        contact.id,
        dumped,
        contact.verified_customer_id,
        work.now,
        shared_id=contact.shared_id,
    )
    customer_id, shared_id = contact.verified_customer_id, contact.shared_id
    if (customer_id or shared_id) and people.suggest(
        work.tx, known.person_id, customer_id, work.now, shared_id=shared_id
    ):
        work.effects.note("people to join", account=name)
    link = links.open_link(work.tx, name, conversation)
    if work.runtime.shop_tells:
        contact = with_profile(work, name, contact, context, link if link is not None and is_final(link) else None)
        dumped = contact.model_dump_json(exclude_defaults=True)
    merged = merge(_context(link), context) if link is not None else context
    proven = origin.proven if origin.proven is not None else _still_proven(link, work.now)
    opening = Opening(name, contact, known.person_id, merged, proven, message, link)
    if link is not None and (not _finished(work.runtime, link, work.now) or _on_its_way(work.tx, link)):
        changes: LinkColumns = {"touched_at": work.now}
        if dumped != link.contact:
            changes["contact"] = dumped
        if context:
            changes["context"] = _dump(merged)
        if not is_final(link) and not _on_its_way(work.tx, link):
            decided = _decided(work, opening)
            changes |= decided.columns
            _introduce(work, link, message)
            if decided.route.desk != link.desk:
                link = _lead_elsewhere(work, link, decided)
        return link, changes
    decided = _decided(work, opening)
    same_desk = link is not None and link.desk == decided.route.desk
    book = link.allowance if link is not None else "{}"
    if link is not None:
        links.change_link(work.tx, link.id, state="ended", warn_at=None, touched_at=work.now)
    columns: LinkColumns = {
        "channel": name,
        "conversation": conversation,
        "person_id": known.person_id,
        "state": "open",
        "previous": (link.ticket or link.previous) if link is not None and same_desk else "",
        "generation": link.generation + 1 if link is not None else 1,
        "peer": link.peer if link is not None and same_desk else "",
        "url": "",
        "contact": dumped,
        "context": _dump(merged),
        "allowance": book,
        "shown": "",
        "held_by": link.held_by if link is not None else "",
        "created_at": work.now,
        "touched_at": work.now,
        "holder": first_holder(work, decided.route, conversation, link),
        "term": link.term + 1 if link is not None else 1,
        **decided.columns,
    }
    fresh = (links.add_first_link if link is None else links.add_link)(work.tx, **columns)
    if link is not None:
        carry_answers(work.tx, link, fresh)
        carry_wishes(work, link, fresh)
    if work.runtime.announces:
        announce(work, fresh, "conversation.opened", {"by": "customer"})
    _introduce(work, fresh, message)
    return fresh, {}


def came_with(message: Message, inbox_id: int) -> MessageRefColumns:
    """What is remembered with a message's id: the payload, and its short id where it has one."""
    return {"inbox_id": inbox_id, "short": message.short_id} if message.short_id else {"inbox_id": inbox_id}


def _introduce(work: Work, link: LinkRow, message: Message | None) -> None:
    """Agents are told who begins to speak, where the shop's server said so, and who served them before."""
    if message is None:
        return
    if UNVERIFIED in json.loads(link.context) and not work.runtime.capabilities(link.desk).tags:
        tell(work, link, "unverified", cause="unverified")
    if work.runtime.shop_tells:
        show_profile(work, link)
    if work.runtime.sticks:
        _name_last_agent(work, link)


def _name_last_agent(work: Work, link: LinkRow) -> None:
    """A note with the agent's name, where the route sticks to agents and one answered within 30 days."""
    route = route_of(work.runtime, link)
    served = last_served(work, link.person_id, link.id) if route is not None and route.stick == "agent" else None
    if served is not None and served.name:
        tell(work, link, "served.by", cause="served.by", name=served.name)


def _decided(work: Work, opening: Opening) -> Decided:
    if work.runtime.shop_tells:
        context, proven = told_of(work, opening.channel, opening.contact.id, opening.context)
        opening = replace(opening, context={**opening.context, **context}, proven={**proven, **opening.proven})
    decided = decide(work, opening)
    if decided is None:
        raise Unroutable(f"no route for channel {opening.channel!r} matches {sorted(opening.context)}")
    return decided


def _lead_elsewhere(work: Work, link: LinkRow, decided: Decided) -> LinkRow:
    """What the customer said leads to another desk than opening the chat did; nothing has gone to that one yet."""
    holder = first_holder(work, decided.route, link.conversation, link)
    links.change_link(work.tx, link.id, desk=decided.route.desk, holder=holder, peer="", previous="")
    return links.get_link(work.tx, link.id)


def _still_proven(link: LinkRow | None, now: datetime) -> Proven:
    """What was proven at an earlier entrance, as long as it is valid."""
    proven: Proven = from_json(link.proven) if link is not None else {}
    ends = float((proven.get("until") or ["0"])[0])
    return proven if now.timestamp() < ends else {}


def _on_its_way(tx: Tx, link: LinkRow) -> bool:
    """Whether something of the customer is still going to this ticket: what they say next must come behind it. When
    the ticket refuses, all of it moves to the next one together, in order.
    """
    lane = links.lane_to_desk(link.id)
    return bool(outbox.unfinished_in(tx, lane)) or bool(waiting.waiting_in(tx, lane))


def _finished(runtime: Runtime, link: LinkRow, now: datetime) -> bool:
    """Closed for good, or solved for longer than a reopening is wanted."""
    if link.state == "closed":
        return True
    solved: datetime | None = link.solved_at
    return link.state == "solved" and solved is not None and now - solved > runtime.settings.tickets.reopen_within


def _context(link: LinkRow) -> dict[str, str]:
    found: dict[str, str] = from_json(link.context)
    return found


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def follow(work: Work, link: LinkRow, ticket: str) -> bool:
    """The conversation goes on at another ticket, unless that one belongs to another customer."""
    other = links.ticket_link(work.tx, link.desk, ticket)
    if other is not None and other.id != link.id and other.person_id != link.person_id:
        announce_state(work, link, "closed")
        links.change_link(work.tx, link.id, state="closed", solved_at=work.now, touched_at=work.now)
        tell(work, other, "another", cause=f"another.{link.id}")
        return False
    if link.ticket is not None:  # what was written there before may come in after this
        links.add_ref(work.tx, link.desk, f"{_MERGED}{link.ticket}", link.id, work.now)
    links.change_link(
        work.tx, link.id, ticket=ticket, state="ended" if link.state == "ended" else "open", solved_at=None,
        touched_at=work.now, url="", shown="", fields=_dump(json.loads(link.fields) | _marks(work, link)),
    )  # fmt: skip
    refresh(work, link)
    return True


def link_of_ticket(work: Work, desk: str, ticket: str) -> LinkRow | None:
    """Whose ticket it is, or was before it was merged into the one that they have now."""
    link = links.ticket_link(work.tx, desk, ticket)
    if link is not None:
        return link
    ref = links.find_ref(work.tx, desk, f"{_MERGED}{ticket}")
    return links.get_link(work.tx, ref.link_id, lock=True) if ref is not None else None


def _marks(work: Work, link: LinkRow) -> dict[str, Any]:
    """A ticket that ours was merged into does not say yet where the customer writes; the next one of ours will."""
    found: dict[str, Any] = json.loads(marks_of(work.runtime, link.channel))
    return {MARKS: found[MARKS]}


def customer_of(runtime: Runtime, link: LinkRow) -> Contact:
    """The customer as a desk is told of them: somebody without a name is called as their channel calls its people."""
    channel = runtime.accounts.get(link.channel)
    return _called(link.contact, channel and channel.connector.calls_people.say(runtime.language))


@lru_cache(256)  # what is rendered now is sent in a moment, and says the same of its customer
def _called(contact: str, people: str | None) -> Contact:
    read = Contact.model_validate_json(contact)
    if read.name.strip() or people is None:
        return read
    short = hashlib.sha256(read.id.encode()).hexdigest()[:4].upper()
    return read.model_copy(update={"called": f"{people} {short}"})


def render_context(runtime: Runtime, link: LinkRow, now: datetime, *, to_desk: bool) -> RenderContext:
    """What a connector may know of the place its messages go to."""
    common = {
        "contact": customer_of(runtime, link) if to_desk else Contact.model_validate_json(link.contact),
        "channel": runtime.label(link.channel),
        "context": from_json(link.context),
        "language": runtime.language,
        "now": now,
    }
    if to_desk:
        status = Status(link.state) if link.state in set(Status) else Status.CLOSED
        fields = from_json(link.fields)
        return RenderContext(conversation=link.ticket, status=status, fields=fields, previous=link.previous, **common)
    window = runtime.capabilities(link.channel).window
    book = Allowance.model_validate_json(link.allowance)
    replies = book.remaining(now) if window is not None else None
    return RenderContext(conversation=link.conversation, replies=replies, until=book.until(now), **common)
