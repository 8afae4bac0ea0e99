"""Nobody is asked whose ticket has gone on while the question waited. That nobody is asked twice: tests/e2e/test_survey."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from mappings import state
from mappings.figure_tables import Survey
from mappings.sql import table
from mappings.tables import Link
from tests.engine.platform_harness import CUSTOMER
from tests.figures.test_survey import Asking

# what is asked of the store is asked in test_survey, on both
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def reopened(harness: Asking) -> None:
    harness.vendors.set_status(harness.only_ticket, "open")
    await harness.read()


async def spoke(harness: Asking) -> None:
    await harness.asks("one more thing")


async def answered(harness: Asking) -> None:
    await harness.answer("and another thing")


async def handed_over(harness: Asking) -> None:
    assert harness.bridge is not None
    await harness.bridge.store.write(lambda tx: tx.execute(table(Link).update().values(holder="helper")))


async def later(harness: Asking) -> None:
    await harness.wait(hours=25)


async def spent(harness: Asking) -> None:
    """Others used the replies up meanwhile: too few would be left for people."""
    assert harness.bridge is not None
    used = await harness.bridge.store.read(lambda tx: tx.execute(table(Link).select()).one().allowance)
    left = used.replace('"left":4', '"left":2')
    assert left != used
    await harness.bridge.store.write(lambda tx: tx.execute(table(Link).update().values(allowance=left)))


@SQLITE
@pytest.mark.parametrize("meanwhile", [reopened, spoke, answered, handed_over, later, spent])
async def test_a_question_that_waited_is_not_asked_when_its_reason_is_gone(
    database_url: str, tmp_path: Path, meanwhile: Callable[[Asking], Awaitable[None]]
) -> None:
    harness = Asking(database_url, tmp_path)
    async with harness.running() as bridge:
        await harness.served()
        await bridge.store.write(state.pause, "shop", "no money", harness.clock(), code="x")
        await harness.wait(150)
        assert [row.state for row in await harness.surveys()] == ["asked"] and not harness.questions
        await meanwhile(harness)
        await bridge.store.write(state.resume, "shop")
        for _ in range(3):
            await harness.wait(60)
        assert harness.questions == []
        (row,) = await harness.surveys()
        assert row.state == "void" and row.asked_at is None
        assert harness.refused(CUSTOMER) == []
        assert (meanwhile is spent) == bool(harness.said("too few replies would have been left"))


async def test_a_question_that_waited_is_asked_when_nothing_happened(database_url: str, tmp_path: Path) -> None:
    harness = Asking(database_url, tmp_path)
    async with harness.running() as bridge:
        await harness.served()
        await bridge.store.write(state.pause, "shop", "no money", harness.clock(), code="x")
        await harness.wait(150)
        await bridge.store.write(state.resume, "shop")
        await harness.wait(60)
        assert len(harness.questions) == 1
        assert await bridge.store.read(lambda tx: tx.execute(table(Survey).select()).one().state) == "asked"
