"""Which interfaces of a vendor rest: steps of the same verb use the same one. Kept in memory, like the breaker.

A process that does not know learns it with one refused request, so that nothing of this must outlive it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from bridge.contract import Step
from mappings import outbox
from mappings.store import Tx


class Interfaces:
    """One account's. While all is well nothing is asked of the database, and no step is read."""

    def __init__(self) -> None:
        self._until: dict[str, tuple[datetime, str]] = {}  # verb → until when, and the vendor's code

    def rest(self, row: Row[Any], until: datetime, code: str) -> None:
        """Steps of the same verb wait until then."""
        self._until[_verb(row)] = until, code

    def rests(self, row: Row[Any], now: datetime) -> bool:
        """Whether a step has to wait."""
        return bool(self._until) and self._of(row, now)[0] > now

    def works(self, row: Row[Any]) -> bool:
        """A step was accepted. True when that ends a rest of its interface."""
        return bool(self._until) and self._until.pop(_verb(row), None) is not None

    def open_now(self, tx: Tx, rows: Sequence[Row[Any]], now: datetime) -> list[Row[Any]]:
        """Of the steps claimed just now those that may go; the others are given back until their interface is asked."""
        if not self._until:
            return list(rows)
        free = []
        for row in rows:
            until, code = self._of(row, now)
            if until > now:
                outbox.give_back(tx, row.id, row.lease, due_at=until, code=row.code or code)
            else:
                free.append(row)
        return free

    def _of(self, row: Row[Any], now: datetime) -> tuple[datetime, str]:
        return self._until.get(_verb(row), (now, ""))


def _verb(row: Row[Any]) -> str:
    return Step.model_validate_json(row.step).verb
