"""A failure at a door is told by whose fault it is, whichever door it was, and never says what anybody wrote."""

import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.testing import capture_logs

from bridge.contract import Malformed, Reply, Retryable, StoreDown
from bridge.services.faults import Fault, fault_of
from bridge.services.folder import MediaDown
from bridge.services.records import StoredRecords
from bridge.testing.clock import system_clock
from bridge.web.dispatch import Front
from bridge.web.failures import failed
from mappings.store import Store
from tests.engine.engine_harness import Scene

WORDS = "what a customer wrote"


def locked() -> Exception:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return OperationalError(WORDS, {}, error)


class NoConnection(sqlite3.OperationalError):
    """The driver's own, from where no transaction could begin."""

    sqlite_errorcode = sqlite3.SQLITE_CANTOPEN


STORE = [StoreDown(WORDS), MediaDown("media_dir is full"), locked(), NoConnection(WORDS), Retryable(WORDS)]
INPUT = [
    Malformed(WORDS), UnicodeEncodeError("utf-8", WORDS, 0, 1, "surrogates"), OverflowError(WORDS),
    RecursionError(WORDS), DataError(WORDS, {}, ValueError(WORDS)),
]  # fmt: skip
BUG = [KeyError(WORDS), AssertionError(WORDS), IntegrityError(WORDS, {}, ValueError(WORDS)), ValueError(WORDS)]
ALL = [*((one, 503) for one in STORE), *((one, 400) for one in INPUT), *((one, 500) for one in BUG)]


async def test_a_callback_is_answered_by_whose_fault_it_is(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vendor is asked to come again for what may go better then, and never for what will not."""
    scene = Scene(database_url, tmp_path)
    async with scene.running() as bridge:
        connector: Any = bridge.runtime.accounts["shop"].connector
        connector.retry_later_reply = Reply(599, "come again")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(bridge.app()), base_url="https://b.example") as web:
            for error, status in ALL:

                def verify(_request: Any, raised: Exception = error) -> Any:
                    raise raised

                monkeypatch.setattr(connector, "verify", verify)
                with capture_logs() as logs:
                    answer = await web.post("/hooks/shop", content=b"x")
                assert answer.status_code == (400 if status == 400 else 599), error
                assert WORDS not in answer.text
                bugs = [entry for entry in logs if entry["log_level"] == "error"]
                assert bool(bugs) == (status != 503 and not isinstance(error, Malformed)), error


async def test_a_page_is_answered_by_whose_fault_it_is() -> None:
    no_hooks: Any = None  # no callback comes
    for error, status in ALL:

        async def fail(_request: Request, raised: Exception = error) -> Response:
            raise raised

        pages = Starlette(routes=[Route("/page", fail)], exception_handlers={Exception: failed})
        front = Front(no_hooks, pages)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(front), base_url="https://b.example") as web:
            with capture_logs() as logs:
                answer = await web.get("/page")
        assert answer.status_code == status and WORDS not in answer.text, error
        assert ("retry-after" in answer.headers) == (status == 503)
        assert [entry["log_level"] for entry in logs] == ["warning" if status == 503 else "error"]


async def test_records_tell_trouble_and_bugs_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug that looked like a full disk was answered "try again" for ever; the driver's own errors got through as bugs."""
    store = Store(f"sqlite:///{tmp_path}/b.db")
    records = StoredRecords(store, "site", system_clock)
    for error, status in ALL:

        async def fail(*_: Any, raised: Exception = error) -> None:
            raise raised

        monkeypatch.setattr(store, "read", fail)
        if fault_of(error) is Fault.STORE and not isinstance(error, Retryable):
            with pytest.raises(StoreDown):
                await records.get("x", "y")
        elif status != 503:
            with pytest.raises(type(error)):
                await records.get("x", "y")
