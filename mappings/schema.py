"""Brings the tables up to date, and refuses a database that is newer than this code.

Alembic is loaded only where there is something to do: it costs a start a tenth of its time and memory.
"""

import json
import os
import subprocess
import sys

from sqlalchemy import inspect, text
from sqlalchemy.exc import SQLAlchemyError

from mappings.store import Store, StoreLocked, StoreUnusable, full_url, unusable

HEAD = "0027"
LOCKED = 75  # how the child ends when somebody else holds the database: sysexits' "try again"


def migrate(store: Store) -> tuple[str | None, str]:
    """Runs what is missing; returns the revision before and after. One process at a time."""
    found = revision_of(store)
    if found == HEAD:
        return found, found
    from mappings.upgrade import upgrade

    return upgrade(store)


def migrate_aside(store: Store) -> tuple[str | None, str]:
    """The same for a process that will live long, whose memory Alembic would never leave: a child does it. The store
    is closed before and after; between, the child has it alone.
    """
    store.open()
    try:
        found = revision_of(store)
    finally:
        store.close()
    if found == HEAD:
        return found, found
    done = subprocess.run(
        # finds what this process finds; the address comes on standard input, because it may hold a password
        [sys.executable, "-P", "-m", "mappings.upgrade"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        input=full_url(store),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == LOCKED:
        raise StoreLocked(done.stderr.strip())
    if done.returncode:
        raise StoreUnusable(done.stderr.strip() or f"bringing the tables up to date ended with {done.returncode}")
    before, after = json.loads(done.stdout)
    return before, after


def check_schema(store: Store) -> None:
    """Raises StoreUnusable unless the database is at this version."""
    found = revision_of(store)
    if found != HEAD:
        raise StoreUnusable(f"the database is at revision {found}, this version needs {HEAD}; run `bridge migrate`")


def revision_of(store: Store) -> str | None:
    """The revision a database is at; None for an empty one. Raises StoreUnusable."""
    try:
        with store.engine.connect() as tx:
            if not inspect(tx).has_table("alembic_version"):
                return None
            found: str | None = tx.execute(text("SELECT version_num FROM alembic_version")).scalar()
            return found
    except SQLAlchemyError as error:
        raise unusable(store, error) from None


def make_ready(url: str) -> None:
    """For a command that may come before the first start: makes the tables where there is no database yet. Raises
    StoreUnusable when there is one of another version.
    """
    store = Store(url)
    new = store.sqlite and not store.path.exists()
    store.open(beside=not new)
    try:
        if new:
            migrate(store)
        check_schema(store)
    finally:
        store.close()
