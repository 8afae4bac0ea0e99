"""`Engine.idle` returns when nothing moves, and not before."""

import asyncio
from typing import Any

import pytest

from bridge.contract import Retryable, Step
from tests.engine.engine_harness import Scene

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def idle(scene: Scene) -> asyncio.Task[None]:
    assert scene.bridge is not None and scene.bridge.engine is not None
    return asyncio.create_task(scene.bridge.engine.idle())


async def test_what_was_kept_is_at_the_desk_when_it_returns(scene: Scene) -> None:
    async with scene.running():
        for number in range(20):
            await scene.says(f"customer {number % 3}", f"word {number}")
            if number % 4 == 3:
                await idle(scene)
                said = [text for ticket in scene.vendors.tickets for text in scene.vendors.visible(ticket)]
                assert len(said) == number + 1


@pytest.mark.parametrize("where", ["deliver", "collect"])
async def test_it_waits_for_what_a_vendor_has_in_hand(scene: Scene, where: str) -> None:
    came, go = asyncio.Event(), asyncio.Event()

    async def trouble(_account: str, step: Step, phase: str) -> None:
        if phase == "before" and (step.verb == "collect") == (where == "collect"):
            came.set()
            await go.wait()

    async with scene.running():
        await idle(scene)
        scene.vendors.trouble = trouble
        if where == "deliver":
            await scene.says("anna", "hello")
        else:
            scene.look()
        await came.wait()
        waiting = idle(scene)
        await asyncio.sleep(0.6)  # longer than the loops wait before they look again
        assert not waiting.done()
        go.set()
        await asyncio.wait_for(waiting, 10)


async def test_what_is_not_due_is_not_waited_for(scene: Scene) -> None:
    def trouble(_account: str, step: Step, phase: str) -> Any:
        if step.verb == "comment" and phase == "before":
            raise Retryable("come again", certain=True)

    scene.vendors.trouble = trouble
    async with scene.running():
        await scene.says("anna", "hello")
        await asyncio.wait_for(idle(scene), 10)
        assert not scene.vendors.tickets
        scene.vendors.trouble = None
        await scene.pass_time(minutes=10)
        await asyncio.wait_for(idle(scene), 10)
        assert scene.vendors.visible(scene.only_ticket) == ["hello"]
