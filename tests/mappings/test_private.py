"""Whoever else has an account on the machine reads nothing."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from mappings.private import private_folder
from mappings.schema import migrate
from mappings.store import Store


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    """As most systems have it: what nobody cares about is readable by everybody."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def opened(path: Path) -> Store:
    store = Store(f"sqlite+aiosqlite:///{path}")
    store.open()
    migrate(store)
    return store


def test_a_database_and_its_journals_are_its_owners_from_the_start(tmp_path: Path) -> None:
    store = opened(tmp_path / "a" / "b" / "bridge.db")
    found = {path.name: mode(path) for path in (tmp_path / "a" / "b").iterdir()}
    store.close()
    assert found == dict.fromkeys(("bridge.db", "bridge.db-wal", "bridge.db-shm", "bridge.db.lock"), 0o600)
    assert (mode(tmp_path / "a"), mode(tmp_path / "a" / "b")) == (0o700, 0o700)


def test_one_that_everybody_could_read_is_closed(tmp_path: Path) -> None:
    opened(tmp_path / "bridge.db").close()
    (tmp_path / "bridge.db").chmod(0o644)
    opened(tmp_path / "bridge.db").close()
    assert mode(tmp_path / "bridge.db") == 0o600


def test_a_group_that_was_let_in_stays(tmp_path: Path) -> None:
    opened(tmp_path / "bridge.db").close()
    (tmp_path / "bridge.db").chmod(0o640)
    opened(tmp_path / "bridge.db").close()
    assert mode(tmp_path / "bridge.db") == 0o640


def test_a_folder_of_everybody_stays_everybodys(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    private_folder(tmp_path)
    assert mode(tmp_path) == 0o777 | stat.S_ISVTX
    tmp_path.chmod(0o755)
    private_folder(tmp_path)
    assert mode(tmp_path) == 0o700
