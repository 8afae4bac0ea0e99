"""Writes that can wait for whoever reads next: what many messages write, one after the other, becomes a few sets.

A transaction's functions say what is to be written with `later` (`mappings/sets.py`). Nothing is sent then: all rows of
one kind go together in one statement, before the next statement of this transaction and before its commit, whoever
sends that. So the order in which reads see writes is as if each had been sent at once. What waits must not depend on
each other in another order than that in which the kinds were first named.

On PostgreSQL what waits travels with the statement that ends the waiting, in one round trip (pipeline mode).
"""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Dialect, Engine, event

T = TypeVar("T")

_SCOPE = "bridge.scope"  # on the connection: what is known of its transaction
Values = tuple[Any, ...]
Sent = tuple[str, Sequence[Any]]


class Rows(Protocol):
    """A kind of write: makes statements of the rows that gathered."""

    def statements(self, dialect: Dialect, names: tuple[str, ...], rows: Sequence[Values]) -> Iterator[Sent]: ...


class _Scope:
    """What is known, and what waits, in one transaction and not beyond it."""

    __slots__ = ("groups", "notes", "transaction")

    def __init__(self, transaction: object) -> None:
        self.transaction = transaction
        self.notes: dict[str, Any] = {}
        self.groups: dict[tuple[Rows, tuple[str, ...]], list[Values]] = {}


def _scope(tx: Connection) -> _Scope:
    """What goes to the driver directly begins no transaction by itself, and without one nothing would ever end."""
    found: _Scope | None = tx.__dict__.get(_SCOPE)
    transaction = tx.get_transaction() or tx.begin()
    if found is None or found.transaction is not transaction:
        found = tx.__dict__[_SCOPE] = _Scope(transaction)
    return found


def notes(tx: Connection) -> dict[str, Any]:
    """What functions know of this transaction: gone when it ends, and when a part of it is undone."""
    return _scope(tx).notes


def defer(tx: Connection, kind: Rows, names: tuple[str, ...], rows: Sequence[Values]) -> None:
    """More rows of a kind, to be written before anybody reads."""
    _scope(tx).groups.setdefault((kind, names), []).extend(rows)


def send_past(tx: Connection, sql: str, values: Sequence[Any]) -> Any:
    """The same as `send` for a statement that has nothing to do with what waits: that goes on waiting."""
    scope = _scope(tx)
    waiting, scope.groups = scope.groups, {}
    try:
        return send(tx, sql, values)
    finally:
        scope.groups = waiting


def send(tx: Connection, sql: str, values: Sequence[Any]) -> Any:
    """Sends a statement to the driver, and what waits ahead of it; returns the driver's cursor."""
    driver: Any = tx.connection.driver_connection
    waiting = _take(tx)
    if tx.dialect.name == "sqlite":
        for one in waiting:
            driver.execute(*one)
        return driver.execute(sql, values)
    cursor = _raw(driver)
    if not waiting:
        return cursor.execute(sql, values)
    with driver.pipeline():
        for one in waiting:
            _raw(driver).execute(*one)
        cursor.execute(sql, values)
    return cursor


def flush(tx: Connection) -> None:
    """Writes what waits."""
    _write(tx)


def finish(tx: Connection) -> None:
    """Writes what waits and, on PostgreSQL, commits in the same round trip; the driver's own commit has nothing to do
    then.
    """
    _write(tx, commit=True)


def _write(tx: Connection, *, commit: bool = False) -> None:
    waiting = _take(tx)
    driver: Any = tx.connection.driver_connection
    if tx.dialect.name == "sqlite":
        for one in waiting:
            driver.execute(*one)
    elif waiting:
        with driver.pipeline():
            for one in waiting:
                _raw(driver).execute(*one)
            if commit:
                _raw(driver).execute("COMMIT", prepare=False)


def _raw(driver: Any) -> Any:
    """A cursor that takes a statement as the server reads it: no placeholders are looked for."""
    from psycopg import RawCursor  # 2 MB that a bridge on SQLite does without

    return RawCursor(driver)


def _take(tx: Connection) -> list[Sent]:
    found: _Scope | None = tx.__dict__.get(_SCOPE)
    if found is None or not found.groups:
        return []
    groups, found.groups = found.groups, {}
    if found.transaction is not tx.get_transaction():  # of one that was undone
        return []
    dialect = tx.dialect
    return [one for (kind, names), rows in groups.items() for one in kind.statements(dialect, names, rows)]


@event.listens_for(Engine, "before_cursor_execute")
def _before(tx: Connection, _cursor: Any, statement: str, *_: Any) -> None:
    """SQLAlchemy's own way to the driver: it sees what was written, and what it writes is not known by heart."""
    found: _Scope | None = tx.__dict__.get(_SCOPE)
    if found is not None and (found.notes or found.groups):
        flush(tx)
        if not statement.startswith("SELECT"):
            found.notes.clear()


@event.listens_for(Engine, "commit")
def _before_commit(tx: Connection) -> None:
    flush(tx)


@event.listens_for(Engine, "rollback_savepoint")
def _undone(tx: Connection, *_: Any) -> None:
    """Part of the transaction never happened: nothing is known of it, nor written."""
    tx.__dict__.pop(_SCOPE, None)
