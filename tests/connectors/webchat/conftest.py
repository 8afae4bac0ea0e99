from collections.abc import AsyncIterator

import pytest

from tests.connectors.webchat.webchat_rig import WebchatRig, opened


@pytest.fixture
async def rig() -> AsyncIterator[WebchatRig]:
    async with opened() as found:
        yield found
