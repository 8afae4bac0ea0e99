"""What a bot suggests to agents, at each desk: a private note, `#send` as theirs, other words instead, and a shadow."""

from pathlib import Path
from typing import Any

import pytest

from bridge.app import Bridge
from bridge.contract import BotConfig
from bridge.registry import Declared
from tests.e2e.desks import Desk, Freshdesk, Rt, Zendesk
from tests.engine.bot_harness import Brain, FakeBot
from tests.engine.desk_harness import DeskHarness


class Advised(DeskHarness):
    """Beside the customer's messages a bot tells agents what it would say."""

    def __init__(self, url: str, folder: Path, desk: type[Desk], mode: str) -> None:
        route = {"channel": "shop", "desk": "desk", "bot": {"name": "helper", "quiet": "0s", "mode": mode}}
        accounts = {"shop": {"kind": "wechat"}, "desk": {"kind": desk.kind}, "helper": {"kind": "fake-bot"}}
        super().__init__(url, folder, desk, routes=[route], accounts=accounts)
        self.bot: type[Any] = type("Bot", (FakeBot,), {"brain": Brain()})

    def build(self) -> Bridge:
        built = super().build()
        declared = {
            name: Declared(name, type(one.connector), one.config) for name, one in built.runtime.accounts.items()
        }
        declared["helper"] = Declared("helper", self.bot, BotConfig(kind="fake-bot"))
        return Bridge(self.settings(), declared, clock=self.clock)

    def heard(self) -> list[str]:
        return [text for text in self.phone.received(self.customer) if isinstance(text, str)]


pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here asks it anything new
DESKS = pytest.mark.parametrize("desk", [Zendesk, Freshdesk, Rt], ids=lambda one: one.kind)


@DESKS
async def test_a_suggestion_is_a_note_and_is_sent_once(database_url: str, tmp_path: Path, desk: type[Desk]) -> None:
    harness = Advised(database_url, tmp_path, desk, "suggest")
    async with harness.running():
        await harness.asks("when do you open?")
        assert harness.heard() == [] and "when do you open?" in harness.desk.seen()[0]
        assert any("re: when do you open?" in note and "Suggested" in note for note in harness.notes)
        assert not any("re: when" in line for line in harness.desk.seen()), "private"
        await harness.answer("#send", "#send", private=True)
        assert harness.heard() == ["re: when do you open?"]
        await harness.asks("and on sunday?")
        await harness.answer("#send Closed on sundays, sorry.", private=True)
        assert harness.heard()[1:] == ["Closed on sundays, sorry."]
        await harness.asks("and on monday?")
        await harness.answer("from nine on")
        assert harness.heard()[2:] == ["from nine on"], "who just answers has answered"


@DESKS
async def test_a_shadow_is_a_note_and_nothing_else(database_url: str, tmp_path: Path, desk: type[Desk]) -> None:
    harness = Advised(database_url, tmp_path, desk, "shadow")
    async with harness.running():
        await harness.asks("when do you open?")
        assert any("would have said (answer)" in note and "re: when do you open?" in note for note in harness.notes)
        await harness.answer("#send", private=True)
        assert harness.heard() == []
