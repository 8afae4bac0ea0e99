"""What bots were asked, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Unpack

from sqlalchemy import Row, func, insert, select, update

from mappings.holder_tables import BotTurn
from mappings.sql import table
from mappings.states import BotOutcome, BotTurnColumns, RawState
from mappings.store import Tx
from mappings.tables import Inbox, Outbox, Waiting

_turn, _waiting, _outbox, _inbox = table(BotTurn), table(Waiting), table(Outbox), table(Inbox)

_TO_BOT = _waiting.c.lane < 0, _waiting.c.lane % 2 == 0


@dataclass(frozen=True, slots=True)
class Used:
    """Of one conversation in one term: answers, doubts in a row at the end, tokens. `lately`: turns since a moment."""

    answers: int = 0
    doubts: int = 0
    tokens: int = 0
    superseded: int = 0  # in a row at the end
    lately: int = 0


def add_turn(tx: Tx, **values: Unpack[BotTurnColumns]) -> None:
    """A bot is being asked."""
    tx.execute(insert(_turn).values(state="asked", **values))


def turn_of(tx: Tx, outbox_id: int) -> Row[Any] | None:
    """The turn of a question's step."""
    return tx.execute(select(_turn).where(_turn.c.outbox_id == outbox_id)).first()


def get_turn(tx: Tx, turn_id: int) -> Row[Any] | None:
    """A turn by its number."""
    return tx.execute(select(_turn).where(_turn.c.id == turn_id)).first()


def is_under_way(tx: Tx, link_id: int, term: int) -> bool:
    """Whether a bot was asked and its answer is not routed yet."""
    asked = _turn.c.link_id == link_id, _turn.c.term == term, _turn.c.state == "asked"
    return tx.execute(select(_turn.c.id).where(*asked).limit(1)).first() is not None


def end_turn(tx: Tx, turn_id: int, now: datetime, *, state: str, **found: Unpack[BotOutcome]) -> None:
    """What came of it."""
    tx.execute(update(_turn).where(_turn.c.id == turn_id).values(ended_at=now, state=state, **found))


def drop_turns(tx: Tx, link_id: int, now: datetime) -> None:
    """Turns that are under way are of no use any more: their term is over."""
    open_ones = _turn.c.link_id == link_id, _turn.c.state == "asked"
    tx.execute(update(_turn).where(*open_ones).values(state="late", ended_at=now))


def used(tx: Tx, link_id: int, term: int, since: datetime) -> Used:
    """What a conversation has used of its bot in a term."""
    mine = select(_turn).where(_turn.c.link_id == link_id, _turn.c.term == term).order_by(_turn.c.id.desc()).limit(200)
    rows = list(tx.execute(mine))
    ended = [row for row in rows if row.state == "answered"]
    return Used(
        answers=len(ended),
        doubts=_in_a_row(ended, lambda row: row.verdict == "nothing"),
        tokens=sum(row.tokens for row in rows),
        superseded=_in_a_row([row for row in rows if row.state != "asked"], lambda row: row.state == "superseded"),
        lately=sum(row.at > since for row in rows),
    )


def _in_a_row(rows: Sequence[Row[Any]], wanted: Any) -> int:
    count = 0
    for row in rows:
        if not wanted(row):
            break
        count += 1
    return count


def last_verdict(tx: Tx, link_id: int) -> str:
    """What the bot of a conversation said last: its verdict, `failed` where no answer came; "" for never asked."""
    ended = _turn.c.link_id == link_id, _turn.c.state.in_(("answered", "failed", "late"))
    row = tx.execute(select(_turn.c.state, _turn.c.verdict).where(*ended).order_by(_turn.c.id.desc()).limit(1)).first()
    return "" if row is None else row.verdict if row.state == "answered" else "failed"


def failed_in_a_row(tx: Tx, account: str, since: datetime) -> int:
    """How many of a bot's turns since a moment failed, counted from the newest."""
    ended = _turn.c.account == account, _turn.c.ended_at >= since, _turn.c.state.in_(("answered", "failed"))
    rows = list(tx.execute(select(_turn).where(*ended).order_by(_turn.c.ended_at.desc(), _turn.c.id.desc()).limit(50)))
    return _in_a_row(rows, lambda row: row.state == "failed")


def tokens_since(tx: Tx, account: str, since: datetime) -> int:
    """What a bot has cost since a moment."""
    spent = select(func.coalesce(func.sum(_turn.c.tokens), 0)).where(_turn.c.account == account, _turn.c.at >= since)
    return int(tx.execute(spent).scalar() or 0)


def turns_of_link(tx: Tx, link_id: int, limit: int = 200) -> list[Row[Any]]:
    """All turns of a link, oldest first."""
    return list(tx.execute(select(_turn).where(_turn.c.link_id == link_id).order_by(_turn.c.id).limit(limit)))


def late_turns(tx: Tx, account: str, before: datetime) -> list[int]:
    """Links whose bot was asked before a moment, or should have been, and has not answered."""
    asked = select(_turn.c.link_id).where(_turn.c.account == account, _turn.c.state == "asked", _turn.c.at < before)
    waits = select(_waiting.c.link_id).where(
        _waiting.c.account == account, *_TO_BOT, _waiting.c.held == "", _waiting.c.created_at < before
    )
    return sorted({*tx.execute(asked.limit(200)).scalars(), *tx.execute(waits.limit(200)).scalars()})


def held_questions(tx: Tx, account: str, before: datetime) -> list[int]:
    """Links whose customer was asked before a moment whether a bot may answer, and said nothing."""
    held = _waiting.c.account == account, *_TO_BOT, _waiting.c.held != "", _waiting.c.created_at < before
    return sorted({*tx.execute(select(_waiting.c.link_id).where(*held).limit(200)).scalars()})


def latest_turns(tx: Tx, account: str, limit: int = 50) -> list[Row[Any]]:
    """The newest turns of a bot, each with the `messages` of its question as they are stored."""
    rows = select(_turn, _outbox.c.messages, _outbox.c.key.label("job")).join(
        _outbox, _outbox.c.id == _turn.c.outbox_id
    )
    return list(tx.execute(rows.where(_turn.c.account == account).order_by(_turn.c.id.desc()).limit(limit)))


def payloads_of(tx: Tx, account: str, keys: Sequence[str]) -> dict[str, bytes]:
    """Key → what a bot said under it, as far as that is kept."""
    mine = (
        _inbox.c.account == account,
        _inbox.c.key.in_(keys),
        _inbox.c.state == RawState.DONE,
        _inbox.c.payload.is_not(None),
    )
    return {row.key: row.payload for row in tx.execute(select(_inbox.c.key, _inbox.c.payload).where(*mine))}


def count_turns(tx: Tx, account: str, since: datetime) -> dict[tuple[str, str], int]:
    """(state, verdict) → how many, since a moment."""
    rows = tx.execute(
        select(_turn.c.state, _turn.c.verdict, func.count())
        .where(_turn.c.account == account, _turn.c.at >= since)
        .group_by(_turn.c.state, _turn.c.verdict)
    )
    return {(state, verdict): count for state, verdict, count in rows}
