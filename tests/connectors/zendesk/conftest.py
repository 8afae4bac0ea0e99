from collections.abc import AsyncIterator

import pytest

from bridge.testing.clock import VirtualClock
from bridge.testing.rig import lend_account
from connectors.zendesk import Zendesk
from connectors.zendesk.simulator import Simulator


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def vendor(clock: VirtualClock) -> AsyncIterator[Simulator]:
    async with Simulator(clock=clock) as simulator:
        yield simulator


@pytest.fixture
async def zendesk(vendor: Simulator, clock: VirtualClock) -> AsyncIterator[Zendesk]:
    async with lend_account("support", home=vendor.base, clock=clock, timeout=2.0) as account:
        yield Zendesk(Zendesk.Config(**vendor.settings()), account)
