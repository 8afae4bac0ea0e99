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


DRAFT = """
[[routes]]
name = "refunds"
channel = "shop"
desk = "desk"
when = { words = ["money"] }
[[routes]]
name = "all the rest"
channel = "shop"
desk = "desk"
"""


async def test_a_draft_is_compared_and_changes_nothing(scene: ConsoleScene) -> None:
    async with scene.open():
        await opened(scene)
        operator, viewer = await scene.person("operator"), await scene.person("viewer")
        shown = (await operator.get("/routes")).text
        assert "[[routes]]" in shown and "group = &#34;Finance&#34;" in shown  # the draft begins as what serves
        asked = {"channel": "shop", "text": "a refund", "since": "7d"}
        page = (await operator.send("/routes/draft", page="/routes", draft=DRAFT, **asked)).text
        assert "By the draft 1 of 1 conversations would go elsewhere." in page
        assert "refunds → desk" in page and "all the rest → desk" in page
        assert page.index("By the rules as they are") < page.index("By the draft</h3>")
        assert "words = money" in page and "secret words" not in page
        assert [one.name for one in scene.up.runtime.settings.routes] == ["refunds", "rest"]
        assert "routes/draft" not in (await viewer.get("/routes")).text
        assert (await viewer.send("/routes/draft", draft=DRAFT)).status_code == 403


async def test_what_is_wrong_with_a_draft_is_named(scene: ConsoleScene) -> None:
    async with scene.open():
        operator = await scene.person("operator")
        for draft, said in (
            ("[[routes]", "not valid TOML"),
            ("[bridge]\npublic_url = 1", "a draft has [[routes]] only"),
            ('[[routes]]\nchannel = "shop"\ndesk = "dsk"', "there is no account &#39;dsk&#39;"),
            ('[[routes]]\nchannel = "shop"', "routes.0.desk: is missing"),
            (DRAFT.replace('{ words = ["money"] }', "{}"), "is never reached"),
        ):
            page = (await operator.send("/routes/draft", page="/routes", draft=draft)).text
            assert said in page, draft


async def test_answers_that_are_owed_stand_by_their_deadline(database_url: str, tmp_path: Path) -> None:
    """What a lead works through: the earliest first, late ones marked; gone with the answer."""
    routes = [{"name": "rest", "channel": "shop", "desk": "desk", "targets": "standard"}]
    scene = ConsoleScene(database_url, tmp_path, routes=routes, targets={"standard": {"first": "3m"}})
    async with scene.open():
        viewer = await scene.person("viewer")
        assert "Nobody waits for an answer that has a target." in (await viewer.get("/routes")).text
        await scene.says("anna", "hello")
        await scene.quiet()
        await scene.pass_time(minutes=4)
        await scene.says("bert", "hello")
        await scene.quiet()
        page = (await viewer.get("/routes")).text
        owed = page[page.index('id="targets"') :]
        assert owed.count(">standard<") == 2 and owed.count(">late<") == 1
        assert "bridge_targets_late" in (await viewer.client.get("/metrics")).text
        for ticket in scene.vendors.tickets:
            scene.vendors.agent_says(ticket, "good day")
        scene.look()
        await scene.collected()
        await scene.quiet()
        assert "Nobody waits for an answer that has a target." in (await viewer.get("/routes")).text
        metrics = (await viewer.client.get("/metrics")).text
        assert 'bridge_targets_total{kind="first",outcome="missed",target="standard"}' in metrics
