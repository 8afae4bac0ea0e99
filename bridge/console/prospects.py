"""What would become of something that failed if it were tried again now: a look, without effect."""

import json
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row

from bridge.away import Away
from bridge.console.words import hidden, mask, snippet
from bridge.engine.context import Runtime
from bridge.engine.conversation.allowance import Allowance
from mappings import links
from mappings.states import StepState


class Prospect(NamedTuple):
    """One thing, to whom it would go, and its `prospect`: `goes`, `too_late`, `doubled` (it may have arrived already),
    `account_away`, `account_gone`, `held_back`, `next_ticket`, or `read_again`.
    """

    id: str
    prospect: str
    to: str
    words: str
    at: datetime
    link: int | None = None
    said: str = ""


def prospect(row: Row[Any], runtime: Runtime, away: Away, now: datetime, *, masked: bool) -> Prospect:
    """Of a row as `mappings.causes.piece` gives it."""
    if not hasattr(row, "link_id"):
        prospect = "read_again" if row.account in runtime.accounts else "account_gone"
        return Prospect(f"r{row.id}", prospect, row.account, "", row.received_at, None, row.key)
    said = json.loads(row.messages)
    words = " / ".join(snippet(one, masked=masked, longest=60) for one in said[:3])
    name = json.loads(row.contact).get("name", "")
    to_desk = links.is_towards_desk(row.lane)
    customer = (mask(name) if masked else name) or (hidden(row.conversation) if masked else row.conversation)
    to = f"{row.desk} #{row.ticket or '–'}" if to_desk else f"{row.channel} {customer}"
    error = row.error.partition(":")[0] if masked else row.error
    return Prospect(f"s{row.id}", _fate(row, runtime, away, now), to, words, row.done_at, row.link_id, error)


def _fate(row: Row[Any], runtime: Runtime, away: Away, now: datetime) -> str:
    to_desk = links.is_towards_desk(row.lane)
    if row.account not in runtime.accounts:
        return "account_gone"
    if row.state == StepState.UNCONFIRMED:
        return "doubled"
    if row.account in away:
        return "account_away"
    if to_desk:
        return "next_ticket" if row.link_state in {"closed", "ended"} else "goes"
    if row.held_by:
        return "held_back"
    counted = runtime.capabilities(row.account).window is not None
    return "too_late" if counted and Allowance.model_validate_json(row.allowance).remaining(now) <= 0 else "goes"
