"""An account that no route leads on from offers visitors nothing: what they write there would reach nobody."""

import dataclasses

import pytest

from bridge.testing.clock import VirtualClock
from bridge.testing.rig import lend_account
from tests.connectors.webchat.webchat_rig import PUBLIC, Place


@pytest.mark.parametrize(("roles", "chat"), [({"desk"}, 404), ({"channel", "desk"}, 200), ({"channel"}, 200)])
async def test_the_chat_is_served_where_a_route_leads_on(roles: set[str], chat: int) -> None:
    clock = VirtualClock()
    async with lend_account("site", clock=clock, public_url=PUBLIC) as account:
        place = Place(dataclasses.replace(account, roles=frozenset(roles)), clock)
        client = place.client()
        assert (await client.get("/chat/site/")).status_code == chat
        assert (await client.post("/chat/site/v1/sessions", json={})).status_code == chat
        assert (await client.get("/desk/site/")).status_code == 200
        facts = (await place.chat.check()).facts
        assert ("page" in facts) == (chat == 200)
        await client.aclose()
