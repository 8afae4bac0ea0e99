"""A database with a past: the rows that one real message left, copied as often as asked."""

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

from tests.bench import constants
from tests.bench.relay import begin
from tests.bench.rig import ROOT, Program, Rig

_SOMEBODY = constants.openid(0)
_TABLES = ("person", "identity", "link", "inbox", "outbox", "attempt", "message_ref")
# ids move by the copy's number times the rows of the template; what must be unique and does not name the customer too
_OWN = {
    ("identity", "person_id"): "person", ("link", "person_id"): "person", ("outbox", "link_id"): "link",
    ("attempt", "outbox_id"): "outbox", ("message_ref", "link_id"): "link", ("message_ref", "inbox_id"): "inbox",
    ("message_ref", "outbox_id"): "outbox", ("message_ref", "carrier_id"): "outbox",
}  # fmt: skip


def filled(rig: Rig, desk: Program, copies: int) -> tuple[Path, Path]:
    """A configuration whose database has `copies` + 1 conversations with one relayed message each."""
    config = rig.config(desk.port)
    base = config.parent / "bridge.db"
    program = rig.bridge(config)
    begin(rig, desk, program, 1)
    rig.stop(program, gently=True)
    copy_rows(base, copies)
    return config, base


def kept(rig: Rig, desk: Program, copies: int, folder: Path) -> tuple[Path, Path]:
    """The same on a database that stays in a folder: filled the first time, used again ever after."""
    base = folder / "bridge.db"
    if not base.exists():
        _, made = filled(rig, desk, copies)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.move(made, base)
    config = rig.config(desk.port, f"sqlite+aiosqlite:///{base}")
    command = [
        sys.executable,
        "-m",
        "bridge",
        "migrate",
        "--config",
        str(config),
    ]  # an older version may have filled it
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return config, base


def copy_rows(base: Path, copies: int) -> None:
    """Multiplies what is there. The bridge must not run."""
    connection = sqlite3.connect(base, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA cache_size=-400000")
    connection.execute("BEGIN IMMEDIATE")
    sizes = {name: connection.execute(f"SELECT coalesce(max(id), 0) FROM {name}").fetchone()[0] for name in _TABLES}
    for name in _TABLES:
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
        values = ", ".join(_value(name, column, sizes) for column in columns)
        connection.execute(
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {copies})"
            f" INSERT INTO {name} ({', '.join(columns)}) SELECT {values} FROM n, {name} t WHERE t.id <= {sizes[name]}"
        )
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _value(table: str, column: str, sizes: dict[str, int]) -> str:
    if column == "id":
        return f"t.id + n.i * {sizes[table]}"
    if (table, column) in _OWN:
        return f"t.{column} + n.i * {sizes[_OWN[table, column]]}"
    if (table, column) == ("outbox", "lane"):
        return f"t.lane + n.i * {sizes['link'] * 4}"
    if (table, column) == ("link", "ticket"):
        return "CAST(10000000 + n.i AS TEXT)"
    if (table, column) == ("outbox", "key"):
        return "lower(hex(randomblob(16)))"
    if (table, column) == ("message_ref", "message_id"):
        return (
            f"CASE WHEN instr(t.message_id, '{_SOMEBODY}') THEN {_renamed(column)} ELSE t.message_id || '-' || n.i END"
        )
    if column in {"account", "state", "payload"} or column.endswith("_at"):
        return f"t.{column}"
    return f"CASE typeof(t.{column}) WHEN 'text' THEN {_renamed(column)} ELSE t.{column} END"


def _renamed(column: str) -> str:
    return f"replace(t.{column}, '{_SOMEBODY}', printf('oBench%022d', n.i))"
