"""From waiting messages to steps.

Rendered late, when the lane is idle, so that joining, splitting and the allowance see the truth of that moment. The
rendered step is stored and sent byte for byte, however often.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from bridge.contract import (
    Audience,
    AuthorKind,
    Message,
    Step,
)
from bridge.engine.context import Work
from bridge.engine.conversation.agent_notes import tell_waiting
from bridge.engine.conversation.allowance import Allowance
from bridge.engine.conversation.bot_share import is_of_bot, of_one_sort, within_share
from bridge.engine.conversation.holding import hold
from bridge.engine.conversation.labels import render_labels
from bridge.engine.conversation.links import render_context
from bridge.engine.conversation.notices import is_of_an_end
from bridge.engine.conversation.queueing import FOLLOWS, is_automatic
from bridge.engine.conversation.shop_messages import cost_of, let_go
from bridge.engine.conversation.turns import answer_lost
from bridge.engine.outbound.accessories import apart
from bridge.engine.outbound.attachments import put_behind, with_files
from bridge.engine.outbound.joining import together
from bridge.engine.outbound.pacing import next_update, words_first
from bridge.engine.outbound.questions import render_question
from bridge.engine.runtime.ids import new_name
from mappings import links, outbox, waiting
from mappings.links import LinkRow
from mappings.states import StepState
from mappings.store import Tx


def render_lane(work: Work, lane: int, rows: Sequence[Row[Any]]) -> LinkRow:
    """Renders what waits in one idle lane (`rows`), as far as it may go; returns the link of the lane."""
    link = links.get_link(work.tx, links.link_of(lane), lock=True)
    if lane == links.lane_of_labels(link.id):
        render_labels(work, link)
    elif lane == links.lane_to_bot(link.id):
        render_question(work, link, lane)
    else:
        _render_messages(work, link, lane, rows)
    return link


def _render_messages(work: Work, link: LinkRow, lane: int, rows: Sequence[Row[Any]]) -> None:
    # `rows`: held ones too, because what came first goes first
    to_desk = lane == links.lane_to_desk(link.id)
    if link.held_by and not to_desk:
        waiting.hold_waiting(work.tx, lane, f"held by {link.held_by}")
        return
    limit = work.runtime.capabilities(link.desk if to_desk else link.channel).max_text_bytes
    may_go = together(rows, limit)
    if to_desk and link.ticket is None:
        may_go = together(_opening(rows), limit)
        if rows and not may_go:
            waiting.hold_waiting(work.tx, lane, "ticket")
            return
    elif to_desk and work.runtime.capabilities(link.desk).notes_act and _only_remarks(rows):
        waiting.hold_waiting(work.tx, lane, "goes with the customer's next message")
        return
    ready = with_files(work, link, lane, may_go)
    if not ready:
        return
    chosen = _for_desk(work, link, lane, ready) if to_desk else _for_channel(work, link, ready)
    if chosen is None:
        return
    for after in chosen.behind:
        row = next(row for row in rows if row.message_id == after.id.removesuffix(FOLLOWS))
        put_behind(work, link, lane, row, after)
    _store(work.tx, link, lane, link.desk if to_desk else link.channel, chosen, work.now)
    carried = {message.id for message in chosen.messages}
    waiting.drop_waiting(work.tx, [row.id for row in rows if row.message_id in carried])


def _opening(rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    """What may make a ticket: the customer's own words. A note never does, nor goes ahead of them: it waits until the
    ticket has its number.
    """
    return [row for row in rows if Message.model_validate_json(row.message).audience is Audience.CUSTOMER]


def _only_remarks(rows: Sequence[Row[Any]]) -> bool:
    """Whether nothing here is worth opening a closed ticket again: only notes, and none about an answer's end."""
    said = [Message.model_validate_json(row.message) for row in rows]
    return bool(said) and all(one.audience is Audience.AGENTS and not is_of_an_end(one) for one in said)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Steps and the messages they carry. From `parked_from` on they wait for the customer; `behind` is what of these
    messages waits on.
    """

    messages: Sequence[Message]
    steps: Sequence[Step]
    allowance: str = ""
    parked_from: int | None = None
    behind: Sequence[Message] = ()


def _for_desk(work: Work, link: LinkRow, lane: int, messages: list[Message]) -> _Chosen | None:
    pause = next_update(work, link, lane)
    if pause is not None:
        waiting.delay_waiting(work.tx, lane, pause)
        return None
    connector = work.runtime.accounts[link.desk].connector
    if connector.capabilities.update_limit is not None:
        messages = words_first(messages)
    context = render_context(work.runtime, link, work.now, to_desk=True)
    runs, behind = apart(messages, connector.capabilities, context.language, opening=link.ticket is None)
    steps = [step for run in runs for step in connector.render(run, context)]
    return _Chosen([message for run in runs for message in run], steps, behind=behind)


def _for_channel(work: Work, link: LinkRow, messages: list[Message]) -> _Chosen | None:
    connector = work.runtime.accounts[link.channel].connector
    context = render_context(work.runtime, link, work.now, to_desk=False)
    window = connector.capabilities.window
    if window is None:
        messages = of_one_sort(messages)
        return _Chosen(messages, connector.render(messages, context))
    book = Allowance.model_validate_json(link.allowance)
    left = book.remaining(work.now)
    messages = _without_greedy(work, link, messages, left - 1 if book.is_open(work.now) else left)
    messages = _within_share(work, link, of_one_sort(messages), left)
    if not messages:
        return None
    cost = 0
    for count in range(len(messages), 0, -1) if left else ():
        steps = connector.render(messages[:count], context)
        cost = sum(step.cost for step in steps)
        if cost <= left:
            return _Chosen(messages[:count], steps, link.allowance)
    if cost > window.replies and (chosen := _longer_than_window(steps, messages, link, left)):
        tell_waiting(work, link, "window.rest", messages[:1])
        return chosen
    what = "window.short" if left else "window.spent" if book.is_open(work.now) else "window.over"
    hold(work, link, messages, what, cost=cost, left=left)
    return None


def _without_greedy(work: Work, link: LinkRow, messages: list[Message], spare: int) -> list[Message]:
    """An automatic text takes no reply that an agent may need: it is dropped instead. Only the shop's own may wait.

    Neither does a greeting when somebody has answered meanwhile.
    """
    automatic = [message for message in messages if message.author.kind in {AuthorKind.BRIDGE, AuthorKind.SYSTEM}]
    if not automatic:
        return messages
    greedy: set[str] = set()
    for message in automatic:
        spare -= cost_of(work, link, message)
        if spare < 0:
            greedy.add(message.id)
    if len(automatic) < len(messages):
        greedy |= {message.id for message in automatic if message.author.kind is AuthorKind.BRIDGE}
    if greedy:
        let_go(work, link, [message for message in automatic if message.id in greedy])
    return [message for message in messages if message.id not in greedy]


def _within_share(work: Work, link: LinkRow, messages: list[Message], left: int) -> list[Message]:
    """A bot's words take no reply that is kept for people: they are dropped, and people take over."""
    kept = within_share(work, link, messages, left)
    if len(kept) < len(messages):
        dropped = {message.id for message in messages} - {message.id for message in kept}
        rows = waiting.waiting_in(work.tx, links.lane_to_channel(link.id))
        waiting.drop_waiting(work.tx, [row.id for row in rows if row.message_id in dropped])
        answer_lost(work, link, "allowance")
    return kept


def _longer_than_window(steps: Sequence[Step], messages: list[Message], link: LinkRow, left: int) -> _Chosen | None:
    """A message that no full allowance could hold goes as far as it may; the rest waits, parked.

    The last reply is not spent on a fragment: an agent may need it for a word of their own.
    """
    used = 0
    for number, step in enumerate(steps):
        used += step.cost
        if used > left - 1:
            return _Chosen(messages[:1], steps, link.allowance, parked_from=number) if number else None
    return None


def _store(tx: Tx, link: LinkRow, lane: int, account: str, chosen: _Chosen, now: datetime) -> None:
    """Steps with keys, in order. Each remembers the messages it carries, to render anew or to quote them."""
    batch = new_name()
    dumped = {message.id: message.model_dump_json() for message in chosen.messages}
    other = link.channel if account == link.desk else link.desk
    for number, step in enumerate(chosen.steps):
        carried = [dumped[identifier] for identifier in step.covers if identifier in dumped]
        parked = chosen.parked_from is not None and number >= chosen.parked_from
        values: dict[str, Any] = {
            "key": new_name(),
            "lane": lane,
            "link_id": link.id,
            "account": account,
            "state": StepState.PARKED if parked else StepState.READY,
            "step": step.model_dump_json(exclude_defaults=True),
            "messages": f"[{','.join(carried)}]",
            "batch": batch,
            "allowance": chosen.allowance,
            "due_at": now,
            "created_at": now,
        }
        if any(is_of_bot(message) for message in chosen.messages):
            values["term"] = link.term
        if chosen.messages and all(is_automatic(message) for message in chosen.messages):
            values["automatic"] = True
        outbox.add_steps(tx, [values])
        links.carry(tx, other, step.covers, values["key"])
