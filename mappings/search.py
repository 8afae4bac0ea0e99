"""Finding conversations: by any name through an index; by words, bit by bit from the newest, for a bounded time.

No index of words is kept: it would cost every message, and would have to be forgotten with them. A scan that says how
far it came, and goes on where it stopped, costs only who searches.
"""

import json
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Table, func, select

from mappings.sql import distinct, table
from mappings.store import Tx
from mappings.tables import Identity, Link, MessageRef, Outbox, Waiting

_link, _identity, _ref = table(Link), table(Identity), table(MessageRef)
_outbox, _waiting = table(Outbox), table(Waiting)
_CHUNK = 4000  # rows looked through between two looks at the clock
_MOST = 50
_HIGHEST = chr(0x10FFFF)


class Scanned(NamedTuple):
    """Conversations found, and the row to go on before; None when all was looked through. `since` says how old the last
    row was that was looked at.
    """

    links: list[int]
    before: int | None
    since: datetime | None


def named(tx: Tx, text: str, accounts: Sequence[str]) -> list[int]:
    """Conversations by an id that somebody has in hand: ticket, conversation, message, step, or customer (also the
    beginning of the customer's id). Each is looked up in an index of its own.
    """
    found: dict[int, None] = {}

    def add(statement: Any) -> None:
        found.update(dict.fromkeys(tx.execute(statement.limit(_MOST)).scalars()))

    add(select(_link.c.id).where(_link.c.desk.in_(accounts), _link.c.ticket == text).order_by(_link.c.id.desc()))
    add(select(_link.c.id).where(_link.c.channel.in_(accounts), _link.c.conversation == text, _link.c.state != "ended"))
    add(select(_ref.c.link_id).where(_ref.c.account.in_(accounts), _ref.c.message_id == text))
    add(select(_outbox.c.link_id).where(_outbox.c.key == text))
    if text[:1] == "s" and text[1:].isascii() and text[1:].isdigit() and len(text) < 19:
        add(select(_outbox.c.link_id).where(_outbox.c.id == int(text[1:])))
    people = dict.fromkeys(people_named(tx, text, accounts))
    if people:
        add(select(_link.c.id).where(_link.c.person_id.in_(people)).order_by(_link.c.id.desc()))
    return list(found)


def people_named(tx: Tx, text: str, accounts: Sequence[str]) -> list[int]:
    """People by an id, its beginning, or a customer number that was proven."""
    begins = _identity.c.external_id >= text, _identity.c.external_id < text + _HIGHEST
    exact = select(_identity.c.person_id).where(_identity.c.account.in_(accounts), _identity.c.external_id == text)
    first = select(_identity.c.person_id).where(_identity.c.account.in_(accounts), *begins)
    proven = select(_identity.c.person_id).where(_identity.c.customer_id == text, _identity.c.customer_id != "")
    shared = select(_identity.c.person_id).where(_identity.c.shared_id == text, _identity.c.shared_id != "")
    found = [row for one in (exact, proven.limit(_MOST), shared.limit(_MOST)) for row in tx.execute(one).scalars()]
    if len(text) >= 3 and tx.dialect.name == "sqlite":  # elsewhere the order of an index is not that of its bytes
        found += tx.execute(first.limit(_MOST)).scalars()
    return found


def people_called(tx: Tx, text: str, *, before: int | None = None, seconds: float = 0.03) -> Scanned:
    """People (in place of conversations) who are called so, or gave such an address or number."""
    return _scan(tx, _identity, _identity.c.person_id, lambda: _like(tx, _identity.c.profile, text), before, seconds)


def called(tx: Tx, text: str, *, before: int | None = None, seconds: float = 0.03) -> Scanned:
    """Conversations whose customer is called so, or gave such an address or number."""
    found = people_called(tx, text, before=before, seconds=seconds)
    if not found.links:
        return found
    ids = tx.execute(
        select(_link.c.id).where(_link.c.person_id.in_(found.links)).order_by(_link.c.id.desc()).limit(_MOST)
    )
    return found._replace(links=list(ids.scalars()))


def said(tx: Tx, text: str, *, before: int | None = None, seconds: float = 0.06) -> Scanned:
    """Conversations in which somebody said these words."""
    words = json.dumps(text, ensure_ascii=False)[1:-1]
    found = _scan(tx, _outbox, _outbox.c.link_id, lambda: _like(tx, _outbox.c.messages, words), before, seconds)
    if before is None:
        waits = select(_waiting.c.link_id).where(_like(tx, _waiting.c.message, words)).limit(_MOST)
        newest = select(_waiting.c.id).order_by(_waiting.c.id.desc()).limit(_CHUNK)
        links = dict.fromkeys([*tx.execute(waits.where(_waiting.c.id.in_(newest))).scalars(), *found.links])
        return found._replace(links=list(links))
    return found


def _like(tx: Tx, column: Any, text: str) -> ColumnElement[bool]:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    pattern = f"%{escaped}%"
    # SQLite's LIKE looks over the case of letters by itself, and in a third of the time of lower()
    found: ColumnElement[bool] = (column.like if tx.dialect.name == "sqlite" else column.ilike)(pattern, escape="\\")
    return found


def _scan(
    tx: Tx, of: Table, wanted: Any, matches: Callable[[], ColumnElement[bool]], before: int | None, seconds: float
) -> Scanned:
    """From the newest row on, in pieces, until enough is found or the time is over."""
    top = before if before is not None else (tx.execute(select(func.max(of.c.id))).scalar() or 0) + 1
    end, found, condition = time.monotonic() + seconds, dict[int, None](), matches()
    while top > 1 and len(found) < _MOST:
        piece = select(wanted).where(of.c.id < top, of.c.id >= top - _CHUNK, condition).order_by(of.c.id.desc())
        found.update(dict.fromkeys(tx.execute(piece).scalars()))
        top -= _CHUNK
        if time.monotonic() > end:
            break
    at = of.c.seen_at if of is _identity else of.c.created_at
    since = None
    if top > 1:
        since = tx.execute(select(at).where(of.c.id >= top).order_by(of.c.id).limit(1)).scalar()
    return Scanned(list(found)[:_MOST], top if top > 1 else None, since)


def accounts_known(tx: Tx) -> list[str]:
    """Accounts that customers and conversations name, also those that are configured no more: steps along an index."""
    return list(dict.fromkeys([*distinct(tx, _identity.c.account), *distinct(tx, _link.c.desk)]))
