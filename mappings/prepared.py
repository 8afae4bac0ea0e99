"""Statements of the hot path: built on the tables as all others, compiled once, then run on the driver itself.

SQLAlchemy's own execution costs five to ten times what SQLite needs for such a statement, and every relayed message
needs about thirty. What is lost on this way is what nobody uses here: lists in `IN`, events, echo.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Dialect, Row
from sqlalchemy.engine import result_tuple
from sqlalchemy.sql.compiler import SQLCompiler

from mappings.deferred import send, send_past
from mappings.store import Tx

_NAMED = re.compile(r"%\((\w+)\)s")

Values = dict[str, Any]
Change = Callable[[Any], Any]


class Prepared:
    """One statement. Its parameters are the `bindparam`s, and for INSERT and UPDATE also the columns that are set:
    every combination of them is compiled once for each dialect. `statement` may be one for each dialect, by its name.
    """

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._compiled: dict[tuple[str, tuple[str, ...]], _Compiled] = {}

    def all(self, tx: Tx, **values: Any) -> list[Row[Any]]:
        """All rows."""
        compiled = self._for(tx, values)
        return [compiled.row(raw) for raw in self._run(tx, compiled, values).fetchall()]

    def first(self, tx: Tx, **values: Any) -> Row[Any] | None:
        """The first row."""
        compiled = self._for(tx, values)
        raw = self._run(tx, compiled, values).fetchone()
        return None if raw is None else compiled.row(raw)

    def made(self, tx: Tx, **values: Any) -> Row[Any] | None:
        """The row of something new; None where it is not. What waits to be written is not about it, and waits on."""
        compiled = self._for(tx, values)
        raw = send_past(tx, compiled.sql, compiled.bind(tuple(values.values()))).fetchone()
        return None if raw is None else compiled.row(raw)

    def scalars(self, tx: Tx, **values: Any) -> list[Any]:
        """The first column of all rows."""
        return [row[0] for row in self.all(tx, **values)]

    def scalar(self, tx: Tx, **values: Any) -> Any:
        """The first column of the first row."""
        row = self.first(tx, **values)
        return None if row is None else row[0]

    def run(self, tx: Tx, **values: Any) -> int:
        """How many rows were changed."""
        compiled = self._for(tx, values)
        count: int = self._run(tx, compiled, values).rowcount
        return count

    @staticmethod
    def _run(tx: Tx, compiled: "_Compiled", values: Values) -> Any:
        return send(tx, compiled.sql, compiled.bind(tuple(values.values())))

    def _for(self, tx: Tx, values: Values) -> "_Compiled":
        key = tx.dialect.name, tuple(values)
        found = self._compiled.get(key)
        if found is None:
            every = self._statement
            statement = every[tx.dialect.name] if isinstance(every, dict) else every
            found = self._compiled[key] = _Compiled(statement, tx.dialect, list(values))
        return found


class _Compiled:
    """A statement's text for one driver, with what turns values into the driver's and back."""

    def __init__(self, statement: Any, dialect: Dialect, names: list[str]) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=names)
        assert isinstance(compiled, SQLCompiler)
        given = dict(compiled.params)
        if statement.is_insert:
            given |= {one.key: one.default.arg for one in statement.table.c if one.default and one.key not in names}
        self._order = tuple(compiled.positiontup or dict.fromkeys(_NAMED.findall(compiled.string)))
        self.sql = compiled.string if compiled.positional else self._numbered(compiled.string)
        self._plan: list[tuple[int, Change | None, Any]] = []  # a value's place, what changes it; or -1 and a constant
        for name in self._order:
            change = compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)
            if name in names:
                self._plan.append((names.index(name), change, None))
            else:
                constant = given.get(name)
                self._plan.append((-1, None, constant if change is None else change(constant)))
        columns = list(statement.exported_columns) if statement.is_select or statement.exported_columns else []
        self._make = result_tuple([column.key for column in columns])
        changes = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self._changes = [(index, change) for index, change in enumerate(changes) if change is not None]

    def _numbered(self, text: str) -> str:
        """As PostgreSQL itself reads it: a driver that looks for names in a text looks each time."""
        places = {name: place for place, name in enumerate(self._order, 1)}
        return _NAMED.sub(lambda match: f"${places[match[1]]}", text).replace("%%", "%")

    def bind(self, row: Sequence[Any]) -> list[Any]:
        """The driver's parameters for values in the order of the names."""
        return [
            constant if place < 0 else row[place] if change is None else change(row[place])
            for place, change, constant in self._plan
        ]

    def row(self, raw: Sequence[Any]) -> Row[Any]:
        """A row as SQLAlchemy's own."""
        if self._changes:
            values = list(raw)
            for index, change in self._changes:
                values[index] = change(values[index])
            raw = values
        made: Row[Any] = self._make(tuple(raw))
        return made
