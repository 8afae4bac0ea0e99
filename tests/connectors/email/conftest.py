import pytest
from mail_rig import make_rig


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def desk():
    async with make_rig() as rig:
        yield rig


@pytest.fixture
async def channel():
    async with make_rig(role="channel") as rig:
        yield rig
