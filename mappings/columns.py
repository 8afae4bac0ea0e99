"""Columns and indexes that the tables share."""

from datetime import datetime

from sqlalchemy import Column, ForeignKey, Index, Text, text

from mappings.types import BigId, UtcDateTime


def key() -> Column[int]:
    """The number of a row."""
    return Column(BigId, primary_key=True, autoincrement=True)


def reference(target: str, *, index: bool = True, nullable: bool = False) -> Column[int]:
    """The number of another table's row."""
    return Column(BigId, ForeignKey(target), index=index, nullable=nullable)


def moment(*, nullable: bool = False, index: bool = False) -> Column[datetime]:
    """A time, in UTC."""
    return Column(UtcDateTime, nullable=nullable, index=index)


def words(default: str = "") -> Column[str]:
    """A text of any length; it has a default, so that a migration can add it."""
    return Column(Text, nullable=False, server_default=default)


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of some rows only, on both databases (`tables.name_postgresql`)."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), info={"where": where})
