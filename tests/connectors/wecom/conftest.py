from collections.abc import AsyncIterator

import pytest

from bridge.testing.clock import VirtualClock
from bridge.testing.rig import lend_account
from connectors.wecom import WeCom
from connectors.wecom.simulator import Simulator


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def platform(clock: VirtualClock) -> AsyncIterator[Simulator]:
    async with Simulator(clock=clock, push_timeout=0.1) as simulator:
        yield simulator


@pytest.fixture
async def wecom(platform: Simulator, clock: VirtualClock) -> AsyncIterator[WeCom]:
    async with lend_account(home=platform.base, clock=clock, timeout=2.0) as account:
        yield WeCom(WeCom.Config(**platform.settings()), account)
