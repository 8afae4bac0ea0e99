"""The page of routes: why a conversation goes where it goes, what a change would do, entries, and missing holidays."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.console.console_harness import ConsoleScene

ROUTES = [
    {"name": "refunds", "channel": "shop", "desk": "desk", "when": {"words": ["refund"]}, "group": "Finance"},
    {"name": "rest", "channel": "shop", "desk": "desk", "when": {}},
]


@pytest.fixture
def scene(database_url: str, tmp_path: Path) -> ConsoleScene:
    found = ConsoleScene(database_url, tmp_path, routes=ROUTES, calendars={"office": {"holidays": "cn"}})
    found.clock.advance((datetime(2090, 11, 30, tzinfo=UTC) - found.clock()).total_seconds())
    return found


async def opened(scene: ConsoleScene) -> None:
    await scene.push(scene.vendors.enters("anna", session_from="summer-sale"))
    await scene.says("anna", "a refund, my secret words")
    await scene.quiet()


async def test_a_made_up_and_a_past_conversation_are_explained(scene: ConsoleScene) -> None:
    async with scene.open():
        await opened(scene)
        operator = await scene.person("operator")
        page = (await operator.send("/routes/explain", page="/routes", channel="shop", text="hello")).text
        assert "words = refund" in page and "Goes to desk." in page
        page = (await operator.send("/routes/explain", page="/routes", id="anna")).text
        assert "by “refunds”" in page and "secret words" not in page
        page = (await operator.send("/routes/explain", page="/routes", id="nobody")).text
        assert "Nothing is known of it." in page


async def test_a_week_once_more_and_the_entries(scene: ConsoleScene) -> None:
    async with scene.open():
        await opened(scene)
        operator, viewer = await scene.person("operator"), await scene.person("viewer")
        page = (await operator.get("/routes?since=7d")).text
        assert "0 of 1 conversations would go elsewhere" in page
        assert "summer-sale" in page and "no rule names it" in page
        assert "The holidays of 2090 are missing" in page
        assert "routes/explain" not in (await viewer.get("/routes")).text
        assert (await viewer.send("/routes/explain", channel="shop")).status_code == 403
