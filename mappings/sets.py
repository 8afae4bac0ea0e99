"""Rows that are written as sets: so many rows, one statement.

The texts are the tables' own, made once for each number of rows; the values go straight to the driver.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count as iter_count
from typing import Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.types import TypeEngine

from mappings.deferred import Sent, Values, defer, send

_MOST = 64  # rows of one statement
_FEW = 16  # up to so many each number has a text of its own, beyond that powers of two do: few texts stay prepared


class _Plan:
    """How one row is written for a dialect: the text of its values, and what changes each value for the driver."""

    def __init__(self, types: Mapping[str, TypeEngine[Any]], names: Sequence[str], dialect: Dialect) -> None:
        self._types = [] if dialect.name == "sqlite" else [types[name].compile(dialect) for name in names]
        changes = [types[name].dialect_impl(dialect).bind_processor(dialect) for name in names]
        self._changes = [(place, change) for place, change in enumerate(changes) if change is not None]
        self._width = len(names)

    def rows(self, count: int) -> str:
        """The text of so many rows. PostgreSQL asks of each value what it is."""
        if not self._types:
            return ", ".join([f"({', '.join('?' * self._width)})"] * count)
        place = iter_count(1)
        return ", ".join(f"({', '.join(f'${next(place)}::{one}' for one in self._types)})" for _ in range(count))

    def bind(self, rows: Sequence[Values]) -> list[Any]:
        """The driver's values of all rows, one after the other."""
        bound: list[Any] = []
        for row in rows:
            values = list(row)
            for place, change in self._changes:
                values[place] = change(values[place])
            bound += values
        return bound


class Changes:
    """A kind of write on one table."""

    def __init__(self, of: Table) -> None:
        self._table = of
        self._types: dict[str, TypeEngine[Any]] = {one.key: one.type for one in of.c}
        self._plans: dict[tuple[str, tuple[str, ...]], _Plan] = {}
        self._texts: dict[tuple[str, tuple[str, ...], int], str] = {}

    def later(self, tx: Connection, **values: Any) -> None:
        """One row, written with all others of its kind before anybody reads."""
        defer(tx, self, tuple(values), (tuple(values.values()),))

    def all_later(self, tx: Connection, names: tuple[str, ...], rows: Sequence[Values]) -> None:
        """Many rows."""
        defer(tx, self, names, rows)

    def statements(self, dialect: Dialect, names: tuple[str, ...], rows: Sequence[Values]) -> Iterator[Sent]:
        names, rows = self._complete(names, rows)
        plan = self._plans.get((dialect.name, names))
        if plan is None:
            plan = self._plans[dialect.name, names] = _Plan(self._types, names, dialect)
        done = 0
        while done < len(rows):
            left = len(rows) - done
            count = left if left <= _FEW else min(_MOST, 1 << (left.bit_length() - 1))
            text = self._texts.get((dialect.name, names, count))
            if text is None:
                quote = dialect.identifier_preparer.quote
                text = self._text([quote(name) for name in names], plan.rows(count))
                self._texts[dialect.name, names, count] = text
            yield text, plan.bind(rows[done : done + count])
            done += count

    def _complete(self, names: tuple[str, ...], rows: Sequence[Values]) -> tuple[tuple[str, ...], Sequence[Values]]:
        return names, rows

    def _text(self, names: Sequence[str], rows: str) -> str:
        raise NotImplementedError


class Inserts(Changes):
    """New rows. `new`: one that is known already is left out."""

    def __init__(self, into: Table, *, new: bool = False) -> None:
        super().__init__(into)
        self._ending = " ON CONFLICT DO NOTHING" if new else ""
        self._defaults = {
            one.key: one.default.arg  # type: ignore[attr-defined] # a value, never a function, in these tables
            for one in into.c
            if one.default is not None and one.server_default is None
        }

    def _complete(self, names: tuple[str, ...], rows: Sequence[Values]) -> tuple[tuple[str, ...], Sequence[Values]]:
        more = {name: value for name, value in self._defaults.items() if name not in names}
        if not more:
            return names, rows
        return (*names, *more), [(*row, *more.values()) for row in rows]

    def _text(self, names: Sequence[str], rows: str) -> str:
        into = f"{self._table.name} ({', '.join(names)})"  # names of our own tables, and places of values
        return f"INSERT INTO {into} VALUES {rows}{self._ending}"  # noqa: S608 - nothing of it was said by anybody

    def returning(self, tx: Connection, column: str, names: tuple[str, ...], rows: Sequence[Values]) -> list[Any]:
        """Writes rows at once; returns a column of those that are new, in the order of the rows."""
        found: list[Any] = []
        for text, values in self.statements(tx.dialect, names, rows):
            found += [row[0] for row in send(tx, f"{text} RETURNING {column}", values).fetchall()]
        return found


class Updates(Changes):
    """Columns of rows that are there, each row by its id. Of several changes the last of each column counts."""

    def later(self, tx: Connection, **values: Any) -> None:
        """Some columns of the row `id`."""
        key = values.pop("id")
        defer(tx, self, (), ((key, values),))

    def statements(self, dialect: Dialect, names: tuple[str, ...], rows: Sequence[Values]) -> Iterator[Sent]:
        merged: dict[int, dict[str, Any]] = {}
        for key, values in rows:
            merged.setdefault(key, {}).update(values)
        alike: dict[tuple[str, ...], list[Values]] = {}
        for key, values in merged.items():
            alike.setdefault(("id", *values), []).append((key, *values.values()))
        for one, those in alike.items():
            yield from super().statements(dialect, one, those)

    def _text(self, names: Sequence[str], rows: str) -> str:
        changes = ", ".join(f"{name} = v.column{place}" for place, name in enumerate(names[1:], 2))
        name = self._table.name  # names of our own tables, and places of values
        return f"UPDATE {name} SET {changes} FROM (VALUES {rows}) AS v WHERE {name}.id = v.column1"  # noqa: S608 - nothing of it was said by anybody


class Deletes(Changes):
    """Rows that go, by `id`. `only`: a condition that stands in the statement."""

    def __init__(self, of: Table, only: str = "") -> None:
        super().__init__(of)
        self._only = f" AND {only}" if only else ""

    def _text(self, names: Sequence[str], rows: str) -> str:
        return f"DELETE FROM {self._table.name} WHERE id IN (VALUES {rows}){self._only}"  # noqa: S608 - as above
