"""A desk's own button beside a failed answer: that answer goes again, and nothing else."""

from bridge.contract import Rejected, Retried, Step
from bridge.engine.inbound.desk_events import retried
from tests.engine.engine_harness import Scene


async def pressed(scene: Scene, message: str) -> None:
    assert scene.bridge is not None and scene.bridge.engine is not None
    connected = scene.bridge.runtime.accounts["desk"]
    event = Retried(conversation=scene.only_ticket, message=message)
    await scene.bridge.engine.act(lambda work: retried(work, connected, event))
    await scene.quiet()


def heard(scene: Scene) -> list[str]:
    return [said.text for said in scene.vendors.phones.get("Anna", [])]


async def test_what_failed_goes_again_and_nothing_else(scene: Scene) -> None:
    refused = {"one", "two"}

    def trouble(account: str, step: Step, phase: str) -> None:
        if account == "shop" and phase == "before" and any(word in str(step.body) for word in refused):
            raise Rejected("no")

    async with scene.running():
        await scene.says("Anna", "hello")
        await scene.quiet()
        scene.vendors.trouble = trouble
        one, _two, three = (scene.vendors.agent_says(scene.only_ticket, text) for text in ("one", "two", "three"))
        scene.look()
        await scene.collected()
        await scene.quiet()
        assert heard(scene) == ["three"]
        await pressed(scene, one)  # and is refused once more
        assert heard(scene) == ["three"]
        refused.clear()
        await pressed(scene, one)
        assert heard(scene) == ["three", "one"]
        for message in (one, three, "c999"):  # it arrived; it never failed; nobody knows it
            await pressed(scene, message)
        assert heard(scene) == ["three", "one"]
