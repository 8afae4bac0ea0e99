"""Spans of many conversations at once: what they are made of, and where they are written.

A conversation is named by its root: the link with which it began, before it was handed from desk to desk.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, or_, select

from mappings.figure_tables import Episode, FigureFolded, Shift, Turn
from mappings.holder_tables import Handover
from mappings.sql import insert_for, table
from mappings.store import Tx
from mappings.tables import Link

_turn, _episode, _shift, _folded = table(Turn), table(Episode), table(Shift), table(FigureFolded)
_link, _handover = table(Link), table(Handover)

Rows = Sequence[Mapping[str, Any]]


def roots_of(tx: Tx, link_ids: Iterable[int]) -> dict[int, int]:
    """The roots of some links."""
    wanted = list(link_ids)
    before: dict[int, int] = {}
    ask = set(wanted)
    while ask:
        left = select(_handover.c.link_id, _handover.c.left_id).where(
            _handover.c.link_id.in_(ask), _handover.c.left_id < _handover.c.link_id
        )
        found: dict[int, int] = {}
        for link_id, left_id in tx.execute(left.order_by(_handover.c.id)):
            found.setdefault(link_id, left_id)
        before |= found
        ask = set(found.values()) - before.keys()
    roots = {}
    for one in wanted:
        root = one
        while root in before:
            root = before[root]
        roots[one] = root
    return roots


def root_of(tx: Tx, link_id: int) -> int:
    """The root of one link."""
    return roots_of(tx, [link_id])[link_id]


def chains_of(tx: Tx, roots: Collection[int]) -> dict[int, list[int]]:
    """The links of conversations, from the first on, by root."""
    follows: dict[int, list[int]] = {}
    ask = set(roots)
    while ask:
        on = select(_handover.c.left_id, _handover.c.link_id).where(
            _handover.c.left_id.in_(ask), _handover.c.link_id > _handover.c.left_id
        )
        found = sorted({(left_id, link_id) for left_id, link_id in tx.execute(on)})
        for left_id, link_id in found:
            follows.setdefault(left_id, []).append(link_id)
        ask = {link_id for _, link_id in found} - follows.keys()
    chains: dict[int, list[int]] = {}
    for root in roots:
        chain = chains[root] = [root]
        for link_id in chain:
            chain += [one for one in follows.get(link_id, ()) if one not in chain]
    return chains


def first_holders(tx: Tx, chains: Mapping[int, Sequence[int]]) -> dict[int, str]:
    """Who held each conversation when it began, by root."""
    of: dict[int, set[int]] = {}
    for root, chain in chains.items():
        for link_id in chain:
            of.setdefault(link_id, set()).add(root)
    holders: dict[int, str] = {}
    named = or_(_handover.c.link_id.in_(of), _handover.c.left_id.in_(of))
    moved = select(_handover.c.link_id, _handover.c.left_id, _handover.c.from_account).where(named)
    for link_id, left_id, holder in tx.execute(moved.order_by(_handover.c.id)):
        for root in of.get(link_id, set()) | of.get(left_id, set()):
            holders.setdefault(root, holder)
    still = [root for root in chains if root not in holders]
    mine = select(_link.c.id, _link.c.holder, _link.c.desk).where(_link.c.id.in_(still))
    return holders | {row.id: str(row.holder or row.desk) for row in tx.execute(mine)}


def folded_of(tx: Tx, roots: Collection[int]) -> dict[int, str]:
    """What is kept of conversations whose first facts are gone, by root; of the others nothing."""
    kept = select(_folded.c.root_id, _folded.c.spans).where(_folded.c.root_id.in_(roots))
    return {row.root_id: row.spans for row in tx.execute(kept)}


def keep_folded(tx: Tx, root: int, spans: str) -> None:
    """In place of facts that go in the same transaction."""
    add = insert_for(tx, _folded).values(root_id=root, spans=spans)
    tx.execute(add.on_conflict_do_update(index_elements=["root_id"], set_={"spans": spans}))


def openings_of(tx: Tx, roots: Collection[int]) -> dict[int, datetime]:
    """When conversations began, as it is written, by root."""
    began = select(_episode.c.root_id, _episode.c.opened_at).where(_episode.c.root_id.in_(roots))
    return {row.root_id: row.opened_at for row in tx.execute(began)}


def openings_beside(tx: Tx, roots: Collection[int]) -> list[datetime]:
    """When the other conversations of the same people began: whether each was the first depends on all of them."""
    if not roots:
        return []
    mine = _link.alias("mine")
    others = select(_episode.c.opened_at).join(_link, _link.c.id == _episode.c.link_id)
    others = others.join(mine, mine.c.person_id == _link.c.person_id)
    return list(tx.execute(others.where(mine.c.id.in_(roots), _episode.c.root_id != mine.c.id)).scalars())


def moments_of(tx: Tx, roots: Collection[int]) -> set[datetime]:
    """When the spans of conversations count, as they are written."""
    found: set[datetime | None] = set()
    for moments, of in (
        ((_episode.c.first_solved_at,), _episode),
        ((_turn.c.started_at, _turn.c.answered_at), _turn),
        ((_shift.c.at,), _shift),
    ):
        found |= {one for row in tx.execute(select(*moments).where(of.c.root_id.in_(roots))) for one in row}
    return found - {None}  # type: ignore[return-value] # none is left


def write_spans(tx: Tx, roots: Collection[int], *, episodes: Rows, turns: Rows, shifts: Rows) -> None:
    """In place of those of these conversations that are there. Each row has its `root_id`."""
    for of, rows in ((_turn, turns), (_shift, shifts), (_episode, episodes)):
        tx.execute(delete(of).where(of.c.root_id.in_(roots)))
        if rows:
            tx.execute(insert(of), list(rows))
