"""What SQLModel does not say in types: a model's table, and an insert that knows ON CONFLICT."""

import json
from collections.abc import Callable, Sequence
from typing import Any, cast

from sqlalchemy import ARRAY, Column, ColumnElement, Dialect, Table, Text, bindparam, func, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import Boolean, TypeDecorator, TypeEngine
from sqlmodel import SQLModel

from mappings.store import Tx


def table(model: type[SQLModel]) -> Table:
    """The Core table behind a model: hot paths build statements on it, without objects."""
    return cast("Table", model.__table__)  # type: ignore[attr-defined] # SQLModel sets it, its stubs do not say so


def columns(of: Table, *names: str) -> Sequence[Column[Any]]:
    """Some columns of a table."""
    return [of.c[name] for name in names]


def distinct(tx: Tx, column: ColumnElement[Any], *where: ColumnElement[bool]) -> list[str]:
    """The different values of a column with which an index begins, in order: one step along the index for each."""
    found: list[str] = []
    while True:
        later = select(func.min(column)).where(column > (found[-1] if found else ""), *where)
        value = tx.execute(later).scalar()
        if value is None:
            return found
        found.append(str(value))


class _ListOf(TypeDecorator[Sequence[Any]]):
    """Many values as one parameter: an array, or JSON on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        super().__init__()
        self._item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else ARRAY(self._item))

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> Any:
        return json.dumps(list(value or ())) if dialect.name == "sqlite" else list(value or ())


class among(ColumnElement[bool]):  # noqa: N801 - read as a condition, like SQLAlchemy's own
    """Whether a column is one of the values of a parameter, however many they are: the text stays the same."""

    type = Boolean()
    _is_implicitly_boolean = True  # a condition by itself: SQLite is not asked whether it equals 1
    inherit_cache = False

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        self.column = column
        self.values = bindparam(name, type_=_ListOf(column.type))


@compiles(among)
def _array(element: among, compiler: Any, **more: Any) -> str:
    return f"{compiler.process(element.column, **more)} = ANY ({compiler.process(element.values, **more)})"


@compiles(among, "sqlite")
def _each(element: among, compiler: Any, **more: Any) -> str:
    column, values = compiler.process(element.column, **more), compiler.process(element.values, **more)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - a column and a place


def insert_for(tx: Tx, into: Table) -> sqlite.Insert:
    """An INSERT with `on_conflict_…`; the two dialects spell it alike."""
    return _insert(tx.dialect.name, into)


def insert_new(into: Table) -> dict[str, Any]:
    """`INSERT … ON CONFLICT DO NOTHING` for each dialect, RETURNING the id of what is new."""
    return _ByDialect(lambda dialect: _insert(dialect, into).on_conflict_do_nothing().returning(into.c.id))


class _ByDialect(dict[str, Any]):
    """A statement for each dialect, made when it is asked for."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, dialect: str) -> Any:
        made = self[dialect] = self._make(dialect)
        return made


def _insert(dialect: str, into: Table) -> sqlite.Insert:
    if dialect == "sqlite":
        return sqlite.insert(into)
    from sqlalchemy.dialects import postgresql  # 3 MB that a bridge on SQLite does without

    return cast("sqlite.Insert", postgresql.insert(into))
