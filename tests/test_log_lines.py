"""The log says what happened, in one form, and never what was said."""

import asyncio
import io
import json
import logging
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bridge.contract import Put, StoreDown
from bridge.log_lines import OthersLines
from bridge.services.records import StoredRecords
from bridge.telemetry import set_up_logging
from bridge.testing.clock import system_clock
from mappings.engines import sqlite_engine
from mappings.store import Store

WORDS = "Canary: the customer's words"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    for name in ("uvicorn", "uvicorn.error"):  # whoever ran a server in this process before has set them for itself
        logger = logging.getLogger(name)
        for attribute, value in {"handlers": [], "propagate": True, "disabled": False, "level": 0}.items():
            monkeypatch.setattr(logger, attribute, value)
        manager: Any = logger.manager
        manager._clear_cache()  # a level that is set behind its back
    configured = structlog.get_config()
    set_up_logging(terminal=False)
    out = io.StringIO()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(out))
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    root.handlers, root.level = before, level
    logging.captureWarnings(False)
    structlog.configure(**configured)


def test_what_an_exception_says_is_left_out(lines: Any) -> None:
    try:
        try:
            raise KeyError(WORDS)
        except KeyError as error:
            raise ValueError(WORDS) from error
    except ValueError:
        structlog.get_logger("x").error("bug", exc_info=True)
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application\n")
    found = lines()
    assert len(found) == 2 and WORDS not in json.dumps(found)
    for line in found:
        assert line["exception"].startswith("ValueError [") and "KeyError [" in line["exception"]
        assert "test_log_lines.py:" in line["exception"]


@pytest.mark.parametrize("name", ["uvicorn.error", "apscheduler.executors.default", "alembic", "asyncio"])
def test_lines_of_other_libraries_are_json_and_limited(lines: Any, name: str) -> None:
    for number in range(100):
        logging.getLogger(name).warning("Invalid HTTP request received. %s", number)
    found = lines()
    assert 1 <= len(found) <= 5 and {line["logger"] for line in found} == {name}


def test_what_was_left_out_is_counted(lines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("bridge.log_lines.time.monotonic", lambda: now[0])
    handler = OthersLines()
    record = logging.LogRecord("uvicorn.error", logging.WARNING, "", 0, "again", (), None)
    for _ in range(12):
        handler.emit(record)
    now[0] += 61
    handler.emit(record)
    assert [line.get("left_out") for line in lines()] == [None] * 5 + [7]


def test_asyncio_does_not_say_what_a_call_was_given(lines: Any) -> None:
    def fails(words: str) -> None:
        raise RuntimeError(words)

    async def work() -> None:
        asyncio.get_running_loop().call_soon(fails, WORDS)
        await asyncio.sleep(0.01)

    asyncio.run(work(), debug=True)
    found = lines()
    assert found and "Canary" not in json.dumps(found)


def test_a_statement_that_fails_does_not_say_what_it_was_given(tmp_path: Any) -> None:
    engine = sqlite_engine(tmp_path / "x.db", write=True)
    with pytest.raises(Exception) as raised, engine.connect() as tx:
        tx.execute(text("SELECT :words FROM nothing"), {"words": WORDS})
    engine.dispose()
    assert WORDS not in str(raised.value)


async def test_records_of_a_store_in_trouble_say_so(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = sqlite3.OperationalError("database is locked")
    busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
    locked = OperationalError("INSERT", {"value": WORDS}, busy)
    assert WORDS in str(locked)

    async def refuse(*_: Any, **__: Any) -> None:
        raise locked

    store = Store(f"sqlite:///{tmp_path}/bridge.db")
    monkeypatch.setattr(store, "read", refuse)
    monkeypatch.setattr(store, "write", refuse)
    records = StoredRecords(store, "site", system_clock)
    for work in (records.get("a", "b"), records.list("a"), records.commit(Put("a", "b", {"x": WORDS}))):
        with pytest.raises(StoreDown) as raised:
            await work
        assert WORDS not in repr(raised.value) and raised.value.__suppress_context__
