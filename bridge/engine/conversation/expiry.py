"""Answers that end before they were ever rendered: kept as steps that ended, so that they can be traced and retried."""

import json
from collections.abc import Sequence

from bridge.contract import Message, Step
from bridge.engine.context import Work
from bridge.engine.conversation.links import render_context
from bridge.engine.runtime.ids import new_name
from mappings import facts, links, outbox, waiting
from mappings.links import LinkRow
from mappings.states import StepState


def end_unsent(
    work: Work, link: LinkRow, waiting_ids: Sequence[int], state: str, code: str, error: str
) -> list[Message]:
    """Messages that wait for the customer end as `failed` (an agent may retry them) or `dropped`. Returns them."""
    return _end(work, link, links.lane_to_channel(link.id), waiting_ids, state=state, code=code, error=error)


def end_notes(work: Work, link: LinkRow, waiting_ids: Sequence[int]) -> None:
    """Notes that no ticket can take any more end as `dead`, so that they can be read and are not just gone."""
    error = "there is no ticket to note it on: the customer did not write again"
    _end(work, link, links.lane_to_desk(link.id), waiting_ids, state=StepState.DEAD, code="no ticket", error=error)


def _end(work: Work, link: LinkRow, lane: int, waiting_ids: Sequence[int], **ended: str) -> list[Message]:
    to_desk = links.is_towards_desk(lane)
    account, other = (link.desk, link.channel) if to_desk else (link.channel, link.desk)
    rows = [row for row in waiting.waiting_in(work.tx, lane) if row.id in set(waiting_ids)]
    messages = [Message.model_validate_json(row.message) for row in rows]
    waiting.drop_waiting(work.tx, [row.id for row in rows])
    for row, message in zip(rows, messages, strict=True):
        batch = new_name()
        for step in _steps(work, link, account, message):
            values = {
                "key": new_name(),
                "lane": lane,
                "link_id": link.id,
                "account": account,
                "step": step.model_dump_json(exclude_defaults=True),
                "messages": json.dumps([message.model_dump(mode="json")], ensure_ascii=False),
                "batch": batch,
                "allowance": link.allowance,
                "due_at": work.now,
                "created_at": row.created_at,
                "done_at": work.now,
                **ended,
            }
            made = outbox.add_step(work.tx, values)
            links.carry(work.tx, other, step.covers, values["key"])
            facts.add_end(work.tx, made, ended["code"], work.now)
    return messages


def _steps(work: Work, link: LinkRow, account: str, message: Message) -> Sequence[Step]:
    context = render_context(work.runtime, link, work.now, to_desk=account == link.desk)
    connector = work.runtime.accounts[account].connector
    try:
        return connector.render([message], context.model_copy(update={"replies": None}))
    except Exception as error:  # noqa: BLE001 - what waited because it cannot be rendered must end all the same
        return (Step(verb="unrendered", body={"why": type(error).__name__}, covers=(message.id,)),)
