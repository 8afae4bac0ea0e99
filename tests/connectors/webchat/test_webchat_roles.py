"""An account that no route leads on from offers visitors nothing: what they write there would reach nobody."""

import dataclasses

import pytest

from bridge.contract import Contact, Step, Target
from bridge.testing.clock import VirtualClock
from bridge.testing.rig import lend_account
from tests.connectors.webchat.webchat_rig import PUBLIC, WebchatRig

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0"


@pytest.mark.parametrize(("roles", "chat"), [({"desk"}, 404), ({"channel", "desk"}, 200), ({"channel"}, 200)])
async def test_the_chat_is_served_where_a_route_leads_on(roles: set[str], chat: int) -> None:
    clock = VirtualClock()
    async with lend_account("site", clock=clock, public_url=PUBLIC) as account:
        rig = WebchatRig(dataclasses.replace(account, roles=frozenset(roles)), clock)
        client = rig.client()
        assert (await client.get("/chat/site/")).status_code == chat
        assert (await client.post("/chat/site/v1/sessions", json={})).status_code == chat
        assert (await client.get("/desk/site/")).status_code == 200
        facts = (await rig.chat.check()).facts
        assert ("page" in facts) == (chat == 200)
        await client.aclose()


async def test_a_desk_alone_shows_the_files_on_its_tickets() -> None:
    """Visitors have no chat there, and agents see what customers of other channels sent."""
    clock = VirtualClock()
    async with lend_account("site", clock=clock, public_url=PUBLIC) as account:
        rig = WebchatRig(dataclasses.replace(account, roles=frozenset({"desk"})), clock)
        step = Step(
            verb="comment",
            body={"from": {"kind": "customer", "name": ""}, "text": "look", "files": [{"place": 0, "kind": "image"}]},
            media=(await account.media.keep(PNG, name="a.png"),),
            covers=("m-1",),
        )
        receipt = await rig.chat.deliver(step, Target(key="k-1", link="l-1", contact=Contact(id="c-1")))
        office = rig.chat._office
        entry = (await office.tickets.entries(receipt.conversation, 0, 10))[0]
        client = rig.client()
        answer = await client.get(office.files.linked(entry)["attachments"][0]["url"])
        assert (answer.status_code, answer.content) == (200, PNG)
        await client.aclose()
