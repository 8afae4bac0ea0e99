"""PgBouncer before the server: in transaction mode a session ends with its transaction, and nothing may rest on one."""

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text

from mappings import rewriting, state
from mappings.cli_access import open_reader
from mappings.schema import HEAD, migrate_aside
from mappings.store import Store, StoreUnusable, Tx

NOW = datetime(2026, 1, 5, tzinfo=UTC)
POSTGRESQL = pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)


@contextmanager
def pooled(database_url: str, mode: str) -> Iterator[str]:
    """A PgBouncer of its own with three server connections, which it gives out in turn."""
    url = make_url(database_url)
    folder = Path(tempfile.mkdtemp(prefix="bridge-pool-"))
    folder.chmod(0o777)
    host, port = url.query.get("host") or url.host, url.port or 5432
    password = f" password={url.password}" if url.password else ""
    (folder / "pool.ini").write_text(
        f"[databases]\n{url.database} = host={host} port={port} user={url.username}{password}\n"
        f"[pgbouncer]\nlisten_addr =\nunix_socket_dir = {folder}\nlisten_port = 6432\nauth_type = any\n"
        f"pool_mode = {mode}\ndefault_pool_size = 3\nserver_round_robin = 1\n"
    )
    (folder / "pool.ini").chmod(0o644)
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program is not None
    command = [program, str(folder / "pool.ini")]
    if os.geteuid() == 0:  # it refuses to run as root
        user = pwd.getpwnam("nobody")
        command = ["setpriv", "--reuid", "nobody", "--regid", str(user.pw_gid), "--clear-groups", *command]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd="/")
    try:
        for _ in range(100):
            if (folder / ".s.PGSQL.6432").exists():
                break
            time.sleep(0.05)
        yield url.set(host=None, port=6432, query={"host": str(folder)}).render_as_string(hide_password=False)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def settings_of(tx: Tx) -> Any:
    return tx.execute(text("SELECT current_setting('lock_timeout'), current_setting('statement_timeout')")).one()


@POSTGRESQL
async def test_the_bridge_works_behind_a_pooler_in_transaction_mode(empty_database_url: str) -> None:
    with pooled(empty_database_url, "transaction") as url:
        store = Store(url)
        assert migrate_aside(store) == (None, HEAD)
        store.open()
        try:
            for number in range(25):  # a statement is prepared when it comes for the sixth time
                leases = [store.write(state.take_lease, f"{number}.{one}", "me", NOW, NOW) for one in range(6)]
                assert await asyncio.gather(*leases) == [True] * 6
                await asyncio.gather(*(store.read(state.pauses) for _ in range(4)))
            assert tuple(await store.write(settings_of)) == ("2s", "15s")
            with open_reader(url) as tx:
                assert state.pauses(tx) == {}
        finally:
            store.close()
        direct = Store(empty_database_url, writers=1)
        direct.open()
        try:
            assert tuple(await direct.write(settings_of)) == ("2s", "15s")
        finally:
            direct.close()


@POSTGRESQL
def test_a_pooler_that_has_no_transactions_is_refused_with_what_to_set(empty_database_url: str) -> None:
    with (
        pooled(empty_database_url, "statement") as url,
        pytest.raises(StoreUnusable, match=r"set pool_mode = transaction or session"),
    ):
        Store(url).open()


@POSTGRESQL
async def test_behind_a_pooler_no_table_is_written_anew_and_all_are_named(empty_database_url: str) -> None:
    with pooled(empty_database_url, "transaction") as url:
        store = Store(url)
        migrate_aside(store)
        store.open()
        try:
            done = rewriting.rewrite(store)
            assert done.ended and {"inbox", "outbox", "link"} <= set(done.left)
        finally:
            store.close()
