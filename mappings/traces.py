"""Where somebody's words may stand besides their own rows: payloads as received, and who else needs their files.

All of it only reads, in batches: each is a transaction of its own, so that no reader holds up a checkpoint for long.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from mappings.account_tables import Record
from mappings.sql import columns, table
from mappings.states import RawState
from mappings.store import Tx
from mappings.subjects import Side
from mappings.tables import Inbox, MessageRef, Outbox, Waiting

_inbox, _ref, _waiting, _outbox, _record = (
    table(Inbox), table(MessageRef), table(Waiting), table(Outbox), table(Record)
)  # fmt: skip
_WORD = re.compile(rb"[0-9A-Za-z_-]+")
LONG = 8  # characters from which an id is its owner's wherever it stands
_BITE = 200  # rows; a payload may have megabytes


@dataclass(frozen=True, slots=True)
class Marks:
    """By what a payload is known as somebody's. `sure`: ids that are theirs alone; short ones count as `words` only.
    `likely` by account ("" for all): names, and numbers of tickets and messages, which may stand in other people's
    payloads as well; they only take what was routed, which nobody needs any more.
    """

    sure: tuple[bytes, ...]
    words: frozenset[bytes]
    likely: Mapping[str, frozenset[bytes]]

    def are_in(self, row: Row[Any]) -> bool:
        """Whether a payload is about them."""
        held = b"\n".join((row.key.encode(), row.error.encode(), row.payload or b""))
        words = set(_WORD.findall(held))
        if any(mark in held for mark in self.sure) or not self.words.isdisjoint(words):
            return True
        if row.state != RawState.DONE:
            return False
        marks = self.likely.get("", frozenset()) | self.likely.get(row.account, frozenset())
        return not marks.isdisjoint(words) or any(mark in held for mark in marks if _WORD.fullmatch(mark) is None)


def marks_of(side: Side, refs: Sequence[Any], step_keys: Iterable[str]) -> Marks:
    """How somebody's payloads are known, echoes of what was said to a desk or by a bot among them."""
    ids = spellings({*side.ids, *step_keys, *(name.encode().hex() for name in side.ids)})
    short = {mark for mark in ids if len(mark) < LONG and _WORD.fullmatch(mark)}
    likely: dict[str, set[bytes]] = {"": set(spellings(side.names))}
    for link in side.links:
        if link.ticket:
            likely.setdefault(link.desk, set()).add(link.ticket.encode())
    for ref in refs:
        likely.setdefault(ref.account, set()).add(ref.message_id.encode())
    return Marks(
        tuple(mark for mark in ids if mark not in short),
        frozenset(short),
        {account: frozenset(marks) for account, marks in likely.items()},
    )


def spellings(words: Collection[str]) -> list[bytes]:
    """How texts stand in a payload: as they are, and as JSON writes them that knows ASCII only."""
    plain = {word.encode() for word in words}
    return sorted(plain | {json.dumps(word)[1:-1].encode() for word in words})


def own_payloads(tx: Tx, link_ids: Collection[int]) -> list[int]:
    """Payloads that carried a message of these links."""
    found: set[int] = set()
    for of in (_ref, _waiting):
        rows = tx.execute(select(of.c.inbox_id).where(of.c.link_id.in_(link_ids), of.c.inbox_id.is_not(None)))
        found.update(rows.scalars())
    return sorted(found)


def payloads_after(tx: Tx, after: int, limit: int = _BITE) -> list[Row[Any]]:
    """The next payloads that are kept and no longer wait to be routed."""
    kept = select(*columns(_inbox, "id", "account", "key", "payload", "error", "state")).where(
        _inbox.c.id > after, _inbox.c.state != RawState.READY
    )
    return list(tx.execute(kept.order_by(_inbox.c.id).limit(limit)))


def payloads(tx: Tx, ids: Sequence[int]) -> list[Row[Any]]:
    """Some payloads, oldest first."""
    found: list[Row[Any]] = []
    for place in range(0, len(ids), _BITE):
        some = select(_inbox).where(_inbox.c.id.in_(ids[place : place + _BITE]))
        found += tx.execute(some.order_by(_inbox.c.id))
    return found


def texts_after(tx: Tx, place: tuple[str, Any], link_ids: Collection[int]) -> tuple[list[str], tuple[str, Any] | None]:
    """The next texts of other people in which a file can be named, and where to go on; None at the end. Begin with
    ("outbox", 0).
    """
    of, after = place
    if of == "record":
        account, kind, key = after
        above = (
            (_record.c.account > account)
            | ((_record.c.account == account) & (_record.c.kind > kind))
            | ((_record.c.account == account) & (_record.c.kind == kind) & (_record.c.key > key))
        )
        order = _record.c.account, _record.c.kind, _record.c.key
        rows = tx.execute(select(*order, _record.c.value).where(above).order_by(*order).limit(_BITE)).all()
        last = rows[-1] if len(rows) == _BITE else None
        return [row.value for row in rows], (of, tuple(last[:3])) if last is not None else None
    source, names = (_outbox, ("step", "messages")) if of == "outbox" else (_waiting, ("message",))
    others = select(source.c.id, *columns(source, *names)).where(source.c.id > after, source.c.link_id.not_in(link_ids))
    rows = tx.execute(others.order_by(source.c.id).limit(_BITE)).all()
    texts = ["".join(row[1:]) for row in rows]
    if len(rows) == _BITE:
        return texts, (of, rows[-1].id)
    return texts, (("waiting", 0) if of == "outbox" else ("record", ("", "", "")))


def files_in(value: Any) -> Iterator[tuple[str, str, str]]:
    """The files that a JSON value names, anywhere in it: account, id, hash."""
    if isinstance(value, dict):
        if isinstance(value.get("id"), str) and isinstance(value.get("account"), str) and "kind" not in value:
            yield value["account"], value["id"], str(value.get("sha256") or "")
        for one in value.values():
            yield from files_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from files_in(one)
