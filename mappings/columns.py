"""Columns and indexes that the tables share."""

from datetime import datetime

from sqlalchemy import Column, ForeignKey, Index, Text, text

from mappings.types import BigId, UtcDateTime


def key() -> Column[int]:
    return Column(BigId, primary_key=True, autoincrement=True)


def reference(target: str, *, index: bool = True, nullable: bool = False) -> Column[int]:
    return Column(BigId, ForeignKey(target), index=index, nullable=nullable)


def moment(*, nullable: bool = False, index: bool = False) -> Column[datetime]:
    return Column(UtcDateTime, nullable=nullable, index=index)


def words(default: str = "") -> Column[str]:
    return Column(Text, nullable=False, server_default=default)


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=text(where), info={"where": where})
