"""What happens on the channel's side: customers speak, and open the chat."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from bridge.contract import Contact, Entered, MessageReceived, Window
from bridge.engine.context import ConnectedAccount, Work
from bridge.engine.conversation import allowance, survey
from bridge.engine.conversation.absence import tell_absence
from bridge.engine.conversation.agent_notes import take_back_waiting
from bridge.engine.conversation.announcement import announce
from bridge.engine.conversation.greeting import greet
from bridge.engine.conversation.labels import look_at, refresh
from bridge.engine.conversation.links import came_with, link_for
from bridge.engine.conversation.queueing import put
from bridge.engine.conversation.release import reopen
from bridge.engine.conversation.targets import customer_waits
from bridge.engine.conversation.topics import note_topics
from bridge.engine.conversation.turns import customer_asked
from mappings import facts, links, waiting
from mappings.links import LinkRow
from mappings.states import LinkColumns


def customer_said(work: Work, connected: ConnectedAccount, event: MessageReceived, inbox_id: int) -> None:
    """A customer's message: it reopens the allowance and what was held, and waits for its ticket."""
    message = event.message
    rated = survey.rated_by(work, connected.name, message) if connected.name in work.runtime.asks_how else None
    if rated is not None:
        link, row, score = rated
        links.add_ref(work.tx, connected.name, message.id, link.id, work.now, **came_with(message, inbox_id))
        survey.set_aside(work, link, connected.name, message)
        _customer_acted(work, connected, link, {}, _answered_us)
        survey.rate(work, links.get_link(work.tx, link.id), row, score)
        return
    link, changes = link_for(work, connected, message.conversation, author_of(event), event.context, message)
    if not links.add_ref(work.tx, connected.name, message.id, link.id, work.now, **came_with(message, inbox_id)):
        return
    if work.runtime.topics:
        note_topics(work, link, message)
    if work.runtime.announces:
        announce(work, link, "message.received", messages=[message])
    _customer_acted(work, connected, link, changes, allowance.spoke)
    if link.ticket is None:  # a note may wait for the ticket that this message makes
        waiting.release_later(work.tx, links.lane_to_desk(link.id))
    if not (work.runtime.bots and customer_asked(work, links.get_link(work.tx, link.id), message, inbox_id)):
        put(work, link, message, to_desk=True, inbox_id=inbox_id)
    if work.runtime.keeps_goals:
        present = links.get_link(work.tx, link.id)
        tell_absence(work, present)
        customer_waits(work, present)


def author_of(event: MessageReceived) -> Contact:
    """Who said something."""
    said = event.message
    return event.contact or Contact(id=said.author.id or said.conversation, name=said.author.name)


def customer_entered(work: Work, connected: ConnectedAccount, event: Entered) -> None:
    """A customer opened the chat: a short allowance, and perhaps a greeting. No ticket is made."""
    link, changes = link_for(work, connected, event.conversation, event.contact, event.context)
    # what was held may go out now, within the small allowance that entering gives
    _customer_acted(work, connected, link, changes, partial(allowance.entered, name=event.grant))
    hour = int(work.now.timestamp()) // 3600  # whoever looks in again within the hour counts once
    facts.add_facts(work.tx, [{"kind": "entered", "ref": f"{link.id}.{hour}", "link_id": link.id, "at": work.now}])
    if event.opens_chat:
        greet(work, links.get_link(work.tx, link.id))


def grant(work: Work, connected: ConnectedAccount, link: LinkRow, name: str) -> None:
    """The shop's server says that a customer did what the platform rewards (`Window.grants`): what was held goes on."""
    _customer_acted(work, connected, link, {}, partial(allowance.entered, name=name))


Action = Callable[..., allowance.Allowance]


def _answered_us(book: allowance.Allowance, window: Window, at: datetime) -> allowance.Allowance:
    """A rating gives replies as every message does, and asks nobody for an answer."""
    return allowance.spoke(book, window, at).model_copy(update={"unanswered": book.unanswered})


def _customer_acted(
    work: Work, connected: ConnectedAccount, link: LinkRow, changes: LinkColumns, action: Action
) -> None:
    """The allowance grows and whatever waited for the customer goes on. `changes` of the link are written as well."""
    window = connected.capabilities.window
    if window is None:
        if changes:
            links.change_link(work.tx, link.id, **changes)
        return
    book = action(allowance.Allowance.model_validate_json(link.allowance), window, work.now)
    book_changes: LinkColumns = {"allowance": book.model_dump_json(), "warn_at": look_at(work.runtime, book, work.now)}
    links.change_link(work.tx, link.id, **(changes | book_changes))
    if link.ticket is not None:
        refresh(work, link)
    if book.remaining(work.now) <= 0 or not links.anything_held(work.tx, link.id):
        return
    if action is allowance.spoke:  # entering is too little to be the end of a cause
        links.forget_notices(work.tx, link.id, "window.")
        take_back_waiting(work, link)
        links.forget_notices(work.tx, link.id, "warn.")
    reopen(work, link, book)
