from collections.abc import AsyncIterator

import pytest
from freshdesk_rig import Bench

from bridge.testing.clock import VirtualClock
from bridge.testing.rig import lend_account
from connectors.freshdesk import Freshdesk
from connectors.freshdesk.simulator import Simulator


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def desk(clock: VirtualClock) -> AsyncIterator[Simulator]:
    async with Simulator(clock=clock) as simulator:
        yield simulator


@pytest.fixture
async def bench(desk: Simulator, clock: VirtualClock) -> AsyncIterator[Bench]:
    async with lend_account("desk2", home=desk.base, clock=clock, timeout=2.0) as account:
        yield Bench(desk, clock, account, Freshdesk(Freshdesk.Config(**desk.settings()), account))
