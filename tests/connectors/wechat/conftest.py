from collections.abc import AsyncIterator

import pytest

from bridge.testing.clock import VirtualClock
from bridge.testing.rig import lend_account
from connectors.wechat import WeChat
from connectors.wechat.simulator import Simulator


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def platform(clock: VirtualClock) -> AsyncIterator[Simulator]:
    async with Simulator(clock=clock, push_timeout=0.1) as simulator:
        yield simulator


@pytest.fixture
async def wechat(platform: Simulator, clock: VirtualClock) -> AsyncIterator[WeChat]:
    async with lend_account(home=platform.base, clock=clock, timeout=2.0) as account:
        yield WeChat(WeChat.Config(**platform.settings()), account)
