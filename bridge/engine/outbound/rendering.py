"""From waiting messages to steps.

Rendered late, when the lane is idle, so that joining, splitting and the allowance see the truth of that moment. The
rendered step is stored and sent byte for byte, however often.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Row

from bridge.contract import (
    Audience,
    AuthorKind,
    Card,
    DeliveryState,
    File,
    Image,
    Media,
    Message,
    Part,
    Step,
    Video,
    Voice,
)
from bridge.engine.context import Runtime, Work
from bridge.engine.conversation.allowance import Allowance
from bridge.engine.conversation.invitation import invite
from bridge.engine.conversation.labels import count_for_words, render_labels
from bridge.engine.conversation.links import render_context
from bridge.engine.conversation.notices import quote
from bridge.engine.conversation.queueing import files_of, show_progress, tell
from bridge.engine.runtime.ids import new_name
from mappings import links, media, outbox, waiting
from mappings.links import LinkRow
from mappings.store import Tx

_TOGETHER = 20  # messages rendered at once
_FILES_SOON = timedelta(milliseconds=200)


def render_lane(work: Work, lane: int) -> LinkRow:
    """Renders what waits in one idle lane, as far as it may go; returns the link of the lane."""
    link = links.get_link(work.tx, links.link_of(lane), lock=True)
    if lane == links.lane_of_labels(link.id):
        render_labels(work, link)
    else:
        _render_messages(work, link, lane)
    return link


def _render_messages(work: Work, link: LinkRow, lane: int) -> None:
    rows = waiting.waiting_in(work.tx, lane)  # held ones too: what came first goes first
    to_desk = lane == links.lane_to_desk(link.id)
    if link.held_by and not to_desk:
        waiting.hold_waiting(work.tx, lane, f"held by {link.held_by}")
        return
    if to_desk and link.ticket is None:
        messages = _opening(rows)
        if rows and not messages:
            waiting.hold_waiting(work.tx, lane, "ticket")
            return
    else:
        messages = [Message.model_validate_json(row.message) for row in rows[:_TOGETHER]]
    ready = _with_files(work.tx, work.runtime, messages)
    if not ready:
        waiting.delay_waiting(work.tx, lane, work.now + _FILES_SOON)
        return
    chosen = _for_desk(work, link, lane, ready) if to_desk else _for_channel(work, link, lane, ready)
    if chosen is None:
        return
    _store(work.tx, link, lane, link.desk if to_desk else link.channel, chosen, work.now)
    carried = {message.id for message in chosen.messages}
    waiting.drop_waiting(work.tx, [row.id for row in rows if row.message_id in carried])


def _opening(rows: Sequence[Row[Any]]) -> list[Message]:
    """What may make a ticket: the customer's own words. A note never does, nor goes ahead of them: it waits until the
    ticket has its number.
    """
    said = (Message.model_validate_json(row.message) for row in rows)
    return list(islice((message for message in said if message.audience is Audience.CUSTOMER), _TOGETHER))


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Steps and the messages they carry. From `parked_from` on they wait for the customer."""

    messages: Sequence[Message]
    steps: Sequence[Step]
    ledger: str = ""
    parked_from: int | None = None


def _for_desk(work: Work, link: LinkRow, lane: int, messages: list[Message]) -> _Chosen | None:
    pause = _next_update(work, link, lane)
    if pause is not None:
        waiting.delay_waiting(work.tx, lane, pause)
        return None
    connector = work.runtime.accounts[link.desk].connector
    return _Chosen(messages, connector.render(messages, render_context(work.runtime, link, work.now, to_desk=True)))


def _next_update(work: Work, link: LinkRow, lane: int) -> datetime | None:
    """When the next update of this ticket may go, for desks that count them; None: now.

    Nothing waits while there is plenty; from half of the limit on updates are spread over the period, so that the
    customer's next messages join and the limit is never reached.
    """
    limit = work.runtime.capabilities(link.desk).update_limit
    if limit is None:
        return None
    count = count_for_words(work.runtime, link, limit.count)
    sent = outbox.sent_since(work.tx, link.id, lane, work.now - limit.per)
    if len(sent) < count // 2:
        return None
    if len(sent) >= count - 1:
        return sent[-1] + limit.per
    due = sent[0] + limit.per / (count // 2)
    return due if due > work.now else None


def _for_channel(work: Work, link: LinkRow, lane: int, messages: list[Message]) -> _Chosen | None:
    connector = work.runtime.accounts[link.channel].connector
    context = render_context(work.runtime, link, work.now, to_desk=False)
    window = connector.capabilities.window
    if window is None:
        return _Chosen(messages, connector.render(messages, context))
    book = Allowance.model_validate_json(link.ledger)
    left = book.remaining(work.now)
    messages = _without_greedy(work.tx, lane, messages, left - 1 if book.is_open(work.now) else left)
    if not messages:
        return None
    cost = 0
    for count in range(len(messages), 0, -1) if left else ():
        steps = connector.render(messages[:count], context)
        cost = sum(step.cost for step in steps)
        if cost <= left:
            return _Chosen(messages[:count], steps, link.ledger)
    if cost > window.replies and (chosen := _longer_than_window(steps, messages, link, left)):
        tell(
            work,
            link,
            "window.rest",
            cause="window.held",
            quoted=quote(messages[:1], work.runtime.language),
            about=messages[0].id,
        )
        return chosen
    what = "window.short" if left else "window.spent" if book.is_open(work.now) else "window.over"
    hold(work, link, messages, what, cost=cost, left=left)
    return None


def _without_greedy(tx: Tx, lane: int, messages: list[Message], spare: int) -> list[Message]:
    """An automatic text takes no reply that an agent may need: it is dropped instead, and never waits.

    Neither does a greeting when somebody has answered meanwhile.
    """
    automatic = [message for message in messages if message.author.kind in {AuthorKind.BRIDGE, AuthorKind.SYSTEM}]
    if not automatic:
        return messages
    greedy = {message.id for message in automatic[max(0, spare) :]}
    if len(automatic) < len(messages):
        greedy |= {message.id for message in automatic if message.author.kind is AuthorKind.BRIDGE}
    rows = [row for row in waiting.waiting_in(tx, lane) if row.message_id in greedy]
    waiting.drop_waiting(tx, [row.id for row in rows])
    return [message for message in messages if message.id not in greedy]


def _longer_than_window(steps: Sequence[Step], messages: list[Message], link: LinkRow, left: int) -> _Chosen | None:
    """A message that no full allowance could hold goes as far as it may; the rest waits, parked.

    The last reply is not spent on a fragment: an agent may need it for a word of their own.
    """
    used = 0
    for number, step in enumerate(steps):
        used += step.cost
        if used > left - 1:
            return _Chosen(messages[:1], steps, link.ledger, parked_from=number) if number else None
    return None


def hold(
    work: Work, link: LinkRow, messages: list[Message], what: str, *, since: datetime | None = None, **values: object
) -> None:
    """The customer must act first: the lane waits, the agents are told once, the customer is perhaps called back.

    `since` is when the step that was refused came to be.
    """
    lane = links.lane_to_channel(link.id)
    told = links.told_at(work.tx, link.id, "window.held")
    began = [row.created_at for row in waiting.waiting_in(work.tx, lane)] + ([since] if since is not None else [])
    if told is not None and told < min(began, default=told):
        links.forget_notices(work.tx, link.id, "window.held")  # what that note was about has gone meanwhile
    waiting.hold_waiting(work.tx, lane, f"{what} ({Allowance.model_validate_json(link.ledger).summary(work.now)})")
    ids = [message.id for message in messages]
    show_progress(work, link, ids, DeliveryState.HELD, to_desk=True, reason=what)
    about = ids[0] if ids else ""
    quoted = quote(messages, work.runtime.language)
    if tell(work, link, what, cause="window.held", quoted=quoted, about=about, **values):
        invite(work, link)


def _store(tx: Tx, link: LinkRow, lane: int, account: str, chosen: _Chosen, now: datetime) -> None:
    """Steps with keys, in order. Each remembers the messages it carries, to render anew or to quote them."""
    batch = new_name()
    dumped = {message.id: message.model_dump(mode="json") for message in chosen.messages}
    other = link.channel if account == link.desk else link.desk
    for number, step in enumerate(chosen.steps):
        carried = [dumped[identifier] for identifier in step.covers if identifier in dumped]
        parked = chosen.parked_from is not None and number >= chosen.parked_from
        values: dict[str, Any] = {
            "key": new_name(),
            "lane": lane,
            "link_id": link.id,
            "account": account,
            "state": "parked" if parked else "ready",
            "step": step.model_dump_json(exclude_defaults=True),
            "messages": json.dumps(carried, ensure_ascii=False),
            "batch": batch,
            "ledger": chosen.ledger,
            "due_at": now,
            "created_at": now,
        }
        (made,) = outbox.add_steps(tx, [values])
        links.carry(tx, other, step.covers, made)


def _with_files(tx: Tx, runtime: Runtime, messages: list[Message]) -> list[Message]:
    """The messages up to the first whose files are not here yet, with what is known of their files."""
    ready = []
    for message in messages:
        filled = with_bytes(tx, runtime, message)
        if any(not file.sha256 and not file.error for file in files_of(filled)):
            break
        ready.append(filled)
    return ready


def with_bytes(tx: Tx, runtime: Runtime, message: Message) -> Message:
    """A message whose files know their bytes, type, size and public link, or why they could not be had."""
    if not files_of(message):
        return message
    return message.model_copy(update={"parts": tuple(_filled(tx, runtime, part) for part in message.parts)})


def _filled(tx: Tx, runtime: Runtime, part: Part) -> Part:
    match part:
        case File():
            found = _facts(tx, runtime, part.media)
            if found.mime.startswith("image/") and not part.media.mime.startswith("image/"):
                return Image(media=found, caption=part.caption)  # declared as just a file; its bytes know better
            return part.model_copy(update={"media": found})
        case Image() | Voice():
            return part.model_copy(update={"media": _facts(tx, runtime, part.media)})
        case Video() | Card():
            changes: dict[str, Any] = {}
            if isinstance(part, Video):
                changes["media"] = _facts(tx, runtime, part.media)
            if part.thumb is not None:
                changes["thumb"] = _facts(tx, runtime, part.thumb)
            return part.model_copy(update=changes)
        case _:
            return part


def _facts(tx: Tx, runtime: Runtime, file: Media) -> Media:
    if file.sha256:
        return file if file.url else file.model_copy(update={"url": runtime.link_to(file)})
    row = media.find_media(tx, file.account, file.id)
    if row is None:
        return file if file.error else file.model_copy(update={"error": "unknown"})
    if row.state == "wanted":
        return file
    if row.state == "failed":
        return file.model_copy(update={"error": row.error or "unknown"})
    known = file.model_copy(
        update={"sha256": row.sha256, "mime": row.mime, "size": row.size, "name": row.name or file.name}
    )
    return known.model_copy(update={"url": runtime.link_to(known)})
