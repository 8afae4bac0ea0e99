"""Brings the tables up to date, and refuses a database that is newer than this code.

Alembic is loaded only where there is something to do: it costs a start a tenth of its time and memory.
"""

from sqlalchemy import inspect, text

from mappings.store import Store, StoreUnusable

HEAD = "0001"  # the newest revision; a test holds it to the folder of migrations


def migrate(store: Store) -> tuple[str | None, str]:
    """Runs what is missing; returns the revision before and after. One process at a time."""
    found = revision_of(store)
    if found == HEAD:
        return found, found
    from mappings.upgrade import upgrade

    return upgrade(store)


def check_schema(store: Store) -> None:
    """Raises StoreUnusable unless the database is at this version."""
    found = revision_of(store)
    if found != HEAD:
        raise StoreUnusable(f"the database is at revision {found}, this version needs {HEAD}; run `bridge migrate`")


def revision_of(store: Store) -> str | None:
    """The revision a database is at; None for an empty one."""
    with store.engine.connect() as tx:
        if not inspect(tx).has_table("alembic_version"):
            return None
        found: str | None = tx.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return found
