"""What an agent can do from the ticket: a private note that begins with # is a command, answered by a note."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Row

from bridge.contract import DeliveryState, File, Image, Message, Part, Text, Video, Voice
from bridge.engine.context import Runtime, Work
from bridge.engine.conversation.agent_notes import show_progress, tell
from bridge.engine.conversation.allowance import Allowance, shown
from bridge.engine.conversation.expiry import end_unsent
from bridge.engine.conversation.invitation import invite
from bridge.engine.conversation.queueing import carried_by, put
from bridge.engine.inbound.handover_commands import Order, give_to_bot, move, send_drafts
from bridge.engine.outbound.attachments import with_bytes
from mappings import failed_steps, links, outbox, waiting
from mappings.links import LinkRow
from mappings.states import StepState
from mappings.store import Tx

Act = Callable[[Work, LinkRow], None]


def command_in(text: str) -> str:
    """The command a note begins with, in lower case with its #; "" when it is an ordinary note.

    A note that merely begins with some other word after a # is ordinary; one that is nothing else is a mistyped
    command. Input methods write # and punctuation in full width, too.
    """
    words = text.replace("\uff03", "#").split()
    first = words[0].lower().rstrip(".,:;!?\u3002\uff0c\uff1a\uff1b\uff01\uff1f") if words else ""
    if len(first) < 2 or not first.startswith("#") or not first[1:].isalpha():
        return ""
    return first if first in _ACTS or first in _HANDS or len(words) == 1 else ""


def obey(work: Work, link: LinkRow, command: str, order: Order) -> None:
    """Carries a command out and says what was done."""
    act, hand = _ACTS.get(command), _HANDS.get(command)
    if act is None and hand is None:
        tell(work, link, "unknown.command", command=command)
        return
    work.effects.note("command", link=link.id, command=command)
    if hand is not None:
        hand(work, link, order)
    elif act is not None:
        act(work, link)


def _retry(work: Work, link: LinkRow) -> None:
    """Whatever ended badly goes again, in its order and at once: an agent's word counts more than our own count of
    replies, and the platform has the last one.
    """
    _answer(work, link, "#retry", "retried", send_again(work, link))


def send_again(work: Work, link: LinkRow, message: str = "") -> int:
    """What ended badly goes again, all of it or one message's; how many messages that are."""
    steps = [step for step in _failed_steps(work.tx, link) if not message or message in _messages([step])]
    failed_steps.replay_steps(work.tx, [step.id for step in steps], work.now)
    for step in steps:
        if step.link_id != link.id:  # from before the ticket that this one follows
            outbox.move_steps(work.tx, step.lane, links.lane_to_channel(link.id), link.id)
    work.effects.accounts.add(link.channel)
    return len(_messages(steps))


def _failed_steps(tx: Tx, link: LinkRow) -> list[Row[Any]]:
    """What ended without being accepted in this conversation, on this ticket or an earlier one, in order."""
    found = []
    for one in links.person_links(tx, link.person_id):
        if (one.channel, one.conversation) == (link.channel, link.conversation):
            found += failed_steps.failed_in(tx, one.id, links.lane_to_channel(one.id))
    return found


def _messages(steps: Sequence[Row[Any]]) -> dict[str, Message]:
    return {message.id: message for step in steps for message in carried_by(step)}


def _cancel(work: Work, link: LinkRow) -> None:
    lane = links.lane_to_channel(link.id)
    steps = outbox.unfinished_in(work.tx, lane)
    outbox.drop_steps(work.tx, [step.id for step in steps], work.now, "cancelled by an agent")
    kept = {step.id for step in outbox.unfinished_in(work.tx, lane)}  # on its way already
    messages = _messages([step for step in steps if step.id not in kept])
    ids = [row.id for row in waiting.waiting_in(work.tx, lane)]
    given_up = end_unsent(work, link, ids, StepState.DROPPED, "cancelled", "cancelled by an agent")
    messages |= {message.id: message for message in given_up}
    show_progress(work, link, messages, DeliveryState.FAILED, to_desk=True, reason="cancelled")
    links.forget_notices(work.tx, link.id, "window.")
    links.forget_notices(work.tx, link.id, "late.")
    work.effects.accounts.add(link.channel)
    _answer(work, link, "#cancel", "cancelled.count", len(messages))


def _text(work: Work, link: LinkRow) -> None:
    """Sends files as links: those that failed, and those that wait, in the place where they wait."""
    lane = links.lane_to_channel(link.id)
    failed = [step for step in _failed_steps(work.tx, link) if any(map(_has_file, carried_by(step)))]
    failed_steps.drop_failed(work.tx, [step.id for step in failed], "sent as a link instead")
    parked = [step for step in outbox.unfinished_in(work.tx, lane) if any(map(_has_file, carried_by(step)))]
    outbox.drop_steps(work.tx, [step.id for step in parked], work.now, "sent as a link instead")
    kept = {step.id for step in outbox.unfinished_in(work.tx, lane)}
    dropped = [*failed, *(step for step in parked if step.id not in kept)]
    again = {key: message for key, message in _messages(dropped).items() if _has_file(message)}
    rows = waiting.waiting_in(work.tx, lane)
    waiting.drop_waiting(work.tx, [row.id for row in rows])
    count = len(again)
    for message in again.values():
        put(work, link, _as_text(work.tx, work.runtime, message), to_desk=False, due_at=work.now)
    for row in rows:
        message = Message.model_validate_json(row.message)
        count += _has_file(message)
        text = _as_text(work.tx, work.runtime, message) if _has_file(message) else message
        waiting.add_waiting(
            work.tx,
            lane=lane,
            link_id=link.id,
            account=link.channel,
            message_id=row.message_id,
            due_at=work.now,
            message=text.model_dump_json(),
            created_at=row.created_at,
            inbox_id=row.inbox_id,
            cause=row.cause,
        )
    work.effects.accounts.add(link.channel)
    _answer(work, link, "#text", "texted", count)


def _status(work: Work, link: LinkRow) -> None:
    book = Allowance.model_validate_json(link.allowance)
    lane = links.lane_to_channel(link.id)
    until = book.until(work.now)
    counted = work.runtime.capabilities(link.channel).window is not None
    tell(
        work,
        link,
        "status",
        left=shown(book.remaining(work.now)) if counted else "∞",
        until=work.runtime.clock_text(until) if until else "-",
        waiting=len(waiting.waiting_in(work.tx, lane)) + len(_messages(outbox.unfinished_in(work.tx, lane))),
        failed=len(_messages(_failed_steps(work.tx, link))),
        accepted=book.used if counted else "-",
    )


def _notify(work: Work, link: LinkRow) -> None:
    if not invite(work, link):  # else its own end is told
        tell(work, link, "no.consent")


def _answer(work: Work, link: LinkRow, command: str, what: str, count: int) -> None:
    if count:
        tell(work, link, what, count=count)
    else:
        tell(work, link, "nothing", command=command)


def _has_file(message: Message) -> bool:
    return any(isinstance(part, Image | Voice | Video | File) for part in message.parts)


def _as_text(tx: Tx, runtime: Runtime, message: Message) -> Message:
    parts: list[Part] = []
    for part in with_bytes(tx, runtime, message).parts:
        if isinstance(part, Image | Voice | Video | File):
            media = part.media
            parts.append(Text(body=f"{media.name or part.kind}: {media.url or media.error}"))
        else:
            parts.append(part)
    return message.model_copy(update={"parts": tuple(parts)})


_ACTS: dict[str, Act] = {
    "#retry": _retry,
    "#cancel": _cancel,
    "#text": _text,
    "#status": _status,
    "#notify": _notify,
}
_HANDS = {"#move": move, "#bot": give_to_bot, "#send": send_drafts}
