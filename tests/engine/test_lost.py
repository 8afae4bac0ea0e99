"""A step that ends the process is not tried for ever."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bridge.contract import Retryable, WindowClosed
from bridge.engine.conversation.notices import say
from mappings.sql import table
from mappings.tables import Outbox
from tests.engine.engine_harness import Scene
from tests.engine.test_trouble import answered, once, phone

_outbox = table(Outbox)


def change(tx: Any, **values: Any) -> None:
    tx.execute(update(_outbox).where(_outbox.c.state == "ready").values(values))


def last(tx: Any) -> Any:
    return tx.execute(select(_outbox).where(_outbox.c.account == "shop").order_by(_outbox.c.id.desc())).first()


@pytest.mark.parametrize(("begun", "state"), [(0, "dead"), (4, "unconfirmed")])
async def test_a_step_that_ends_the_process_is_given_up_with_a_word(scene: Scene, begun: int, state: str) -> None:
    async with scene.running() as bridge:
        scene.vendors.trouble = once(Retryable("busy"), "shop")
        await answered(scene, "answer")
        await bridge.store.write(change, claims=5, attempts=begun)
        await scene.pass_time(40)
        await scene.quiet()
        await scene.pass_time(3)
        await scene.quiet()
        assert (await bridge.store.read(last)).state == state and phone(scene) == []
        assert any("answer" in note for note in scene.vendors.notes(scene.only_ticket))


async def test_losses_are_counted_on(scene: Scene) -> None:
    scene.options["uncertain"] = "retry"
    async with scene.running() as bridge:
        scene.vendors.trouble = once(Retryable("busy"), "shop")
        await answered(scene, "answer")
        now = scene.clock()
        past = now - timedelta(seconds=1)
        later = now + timedelta(hours=1)
        await bridge.store.write(change, claims=3, begun_at=past, lease="gone", lease_until=past, due_at=later)
        await scene.pass_time(1)
        assert (await bridge.store.read(last)).claims == 3


async def test_behind_an_answer_that_waits_for_the_customer_nothing_is_said_to_be_tried_again(scene: Scene) -> None:
    """Steps rendered together: the platform refuses the first, the others wait behind it."""
    async with scene.running():
        scene.vendors.trouble = once(WindowClosed("spent", code="45047", spent=True), "shop")
        await answered(scene, "one¶two¶three")
        for _ in range(4):
            await scene.pass_time(6)
            await scene.quiet()
        (note,) = scene.vendors.notes(scene.only_ticket)
        assert note.startswith(say("en", "window.spent", channel="shop")[:20]) and phone(scene) == []
