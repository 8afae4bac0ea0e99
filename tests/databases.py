"""Databases for tests: empty, or up to date at once, because a copy costs a tenth of what the migrations cost."""

import functools
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

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


_SCHEMA = """
SELECT md5(string_agg(concat_ws(' ', c.relname, a.attname, a.atttypid, a.attnotnull, pg_get_indexdef(i.indexrelid),
                                pg_get_expr(d.adbin, d.adrelid)), ',' ORDER BY c.relname, a.attnum))
       || (SELECT coalesce(string_agg(version_num, ','), '') FROM alembic_version)
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
LEFT JOIN pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace
"""
_MARKED = """
SELECT EXISTS (SELECT 1 FROM pg_statistic s JOIN pg_class c ON c.oid = s.starelid
               WHERE c.relnamespace = 'public'::regnamespace)
    OR EXISTS (SELECT 1 FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
               WHERE d.datname = current_database())
"""
_OTHERS = "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
_EMPTY = """
DO $$
DECLARE one record; filled boolean; names text[] := '{}';
BEGIN
  FOR one IN SELECT c.oid, c.relname FROM pg_class c
             WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'alembic_version' LOOP
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM public.%I)', one.relname) INTO filled;
    IF NOT filled THEN  -- what was removed again has counted on
      SELECT bool_or(pg_sequence_last_value(d.objid::regclass) IS NOT NULL) INTO filled
      FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' WHERE d.refobjid = one.oid;
    END IF;
    IF filled THEN names := names || quote_ident(one.relname); END IF;
  END LOOP;
  IF names <> '{}' THEN
    EXECUTE 'TRUNCATE ' || array_to_string(names, ', ') || ' RESTART IDENTITY CASCADE';
  END IF;
END $$
"""


class Databases:
    """Gives databases out. `start` is called when the first one on PostgreSQL is wanted. `close` belongs before the
    end of what it started.

    One that is given back is emptied and given out again, because that costs a tenth of a copy; one whose tables, whose
    statistics or whose settings a test changed is not.
    """

    def __init__(self, start: Callable[[], Server]) -> None:
        self._start = start
        self._server: Server | None = None
        self._template = ""  # on PostgreSQL
        self._schema = ""
        self._lent: set[str] = set()
        self._free: list[str] = []

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
        if not self._template:
            self._template = bring_up_to_date(self.server.new_database())
            with self._connected(self._template) as connection:
                self._schema = _value(connection, _SCHEMA)
        url = self._free.pop() if self._free else self.server.new_database(self._template)
        self._lent.add(url)
        return url

    def drop(self, url: str) -> None:
        if url.startswith("sqlite"):
            return
        if url in self._lent and self._emptied(url):
            self._free.append(url)
        else:
            self.server.drop(url)
        self._lent.discard(url)

    def close(self) -> None:
        for url in (*self._free, *([self._template] if self._template else [])):
            self.server.drop(url)
        self._free.clear()

    def _emptied(self, url: str) -> bool:
        """Whether it is as new. Whoever is still connected is not any more."""
        with self._connected(url) as connection:
            if _value(connection, _SCHEMA) != self._schema or _value(connection, _MARKED):
                return False
            connection.execute(f"SELECT pg_terminate_backend(pid) FROM {_OTHERS}")
            for _ in range(500):
                if not _value(connection, f"SELECT count(*) FROM {_OTHERS}"):
                    break
                time.sleep(0.01)
            else:
                return False
            connection.execute(_EMPTY)
        return True

    @staticmethod
    def _connected(url: str) -> psycopg.Connection[Any]:
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(plain, autocommit=True)


def _value(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query).fetchone()
    return row[0] if row else None
