"""Runs the migrations. As a program, it does so for the database whose URL comes on standard input."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from mappings.engines import be_patient
from mappings.schema import LOCKED
from mappings.store import Store, StoreLocked, StoreUnusable, unusable

_LOCK = 7_203_411  # any number, the same for all processes


def upgrade(store: Store) -> tuple[str | None, str]:
    """Runs what is missing; returns the revision before and after. One process at a time. Raises StoreUnusable."""
    config = _config()
    try:
        with _alone(store), store.engine.connect() as tx:
            be_patient(tx)
            before = MigrationContext.configure(tx).get_current_revision()
            config.attributes["connection"] = tx
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise StoreUnusable(
                    f"the database has revision {before}, which this version does not know; install the newer one again"
                ) from error
            tx.commit()
            if not store.sqlite:
                tx.invalidate()  # the long wait is for migrations only
            return before, head()
    except SQLAlchemyError as error:
        raise unusable(store, error) from None


@contextmanager
def _alone(store: Store) -> Iterator[None]:
    """One process migrates at a time. The lock is a transaction's, on a connection of its own: a pooler may give the
    next transaction of a session to another server session, which knows nothing of a session's locks.
    """
    if store.sqlite:
        yield
        return
    with store.engine.connect() as lock:
        be_patient(lock)
        lock.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        lock.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        yield
        lock.rollback()
        lock.invalidate()


def head() -> str:
    """The newest revision this code knows."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def main() -> None:
    """Brings the database up to date whose URL comes on standard input; says from where to where, as JSON."""
    store = Store(sys.stdin.read())
    try:
        store.open()
        try:
            made = upgrade(store)
        finally:
            store.close()
    except StoreLocked as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(LOCKED)
    except StoreUnusable as error:
        sys.exit(str(error))
    sys.stdout.write(json.dumps(made))


if __name__ == "__main__":
    main()
