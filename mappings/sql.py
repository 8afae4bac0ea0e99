"""What SQLModel does not say in types: a model's table, and an insert that knows ON CONFLICT."""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Column, Table
from sqlalchemy.dialects import postgresql, sqlite
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
    return sqlite.insert(into) if tx.dialect.name == "sqlite" else cast("sqlite.Insert", postgresql.insert(into))


def insert_quietly(into: Table) -> dict[str, sqlite.Insert]:
    """`INSERT … ON CONFLICT DO NOTHING` for each dialect."""
    made = {"sqlite": sqlite.insert(into), "postgresql": cast("sqlite.Insert", postgresql.insert(into))}
    return {name: one.on_conflict_do_nothing() for name, one in made.items()}


def insert_new(into: Table) -> dict[str, Any]:
    """The same, RETURNING the id of what is new."""
    return {name: one.returning(into.c.id) for name, one in insert_quietly(into).items()}
