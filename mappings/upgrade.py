"""Runs the migrations. As a program, it does so for the database whose URL comes on standard input."""

import json
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import text

from mappings.store import Store, StoreUnusable

_LOCK = 7_203_411  # any number, the same for all processes


def upgrade(store: Store) -> tuple[str | None, str]:
    """Runs what is missing; returns the revision before and after. One process at a time."""
    config = _config()
    with store.engine.connect() as tx:
        if not store.sqlite:
            tx.execute(text("SET statement_timeout = 0"))
            tx.execute(text("SET lock_timeout = 0"))
            tx.execute(text(f"SELECT pg_advisory_lock({_LOCK})"))
        try:
            before = MigrationContext.configure(tx).get_current_revision()
            config.attributes["connection"] = tx
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise StoreUnusable(
                    f"the database has revision {before}, which this version does not know; install the newer one again"
                ) from error
            tx.commit()
            return before, head()
        finally:
            if not store.sqlite:
                tx.rollback()
                tx.execute(text(f"SELECT pg_advisory_unlock({_LOCK})"))
                tx.commit()


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
    store = Store(sys.stdin.read())
    try:
        store.open()
        try:
            made = upgrade(store)
        finally:
            store.close()
    except StoreUnusable as error:
        sys.exit(str(error))
    sys.stdout.write(json.dumps(made))


if __name__ == "__main__":
    main()
