"""The main job in memory: there and back, in order, once."""

from tests.engine.engine_harness import Scene


async def test_there_and_back(scene: Scene) -> None:
    async with scene.running():
        await scene.says("anna", "hello")
        await scene.quiet()
        assert scene.vendors.visible(scene.only_ticket) == ["hello"]
        scene.vendors.agent_says(scene.only_ticket, "how can I help?")
        scene.vendors.agent_says(scene.only_ticket, "internal", private=True)
        scene.look()
        await scene.until(lambda: scene.vendors.phones.get("anna"))
        await scene.quiet()
        assert [said.text for said in scene.vendors.phones["anna"]] == ["how can I help?"]


async def test_a_repeated_callback_is_one_message(scene: Scene) -> None:
    async with scene.running():
        raw = await scene.says("anna", "once")
        await scene.push(raw)
        await scene.push(raw)
        await scene.quiet()
        await scene.push(raw)
        await scene.quiet()
        assert scene.vendors.visible(scene.only_ticket) == ["once"]


async def test_a_burst_keeps_its_order(scene: Scene) -> None:
    async with scene.running():
        for number in range(30):
            await scene.says("anna", f"line {number}")
        await scene.quiet()
        assert scene.vendors.visible(scene.only_ticket) == [f"line {number}" for number in range(30)]


async def test_customers_do_not_share_tickets(scene: Scene) -> None:
    async with scene.running():
        for number in range(3):
            for customer in ("anna", "bert", "Anna"):
                await scene.says(customer, f"{customer} {number}")
        await scene.quiet()
        assert {ticket.customer: scene.vendors.visible(ticket.id) for ticket in scene.vendors.tickets.values()} == {
            customer: [f"{customer} {number}" for number in range(3)] for customer in ("anna", "bert", "Anna")
        }
