"""What is kept no longer, and by which rule: one for each table in which somebody's words may stand."""

from datetime import datetime

from sqlalchemy import delete, select, update

from mappings.account_tables import Entry
from mappings.holder_tables import BotTurn
from mappings.sql import table
from mappings.states import RawState, StepState
from mappings.store import Tx
from mappings.tables import Attempt, Inbox, Outbox, Waiting

_outbox, _attempt, _turn = table(Outbox), table(Attempt), table(BotTurn)
_inbox, _entry, _waiting = table(Inbox), table(Entry), table(Waiting)

RULES = {
    "inbox": "payloads; what could not be read: keys",
    "waiting": "until it is sent, given up after replies.give_up_after; drafts: steps",
    "outbox": "steps", "attempt": "steps", "bot_turn": "steps", "shop_message": "steps", "replay_job": "steps",
    "media": "media",
    "entry": "records, each entry by itself; the newest of a stream with its person",
    "record": "records, with its person", "identity": "records, with its person", "link": "records, with its person",
    "message_ref": "records, with its person", "notice": "records, with its person",
    "handover": "records, with its person", "person_merge": "records, with its person",
    "survey": "numbers only, with its person", "goal": "facts",
    "consent": "until it is used", "outgoing_event": "payloads, once it was told or given up",
    "shop_fact": "until the end that the shop gave it",
    "fact": "facts", "figure_folded": "sums, no text", "turn": "sums, no text", "episode": "sums, no text",
    "measure": "sums, no text", "phrase": "made anew each night, of five people or more",
    "alert": "until it is told and over", "callback": "no text", "refused_callback": "a day",
    "audit": "audit; no text", "figure_cursor": "no text", "figure_due": "no text",
    "cursor": "no text", "lease": "no text", "pause": "no text", "token": "no text",
    "api_token": "until revoked", "console_user": "until removed", "console_session": "7 days",
}  # fmt: skip
"""By table: after which key of `[retention]`, or when, its rows go. Whoever adds a table with words decides it."""


def forget_steps(tx: Tx, before: datetime, limit: int = 500) -> int:
    """Finished steps, their journal, and what is known of a bot's turns."""
    ids = list(
        tx.execute(
            select(_outbox.c.id)
            .where(_outbox.c.done_at < before, _outbox.c.state.not_in((StepState.READY, StepState.PARKED)))
            .limit(limit)
        ).scalars()
    )
    if ids:
        tx.execute(delete(_attempt).where(_attempt.c.outbox_id.in_(ids)))
        tx.execute(delete(_turn).where(_turn.c.outbox_id.in_(ids)))
        tx.execute(delete(_outbox).where(_outbox.c.id.in_(ids)))
    return len(ids)


def forget_drafts(tx: Tx, before: datetime) -> int:
    """Agents' words that waited for a `#send` which never came: they lead to nobody."""
    old = _waiting.c.lane < 0, _waiting.c.lane % 2 != 0, _waiting.c.created_at < before
    return tx.execute(delete(_waiting).where(*old)).rowcount


def forget_unread(tx: Tx, before: datetime, limit: int = 500) -> int:
    """Payloads that could not be read, and that nobody looked after for so long."""
    old = _inbox.c.received_at < before, _inbox.c.state == RawState.QUARANTINED
    ids = select(_inbox.c.id).where(*old).limit(limit)
    return tx.execute(update(_inbox).where(_inbox.c.id.in_(ids)).values(payload=None, error="", state="done")).rowcount


def forget_entries(tx: Tx, before: datetime, limit: int = 1000) -> int:
    """Entries of connectors' streams; the newest of each stays, because the next one's number rests on it."""
    later = _entry.alias("later")
    same = later.c.account == _entry.c.account, later.c.stream == _entry.c.stream
    newer = select(later.c.number).where(*same, later.c.number > _entry.c.number).exists()
    old = list(
        tx.execute(
            select(_entry.c.account, _entry.c.stream, _entry.c.number).where(_entry.c.at < before, newer).limit(limit)
        )
    )
    for row in old:
        mine = _entry.c.account == row.account, _entry.c.stream == row.stream, _entry.c.number == row.number
        tx.execute(delete(_entry).where(*mine))
    return len(old)
