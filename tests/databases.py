"""Databases for tests: empty, or up to date at once, because a copy costs a tenth of what the migrations cost."""

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path

from mappings.schema import migrate
from mappings.store import Store
from tests.postgres import Server


def bring_up_to_date(url: str) -> str:
    store = Store(url)
    store.open()
    try:
        migrate(store)
    finally:
        store.close()
    return url


@functools.cache
def _sqlite_file() -> bytes:
    """The file of a database that is up to date and has no content."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bridge.db"
        bring_up_to_date(f"sqlite+aiosqlite:///{path}")
        return path.read_bytes()


def sqlite_database(folder: str | Path, *, empty: bool = False) -> str:
    """The URL of a new one: bridge.db in `folder`."""
    path = Path(folder) / "bridge.db"
    if not empty:
        path.write_bytes(_sqlite_file())
    return f"sqlite+aiosqlite:///{path}"


class Databases:
    """Gives databases out. `start` is called when the first one on PostgreSQL is wanted. `close` belongs before the
    end of what it started.
    """

    def __init__(self, start: Callable[[], Server]) -> None:
        self._start = start
        self._server: Server | None = None
        self._template = ""  # on PostgreSQL

    @property
    def server(self) -> Server:
        self._server = self._server or self._start()
        return self._server

    def make(self, kind: str, folder: Path, *, empty: bool = False) -> str:
        """The URL of a new one: sqlite, as bridge.db in `folder`, or postgresql."""
        if kind == "sqlite":
            return sqlite_database(folder, empty=empty)
        if empty:
            return self.server.new_database()
        self._template = self._template or bring_up_to_date(self.server.new_database())
        return self.server.new_database(self._template)

    def drop(self, url: str) -> None:
        if not url.startswith("sqlite"):
            self.server.drop(url)

    def close(self) -> None:
        if self._template:
            self.drop(self._template)
