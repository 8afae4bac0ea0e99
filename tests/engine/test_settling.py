"""What the vendor said is written down, however long the store is in trouble."""

import sqlite3
from typing import Any

import pytest
from psycopg import errors

from bridge.contract import Rejected
from bridge.engine.outbound import dispatcher
from tests.engine.engine_harness import Scene
from tests.engine.test_trouble import answered, once, phone


def locked() -> Exception:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return error


TROUBLE = {
    "locked": locked,
    "lock time-out": lambda: errors.LockNotAvailable("canceling statement due to lock timeout"),
    "deadlock": lambda: errors.DeadlockDetected("deadlock detected"),
    "time-out": lambda: errors.QueryCanceled("canceling statement due to statement timeout"),
    "connection lost": lambda: errors.AdminShutdown("terminating connection"),
}


def in_trouble(monkeypatch: pytest.MonkeyPatch, name: str, make: Any, times: int = 4) -> list[int]:
    """The transactions that settle by `name` fail so often, for the channel."""
    settle, left = getattr(dispatcher, name), [times]

    def meet(work: Any, row: Any, *arguments: Any, **named: Any) -> Any:
        if row.account == "shop" and left[0]:
            left[0] -= 1
            raise make()
        return settle(work, row, *arguments, **named)

    monkeypatch.setattr(dispatcher, name, meet)
    return left


@pytest.mark.parametrize("trouble", TROUBLE)
async def test_a_receipt_is_never_lost(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, trouble: str, capsys: pytest.CaptureFixture[str]
) -> None:
    left = in_trouble(monkeypatch, "accept", TROUBLE[trouble])
    async with scene.running():
        await answered(scene, "answer")
        for _ in range(3):
            await scene.pass_time(70)
            await scene.quiet()
        assert left == [0] and phone(scene) == ["answer"]
        assert scene.vendors.notes(scene.only_ticket) == []
    assert "Traceback" not in capsys.readouterr().out


async def test_a_refusal_is_never_lost(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    left = in_trouble(monkeypatch, "fail", locked)
    async with scene.running():
        scene.vendors.trouble = once(Rejected("blocked", code="48002"), "shop")
        await answered(scene, "answer")
        await scene.pass_time(3)
        await scene.quiet()
        assert left == [0] and phone(scene) == []
        (note,) = scene.vendors.notes(scene.only_ticket)
        assert "blocked" in note


async def test_the_store_of_a_connector_in_trouble_is_no_bug(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.options["uncertain"] = "retry"
    async with scene.running():
        scene.vendors.trouble = once(locked(), "shop")
        await answered(scene, "answer")
        await scene.pass_time(31)
        await scene.quiet()
        assert phone(scene) == ["answer"]
    said = capsys.readouterr().out
    assert "bug while" not in said and "Traceback" not in said
