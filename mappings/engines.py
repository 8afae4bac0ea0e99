"""Connections: the settings that make a commit durable, and who may write."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool


class StoreUnusable(Exception):
    """The database cannot be used; the sentence says why and what to do."""


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
            "cache_size=-16000",
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


def postgresql_engine(url: str) -> Engine:
    engine = create_engine(url, pool_size=8, max_overflow=4, pool_pre_ping=True, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET TIME ZONE 'UTC'")
            cursor.execute("SET synchronous_commit = on")
            cursor.execute("SET lock_timeout = '2s'")
            cursor.execute("SET statement_timeout = '15s'")
            cursor.execute("SET idle_in_transaction_session_timeout = '10s'")
        connection.commit()

    return engine


def check_pragmas(tx: Connection) -> None:
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

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = Path(f"{path}.lock").open("a")  # noqa: SIM115 - it is held as long as the store is open
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
