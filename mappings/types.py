"""What all tables are made of, and column types that behave the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from pydantic import ConfigDict
from sqlalchemy import BigInteger, DateTime, Dialect, Integer, String, Text, literal_column
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel


class TableBase(SQLModel):
    """A table's model. Rows are read and written by the table behind it: nobody validates one, so no validators are
    built before somebody does.
    """

    model_config = ConfigDict(defer_build=True)  # type: ignore[assignment] # SQLModel types it with a class of its own


BigId = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts up by itself only for INTEGER."""


class UtcDateTime(TypeDecorator[datetime]):
    """A moment. Refuses naive values; gives UTC back where the database forgets the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

    # SQLite keeps text. SQLAlchemy's own way to it and back costs four times as much, and each message has dozens.

    def bind_processor(self, dialect: Dialect) -> Any:
        return _written if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        return _read if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


@lru_cache(64)  # a transaction writes its own moment a dozen times over
def _written(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    if moment.tzinfo is not UTC:
        if moment.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        moment = moment.astimezone(UTC)
    return moment.isoformat(" ", "microseconds")[:26]


def _read(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(f"{text}+00:00")


def _written_out(value: Any) -> Any:
    """A word, or none, becomes part of the statement's text; a list of them as well. All else stays as it is."""
    if isinstance(value, str) and (not value or (value.isascii() and value.isalpha())):
        return literal_column(f"'{value}'", String())
    return [_written_out(one) for one in value] if isinstance(value, tuple | list) else value


class _Written(String.Comparator[str]):
    """Comparisons write the word into the statement: an index over some words only is not used by SQLite for a value
    that is bound (sqlite.org/partialindex.html, "Queries Using Partial Indexes"), and a statement that might use it is
    prepared anew for each value, which costs more than running it.
    """

    def operate(self, op: Any, *other: Any, **options: Any) -> Any:
        return super().operate(op, *map(_written_out, other), **options)


class StateName(String):
    """A row's state."""

    comparator_factory = _Written


class Reason(Text):
    """Why a row has to wait; empty when it need not."""

    comparator_factory = _Written
