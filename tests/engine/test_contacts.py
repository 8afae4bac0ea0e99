"""What a channel tells of its people reaches the tickets."""

import json

from bridge.contract import Contact, ContactChanged
from bridge.engine.inbound.contact_events import contact_changed
from mappings import links, people
from tests.engine.engine_harness import Scene


async def changed(scene: Scene, account: str = "shop", into: str = "", **profile: object) -> None:
    assert scene.bridge is not None and scene.bridge.engine is not None
    connected = scene.bridge.runtime.accounts[account]
    event = ContactChanged(contact=Contact.model_validate(profile), merged_into=into)
    await scene.bridge.engine.act(lambda work: contact_changed(work, connected, event))
    await scene.quiet()


async def test_a_new_profile_is_the_tickets_at_once_and_agents_read_of_it(scene: Scene) -> None:
    async with scene.running() as bridge:
        await scene.says("Anna", "hello")
        await scene.quiet()
        await changed(scene, id="Anna", name="Anna B", email="anna@acme.example", extra={"follows": "yes"})
        await changed(scene, id="Anna", extra={"follows": "no"})
        await changed(scene, id="Anna", extra={"follows": "no"})  # no news
        notes = [one.text for one in scene.vendors.tickets[scene.only_ticket].entries if one.who == "note"]
        said = "The customer's profile changed. "
        assert notes == [f"{said}name: Anna B, email: anna@acme.example, follows: yes", f"{said}follows: no"]
        link = await bridge.store.read(links.get_link, 1)
        kept = Contact.model_validate_json(link.contact)
        assert (kept.name, kept.email, kept.extra) == ("Anna B", "anna@acme.example", {"follows": "no"})
        profile = json.loads((await bridge.store.write(people.know, "shop", "Anna", "", "", scene.clock())).profile)
        assert profile["name"] == "Anna B"


async def test_two_customers_that_the_platform_made_one_are_one_person(scene: Scene) -> None:
    async with scene.running() as bridge:
        for name in ("Anna", "Ann"):
            await scene.says(name, "hello")
        await scene.quiet()
        await changed(scene, id="Ann", into="Anna")
        await changed(scene, id="Ann", into="Anna")
        one, other = [(await bridge.store.read(links.get_link, number)).person_id for number in (1, 2)]
        assert one == other


async def test_a_desks_user_changes_without_a_word(scene: Scene) -> None:
    async with scene.running():
        await scene.says("Anna", "hello")
        await scene.quiet()
        await changed(scene, "desk", id="peer-1", name="Customer A")
        assert [one.who for one in scene.vendors.tickets[scene.only_ticket].entries] == ["customer"]
