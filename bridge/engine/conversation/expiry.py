"""Answers that end before they were ever rendered: kept as steps that ended, so that they can be traced and retried."""

import json
from collections.abc import Sequence
from datetime import datetime

from bridge.contract import Message, Step
from bridge.engine.context import Runtime, Work
from bridge.engine.outbound.rendering import render_context
from bridge.engine.runtime.ids import new_name
from mappings import links, outbox, waiting
from mappings.links import LinkRow


def end_unsent(
    work: Work, link: LinkRow, waiting_ids: Sequence[int], state: str, code: str, error: str
) -> list[Message]:
    """Messages that wait for the customer end as `failed` (an agent may retry them) or `dropped`. Returns them."""
    lane = links.lane_to_channel(link.id)
    rows = [row for row in waiting.waiting_in(work.tx, lane) if row.id in set(waiting_ids)]
    messages = [Message.model_validate_json(row.message) for row in rows]
    waiting.drop_waiting(work.tx, [row.id for row in rows])
    for row, message in zip(rows, messages, strict=True):
        batch = new_name()
        for step in _steps(work.runtime, link, message, work.now):
            values = {
                "key": new_name(),
                "lane": lane,
                "link_id": link.id,
                "account": link.channel,
                "state": state,
                "step": step.model_dump_json(exclude_defaults=True),
                "messages": json.dumps([message.model_dump(mode="json")], ensure_ascii=False),
                "batch": batch,
                "ledger": link.ledger,
                "due_at": work.now,
                "created_at": row.created_at,
                "done_at": work.now,
                "code": code,
                "error": error,
            }
            (made,) = outbox.add_steps(work.tx, [values])
            links.carry(work.tx, link.desk, step.covers, made)
    return messages


def _steps(runtime: Runtime, link: LinkRow, message: Message, now: datetime) -> Sequence[Step]:
    context = render_context(runtime, link, now, to_desk=False).model_copy(update={"replies": None})
    return runtime.accounts[link.channel].connector.render([message], context)
