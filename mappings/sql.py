"""What SQLModel does not say in types: a model's table, and an insert that knows ON CONFLICT."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from sqlalchemy import Column, Table
from sqlalchemy.dialects import sqlite
from sqlmodel import SQLModel

from mappings.store import Tx


def table(model: type[SQLModel]) -> Table:
    """The Core table behind a model: hot paths build statements on it, without objects."""
    return cast("Table", model.__table__)  # type: ignore[attr-defined] # SQLModel sets it, its stubs do not say so


def columns(of: Table, *names: str) -> Sequence[Column[Any]]:
    """Some columns of a table."""
    return [of.c[name] for name in names]


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
