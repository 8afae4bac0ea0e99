"""What went wrong, grouped by its cause, and everything of one cause in bounded pieces."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, func, select

from mappings.sql import columns, table
from mappings.states import FAILED
from mappings.store import Tx
from mappings.tables import Inbox, Link, Outbox

_outbox, _inbox, _link = table(Outbox), table(Inbox), table(Link)
QUARANTINED = "quarantined"
_NUMBERS = re.compile(r"[0-9a-f]*\d[0-9a-f]*(?:[-_:.](?:[0-9a-f]*\d[0-9a-f]*|[0-9a-f]{6,}))*", re.IGNORECASE)
_LOOKED_AT = 1000  # characters of an error, which may quote a vendor
_PIECE = 500  # rows looked at for one piece of a cause


class Cause(NamedTuple):
    """Things that failed alike: at an account, in a way, with the same words but for the numbers in them."""

    account: str
    state: str
    code: str
    words: str


class Group(NamedTuple):
    """So many of one cause. `example` is the newest one's id, `said` its very words, `link` its conversation, `reason`
    why, for people (JSON by language).
    """

    cause: Cause
    number: int
    first: datetime
    last: datetime
    example: int
    said: str
    link: int | None = None
    reason: str = ""


def alike(text: str) -> str:
    """The words without what differs from one to the next."""
    return _NUMBERS.sub("#", text[:_LOOKED_AT])[:300]


def groups(tx: Tx) -> list[Group]:
    """All causes, those that hit most often first."""
    found: dict[Cause, Group] = {}
    of_steps = (
        select(
            *columns(_outbox, "account", "state", "code", "error"),
            func.count(), func.min(_outbox.c.done_at), func.max(_outbox.c.done_at), func.max(_outbox.c.id),
        )
        .where(_outbox.c.state.in_(FAILED))
        .group_by(*columns(_outbox, "account", "state", "code", "error"))
    )  # fmt: skip
    for account, state, code, error, *facts in tx.execute(of_steps):
        _add(found, Cause(account, state, code, alike(error)), error, facts)
    of_raws = (
        select(
            *columns(_inbox, "account", "error"),
            func.count(), func.min(_inbox.c.received_at), func.max(_inbox.c.received_at), func.max(_inbox.c.id),
        )
        .where(_inbox.c.state == QUARANTINED)
        .group_by(*columns(_inbox, "account", "error"))
    )  # fmt: skip
    for account, error, *facts in tx.execute(of_raws):
        _add(found, Cause(account, QUARANTINED, "", alike(error)), error, facts)
    steps = [one.example for one in found.values() if one.cause.state != QUARANTINED]
    rows = tx.execute(select(*columns(_outbox, "id", "link_id", "reason")).where(_outbox.c.id.in_(steps)))
    examples = {row.id: {"link": row.link_id, "reason": row.reason} for row in rows}
    shown = [
        one._replace(**examples.get(one.example, {})) if one.cause.state != QUARANTINED else one
        for one in found.values()
    ]
    return sorted(shown, key=lambda one: (-one.number, one.cause))


def _add(found: dict[Cause, Group], cause: Cause, said: str, facts: Sequence[Any]) -> None:
    count, first, last, example = facts
    known = found.get(cause)
    if known is None:
        found[cause] = Group(cause, count, first, last, example, said)
        return
    newer = example > known.example
    found[cause] = Group(
        cause,
        known.number + count,
        min(known.first, first),
        max(known.last, last),
        example if newer else known.example,
        said if newer else known.said,
    )


def piece(tx: Tx, cause: Cause, after: int, until: int | None = None, limit: int = 50) -> tuple[list[Row[Any]], int]:
    """The next ones of a cause behind an id, oldest first, and the id up to which all was looked at. Rows of steps
    have their conversation with them; those of payloads have `key` and `received_at`.
    """
    of = _inbox if cause.state == QUARANTINED else _outbox
    shown = ("id", "account", "key", "error", "received_at") if of is _inbox else (
        "id", "account", "link_id", "lane", "state", "code", "error", "done_at", "messages", "step")  # fmt: skip
    statement = select(*columns(of, *shown))
    if of is _outbox:
        more = (_link.c[name] for name in ("channel", "conversation", "desk", "ticket", "contact", "allowance"))
        statement = statement.add_columns(*more, _link.c.state.label("link_state"), _link.c.held_by)
        statement = statement.join(_link, _link.c.id == _outbox.c.link_id).where(_outbox.c.code == cause.code)
    statement = statement.where(of.c.state == cause.state, of.c.account == cause.account, of.c.id > after)
    if of is _outbox:
        statement = statement.where(_outbox.c.state.in_(FAILED))  # the index's own words
    if until is not None:
        statement = statement.where(of.c.id <= until)
    rows = tx.execute(statement.order_by(of.c.id).limit(_PIECE)).all()
    chosen: list[Row[Any]] = []
    seen = after
    for row in rows:
        seen = row.id
        if alike(row.error) == cause.words:
            chosen.append(row)
            if len(chosen) == limit:
                return chosen, seen
    return chosen, seen if len(rows) == _PIECE else max(seen, until or seen)
