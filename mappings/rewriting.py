"""PostgreSQL: tables without a byte of what was deleted.

`VACUUM` alone frees the room of deleted rows and leaves their bytes in it; `VACUUM FULL` writes the table anew. The
planner's statistics quote values of every column, so they are gathered and written anew as well
(https://www.postgresql.org/docs/current/catalog-pg-statistic.html). The write-ahead log is left to the server.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from mappings.engines import is_locked
from mappings.erasure import EMPTIED, KEPT
from mappings.store import Store

log = structlog.get_logger("mappings.rewriting")

LARGEST = 2**28  # bytes of a table that is written anew while the bridge serves: whoever writes to it waits
STATISTICS = "pg_catalog.pg_statistic"
_LOCK = 0x627264  # of the one process that rewrites
_PATIENCE = 10.0  # seconds for transactions that still see what was erased
_TRIES = 5
_SIZES = "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r' AND pg_table_is_visible(oid)"
_OLDER = (
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND xact_start < %s LIMIT 1"
)


# ANALYZE leaves what is known of a table that has become empty; a column's type, set again, ends it
_KNOWN = (
    "SELECT a.attname, format_type(a.atttypid, a.atttypmod), CASE WHEN a.attcollation <> t.typcollation THEN"
    " (SELECT format(' COLLATE %%I', collname) FROM pg_collation WHERE oid = a.attcollation) ELSE '' END"
    " FROM pg_stats s JOIN pg_attribute a ON a.attrelid = CAST(s.tablename AS regclass) AND a.attname = s.attname"
    " JOIN pg_type t ON t.oid = a.atttypid WHERE s.schemaname = current_schema() AND s.tablename = %s"
)


@dataclass(slots=True)
class Rewritten:
    """`left`: tables that stay as they were, because they are too large, or not the bridge's to rewrite. `ended`: not
    held up by somebody who reads, so that there is nothing to try again.
    """

    left: list[str] = field(default_factory=list)
    ended: bool = True


def rewrite(store: Store) -> Rewritten:
    """Writes all tables anew, one after the other; each waits two seconds at most for its turn. Behind a pooler, which
    can set no bound to that, none. On a thread.
    """
    fairy = store.engine.raw_connection()
    pooled = fairy.info.get("pooled")
    connection: Any = fairy.driver_connection
    fairy.detach()
    try:
        connection.autocommit = True
        ours = KEPT.keys() | EMPTIED
        sizes = {name: size for name, size in connection.execute(_SIZES).fetchall() if name in ours}
        if pooled:
            return Rewritten(sorted(sizes))
        connection.execute("SET statement_timeout = 0")
        if not connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()[0]:
            return Rewritten(ended=False)
        return _all_of(connection, sizes)
    finally:
        connection.close()


def _all_of(connection: Any, sizes: Mapping[str, int]) -> Rewritten:
    done = Rewritten(sorted(name for name, size in sizes.items() if size > LARGEST))
    refused: list[str] = []
    connection.add_notice_handler(lambda said: refused.append(said.severity_nonlocalized or ""))
    done.ended = _nobody_sees_it(connection)
    names = [name for name in sorted(sizes) if name not in done.left]
    orders = [(name, f'VACUUM (FULL, ANALYZE) "{name}"') for name in names]
    orders += [(name, order) for name in names for order in _about_nothing(connection, name)]
    for name, order in [*orders, (STATISTICS, f"VACUUM (FULL) {STATISTICS}")]:
        refused.clear()
        if done.ended and not _do(connection, order):
            done.ended = False
        elif "WARNING" in refused:  # it belongs to somebody else, and was left out
            done.left.append(name)
    return done


def _about_nothing(connection: Any, name: str) -> list[str]:
    if connection.execute(f'TABLE "{name}" LIMIT 1').fetchone() is not None:
        return []
    known = connection.execute(_KNOWN, (name,)).fetchall()
    return [f'ALTER TABLE "{name}" ALTER COLUMN "{column}" TYPE {kind}{collation}' for column, kind, collation in known]


def _nobody_sees_it(connection: Any) -> bool:
    """Waits for transactions that began before now: what they may still read would be written anew with the rest."""
    (now,) = connection.execute("SELECT clock_timestamp()").fetchone()
    until = time.monotonic() + _PATIENCE
    while connection.execute(_OLDER, (now,)).fetchone() is not None:
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def _do(connection: Any, order: str) -> bool:
    """False: others hold the table, again and again."""
    for _ in range(_TRIES):
        try:
            connection.execute(order)
        except Exception as error:  # the driver's own
            if not is_locked(error):
                if order.startswith("ALTER"):  # a view has the column; those of ours quote nobody
                    return True
                raise
            log.info("a table that is to be written anew is in use", order=order)
        else:
            return True
    return False
