"""Which route a conversation takes: decided once, with the customer's first message, and kept with the reason.

Opening the chat decides for the time being (the greeting needs a route); what the customer then says decides for good.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from bridge.contract import Card, Contact, Message, words_of
from bridge.engine.context import Runtime, Work
from bridge.engine.conversation.allowance import Allowance, entered, spoke
from bridge.engine.conversation.last_agent import LAST_AGENT, last_served
from bridge.engine.conversation.other_desk import desk_for
from bridge.routing.conditions import LEFT, VERDICT, Facts, choose, entry_of
from bridge.routing.topics import topics
from bridge.settings import RouteSettings
from mappings import history
from mappings.links import LinkRow
from mappings.states import LinkColumns

Context = dict[str, str]
Proven = dict[str, list[str]]
_SHOWN = 20  # rules whose failing condition is kept


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known when a conversation begins. `link` is the one it has, if any; `message` what the customer said,
    None where they opened the chat.
    """

    channel: str
    contact: Contact
    person_id: int
    context: Context
    proven: Proven = field(default_factory=dict)
    message: Message | None = None
    link: LinkRow | None = None
    verdict: str = ""  # what the conversation's bot said last

    @property
    def said(self) -> str:
        """The customer's words."""
        return words_of(self.message) if self.message is not None else ""


@dataclass(frozen=True, slots=True)
class Decided:
    """A route, and what the link remembers of the decision: columns of it."""

    route: RouteSettings
    columns: LinkColumns


def decide(work: Work, opening: Opening) -> Decided | None:
    """The route of a conversation at this moment; None when no rule takes it."""
    routes = work.runtime.routes_of.get(opening.channel, ())
    known = _known(work, opening) if opening.channel in work.runtime.asks_store else {}
    facts = facts_of(work.runtime, opening, known, work.now)
    place, failed = choose([route.rule for route in routes], facts)
    if place is None:
        return None
    route = routes[place]
    instead: dict[str, Any] = {}
    if route.stick != "none" or route.fallback:
        route, instead = desk_for(work, route, opening.person_id)
    record = {
        "rule": route.name,
        "version": work.runtime.settings.routes_version,
        "at": f"{work.now:%Y-%m-%dT%H:%M:%SZ}",
        "final": opening.message is not None,
        "failed": [[one.name, why] for one, why in zip(routes, failed[:_SHOWN], strict=False)],
        **({"known": known} if known else {}),
        **instead,
    }
    fields = _fields(work.runtime, route, opening)
    if route.stick == "agent" and work.runtime.capabilities(route.desk).knows_presence:
        served = last_served(work, opening.person_id)
        if served is not None and served.desk == route.desk and served.id:
            fields[LAST_AGENT] = served.id
    columns: LinkColumns = {
        "desk": route.desk,
        "fields": _dump(fields),
        "decided": _dump(record),
        "proven": _dump(opening.proven) if opening.proven else "{}",
        "entry": (facts.proven.get("entry") or [entry_of(opening.context)])[0][:200],
    }
    return Decided(route, columns)


def facts_of(runtime: Runtime, opening: Opening, known: dict[str, Any], now: Any) -> Facts:
    """What rules see of a conversation."""
    message = opening.message
    card = next((part for part in message.parts if isinstance(part, Card) and part.path), None) if message else None
    context = opening.context
    if card is not None and not context.get("page"):
        context = {**context, "page": card.path}
    return Facts(
        now=now,
        person=opening.contact.id,
        context=context,
        proven=opening.proven,
        text=opening.said,
        kind=message.parts[0].kind if message is not None and message.parts else "",
        locale=opening.contact.locale,
        topics=topics(opening.said, runtime.topics) if runtime.topics else (),
        known=known,
        calendars=runtime.calendars,
        zone=runtime.office_zone(opening.channel),
    )


def is_final(link: LinkRow) -> bool:
    """Whether the customer's own words decided, or the ticket is there: then nothing decides anew."""
    return link.ticket is not None or bool(link.decided and json.loads(link.decided).get("final"))


def route_of(runtime: Runtime, link: LinkRow) -> RouteSettings | None:
    """The route that a conversation took; where that is no longer configured, or was never kept, the one for it now."""
    routes = runtime.routes_of.get(link.channel, ())
    name = json.loads(link.decided)["rule"] if link.decided else ""
    found = next((route for route in routes if route.name == name), None)
    if found is not None:
        return found
    contact = Contact.model_validate_json(link.contact)
    opening = Opening(link.channel, contact, link.person_id, json.loads(link.context), json.loads(link.proven))
    place, _ = choose([route.rule for route in routes], facts_of(runtime, opening, {}, runtime.now()))
    return routes[place] if place is not None else None


def _known(work: Work, opening: Opening) -> dict[str, Any]:
    """What rules of this channel ask of the store."""
    own = opening.link.id if opening.link is not None and opening.link.ticket is None else None
    before = history.tickets_before(work.tx, opening.person_id, own)
    return {
        "customer.new": not before,
        "customer.returning": bool(before),
        "history.last_desk": before[0].desk if before else "",
        "history.open_elsewhere": any(
            one.state == "open" and (one.channel, one.conversation) != (opening.channel, opening.contact.id)
            for one in before
        ),
        LEFT: _replies_left(work, opening),
        VERDICT: opening.verdict,
    }


def _replies_left(work: Work, opening: Opening) -> int | None:
    """How many replies there are once the customer's act counts; None where nobody counts."""
    window = work.runtime.capabilities(opening.channel).window
    if window is None:
        return None
    book = Allowance.model_validate_json(opening.link.allowance) if opening.link is not None else Allowance()
    if opening.verdict:  # the bot's answers are spent
        return book.remaining(work.now)
    acts = spoke if opening.message is not None else entered
    return acts(book, window, work.now).remaining(work.now)


def fields_of(runtime: Runtime, route: RouteSettings, channel: str) -> dict[str, Any]:
    """What a desk is told of a new ticket: what the route says, and as a tag where the customer writes."""
    fields = route.fields
    if runtime.capabilities(route.desk).tags:
        fields["tags"] = list(dict.fromkeys([*fields["tags"], runtime.label(channel)]))
    return fields


def _fields(runtime: Runtime, route: RouteSettings, opening: Opening) -> dict[str, Any]:
    fields = fields_of(runtime, route, opening.channel)
    if runtime.topics and runtime.capabilities(route.desk).tags:
        about = topics(opening.said, runtime.topics)
        fields["tags"] = list(dict.fromkeys([*fields["tags"], *about]))
    if opening.context.get(UNVERIFIED) and runtime.capabilities(route.desk).tags:  # others get a note
        fields["tags"] = [*fields["tags"], UNVERIFIED]
    return fields


UNVERIFIED = "unverified"
"""In a context, and as a tag: it said that it was signed, and the signature did not hold."""


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
