"""The page of bots: how each is, and what came of its last questions; a viewer reads nobody's words there."""

import re
from pathlib import Path
from typing import Any

import pytest

from bridge.app import Bridge
from bridge.contract import Role
from tests.console.console_harness import ConsoleScene
from tests.engine.bot_harness import BotScene


class BotConsole(BotScene, ConsoleScene):
    """A console beside a bot."""


@pytest.fixture
def scene(database_url: str, tmp_path: Path) -> BotConsole:
    return BotConsole(database_url, tmp_path)


async def asked(scene: BotConsole) -> None:
    answers: list[dict[str, Any]] = [
        {"text": "at nine", "tokens": 40},
        {"text": "", "verdict": "nothing", "reason": "no such article", "tokens": 2},
        {"text": "", "verdict": "handoff", "reason": "wants <b>money</b>", "tokens": 1},
    ]
    scene.brain.answer = lambda _text: answers.pop(0)
    for words in ("when do you open?", "my secret words", "and my money?"):
        await scene.customer(words)


async def test_each_question_has_its_row(scene: BotConsole) -> None:
    async with scene.open():
        await asked(scene)
        page = (await (await scene.person("operator")).get("/bots")).text
        rows = [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)) for row in page.split('<tr data-id="t')[1:]]
        assert len(rows) == 3, "the newest first"
        assert "and my money?" in rows[0] and "to a person" in rows[0] and "wants &lt;b&gt;money" in rows[0]
        assert "my secret words" in rows[1] and "did not know" in rows[1] and "no such article" in rows[1]
        assert "when do you open?" in rows[2] and "answered" in rows[2] and " 40 " in rows[2]
        assert page.count('<a href="/console/conversations/1">') == 3
        assert "at nine" in rows[2] and "people took over: the bot asks for a person" in rows[0]
        talk = (await (await scene.person("operator", "Ota")).get("/conversations/1")).text
        assert "helper → <strong>desk</strong>: the bot asks for a person" in talk and "term 2" in talk
        assert talk.count("helper was asked:") == 3 and "Bot and hand-overs" in talk
        assert "tokens: 43" in page and "answers first, replies kept for people: 3" in page


async def test_a_viewer_reads_nobodys_words(scene: BotConsole) -> None:
    async with scene.open():
        await asked(scene)
        viewer = await scene.person("viewer")
        page = (await viewer.get("/bots")).text
        assert "did not know" in page and page.count("hidden from viewers") >= 3
        for words in ("secret", "article", "money", "nine", "/pause"):
            assert words not in page, words


async def test_a_paused_bot_says_so_and_goes_on(scene: BotConsole) -> None:
    async with scene.open():
        operator = await scene.person("operator", "Olga")
        assert "It was not asked anything yet." in (await operator.get("/bots")).text
        answer = await operator.send("/accounts/helper/pause", sure="1")
        assert answer.status_code == 303, answer.text
        page = (await operator.get("/bots")).text
        assert "people get the conversations" in page and "by Olga" in page
        await operator.send("/accounts/helper/resume")
        await operator.send("/settings/look", language="zh", theme="")
        page = (await operator.get("/bots")).text
        assert "尚未收到提问" in page and "暂停期间" not in page


async def test_without_a_bot_the_page_says_how(database_url: str, tmp_path: Path) -> None:
    scene = ConsoleScene(database_url, tmp_path)
    async with scene.open() as found:
        assert isinstance(found.bridge, Bridge)
        assert "[routes.bot]" in (await (await scene.person("viewer")).get("/bots")).text


async def test_an_account_that_the_routes_name_as_a_desk_is_no_bot(scene: BotConsole) -> None:
    scene.desk_class.roles = scene.desk_class.roles | {Role.BOT}
    async with scene.open() as found:
        page = (await (await found.person("viewer")).get("/bots")).text
        assert 'data-id="helper"' in page and 'data-id="desk"' not in page
