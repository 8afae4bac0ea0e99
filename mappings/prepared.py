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

from mappings.store import Tx

_MOST_ROWS = 64
_ROW = re.compile(r"VALUES (\([^()]*\))")

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

    def run_each(self, tx: Tx, rows: Sequence[Values]) -> None:
        """The same for many rows, which have the same columns."""
        if rows:
            compiled = self._for(tx, rows[0])
            driver = tx.connection.driver_connection
            assert driver is not None
            given = [tuple(values[name] for name in rows[0]) for values in rows]
            driver.cursor().executemany(compiled.sql, [compiled.bind(one) for one in given])

    def run_together(self, tx: Tx, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """An INSERT of many rows, values in the order of `names`, in few statements: on SQLite each of them lets go of
        the interpreter, and winning it back from a busy loop takes longer than the insert. (PostgreSQL's driver sends
        many at once anyway.)
        """
        if tx.dialect.name != "sqlite" or not rows:
            self.run_each(tx, [dict(zip(names, row, strict=True)) for row in rows])
            return
        compiled = self._for(tx, dict.fromkeys(names))
        driver = tx.connection.driver_connection
        assert driver is not None
        done = 0
        while done < len(rows):
            # powers of two: few lengths, so that all stay prepared
            count = min(_MOST_ROWS, 1 << ((len(rows) - done).bit_length() - 1))
            driver.execute(compiled.with_rows(count), compiled.bind_rows(rows[done : done + count]))
            done += count

    @staticmethod
    def _run(tx: Tx, compiled: "_Compiled", values: Values) -> Any:
        driver = tx.connection.driver_connection
        assert driver is not None
        return driver.execute(compiled.sql, compiled.bind(tuple(values.values())))

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
        self.sql = compiled.string
        self._texts: dict[int, str] = {}
        given = dict(compiled.params)
        if statement.is_insert:
            given |= {one.key: one.default.arg for one in statement.table.c if one.default and one.key not in names}
        order = compiled.positiontup if compiled.positional else list(compiled.binds)
        self._named = not compiled.positional
        self._order = tuple(order or ())
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

    def with_rows(self, count: int) -> str:
        """The text of an INSERT for so many rows."""
        found = self._texts.get(count)
        if found is None:
            many = _ROW.sub(lambda match: f"VALUES {', '.join([match[1]] * count)}", self.sql, count=1)
            found = self._texts[count] = many
        return found

    def bind(self, row: Sequence[Any]) -> Any:
        """The driver's parameters for values in the order of the names: a list, or a dict where it wants names."""
        bound = self.bind_rows((row,))
        return dict(zip(self._order, bound, strict=True)) if self._named else bound

    def bind_rows(self, rows: Sequence[Sequence[Any]]) -> list[Any]:
        """The driver's parameters for many rows, one after the other."""
        return [
            constant if place < 0 else row[place] if change is None else change(row[place])
            for row in rows
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
