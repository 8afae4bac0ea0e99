"""What happens on the desk's side: agents answer, tickets change, and the bridge's own voice comes back."""

from typing import Any

from sqlalchemy import Row

from bridge.contract import (
    Audience,
    AuthorKind,
    Change,
    DeliveryState,
    Message,
    MessageChanged,
    MessageReceived,
    OwnersChanged,
    Receipt,
    ReceiptReceived,
    Retried,
    Status,
    StatusChanged,
    Text,
    to_plain,
)
from bridge.engine.context import ConnectedAccount, Work
from bridge.engine.conversation import survey
from bridge.engine.conversation.agent_notes import show_progress, tell, tell_ended
from bridge.engine.conversation.announcement import announce_end, announce_state
from bridge.engine.conversation.beginning import begin
from bridge.engine.conversation.handover import Cause, hand_over
from bridge.engine.conversation.holding import hold_behind
from bridge.engine.conversation.invitation import not_invited
from bridge.engine.conversation.links import came_with, follow, link_of_ticket
from bridge.engine.conversation.notices import LANGUAGES, quote, say
from bridge.engine.conversation.ownership import is_given_away, owners_known
from bridge.engine.conversation.queueing import carried_by, put, put_draft
from bridge.engine.conversation.targets import ticket_finished
from bridge.engine.inbound.agent_commands import command_in, obey, send_again
from bridge.engine.inbound.handover_commands import Order
from bridge.engine.outbound.late_truth import arrived
from mappings import facts, inbox, links, outbox, waiting
from mappings.links import LinkRow
from mappings.states import StepState
from mappings.store import Tx
from mappings.subjects import is_erased

_REACHED = {DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.READ}
_SPEAKS = {AuthorKind.AGENT, AuthorKind.SYSTEM}


def agent_said(work: Work, connected: ConnectedAccount, event: MessageReceived, inbox_id: int) -> None:
    """Something was written on a ticket. Only what an agent wrote for the customer goes on.

    The ticket must be one of ours, and the customer is read from our own table, never from the payload.
    """
    message = event.message
    link = link_of_ticket(work, connected.name, message.conversation)
    if link is None and event.requester and not _is_echo(work.tx, connected, message):
        link = begin(work, connected.name, event)
    if link is not None and is_erased(link):
        _after_erasure(work, link, connected, message, inbox_id)
        return
    if _is_echo(work.tx, connected, message):
        _seen_after_all(work, message)
        return
    if link is None:
        return
    if not links.add_ref(work.tx, connected.name, message.id, link.id, work.now, **came_with(message, inbox_id)):
        return
    if message.author.kind not in _SPEAKS:
        return
    here, link = link, _current(work.tx, link)
    away = owners_known(work, here, event.owners) if event.owners else is_given_away(work.tx, here)
    person = message.author.kind is AuthorKind.AGENT
    if message.audience is Audience.AGENTS:
        text = _text(message)
        command = command_in(text) if person else ""
        if command:
            obey(work, link, command, Order(here, text, message.author.name or message.author.id))
    elif away or _is_nothing(message) or link.desk != here.desk:
        if person:
            _goes_nowhere(work, here, message, link.desk)
    else:
        _goes_on(work, link, message, inbox_id)


def _goes_on(work: Work, link: LinkRow, message: Message, inbox_id: int) -> None:
    person = message.author.kind is AuthorKind.AGENT
    if person and link.holder != link.desk:  # a fact from the desk takes a conversation from any bot
        link = hand_over(work, link, link.desk, Cause("agent", message.author.name))
    put(work, link, message, to_desk=False, inbox_id=inbox_id)
    hold_behind(work, link, message)
    if message.omitted and person:
        _tell_omitted(work, link, message)


def _tell_omitted(work: Work, link: LinkRow, message: Message) -> None:
    """Once per ticket: not all of an answer goes to the customer. Where a note rides along with mails, only what nobody
    marked as left out is worth a word.
    """
    if work.runtime.capabilities(link.desk).notes_act and all(one.marked for one in message.omitted):
        return
    count = sum(one.size for one in message.omitted)
    begins = "\n> ".join(f"{one.begins} …" if one.size > len(one.begins) else one.begins for one in message.omitted)
    kinds = {
        language: say(language, "omitted.and").join(
            dict.fromkeys(say(language, f"omitted.{one.what}") for one in message.omitted)
        )
        for language in LANGUAGES
    }
    values = {"kinds": kinds, "count": count, "id": message.id}
    tell(work, link, "omitted", cause="omitted", quoted=begins, about=message.id, **values)


def _seen_after_all(work: Work, message: Message) -> None:
    """Our own voice comes back: where nobody knew whether it arrived, now it is known."""
    step = outbox.step_by_key(work.tx, message.origin) if message.origin else None
    if step is not None and step.state == StepState.UNCONFIRMED:
        arrived(work, step, Receipt(ids=(message.id,), conversation=message.conversation))


def _after_erasure(work: Work, link: LinkRow, connected: ConnectedAccount, message: Message, inbox_id: int) -> None:
    """The ticket of a customer who was erased: what is written there is not kept, and nobody believes it arrived."""
    inbox.empty_payload(work.tx, inbox_id)
    if not links.add_ref(work.tx, connected.name, message.id, link.id, work.now):
        return
    if message.author.kind is AuthorKind.AGENT and not message.origin:
        tell_ended(work, link, "erased", cause="erased", about=message.id)


def _is_echo(tx: Tx, connected: ConnectedAccount, message: Message) -> bool:
    """The bridge's own voice: by the step's key, else by an id that a receipt named."""
    if message.origin:
        step = outbox.step_by_key(tx, message.origin)
        if step is not None and step.account == connected.name:
            return True
    return links.is_known(tx, connected.name, message.id)


def _current(tx: Tx, link: LinkRow) -> LinkRow:
    """An agent may answer on an older ticket of the same conversation: the answer goes the way of the current one."""
    if link.state != "ended":
        return link
    return links.open_link(tx, link.channel, link.conversation) or link


def status_changed(work: Work, connected: ConnectedAccount, event: StatusChanged) -> None:
    """A ticket was solved, closed, reopened or merged."""
    link = links.ticket_link(work.tx, connected.name, event.conversation)
    if link is None or link.state == "ended":
        return
    if event.moved_to and event.moved_to != link.ticket:
        follow(work, link, event.moved_to)
        return
    match event.status:
        case Status.OPEN if is_given_away(work.tx, link):
            return
        case Status.OPEN:
            announce_state(work, link, "open")
            links.change_link(work.tx, link.id, state="open", solved_at=None, touched_at=work.now)
        case Status.SOLVED:
            survey.solved(work, link)
            ticket_finished(work, link)
            announce_state(work, link, "solved")
            links.change_link(
                work.tx, link.id, state="solved", solved_at=link.solved_at or work.now, touched_at=work.now
            )
        case Status.CLOSED:
            survey.solved(work, link)
            ticket_finished(work, link)
            announce_state(work, link, "closed")
            links.change_link(
                work.tx, link.id, state="closed", solved_at=link.solved_at or work.now, touched_at=work.now
            )


def owners_changed(work: Work, connected: ConnectedAccount, event: OwnersChanged) -> None:
    """A ticket was given to other customers, or back."""
    link = links.ticket_link(work.tx, connected.name, event.conversation)
    if link is not None:
        owners_known(work, link, event.owners)


def message_changed(work: Work, connected: ConnectedAccount, event: MessageChanged) -> None:
    """An agent edited or deleted an answer. What still waits is not sent; what was sent cannot be taken back."""
    ref = links.find_ref(work.tx, connected.name, event.message)
    if ref is None or ref.outbox_id is not None:
        return
    link = _current(work.tx, links.get_link(work.tx, ref.link_id))
    lane = links.lane_to_channel(link.id)
    rows = [row.id for row in waiting.waiting_in(work.tx, lane) if row.message_id == event.message]
    steps = [step for step in outbox.unfinished_in(work.tx, lane) if event.message in _carried(step)]
    if event.change is not Change.EDITED:
        waiting.drop_waiting(work.tx, rows)
        alone = [step.id for step in steps if _carried(step) == {event.message}]
        outbox.drop_steps(work.tx, alone, work.now, "deleted by its author")
        steps = [step for step in outbox.unfinished_in(work.tx, lane) if event.message in _carried(step)]
        work.effects.accounts.add(link.channel)
    what = ""
    if _went(work.tx, ref) or (steps and event.change is not Change.EDITED):
        what = "changed.edited" if event.change is Change.EDITED else "changed.deleted"
    elif rows or steps:
        what = "changed.waiting" if event.change is Change.EDITED else ""
    if what:
        tell(work, link, what, cause=f"{what}.{event.message}", about=event.message)


def retried(work: Work, connected: ConnectedAccount, event: Retried) -> None:
    """An agent sent a message once more by the desk's own button."""
    ref = links.find_ref(work.tx, connected.name, event.message)
    if ref is None or ref.outbox_id is not None:
        return
    here = links.get_link(work.tx, ref.link_id)
    link = _current(work.tx, here)
    if link.desk != connected.name:
        tell(work, here, "not.forwarded", taken=link.desk)
    elif send_again(work, link, event.message):
        work.effects.note("retried", link=link.id, account=connected.name)


def receipt_received(work: Work, connected: ConnectedAccount, event: ReceiptReceived) -> None:
    """A vendor said later how far one of our messages came: the other side may want to show it."""
    ref = links.find_ref(work.tx, connected.name, event.message)
    if ref is None or ref.outbox_id is None:
        return
    step = outbox.get_step(work.tx, ref.outbox_id)
    if step is None:
        return
    link = links.get_link(work.tx, ref.link_id)
    carried = carried_by(step)
    towards_customer = links.is_towards_customer(step.lane)
    if event.state in _REACHED and step.state == StepState.UNCONFIRMED:
        arrived(work, step, Receipt(ids=(event.message,)))
        return
    if event.state is DeliveryState.FAILED and step.state in {StepState.DONE, StepState.UNCONFIRMED}:
        outbox.change_step(
            work.tx, step.id, state=StepState.FAILED, error=event.reason or "refused later", code="receipt"
        )
        facts.add_end(work.tx, step.id, "receipt", work.now)
        work.effects.note("failed later", account=step.account, step=step.id, why=event.reason)
        if towards_customer:
            announce_end(work, link, carried, StepState.FAILED, "receipt", event.reason)
        _tell_failed_later(work, link, step, event)
    show_progress(
        work, link, [message.id for message in carried], event.state, to_desk=towards_customer, reason=event.reason
    )


def _tell_failed_later(work: Work, link: LinkRow, step: Row[Any], event: ReceiptReceived) -> None:
    reason = event.reason or "-"
    carried = carried_by(step)
    if links.is_towards_customer(step.lane):
        tell_ended(
            work,
            link,
            "failed",
            cause="failed.receipt",
            reason=reason,
            quoted=quote(carried, work.runtime.language),
            about=carried[0].id if carried else "",
        )
    elif links.is_of_invitations(step.lane):
        not_invited(work, link, step, reason, sure=True)
    elif any(message.audience is Audience.CUSTOMER for message in carried):
        tell(work, link, "bounced", cause=f"bounced.{step.id}", reason=reason)


def _carried(step: Row[Any]) -> set[str]:
    return {message.id for message in carried_by(step)}


def _went(tx: Tx, ref: Row[Any]) -> bool:
    """Whether something of a message was sent, or may have been."""
    carrier = outbox.get_step(tx, ref.carrier_id) if ref.carrier_id is not None else None
    if carrier is None:
        return False
    batch = outbox.batch_steps(tx, carrier.link_id, carrier.batch)
    return any(
        ref.message_id in _carried(step) and step.state in {StepState.DONE, StepState.UNCONFIRMED}
        for step in [carrier, *batch]
    )


def _goes_nowhere(work: Work, here: LinkRow, message: Message, desk: str) -> None:
    """Nothing of it is left, or the conversation was handed over to another desk: whoever wrote it is told."""
    if _is_nothing(message):
        tell(work, here, "nothing.left", about=message.id)
        return
    put_draft(work, here, message)
    if desk != here.desk:
        tell(work, here, "not.forwarded", taken=desk)


def _is_nothing(message: Message) -> bool:
    """Whether a customer could see nothing of it: it costs no reply."""
    return all(isinstance(part, Text) and not to_plain(part.body, part.format).strip() for part in message.parts)


def _text(message: Message) -> str:
    return "\n".join(to_plain(part.body, part.format) for part in message.parts if isinstance(part, Text))
