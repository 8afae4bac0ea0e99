"""Fixtures for all tests: the event loop's backend, and every database the product runs on."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import limits, optional
from tests.postgres import Cluster, Server, given_server, server_binaries


@pytest.hookimpl(trylast=True)  # when the reporter is there
def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(limits, "limits")
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if optional.CI and reporter is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(limits.Said(reporter), "said")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """The server named in BRIDGE_TEST_DATABASE_URL, or one of our own for this run."""
    given = given_server()
    if given is not None:
        yield given
        return
    binaries = server_binaries()
    assert binaries is not None
    with Cluster(binaries) as cluster:
        yield cluster


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database: SQLite always, PostgreSQL where its server is installed."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/bridge.db"
        return
    server: Server = request.getfixturevalue("postgres_server")
    url = server.new_database()
    yield url
    server.drop(url)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if given_server() is None and server_binaries() is None:
        chosen = [
            item
            for item in items
            if isinstance(item, pytest.Function)
            and hasattr(item, "callspec")
            and item.callspec.params.get("database_url") == "postgresql"
        ]
        reason = "no server binaries in /usr/lib/postgresql or on PATH, and no BRIDGE_TEST_DATABASE_URL"
        optional.leave_out(items, config, "PostgreSQL", reason, chosen)
    if shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
        chosen = [item for item in items if item.path.name == "test_pooler.py"]
        optional.leave_out(items, config, "PgBouncer", "pgbouncer is not installed", chosen)


def pytest_sessionfinish(session: pytest.Session) -> None:
    optional.hand_over(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    optional.take_over(getattr(node, "workeroutput", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in optional.lines():
        terminalreporter.write_line(line)
