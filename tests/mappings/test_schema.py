"""The revision that the code names, and what a start loads."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlmodel import SQLModel

from mappings import tables
from mappings.schema import HEAD, check_schema, migrate, migrate_aside
from mappings.store import Store, StoreUnusable, Tx
from mappings.upgrade import head


def test_the_named_revision_is_the_newest() -> None:
    assert head() == HEAD


def test_a_database_at_the_newest_revision_starts_without_alembic(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/bridge.db"
    store = Store(url)
    store.open()
    assert migrate(store) == (None, HEAD)
    check_schema(store)
    store.close()
    code = (
        "import sys\nfrom mappings.schema import migrate\nfrom mappings.store import Store\n"
        f"store = Store({url!r})\nstore.open()\nprint(migrate(store), 'alembic' in sys.modules)\nstore.close()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == f"('{HEAD}', '{HEAD}') False", done.stderr


def test_a_child_brings_a_database_up_to_date(empty_database_url: str) -> None:
    """What serves afterwards has not even loaded Alembic."""
    code = (
        "import sys\nfrom mappings.schema import check_schema, migrate_aside\nfrom mappings.store import Store\n"
        f"store = Store({empty_database_url!r})\nprint(migrate_aside(store), migrate_aside(store))\n"
        "store.open()\ncheck_schema(store)\nstore.close()\nprint('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split("\n")[:2] == [f"(None, '{HEAD}') ('{HEAD}', '{HEAD}')", "False"], done.stderr


def test_what_the_child_finds_wrong_is_said_here(database_url: str) -> None:
    store = Store(database_url)
    store.open()
    migrate(store)
    store.run(age)
    store.close()
    with pytest.raises(StoreUnusable, match=r"^the database has revision 9999, .* install the newer one again$"):
        migrate_aside(store)


def age(tx: Tx) -> None:
    tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))


def test_another_revision_is_refused_with_what_to_do(tmp_path: Path) -> None:
    store = Store(f"sqlite+aiosqlite:///{tmp_path}/bridge.db")
    store.open()
    with pytest.raises(StoreUnusable, match="bridge migrate"):
        check_schema(store)
    migrate(store)
    store.run(age)
    with pytest.raises(StoreUnusable, match="install the newer one again"):
        migrate(store)
    store.close()


def test_the_migrations_make_the_tables_that_the_code_names(empty_database_url: str) -> None:
    tables.name_postgresql()
    store = Store(empty_database_url)
    store.open()
    migrate(store)
    with store.engine.connect() as tx:
        assert compare_metadata(MigrationContext.configure(tx), SQLModel.metadata) == []
        found = {
            (name, index["name"]): f"{tx.dialect.name}_where" in index.get("dialect_options", {})
            for name in SQLModel.metadata.tables
            for index in inspect(tx).get_indexes(name)
        }
    store.close()
    named = {
        (table.name, index.name): "where" in index.info
        for table in SQLModel.metadata.tables.values()
        for index in table.indexes
    }
    assert {key: found[key] for key in named} == named
    assert sum(named.values()) == 20
