"""That what was erased is in no byte of the database's files any more.

SQLite: `secure_delete` overwrites what is deleted. What was deleted before that was switched on, and copies in pages
that were split, go with VACUUM; former pages in the write-ahead log go with a checkpoint that truncates it. One
connection may checkpoint, so the process that owns the file does it: an erasure leaves a wish, which it sees within two
seconds. PostgreSQL: any process does it (`rewriting`).
"""

import asyncio
import sqlite3
from datetime import datetime

import structlog
from sqlalchemy import Connection, delete, select

from mappings.account_tables import Lease
from mappings.rewriting import rewrite as rewrite_tables
from mappings.sql import table
from mappings.state import take_lease
from mappings.store import Store, Tx

log = structlog.get_logger("mappings.compaction")

LARGEST = 2**30  # bytes of a file that is rewritten while the process serves: all writing waits for it
_WISH, _OWNER = "compaction", "erasure"
_PATIENCE = 200  # milliseconds that a checkpoint waits for readers: the writer waits with it
_lease = table(Lease)


def wish(tx: Tx, now: datetime) -> None:
    """Something was erased."""
    take_lease(tx, _WISH, _OWNER, now, now)


def is_wished(tx: Tx) -> bool:
    """Whether something was erased whose bytes may still be there."""
    return _wished_at(tx) is not None


def _wished_at(tx: Tx) -> datetime | None:
    found: datetime | None = tx.execute(select(_lease.c.until).where(_lease.c.name == _WISH)).scalar()
    return found


def _fulfil(tx: Tx, wished_at: datetime) -> None:
    """A wish that came meanwhile stays."""
    tx.execute(delete(_lease).where(_lease.c.name == _WISH, _lease.c.until == wished_at))


class Compaction:
    """Of a process that may do it. `left` are the tables that could not be written anew the last time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rewritten = False
        self.left: list[str] = []

    async def tick(self) -> None:
        """Fulfils the wish, if there is one; what a reader holds up is tried again at the next tick."""
        if (wished_at := await self._store.read(_wished_at)) is None:
            return
        if await (self._store.apart(self._compact) if self._store.sqlite else asyncio.to_thread(self._rewrite)):
            await self._store.write(_fulfil, wished_at)

    def _rewrite(self) -> bool:
        done = rewrite_tables(self._store)
        self.left = done.left
        log.info("tables were written anew", ended=done.ended, left=len(done.left))
        if done.ended and done.left:
            log.warning(
                "tables keep the bytes of what was erased", tables=done.left, remedy="docs/privacy.md has the commands."
            )
        return done.ended

    def _compact(self, tx: Connection) -> bool:
        if not self._rewritten:
            rewrite(tx, self._store.path.stat().st_size)
        self._rewritten = not truncate_log(tx)
        return not self._rewritten


def rewrite(tx: Connection, size: int) -> bool:
    """VACUUM, outside of any transaction, unless the file is too large. It needs as much room again."""
    if size > LARGEST:
        return False
    try:
        _driver(tx).execute("VACUUM")
    except sqlite3.Error as error:
        log.warning(
            "the database file could not be rewritten", why=str(error), remedy="Free the disk, then run VACUUM."
        )
        return False
    return True


def truncate_log(tx: Connection) -> bool:
    """Empties the write-ahead log. False while a reader holds it."""
    driver = _driver(tx)
    before = driver.execute("PRAGMA busy_timeout").fetchone()[0]
    driver.execute(f"PRAGMA busy_timeout={_PATIENCE}")
    try:
        return bool(driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)
    finally:
        driver.execute(f"PRAGMA busy_timeout={before}")


def _driver(tx: Connection) -> sqlite3.Connection:
    driver = tx.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver
