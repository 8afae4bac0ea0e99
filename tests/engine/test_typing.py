"""Signs of typing: to the other side at once, and never in the way of anything."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from bridge.contract import Retryable
from bridge.engine.inbound.typing_signs import other_side
from bridge.engine.outbound import bot_typing
from mappings import links
from mappings.store import Tx
from tests.engine.bot_harness import BotScene
from tests.engine.engine_harness import Scene

Shown = list[tuple[str, str, bool]]


def watch(scene: Scene) -> Shown:
    """Both sides of the scene can show it from now on; what they showed."""
    shown: Shown = []

    def typing(side: str) -> object:
        async def show(_self: object, conversation: str, *, on: bool) -> None:
            shown.append((side, conversation, on))
            if conversation == "away":
                raise Retryable("nobody there")

        return show

    scene.channel_class.typing = typing("channel")
    scene.desk_class.typing = typing("desk")
    return shown


async def told(scene: Scene, account: str, conversation: str, *, on: bool = True) -> None:
    """An account says so; returns when it was passed on, or was not."""
    assert scene.bridge is not None and scene.bridge.engine is not None
    scene.bridge.runtime.accounts[account].account.typing(conversation, on)
    await asyncio.gather(*scene.bridge.engine.loops.typing._passing)


async def test_who_types_is_seen_on_the_other_side(scene: Scene) -> None:
    shown = watch(scene)
    async with scene.running() as bridge:
        await told(scene, "shop", "Anna")  # nobody knows her yet
        await scene.says("Anna", "hello")
        await scene.quiet()
        ticket = scene.only_ticket
        await told(scene, "desk", ticket)
        await told(scene, "desk", ticket)  # a key pressed at once again
        await told(scene, "desk", ticket, on=False)
        await told(scene, "desk", "t999")
        await told(scene, "desk", "")
        bridge.engine.loops.typing._seen.clear()
        await told(scene, "shop", "Anna")
        assert shown == [("channel", "Anna", True), ("channel", "Anna", False), ("desk", ticket, True)]


async def test_a_sign_that_cannot_be_shown_disturbs_nothing(scene: Scene) -> None:
    shown = watch(scene)
    async with scene.running():
        await scene.says("away", "hello")
        await scene.quiet()
        await told(scene, "desk", scene.only_ticket)
        assert shown == [("channel", "away", True)]
        scene.vendors.agent_says(scene.only_ticket, "answer")
        scene.look()
        await scene.collected()
        await scene.quiet()
        assert [said.text for said in scene.vendors.phones["away"]] == ["answer"]


@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        ({}, ("shop", "Anna")),
        ({"holder": "bot"}, None),  # the bot speaks: who types there is answering nobody yet
        ({"channel": "desk"}, None),  # one account, both sides: it shows that by itself
    ],
)
async def test_an_agent_is_seen_while_the_desk_holds_the_conversation(
    scene: Scene, changes: dict[str, str], seen: tuple[str, str] | None
) -> None:
    def find(tx: Tx) -> tuple[str, str] | None:
        links.change_link(tx, 1, **{"url": "", **changes})
        return other_side(tx, "desk", scene.only_ticket)

    async with scene.running() as bridge:
        await scene.says("Anna", "hello")
        await scene.quiet()
        assert await bridge.store.write(find) == seen


async def test_no_more_signs_than_a_few_are_on_their_way(scene: Scene) -> None:
    shown = watch(scene)
    async with scene.running() as bridge:
        await scene.says("Anna", "hello")
        await scene.quiet()
        signs = bridge.engine.loops.typing
        for number in range(50):
            signs.tell("desk", f"t{number}", True)
        assert len(signs._passing) == 8
        await asyncio.gather(*signs._passing)
        assert len(shown) <= 1


@pytest.mark.parametrize("mode", ["first", "suggest"])
async def test_a_customer_sees_that_a_bot_thinks(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """While it holds the conversation and takes its time; what agents ask it for shows nothing. It costs no reply."""
    monkeypatch.setattr(bot_typing, "AFTER", 0.01)
    monkeypatch.setattr(bot_typing, "AGAIN", 0.05)
    scene = BotScene(database_url, tmp_path, bot={"mode": mode})
    shown: list[tuple[str, bool]] = []
    seen = asyncio.Event()

    async def typing(_self: object, conversation: str, *, on: bool) -> None:
        shown.append((conversation, on))
        if len(shown) == 2:
            seen.set()
            raise Retryable("it types already")

    async def think(_text: str) -> dict[str, str]:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(seen.wait(), 10 if mode == "first" else 0.1)
        return {"text": "at six"}

    scene.channel_class.typing = typing  # type: ignore[attr-defined] # this channel can show it
    scene.vendors.replies = 5
    scene.brain.answer = think
    async with scene.running():
        await scene.customer("when do you close?")
        assert shown == ([("ann", True)] * 2 if mode == "first" else [])
        assert scene.vendors.left["ann"] == (4 if mode == "first" else 5)
        assert len(scene.heard()) == (mode == "first")
