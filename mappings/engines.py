"""Connections: the settings that make a commit durable, and who may write."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import StaticPool

from mappings.private import close_to_others, private_file, private_folder
from mappings.writer_queue import Again

_LOCKED = {"55P03"}  # lock_not_available, https://www.postgresql.org/docs/current/errcodes-appendix.html


class StoreUnusable(Exception):
    """The database cannot be used; the sentence says why and what to do."""


class StoreLocked(StoreUnusable):
    """Another program holds the database; it can be used once that lets go."""


def is_locked(error: BaseException) -> bool:
    """Whether a statement failed only because somebody else holds the database, or a table of it, for a moment."""
    said = getattr(error, "orig", None) or error
    if isinstance(said, sqlite3.OperationalError):
        return said.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
    return getattr(said, "sqlstate", None) in _LOCKED


_BUSY_OR_SICK = {
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOTADB,
}  # fmt: skip
# Connection, transaction time-out and read-only, rolled back, resources, operator, system, lock, statement time-out:
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_TROUBLE = ("08", "25P03", "25P04", "25006", "40", "53", "57", "58", "55P03")


def is_trouble(error: BaseException) -> bool:
    """Whether a transaction failed because the store is in trouble for all: locked, full, timed out, deadlocked, or
    its connection lost; or that it must begin anew. It may succeed later; what it was about is not at fault.
    """
    if isinstance(error, PoolTimeout | Again) or getattr(error, "connection_invalidated", False):
        return True
    said = getattr(error, "orig", None) or error
    if isinstance(said, sqlite3.Error):
        return getattr(said, "sqlite_errorcode", 0) & 0xFF in _BUSY_OR_SICK
    if not type(said).__module__.startswith("psycopg"):
        return False
    state = getattr(said, "sqlstate", None)
    if state is None:  # the driver's own: no connection, or none any more
        return type(said).__name__ in {"OperationalError", "InterfaceError", "ConnectionTimeout"}
    return str(state).startswith(_TROUBLE)


# KiB of pages that each connection keeps: they are the most that a process grows by while its database does
_WRITER_CACHE, _READER_CACHE = 4000, 1000


def sqlite_engine(path: Path, *, write: bool, checkpoints: bool = True) -> Engine:
    """One connection that writes and checkpoints; readers that may only read.

    Two connections that write or checkpoint at the same instant can corrupt a WAL database before SQLite 3.51.3, so
    readers neither write nor checkpoint.
    """
    options: dict[str, Any] = {"poolclass": StaticPool} if write else {"pool_size": 4, "max_overflow": 0}
    engine = create_engine(
        f"sqlite:///{path}",
        hide_parameters=True,  # an error would say what somebody wrote
        connect_args={"check_same_thread": False, "timeout": 3.0, "cached_statements": 512},
        **options,
    )

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver's own idea of transactions would start them late
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=3000",
            "trusted_schema=OFF",
            f"cache_size=-{_WRITER_CACHE if write else _READER_CACHE}",
            "secure_delete=ON",  # what is deleted is overwritten: a customer who was erased is in no byte of the file
            "wal_autocheckpoint=2000" if write and checkpoints else "wal_autocheckpoint=0",
            "query_only=OFF" if write else "query_only=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # a transaction that reads first and writes later fails at once when another wrote meanwhile
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


_BOUNDS = {
    "synchronous_commit": "on",
    "lock_timeout": "'2s'",
    "statement_timeout": "'15s'",
    "idle_in_transaction_session_timeout": "'10s'",
}
_OF_SESSION = "; ".join(f"SET {name} = {value}" for name, value in _BOUNDS.items())
_OF_TRANSACTION = "; ".join(f"SET LOCAL {name} = {value}" for name, value in _BOUNDS.items())
_PATIENT = "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0"


def postgresql_engine(url: str) -> Engine:
    """Connections to PostgreSQL, or to a pooler before it.

    A pooler (PgBouncer in transaction mode, and its kin) gives each transaction another server session: what was
    prepared or set in one is not there in the next, and what is left there meets somebody else. So nothing is prepared
    then, and what is set ends with its transaction. A pooler shows by answering with a process id that is not the
    server's (https://www.pgbouncer.org/features.html). In session mode that costs a little and harms nothing.
    """
    engine = create_engine(url, pool_size=8, max_overflow=4, pool_pre_ping=True, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, record: Any) -> None:
        server = connection.execute("SELECT pg_backend_pid()").fetchone()[0]
        record.info["pooled"] = server != connection.info.backend_pid
        connection.execute("SET TIME ZONE 'UTC'")  # a pooler keeps this one for each of its clients
        if record.info["pooled"]:
            connection.prepare_threshold = None
        else:
            connection.execute(_OF_SESSION)
        connection.commit()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        patient, pooled = connection.info.get("patient"), connection.info.get("pooled")
        if not patient and not pooled:
            return
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute(f"{_OF_TRANSACTION}; {_PATIENT}" if patient else _OF_TRANSACTION)

    return engine


def be_patient(tx: Connection) -> None:
    """The transactions of this connection, until it is given back, may take and wait as long as they need."""
    tx.info["patient"] = True


def check_pragmas(tx: Connection) -> None:
    """Raises StoreUnusable where SQLite did not take what makes a commit durable."""
    synchronous = tx.exec_driver_sql("PRAGMA synchronous").scalar()
    journal = tx.exec_driver_sql("PRAGMA journal_mode").scalar()
    if synchronous != 2 or journal != "wal":
        raise StoreUnusable(
            f"SQLite refuses the settings that make a commit durable (journal_mode={journal}, "
            f"synchronous={synchronous}); use a local disk"
        )


def lock_file(path: Path) -> Any:
    """An exclusive lock beside the database: SQLite is for one process."""
    import fcntl

    beside = Path(f"{path}.lock")
    try:
        if not path.parent.exists():
            private_folder(path.parent)
        private_file(path)  # its journals get the same mode
        for journal in ("-wal", "-shm", "-journal"):
            close_to_others(Path(f"{path}{journal}"))
        private_file(beside)
        lock = beside.open("a")
    except OSError as error:
        raise StoreUnusable(
            f"{path}: {error.strerror}. Check bridge.database_url and the rights of its folder"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise StoreUnusable(
            f"{path} is in use by another bridge process. SQLite serves one process; stop the other one, or set "
            "bridge.database_url to PostgreSQL"
        ) from None
    return lock
