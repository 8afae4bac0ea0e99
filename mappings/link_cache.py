"""Links as one transaction knows them: read once, changed in memory and written as a set.

Only links that the transaction holds are known by heart (`mappings/locks.py`), so nobody else can change them. What
other statements may have changed is forgotten (`mappings/deferred.py`).
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Row
from sqlalchemy.engine import result_tuple

from mappings.deferred import notes
from mappings.sql import table
from mappings.store import Tx
from mappings.tables import Link

_link = table(Link)
_KEYS = [column.key for column in _link.c]
_PLACES = {key: place for place, key in enumerate(_KEYS)}
_make = result_tuple(_KEYS)
_NOTE = "links"


class Known:
    """By id; by the conversation that is looked for, whose link may be none."""

    __slots__ = ("by_conversation", "by_id", "by_ticket", "held")

    def __init__(self) -> None:
        self.by_id: dict[int, Row[Any]] = {}
        self.by_conversation: dict[tuple[str, str], int | None] = {}
        self.by_ticket: dict[tuple[str, str], int] = {}
        self.held: dict[int, bool] = {}

    def add(self, row: Row[Any]) -> None:
        """A link as it is now."""
        self.by_id[row.id] = row

    def add_with_held(self, row: Row[Any]) -> None:
        """The same, with one column more: whether something is held, None where that was not asked."""
        self.by_id[row.id] = _make(tuple(row[:-1]))
        if row.held is not None:
            self.held[row.id] = bool(row.held)

    def index(self, account: str, conversations: Collection[str]) -> None:
        """All links of these conversations, or tickets, of an account are known. One that ended says nothing: another
        may have taken its place.
        """
        ended: set[str] = set()
        newest: dict[str, Row[Any]] = {}
        for row in self.by_id.values():
            if row.channel == account and row.conversation in conversations:
                if row.state == "ended":
                    ended.add(row.conversation)
                else:
                    self.by_conversation[account, row.conversation] = row.id
            if (
                row.desk == account
                and row.ticket in conversations
                and row.id > getattr(newest.get(row.ticket), "id", 0)
            ):
                newest[row.ticket] = row
        for name in conversations:
            if name not in ended:
                self.by_conversation.setdefault((account, name), None)
        for ticket, row in newest.items():
            if row.state != "ended":
                self.by_ticket[account, ticket] = row.id

    def change(self, link_id: int, values: dict[str, Any]) -> None:
        """Columns of a link, if it is known, are others now."""
        row = self.by_id.get(link_id)
        if row is not None:
            changed = list(row)
            for name, value in values.items():
                changed[_PLACES[name]] = value
            self.by_id[link_id] = _make(tuple(changed))
        if not values.keys().isdisjoint(("state", "channel", "conversation", "desk", "ticket")):
            self.by_conversation.clear()
            self.by_ticket.clear()


def known(tx: Tx) -> Known:
    """What this transaction knows of links."""
    found: Known | None = notes(tx).get(_NOTE)
    if found is None:
        found = notes(tx)[_NOTE] = Known()
    return found
