"""Fixtures for all tests: the event loop's backend, and every database the product runs on."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog

from tests import limits, optional
from tests.databases import Databases
from tests.postgres import Cluster, Server, given_server, server_at, server_binaries

KINDS = ["sqlite", "postgresql"]
_SERVER = "postgres_server"  # what workers of pytest-xdist are told of it
_clusters: list[Cluster] = []  # of this process, for its workers


def log_plainly() -> None:
    """structlog draws a traceback with every local unless told otherwise: a second or two of work, seen by nobody."""
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], renderer])


@pytest.hookimpl(trylast=True)  # when the reporter is there
def pytest_configure(config: pytest.Config) -> None:
    log_plainly()
    config.pluginmanager.register(limits, "limits")
    if config.pluginmanager.hasplugin("xdist"):
        from tests import workers

        config.pluginmanager.register(workers, "workers")
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if optional.CI and reporter is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(limits.Said(reporter), "said")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@contextmanager
def postgres_server(config: pytest.Config) -> Iterator[Server]:
    """The server named in BRIDGE_TEST_DATABASE_URL, or one of our own for this run, which its workers share."""
    shared = getattr(config, "workerinput", {}).get(_SERVER)
    given = given_server() or (server_at(shared) if shared else None)
    if given is not None:
        yield given
        return
    binaries = server_binaries()
    assert binaries is not None
    with Cluster(binaries) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Iterator[Databases]:
    with ExitStack() as opened:
        databases = Databases(lambda: opened.enter_context(postgres_server(request.config)))
        yield databases
        databases.close()


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, databases: Databases, tmp_path: Path) -> Iterator[str]:
    """A database without content, up to date: SQLite always, PostgreSQL where its server is installed."""
    url = databases.make(request.param, tmp_path)
    yield url
    databases.drop(url)


@pytest.fixture(params=KINDS)
def empty_database_url(request: pytest.FixtureRequest, databases: Databases, tmp_path: Path) -> Iterator[str]:
    """The same without tables."""
    url = databases.make(request.param, tmp_path, empty=True)
    yield url
    databases.drop(url)


FILES_OF_SERVER = {"test_erase.py"}  # read a server's own files, so none that is given will do
# Examples in other languages run where the language is installed.
LANGUAGES = {"test_entries.py", "test_webhook.py"}
PROGRAMS = {"node": {"node", "desk.mjs"}, "java": {"java"}, "php": {"php"}}


def _given(item: pytest.Item) -> set[str]:
    """The words among a test's parameters."""
    params = item.callspec.params.values() if isinstance(item, pytest.Function) and hasattr(item, "callspec") else ()
    return {value for value in params if isinstance(value, str)}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if server_binaries() is None:
        chosen = [
            item
            for item in items
            if isinstance(item, pytest.Function)
            and hasattr(item, "callspec")
            and (given_server() is None or item.path.name in FILES_OF_SERVER)
            and "postgresql" in (item.callspec.params.get(name) for name in ("database_url", "empty_database_url"))
        ]
        reason = "no server binaries in /usr/lib/postgresql or on PATH, and no BRIDGE_TEST_DATABASE_URL"
        optional.leave_out(items, config, "PostgreSQL", reason, chosen)
    if shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
        chosen = [item for item in items if item.path.name == "test_pooler.py"]
        optional.leave_out(items, config, "PgBouncer", "pgbouncer is not installed", chosen)
    for program, names in PROGRAMS.items():
        if shutil.which(program, path="/usr/bin:/bin") is None:
            chosen = [item for item in items if item.path.name in LANGUAGES and _given(item) & names]
            optional.leave_out(items, config, program, f"{program} is not installed", chosen)
    items.sort(key=lambda item: item.get_closest_marker("real") is None)  # the slowest must not be the last


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Tests with servers wait half of their time."""
    return min(8, 2 * (os.cpu_count() or 1))


def pytest_sessionfinish(session: pytest.Session) -> None:
    optional.hand_over(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Workers share a server of the process that starts them: one set-up, and one that ends whatever becomes of them."""
    binaries = server_binaries()
    if given_server() is None and binaries is not None:
        if not _clusters:
            _clusters.append(Cluster(binaries))
            _clusters[0].start()
        node.workerinput[_SERVER] = _clusters[0].url


def pytest_unconfigure() -> None:
    while _clusters:
        _clusters.pop().stop()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    optional.take_over(getattr(node, "workeroutput", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in optional.lines():
        terminalreporter.write_line(line)
