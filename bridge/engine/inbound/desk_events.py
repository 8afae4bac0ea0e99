"""What happens on the desk's side: agents answer, tickets change, and the bridge's own voice comes back."""

from datetime import datetime
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
    ReceiptReceived,
    Status,
    StatusChanged,
    Text,
    to_plain,
)
from bridge.engine.context import ConnectedAccount, Effects, Runtime
from bridge.engine.conversation.invitation import not_invited
from bridge.engine.conversation.labels import refresh
from bridge.engine.conversation.notices import quote
from bridge.engine.conversation.queueing import carried_by, put, show_progress, tell, tell_ended
from bridge.engine.inbound.agent_commands import command_in, obey
from mappings import links, outbox, waiting
from mappings.links import LinkRow
from mappings.store import Tx

_SPEAKS = {AuthorKind.AGENT, AuthorKind.SYSTEM}


def agent_said(
    tx: Tx,
    runtime: Runtime,
    connected: ConnectedAccount,
    event: MessageReceived,
    inbox_id: int,
    effects: Effects,
    now: datetime,
) -> None:
    """Something was written on a ticket. Only what an agent wrote for the customer goes on.

    The ticket must be one of ours, and the customer is read from our own table, never from the payload.
    """
    message = event.message
    link = links.ticket_link(tx, connected.name, message.conversation)
    if link is None or _is_echo(tx, connected, message):
        return
    if not links.add_pair(tx, connected.name, message.id, link.id, now, inbox_id=inbox_id):
        return
    if message.author.kind not in _SPEAKS:
        return
    link = _current(tx, link)
    if message.audience is Audience.AGENTS:
        command = command_in(_text(message)) if message.author.kind is AuthorKind.AGENT else ""
        if command:
            obey(tx, runtime, link, command, effects, now)
        return
    put(tx, runtime, link, message, to_desk=False, effects=effects, now=now, inbox_id=inbox_id)


def _is_echo(tx: Tx, connected: ConnectedAccount, message: Message) -> bool:
    """The bridge's own voice: by the step's key, else by an id that a receipt named."""
    if message.origin:
        step = outbox.step_by_key(tx, message.origin)
        if step is not None and step.account == connected.name:
            return True
    pair = links.find_pair(tx, connected.name, message.id)
    return pair is not None


def _current(tx: Tx, link: LinkRow) -> LinkRow:
    """An agent may answer on an older ticket of the same conversation: the answer goes the way of the current one."""
    if link.state != "ended":
        return link
    return links.open_link(tx, link.channel, link.conversation) or link


def status_changed(
    tx: Tx, runtime: Runtime, connected: ConnectedAccount, event: StatusChanged, effects: Effects, now: datetime
) -> None:
    """A ticket was solved, closed, reopened or merged."""
    link = links.ticket_link(tx, connected.name, event.conversation)
    if link is None or link.state == "ended":
        return
    if event.moved_to and event.moved_to != link.ticket:
        follow(tx, runtime, link, event.moved_to, effects, now)
        return
    match event.status:
        case Status.OPEN:
            links.change_link(tx, link.id, state="open", solved_at=None, touched_at=now)
        case Status.SOLVED:
            links.change_link(tx, link.id, state="solved", solved_at=link.solved_at or now, touched_at=now)
        case Status.CLOSED:
            links.change_link(tx, link.id, state="closed", solved_at=link.solved_at or now, touched_at=now)


def follow(tx: Tx, runtime: Runtime, link: LinkRow, ticket: str, effects: Effects, now: datetime) -> bool:
    """The conversation goes on at another ticket, unless that one belongs to another customer."""
    other = links.ticket_link(tx, link.desk, ticket)
    if other is not None and other.id != link.id and other.person_id != link.person_id:
        links.change_link(tx, link.id, state="closed", solved_at=now, touched_at=now)
        tell(tx, runtime, other, "another", effects=effects, now=now, cause=f"another.{link.id}")
        return False
    links.change_link(tx, link.id, ticket=ticket, state="open", solved_at=None, touched_at=now, url="", shown="")
    refresh(tx, runtime, link, effects, now)
    return True


def message_changed(
    tx: Tx, runtime: Runtime, connected: ConnectedAccount, event: MessageChanged, effects: Effects, now: datetime
) -> None:
    """An agent edited or deleted an answer. What still waits is not sent; what was sent cannot be taken back."""
    pair = links.find_pair(tx, connected.name, event.message)
    if pair is None or pair.outbox_id is not None:
        return
    link = _current(tx, links.get_link(tx, pair.link_id))
    lane = links.lane_to_channel(link.id)
    rows = [row.id for row in waiting.waiting_in(tx, lane) if row.message_id == event.message]
    steps = [step for step in outbox.unfinished_in(tx, lane) if event.message in _carried(step)]
    if event.change is not Change.EDITED:
        waiting.drop_waiting(tx, rows)
        alone = [step.id for step in steps if _carried(step) == {event.message}]
        outbox.drop_steps(tx, alone, now, "deleted by its author")
        steps = [step for step in outbox.unfinished_in(tx, lane) if event.message in _carried(step)]
        effects.accounts.add(link.channel)
    what = ""
    if _went(tx, pair) or (steps and event.change is not Change.EDITED):
        what = "changed.edited" if event.change is Change.EDITED else "changed.deleted"
    elif rows or steps:
        what = "changed.waiting" if event.change is Change.EDITED else ""
    if what:
        tell(tx, runtime, link, what, effects=effects, now=now, cause=f"{what}.{event.message}", about=event.message)


def receipt_received(
    tx: Tx, runtime: Runtime, connected: ConnectedAccount, event: ReceiptReceived, effects: Effects, now: datetime
) -> None:
    """A vendor said later how far one of our messages came: the other side may want to show it."""
    pair = links.find_pair(tx, connected.name, event.message)
    if pair is None or pair.outbox_id is None:
        return
    step = outbox.get_step(tx, pair.outbox_id)
    if step is None:
        return
    link = links.get_link(tx, pair.link_id)
    carried = carried_by(step)
    towards_customer = step.lane % 4 == links.lane_to_channel(0)
    if event.state is DeliveryState.FAILED and step.state == "done":
        outbox.change_step(tx, step.id, state="failed", error=event.reason or "refused later", code="receipt")
        effects.note("failed later", account=step.account, step=step.id, why=event.reason)
        _tell_failed_later(tx, runtime, link, step, event, effects, now)
    show_progress(
        tx, runtime, link, [message.id for message in carried], event.state,
        to_desk=towards_customer, effects=effects, now=now, reason=event.reason,
    )  # fmt: skip


def _tell_failed_later(
    tx: Tx, runtime: Runtime, link: LinkRow, step: Row[Any], event: ReceiptReceived, effects: Effects, now: datetime
) -> None:
    reason = event.reason or "-"
    carried = carried_by(step)
    if step.lane % 4 == links.lane_to_channel(0):
        tell_ended(
            tx, runtime, link, "failed", effects=effects, now=now, cause="failed.receipt", reason=reason,
            quoted=quote(carried), about=carried[0].id if carried else "",
        )  # fmt: skip
    elif step.lane % 4 == links.lane_of_invitations(0):
        not_invited(tx, runtime, link, step, "", reason, effects, now, sure=True)
    elif any(message.audience is Audience.CUSTOMER for message in carried):
        tell(tx, runtime, link, "bounced", effects=effects, now=now, cause=f"bounced.{step.id}", reason=reason)


def _carried(step: Row[Any]) -> set[str]:
    return {message.id for message in carried_by(step)}


def _went(tx: Tx, pair: Row[Any]) -> bool:
    """Whether something of a message was sent, or may have been."""
    carrier = outbox.get_step(tx, pair.carrier_id) if pair.carrier_id is not None else None
    if carrier is None:
        return False
    batch = outbox.batch_steps(tx, carrier.link_id, carrier.batch)
    return any(
        pair.message_id in _carried(step) and step.state in {"done", "unconfirmed"} for step in [carrier, *batch]
    )


def _text(message: Message) -> str:
    return "\n".join(to_plain(part.body, part.format) for part in message.parts if isinstance(part, Text))
