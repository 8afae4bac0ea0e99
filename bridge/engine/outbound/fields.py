"""What a route asks of a new ticket (group, tags, priority …) must not cost the ticket: a desk that refuses it gets the
ticket without, and a note says so.
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from bridge.contract import Rejected
from bridge.engine.context import Work
from bridge.engine.conversation.agent_notes import tell
from bridge.engine.conversation.last_agent import LAST_AGENT
from bridge.engine.outbound.next_ticket import render_anew
from mappings import links
from mappings.links import LinkRow

Fields = dict[str, Any]


def less_asked(row: Row[Any], link: LinkRow, error: BaseException) -> Fields | None:
    """What is left to ask after a new ticket was refused: first the tags only, then nothing. None where the refusal
    cannot be about that.
    """
    if not isinstance(error, Rejected) or link.ticket is not None or row.lane != links.lane_to_desk(link.id):
        return None
    fields = json.loads(link.fields)
    asked = _asked(fields)
    if not asked and LAST_AGENT not in fields:
        return None
    return {"tags": asked["tags"]} if "tags" in asked and len(asked) > 1 else {}


def ask_less(work: Work, link: LinkRow, fields: Fields, reason: str) -> None:
    """The ticket is tried with fewer fields. What was left out stands on it, as soon as it is there."""
    asked = _asked(json.loads(link.fields))
    left_out = [f"{name} {_said(value)}" for name, value in asked.items() if name not in fields]
    links.change_link(work.tx, link.id, fields=json.dumps(fields, ensure_ascii=False))
    render_anew(work, link)
    if left_out:
        tell_left_out(work, link, left_out, reason)


def not_taken(work: Work, link: LinkRow, left_out: Sequence[str]) -> None:
    """A ticket was made: what its desk has no place for, and what it did not know, stands on it."""
    able = work.runtime.capabilities(link.desk)
    asked = _asked(json.loads(link.fields))
    unfit = [f"{name} {_said(value)}" for name, value in asked.items() if not able.takes(name)]
    if unfit or left_out:
        tell_left_out(work, link, [*unfit, *left_out])


def tell_left_out(work: Work, link: LinkRow, left_out: Sequence[str], reason: str = "") -> None:
    """A note on the ticket, and a line for whoever runs the bridge."""
    what = ", ".join(left_out)
    tell(work, link, "fields.refused", cause=f"fields.refused.{len(left_out)}", fields=what, reason=reason)
    work.effects.warn("fields of a route refused", account=link.desk, link=link.id, fields=what, why=reason)


def _asked(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if name != LAST_AGENT and value not in (None, "", [], {}, ())}


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(map(str, value))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
