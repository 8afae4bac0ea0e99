from collections.abc import AsyncIterator

import pytest

from bridge.testing.clock import VirtualClock
from bridge.testing.rig import lend_account
from connectors.chatwoot import Chatwoot
from connectors.chatwoot.simulator import Simulator


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def site(clock: VirtualClock) -> AsyncIterator[Simulator]:
    async with Simulator(clock=clock) as simulator:
        yield simulator


@pytest.fixture
async def chatwoot(site: Simulator, clock: VirtualClock) -> AsyncIterator[Chatwoot]:
    async with lend_account(home=site.base, clock=clock, timeout=2.0) as account:
        yield Chatwoot(Chatwoot.Config(**site.settings()), account)
