from collections.abc import AsyncIterator

import pytest

from tests.connectors.webchat.webchat_rig import Place, opened


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with opened() as found:
        yield found
