"""The customer acted: what waited for them goes on, within what the new allowance holds.

A step that the platform refused took no effect, so what it carries is rendered anew: several remarks may then cost one
reply. Only the rest of a message whose beginning has arrived goes as it was cut.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from bridge.contract import Message, Step
from bridge.engine.context import Work
from bridge.engine.conversation.agent_notes import tell_waiting
from bridge.engine.conversation.allowance import Allowance
from bridge.engine.conversation.queueing import carried_by, cause_of
from mappings import links, outbox, waiting
from mappings.links import LinkRow
from mappings.states import StepState
from mappings.store import Tx

_ENDED = {
    StepState.DONE,
    StepState.UNCONFIRMED,
    StepState.FAILED,
    StepState.DEAD,
}  # what agents may try again by itself


def reopen(work: Work, link: LinkRow, book: Allowance) -> None:
    """Sets free what an allowance holds, unless somebody holds it back."""
    if link.held_by:
        return
    lane = links.lane_to_channel(link.id)
    steps = outbox.unfinished_in(work.tx, lane)
    if any(step.state == StepState.PARKED for step in steps):
        cut = _cut(work.tx, link, steps)
        _free(work, link, [step for step in steps if step.id in cut], book)
        _render_anew(work.tx, link, [step for step in steps if step.id not in cut], work.now)
    waiting.release_waiting(work.tx, lane)
    waiting.delay_waiting(work.tx, lane, work.now)  # it is not late: only now it may go
    work.effects.accounts.add(link.channel)


def _cut(tx: Tx, link: LinkRow, steps: Sequence[Row[Any]]) -> set[int]:
    """The steps that belong to messages of which something has gone, or may be going, already."""
    begun = {covered for step in steps if under_way(step) for covered in _covers(step.step)}
    siblings = [one for one in links.person_links(tx, link.person_id) if one.conversation == link.conversation]
    for batch in {step.batch for step in steps}:
        for sibling in siblings:
            ended = [step for step in outbox.batch_steps(tx, sibling.id, batch) if step.state in _ENDED]
            begun |= {covered for step in ended for covered in _covers(step.step)}
    found: set[int] = set()
    while more := {step.id for step in steps if step.id not in found and begun & _covers(step.step)}:
        found |= more
        begun |= {covered for step in steps if step.id in more for covered in _covers(step.step)}
    return found


def under_way(step: Row[Any]) -> bool:
    """Whether a step is being sent, or may have been."""
    return step.state == StepState.READY and (step.begun_at is not None or step.unknown or step.lease != "")


def _free(work: Work, link: LinkRow, steps: Sequence[Row[Any]], book: Allowance) -> None:
    left = book.remaining(work.now)
    if sum(map(_cost, steps)) > left:
        left -= 1  # the last reply is not spent on a fragment
    for step in steps:
        left -= _cost(step)
        if left < 0:
            tell_waiting(work, link, "window.rest", carried_by(step))
            return
        if step.state == StepState.PARKED:
            outbox.change_step(work.tx, step.id, state=StepState.READY, due_at=work.now)


def _render_anew(tx: Tx, link: LinkRow, steps: Sequence[Row[Any]], now: datetime) -> None:
    """Back to where messages wait, before those that came later."""
    if not steps:
        return
    outbox.drop_steps(tx, [step.id for step in steps], now, "rendered anew")
    messages: dict[str, tuple[Message, datetime]] = {}
    for step in steps:
        for message in carried_by(step):
            messages.setdefault(message.id, (message, step.created_at))
    lane = links.lane_to_channel(link.id)
    rows = waiting.waiting_in(tx, lane)
    waiting.drop_waiting(tx, [row.id for row in rows])
    again: list[tuple[str, str, datetime, int | None, str]] = [
        (identifier, message.model_dump_json(), at, None, cause_of(message))
        for identifier, (message, at) in messages.items()
    ]
    again += [(row.message_id, row.message, row.created_at, row.inbox_id, row.cause) for row in rows]
    for identifier, text, at, inbox_id, cause in again:
        waiting.add_waiting(
            tx,
            lane=lane,
            link_id=link.id,
            account=link.channel,
            message_id=identifier,
            message=text,
            due_at=now,
            created_at=at,
            inbox_id=inbox_id,
            cause=cause,
        )


def _cost(step: Row[Any]) -> int:
    return Step.model_validate_json(step.step).cost


def _covers(step: str) -> set[str]:
    return set(json.loads(step).get("covers", ()))
